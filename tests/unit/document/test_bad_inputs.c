#include "document_testing.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *text;
    const char *want; /* part of the messages */
} rows[] = {
    /* broken YAML */
    {"a: b: c", "t:1:5: not YAML: "},
    {"a:\n\t- b", "t:2:1: not YAML: "},
    {"a: [1, 2", "not YAML: "},
    {"a: \"x", "t:1:6: not YAML: "},
    {"a: 1\n b: 2", "t:2:3: not YAML: "},
    {"a: @x", "t:1:4: not YAML: "},
    {"%YAML 3.0\n---\na: 1", "not YAML: "},
    {"a: \x01", "t:1:4: "},
    {"a: \"\\0\"", "t:1:4: \\0 was found"},
    {"{{ .Values.x }}", "t:1:2: '{' was found; expected a key in double quotes (is this a template? Render it first)"},
    {"a: {{ x }}", "is this a template? Render it first"},
    {"? [a]\n: b", "t:1:3: a list was found; expected a key"},
    /* twice the same key */
    {"a: 1\nb: 2\na: 3", "t:3:1: key \"a\" is given twice (first in line 1); expected once"},
    {"{\"a\": {\"b\": 1,\n \"b\": 2}}", "t:2:2: key \"b\" is given twice (first in line 1); expected once"},
    /* aliases and tags */
    {"a: *x", "t:1:4: alias *x has no anchor &x before it"},
    {"a: &x [*x]", "t:1:8: alias *x lies inside of its own anchor"},
    {"a: &x 1\n---\nb: *x", "t:3:4: alias *x has no anchor &x before it"},
    {"a: !Ref x", "t:1:4: tag !Ref was found"},
    {"a: !!binary eA==", "t:1:4: tag tag:yaml.org,2002:binary was found"},
    {"<<: 5", "t:1:1: the merge key << takes a map or a list of maps"},
    {"<<: [{a: 1}, 5]", "t:1:1: the merge key << takes a map or a list of maps"},
    /* broken JSON */
    {"{\"a\":1,}", "t:1:8: '}' was found; expected a key in double quotes"},
    {"[1,]", "t:1:4: ']' was found; expected a value"},
    {"{\"a\" 1}", "t:1:6: '1' was found; expected ':'"},
    {"{\"a\":1", "t:1:7: the text ends here; expected ',' or '}'"},
    {"{\"a\":", "t:1:6: the text ends here; expected a value"},
    {"{a:1}", "t:1:2: 'a' was found; expected a key in double quotes"},
    {"[1 2]", "t:1:4: '2' was found; expected ',' or ']'"},
    {"[01]", "expected a number without leading zeros"},
    {"[1.]", "t:1:4: ']' was found; expected a digit"},
    {"[.5]", "t:1:2: '.' was found; expected a value"},
    {"[+5]", "t:1:2: '+' was found; expected a value"},
    {"[1e]", "t:1:4: ']' was found; expected a digit"},
    {"[-]", "t:1:3: ']' was found; expected a digit"},
    {"[nan]", "t:1:2: 'n' was found; expected a value"},
    {"[\"\n\"]", "t:1:3: byte 0x0a was found; expected a text without raw control characters"},
    {"[\"\\x\"]", "t:1:3: '\\' was found; expected an escape"},
    {"[\"\\u12g4\"]", "t:1:3: '\\' was found; expected an escape"},
    {"[\"\\u0000\"]", "t:1:3: \\u0000 was found; expected a text without NUL"},
    {"[\"abc", "t:1:2: this text has no end"},
    {"{}\nx", "t:2:1: 'x' was found; expected '{', '[' or the end of the text"},
    {"[1}", "t:1:3: '}' was found; expected ',' or ']'"},
    /* not text */
    {"\xff\xfe"
     "a",
     "t:1:1: this is UTF-16"},
    {"a: \xc3(", "t:1:4: byte 0xc3 is not UTF-8"},
    {"a: \xc0\xaf", "t:1:4: byte 0xc0 is not UTF-8"},
    {"a: \xed\xa0\x80", "t:1:4: byte 0xed is not UTF-8"},
    {"a: \xf4\x90\x80\x80", "t:1:4: byte 0xf4 is not UTF-8"},
    {"\xc3\xa9: 1\n\xc3\xa9: \xe2\x82", "t:2:4: byte 0xe2 is not UTF-8"},
};

