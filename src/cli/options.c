#include "cli/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"

const char *const kerf_formats_text_json[] = {"text", "json", NULL};
const char *const kerf_formats_text_json_csv[] = {"text", "json", "csv", NULL};

enum { HELP_COLUMN = 30, NAME_BYTES_MAX = 200 };

void kerf_option_list_free(struct kerf_option_list *list)
{
    free(list->items);
    *list = (struct kerf_option_list){0};
}

int kerf_usage_error(const char *command, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", command);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\nTry '%s --help'.\n", command);
    va_end(arguments);
    return KERF_EXIT_USAGE;
}

/* ---- help ------------------------------------------------------------------------------------------------------------- */

static void print_help_text(const char *text, int column)
{
    for (const char *byte = text; *byte != '\0'; byte++) {
        putchar(*byte);
        if (*byte == '\n')
            printf("%*s", column, "");
    }
    putchar('\n');
}

static void print_option(const struct kerf_option *option)
{
    int width = option->letter != 0 ? printf("  -%c, --%s", option->letter, option->name) : printf("      --%s", option->name);
    if (option->kind == KERF_OPTION_CHOICE && option->argument == NULL) {
        for (size_t i = 0; option->choices[i] != NULL; i++)
            width += printf("%c%s", i == 0 ? '=' : '|', option->choices[i]);
    } else if (option->kind != KERF_OPTION_FLAG) {
        width += printf("=%s", option->argument != NULL ? option->argument : "VALUE");
    }
    if (width >= HELP_COLUMN) {
        putchar('\n');
        width = 0;
    }
    printf("%*s", HELP_COLUMN - width, "");
    print_help_text(option->help, HELP_COLUMN);
}

static void print_help(const struct kerf_option_table *table)
{
    printf("Usage: %s [OPTION]...%s%s\n", table->command, table->operands != NULL ? " " : "",
           table->operands != NULL ? table->operands : "");
    printf("%s\n\n", table->about);
    for (size_t i = 0; i < table->option_count; i++)
        print_option(&table->options[i]);
    print_option(&(struct kerf_option){.name = "help", .letter = 'h', .kind = KERF_OPTION_FLAG, .help = "this text"});
    if (table->notes != NULL)
        printf("\n%s\n", table->notes);
}

/* ---- parsing ---------------------------------------------------------------------------------------------------------- */

static bool take_value(const struct kerf_option_table *table, const struct kerf_option *option, const char *spelled,
                       const char *value, int *out_exit)
{
    switch (option->kind) {
    case KERF_OPTION_FLAG:
        *(bool *)option->value = true;
        return true;
    case KERF_OPTION_TEXT:
        *(const char **)option->value = value;
        return true;
    case KERF_OPTION_LIST: {
        struct kerf_option_list *list = option->value;
        const char **items = realloc(list->items, (list->count + 1) * sizeof *items);
        if (items == NULL) {
            fprintf(stderr, "%s: out of memory\n", table->command);
            *out_exit = KERF_EXIT_MACHINE;
            return false;
        }
        items[list->count++] = value;
        list->items = items;
        return true;
    }
    case KERF_OPTION_COUNT: {
        char *end = NULL;
        errno = 0;
        long long number = value[0] >= '0' && value[0] <= '9' ? strtoll(value, &end, 10) : -1;
        if (number < 0 || errno != 0 || *end != '\0') {
            *out_exit = kerf_usage_error(table->command, "%s: \"%s\" is not a count (decimal digits, up to %lld)", spelled, value,
                                         (long long)INT64_MAX);
            return false;
        }
        *(int64_t *)option->value = number;
        return true;
    }
    case KERF_OPTION_CHOICE:
        for (int i = 0; option->choices[i] != NULL; i++) {
            if (strcmp(option->choices[i], value) == 0) {
                *(int *)option->value = i;
                return true;
            }
        }
        char names[NAME_BYTES_MAX] = "";
        size_t length = 0;
        for (int i = 0; option->choices[i] != NULL && length < sizeof names; i++)
            length += (size_t)snprintf(names + length, sizeof names - length, "%s%s", i == 0 ? "" : ", ", option->choices[i]);
        *out_exit = kerf_usage_error(table->command, "%s: \"%s\" is not one of %s", spelled, value, names);
        return false;
    }
    return false;
}

