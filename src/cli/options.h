/**
 * options: the command line after GNU habits, from a table. Parsing and --help both come from the same rows, so they cannot
 * disagree.
 *
 * Understood: --name VALUE, --name=VALUE, any unambiguous beginning of a long name, -x VALUE and -xVALUE, options after
 * operands, `--` to end the options, `-` as an operand, --help (-h) everywhere.
 */
#ifndef KERF_CLI_OPTIONS_H
#define KERF_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kerf_option_kind {
    KERF_OPTION_FLAG,   /* bool *: set to true; takes no value */
    KERF_OPTION_TEXT,   /* const char **: the last one given holds */
    KERF_OPTION_LIST,   /* struct kerf_option_list *: may be repeated */
    KERF_OPTION_COUNT,  /* int64_t *: a decimal number from 0 up */
    KERF_OPTION_CHOICE, /* int *: position in `choices` */
};

/** The values of an option that may be repeated, in order. All zero is empty; the texts are argv's. */
struct kerf_option_list {
    const char **items;
    size_t count;
};
void kerf_option_list_free(struct kerf_option_list *list);

struct kerf_option {
    const char *name; /* without the dashes */
    char letter;      /* one-letter form, 0: none */
    enum kerf_option_kind kind;
    const char *argument; /* what --help calls the value, e.g. "FILE"; a choice without one lists its choices */
    const char *help;     /* one sentence; a line break in it starts a new line of the help */
    void *value;
    const char *const *choices; /* KERF_OPTION_CHOICE: ends with NULL */
};

struct kerf_option_table {
    const char *command;  /* "kerf pack" */
    const char *operands; /* as the usage line shows them: "SCENARIO...", NULL: none are taken */
    const char *about;    /* what the command does: one or more lines */
    const char *notes;    /* after the options, e.g. the meaning of exit 1; NULL: none */
    const struct kerf_option *options;
    size_t option_count;
    size_t operand_min;
    size_t operand_max; /* SIZE_MAX: any number */
};

/** What is left of the command line; `items` are argv's own cells. */
struct kerf_operands {
    char **items;
    size_t count;
};

/**
 * Reads argv (argv[0] is the command's name; the operands are moved to the front) into the values of the table.
 *
 * Returns true when the command should go on. Otherwise *out_exit is what it should return: 0 after --help on stdout, 2 after a
 * message on stderr that says what was found and what was expected.
 */
bool kerf_options_parse(const struct kerf_option_table *table, int argc, char **argv, struct kerf_operands *out_operands,
                        int *out_exit);

/** A usage error that the table cannot see (two options that exclude each other): prints it like the others and returns 2. */
int kerf_usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** The same choice in every command: `int format = KERF_FORMAT_TEXT;` and the row KERF_OPTION_FORMAT(&format, kerf_formats). */
enum { KERF_FORMAT_TEXT, KERF_FORMAT_JSON, KERF_FORMAT_CSV };
extern const char *const kerf_formats_text_json[];
extern const char *const kerf_formats_text_json_csv[];
#define KERF_OPTION_FORMAT(variable, names)                                                                                      \
    {                                                                                                                            \
        .name = "format", .kind = KERF_OPTION_CHOICE, .value = (variable), .choices = (names),                                   \
        .help = "form of the answer (default: text)"                                                                             \
    }

#endif