Test(bad_input, is_refused_with_place_and_expectation)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect_failure(rows[i].text, strlen(rows[i].text), rows[i].want);
}

Test(bad_input, nul_bytes)
{
    expect_failure("abcdefghij: 1\nb: \0\n", 19, "t:2:4: a NUL byte was found");
    expect_failure("\x7f"
                   "ELF\x02\x01\x01\0\0\0",
                   10, "t:1:8: a NUL byte was found");
}

Test(bad_input, deep_nesting)
{
    for (int is_yaml = 0; is_yaml < 2; is_yaml++) {
        for (int depth = 100; depth <= 101; depth++) {
            struct kerf_text text = {0};
            kerf_text_append(&text, is_yaml ? "- " : "");
            for (int i = is_yaml; i < depth; i++)
                kerf_text_append(&text, "[");
            for (int i = is_yaml; i < depth; i++)
                kerf_text_append(&text, "]");
            if (depth == 100) {
                struct reading reading = reading_of(text.bytes);
                cr_expect_eq(reading.status, KERF_OK);
                reading_close(&reading);
            } else {
                expect_failure(text.bytes, text.length, "values are nested more than 100 deep");
            }
            kerf_text_fini(&text);
        }
    }
}

Test(bad_input, aliases_that_grow)
{
    struct kerf_text text = {0};
    kerf_text_append(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 10; i++) {
        kerf_text_append_format(&text, "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++)
            kerf_text_append_format(&text, "%s*a%d", j ? ", " : "", i - 1);
        kerf_text_append(&text, "]\n");
    }
    expect_failure(text.bytes, text.length, "aliases grow this file beyond 1000000 values");
    kerf_text_clear(&text);
    kerf_text_append(&text, "a0: &a0 [x]\n");
    for (int i = 1; i < 101; i++)
        kerf_text_append_format(&text, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    expect_failure(text.bytes, text.length, "with this alias, values are nested more than 100 deep");
    kerf_text_fini(&text);
}

Test(bad_input, several_errors_are_reported)
{
    struct reading reading = reading_of("a: 1\na: 2\nb: {c: 1, c: 2}\n");
    cr_expect_eq(kerf_errors_count(reading.errs), 2);
    reading_close(&reading);
}

/* ---- files ---- */

static char folder[] = "/tmp/kerf-test-XXXXXX";

static void write_file(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
}

static void remove_folder(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(files, .init = make_folder, .fini = remove_folder);

static void expect_files(const char *const *paths, size_t path_count, enum kerf_status want_status, size_t want_documents,
                         const char *want_messages)
{
    struct reading reading = {.documents = kerf_documents_new(), .errs = kerf_errors_new()};
    reading.status = kerf_documents_read_files(reading.documents, paths, path_count, reading.errs);
    cr_expect_eq(reading.status, want_status);
    cr_expect_eq(reading.documents->list.count, want_documents);
    cr_expect_str_eq(reading_messages(&reading), want_messages);
    reading_close(&reading);
}

#define PATHS(...) ((const char *const[]){__VA_ARGS__}), sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)

Test(files, missing_empty_and_right_ones)
{
    write_file("empty.yaml", "");
    write_file("comment.yaml", "# nothing\n---\n");
    write_file("right.yaml", "a: 1\n---\nb: 2\n");
    expect_files(PATHS("missing.yaml", "right.yaml", "empty.yaml", "comment.yaml", "right.yaml"), KERF_E_INPUT, 4,
                 "missing.yaml: cannot be opened: No such file or directory\n"
                 "empty.yaml: is empty; expected a YAML or JSON document\n"
                 "comment.yaml: holds no document, only blanks or comments; expected a YAML or JSON document\n");
    expect_files(PATHS("right.yaml"), KERF_OK, 2, "");
    expect_files(PATHS(""), KERF_E_INPUT, 0, "cannot be opened: No such file or directory\n");
}

Test(files, directories_are_read_in_the_order_of_names)
{
    cr_assert_eq(mkdir("d", 0755), 0);
    expect_files(PATHS("d"), KERF_E_INPUT, 0, "d: this directory holds no *.yaml, *.yml or *.json\n");
    write_file("d/b.yml", "name: b\n");
    write_file("d/a.yaml", "name: a\n");
    write_file("d/c.json", "{\"name\": \"c\"}");
    write_file("d/empty.yaml", "# nothing here\n");
    write_file("d/notes.txt", "not: [read");
    write_file("d/.hidden.yaml", "not: [read");
    struct kerf_documents *documents = kerf_documents_new();
    struct kerf_errors *errs = kerf_errors_new();
    cr_assert_eq(kerf_documents_read_files(documents, PATHS("d/"), errs), KERF_OK);
    cr_assert_eq(documents->list.count, 3);
    static const char *const want[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++)
        cr_expect_str_eq(kerf_value_get_text_or(&documents->list.items[i]->root, "name", "?"), want[i]);
    cr_expect_str_eq(documents->list.items[1]->file, "d/b.yml");
    kerf_documents_free(documents);
    kerf_errors_free(errs);
}

Test(files, unreadable_ones)
{
    write_file("secret.yaml", "a: 1\n");
    cr_assert_eq(chmod("secret.yaml", 0), 0);
    if (geteuid() == 0)
        cr_skip_test("the super-user may read everything");
    expect_files(PATHS("secret.yaml"), KERF_E_INPUT, 0, "secret.yaml: cannot be opened: Permission denied\n");
}

Test(files, a_read_that_breaks_off_is_the_machines_fault)
{
    /* Reading a process' own memory at address 0 fails with EIO after a successful open. */
    expect_files(PATHS("/proc/self/mem"), KERF_E_IO, 0, "/proc/self/mem: reading failed after 0 bytes: Input/output error\n");
}

Test(files, standard_input)
{
    write_file("in.yaml", "a: [1\n");
    int descriptor = open("in.yaml", O_RDONLY);
    cr_assert_geq(dup2(descriptor, STDIN_FILENO), 0);
    struct kerf_documents *documents = kerf_documents_new();
    struct kerf_errors *errs = kerf_errors_new();
    cr_expect_eq(kerf_documents_read_files(documents, PATHS("-"), errs), KERF_E_INPUT);
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    kerf_errors_print(errs, stream);
    fclose(stream);
    cr_expect_eq(strncmp(text, "<stdin>:2:1: not YAML", 21), 0, "%s", text);
    free(text);
    kerf_documents_free(documents);
    kerf_errors_free(errs);
}

Test(files, csv_of_a_directory)
{
    struct kerf_csv *csv = NULL;
    struct kerf_errors *errs = kerf_errors_new();
    cr_expect_eq(kerf_csv_read_file(folder, ',', &csv, errs), KERF_E_INPUT);
    cr_expect_eq(kerf_csv_read_file("missing.csv", ',', &csv, errs), KERF_E_INPUT);
    cr_expect_null(csv);
    write_file("a.csv", "x,y\n1,2\n");
    cr_assert_eq(kerf_csv_read_file("a.csv", ',', &csv, errs), KERF_OK);
    cr_expect_eq(kerf_csv_row_count(csv), 1);
    kerf_csv_free(csv);
    kerf_errors_free(errs);
}

Test(paths, beside_a_file)
{
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    cr_expect_str_eq(kerf_path_beside(&arena, "a/b.yaml", "c.yaml"), "a/c.yaml");
    cr_expect_str_eq(kerf_path_beside(&arena, "b.yaml", "c.yaml"), "c.yaml");
    cr_expect_str_eq(kerf_path_beside(&arena, "/b.yaml", "../c.yaml"), "/../c.yaml");
    cr_expect_str_eq(kerf_path_beside(&arena, "a/b.yaml", "/c.yaml"), "/c.yaml");
    kerf_arena_fini(&arena);
}
