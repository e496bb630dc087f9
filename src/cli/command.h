/**
 * command: what every command of the program has in common: its row in a table, its exit codes, and how rows are found.
 *
 * A new command is one file cmd_<name>.c, its declaration here and its row in main.c.
 */
#ifndef KERF_CLI_COMMAND_H
#define KERF_CLI_COMMAND_H

#include "kerf/status.h"

enum {
    KERF_EXIT_DONE = 0,
    KERF_EXIT_NO = 1,      /* done, and the answer is no: pods left over, nothing to do, a check that failed */
    KERF_EXIT_USAGE = 2,   /* the command line is wrong */
    KERF_EXIT_INPUT = 3,   /* someone's file is wrong */
    KERF_EXIT_MACHINE = 4, /* a file could not be read or written, memory ran out */
};

/**
 * argv[0] is the command's own name. Results go to stdout, usage errors to stderr at once; what was wrong with the input goes
 * into `errs`, which main prints at the end. The exit code of errors in `errs` is main's business too: a command that meets one
 * may simply return kerf_exit_of(status).
 */
typedef int (*kerf_command_function)(int argc, char **argv, struct kerf_errors *errs);

struct kerf_command {
    const char *name;
    const char *summary; /* for the list of commands: one line, no full stop */
    kerf_command_function run;
};

int kerf_exit_of(enum kerf_status status);

/**
 * Runs the row that argv[1] names; a command with commands of its own (kerf vpc max-pods) uses it with a table of its own.
 * commands: ends with a row of NULLs. program: the words before, e.g. "kerf vpc". about: what --help says first.
 */
int kerf_command_dispatch(const char *program, const char *about, const struct kerf_command *commands, int argc, char **argv,
                          struct kerf_errors *errs);

/* one line a command: int kerf_cmd_<name>(int argc, char **argv, struct kerf_errors *errs); */
int kerf_cmd_run(int argc, char **argv, struct kerf_errors *errs);
int kerf_cmd_compare(int argc, char **argv, struct kerf_errors *errs);
int kerf_cmd_disrupt(int argc, char **argv, struct kerf_errors *errs);
int kerf_cmd_autoscale(int argc, char **argv, struct kerf_errors *errs);
int kerf_cmd_catalog(int argc, char **argv, struct kerf_errors *errs);
int kerf_cmd_pack(int argc, char **argv, struct kerf_errors *errs);
int kerf_cmd_plan(int argc, char **argv, struct kerf_errors *errs);
int kerf_cmd_schedule(int argc, char **argv, struct kerf_errors *errs);
int kerf_cmd_check(int argc, char **argv, struct kerf_errors *errs);
int kerf_cmd_vpc(int argc, char **argv, struct kerf_errors *errs);

#endif