/* The row of a long name: spelled out, or the only one that begins so. NULL after a message. */
static const struct kerf_option *find_long(const struct kerf_option_table *table, const char *name, size_t length,
                                           bool *out_is_help, int *out_exit)
{
    static const struct kerf_option help_option = {.name = "help"};
    const struct kerf_option *found = NULL;
    size_t found_count = 0;
    for (size_t i = 0; i <= table->option_count; i++) {
        const struct kerf_option *option = i < table->option_count ? &table->options[i] : &help_option;
        if (strncmp(option->name, name, length) != 0)
            continue;
        found = option;
        if (option->name[length] == '\0') {
            found_count = 1;
            break;
        }
        found_count++;
    }
    if (found_count != 1 || length == 0) {
        *out_exit = kerf_usage_error(table->command, found_count > 1 ? "option --%.*s is ambiguous" : "unknown option --%.*s",
                                     (int)length, name);
        return NULL;
    }
    *out_is_help = found == &help_option;
    return found;
}

static bool parse_long(const struct kerf_option_table *table, int argc, char **argv, int *index, int *out_exit)
{
    const char *name = argv[*index] + 2;
    const char *equals = strchr(name, '=');
    bool is_help = false;
    const struct kerf_option *option =
        find_long(table, name, equals != NULL ? (size_t)(equals - name) : strlen(name), &is_help, out_exit);
    if (option == NULL)
        return false;
    if ((is_help || option->kind == KERF_OPTION_FLAG) && equals != NULL) {
        *out_exit = kerf_usage_error(table->command, "option --%s takes no value", option->name);
        return false;
    }
    if (is_help) {
        print_help(table);
        *out_exit = KERF_EXIT_DONE;
        return false;
    }
    char spelled[NAME_BYTES_MAX];
    snprintf(spelled, sizeof spelled, "--%s", option->name);
    const char *value = equals != NULL ? equals + 1 : NULL;
    if (value == NULL && option->kind != KERF_OPTION_FLAG) {
        if (*index + 1 >= argc) {
            *out_exit = kerf_usage_error(table->command, "option --%s needs a value", option->name);
            return false;
        }
        value = argv[++*index];
    }
    return take_value(table, option, spelled, value, out_exit);
}

static bool parse_letters(const struct kerf_option_table *table, int argc, char **argv, int *index, int *out_exit)
{
    for (const char *letter = argv[*index] + 1; *letter != '\0'; letter++) {
        const struct kerf_option *option = NULL;
        for (size_t i = 0; i < table->option_count && option == NULL; i++)
            if (table->options[i].letter == *letter)
                option = &table->options[i];
        if (option == NULL && *letter == 'h') {
            print_help(table);
            *out_exit = KERF_EXIT_DONE;
            return false;
        }
        if (option == NULL) {
            *out_exit = kerf_usage_error(table->command, "unknown option -%c", *letter);
            return false;
        }
        char spelled[] = {'-', *letter, '\0'};
        if (option->kind == KERF_OPTION_FLAG) {
            if (!take_value(table, option, spelled, NULL, out_exit))
                return false;
            continue;
        }
        if (letter[1] != '\0')
            return take_value(table, option, spelled, letter + 1, out_exit);
        if (*index + 1 >= argc) {
            *out_exit = kerf_usage_error(table->command, "option -%c needs a value", *letter);
            return false;
        }
        return take_value(table, option, spelled, argv[++*index], out_exit);
    }
    return true;
}

bool kerf_options_parse(const struct kerf_option_table *table, int argc, char **argv, struct kerf_operands *out_operands,
                        int *out_exit)
{
    int operand_count = 0;
    bool options_ended = false;
    for (int i = 1; i < argc; i++) {
        char *word = argv[i];
        if (options_ended || word[0] != '-' || word[1] == '\0')
            argv[operand_count++] = word; /* never ahead of i: argv[0] is free, and each word moves down */
        else if (strcmp(word, "--") == 0)
            options_ended = true;
        else if (word[1] == '-' ? !parse_long(table, argc, argv, &i, out_exit) : !parse_letters(table, argc, argv, &i, out_exit))
            return false;
    }
    size_t count = (size_t)operand_count;
    if (count < table->operand_min) {
        *out_exit = kerf_usage_error(table->command, "%s is missing", table->operands);
        return false;
    }
    if (count > table->operand_max) {
        *out_exit = kerf_usage_error(table->command, "unexpected operand \"%s\"", argv[table->operand_max]);
        return false;
    }
    *out_operands = (struct kerf_operands){argv, count};
    return true;
}
