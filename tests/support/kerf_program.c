#include "kerf_program.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *read_all(FILE *stream)
{
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);
    char buffer[4096];
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, stream)) > 0;)
        fwrite(buffer, 1, got, memory);
    fclose(memory);
    return text;
}

struct program_result kerf_program_run(const char *arguments)
{
    const char *build = getenv("KERF_BUILD");
    char error_path[] = "/tmp/kerf-stderr-XXXXXX";
    int error_file = mkstemp(error_path);
    cr_assert_geq(error_file, 0);
    char command[4096];
    int length = snprintf(command, sizeof command, "%s/kerf %s </dev/null 2>%s", build != NULL ? build : "build/release",
                          arguments, error_path);
    cr_assert_lt(length, (int)sizeof command);
    FILE *pipe = popen(command, "r");
    cr_assert_not_null(pipe);
    struct program_result result = {.out = read_all(pipe)};
    int status = pclose(pipe);
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    FILE *errors = fdopen(error_file, "r");
    result.error = read_all(errors);
    fclose(errors);
    unlink(error_path);
    return result;
}

void program_result_free(struct program_result *result)
{
    free(result->out);
    free(result->error);
}
