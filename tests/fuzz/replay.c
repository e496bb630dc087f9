/** Gives each file named on the command line to a fuzz target, so that corpora are tested without libFuzzer. */
#include "fuzz_target.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argument_count, char **arguments)
{
    for (int i = 1; i < argument_count; i++) {
        FILE *file = fopen(arguments[i], "rb");
        uint8_t *data = malloc(1 << 20);
        if (!file || !data) {
            perror(arguments[i]);
            return 1;
        }
        LLVMFuzzerTestOneInput(data, fread(data, 1, 1 << 20, file));
        fclose(file);
        free(data);
    }
    printf("%d inputs replayed\n", argument_count - 1);
    return argument_count > 1 ? 0 : 1;
}
