#include "cli/command.h"

#include <stdio.h>
#include <string.h>

#include "cli/options.h"

int kerf_exit_of(enum kerf_status status)
{
    switch (status) {
    case KERF_OK:
        return KERF_EXIT_DONE;
    case KERF_E_INPUT:
        return KERF_EXIT_INPUT;
    case KERF_E_IO:
        break;
    }
    return KERF_EXIT_MACHINE;
}

static void print_commands(const char *program, const char *about, const struct kerf_command *commands)
{
    printf("Usage: %s COMMAND [OPTION]...\n%s\n\n", program, about);
    for (size_t i = 0; commands[i].name != NULL; i++)
        printf("  %-10s  %s\n", commands[i].name, commands[i].summary);
    printf("\n'%s COMMAND --help' says more about a command.\n", program);
}

int kerf_command_dispatch(const char *program, const char *about, const struct kerf_command *commands, int argc, char **argv,
                          struct kerf_errors *errs)
{
    if (argc < 2)
        return kerf_usage_error(program, "a command is missing");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_commands(program, about, commands);
        return KERF_EXIT_DONE;
    }
    for (size_t i = 0; commands[i].name != NULL; i++)
        if (strcmp(commands[i].name, argv[1]) == 0)
            return commands[i].run(argc - 1, argv + 1, errs);
    return kerf_usage_error(program, argv[1][0] == '-' ? "unknown option %s" : "unknown command \"%s\"", argv[1]);
}
