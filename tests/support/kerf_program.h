/** kerf_program: the program as a user runs it. */
#ifndef KERF_TEST_KERF_PROGRAM_H
#define KERF_TEST_KERF_PROGRAM_H

struct program_result {
    int exit_code;
    char *out;   /* stdout */
    char *error; /* stderr */
};

/** Runs the kerf of this build with arguments as a shell splits them, without input. */
struct program_result kerf_program_run(const char *arguments);
void program_result_free(struct program_result *result);

#endif
