#include "document_testing.h"

static struct kerf_csv *csv_of(const char *text, char separator, struct kerf_errors *errs)
{
    struct kerf_csv *csv = NULL;
    enum kerf_status status = kerf_csv_read_bytes("t", text, strlen(text), separator, &csv, errs);
    cr_expect_eq(status == KERF_OK, csv != NULL);
    return csv;
}

Test(csv, cells_quotes_and_places)
{
    struct kerf_errors *errs = kerf_errors_new();
    struct kerf_csv *csv = csv_of(
        "\xef\xbb\xbfname,price,note\r\nm5.large,0.096,\"a \"\"b\"\", c\"\r\n\r\n\xc3\xa9,,\"two\nlines\"\nlast,1,x", ',', errs);
    cr_assert_not_null(csv);
    cr_expect_eq(kerf_csv_row_count(csv), 3);
    cr_expect_eq(kerf_csv_column_count(csv), 3);
    cr_expect_str_eq(kerf_csv_column_name(csv, 2), "note");
    cr_expect_eq(kerf_csv_find_column(csv, "price"), 1);
    cr_expect_eq(kerf_csv_find_column(csv, "Price"), KERF_NOT_FOUND);
    cr_expect_str_eq(kerf_csv_text(csv, 0, 0), "m5.large");
    cr_expect_str_eq(kerf_csv_text(csv, 0, 2), "a \"b\", c");
    cr_expect_str_eq(kerf_csv_text(csv, 1, 1), "");
    cr_expect_str_eq(kerf_csv_text(csv, 1, 2), "two\nlines");
    cr_expect_str_eq(kerf_csv_text(csv, 2, 2), "x");
    cr_expect_str_eq(kerf_csv_text(csv, 2, KERF_NOT_FOUND), "");
    struct kerf_place place = kerf_csv_place(csv, 1, 2);
    cr_expect_eq(place.line, 4);
    cr_expect_eq(place.column, 4);
    cr_expect_str_eq(place.path, "note");
    cr_expect_eq(kerf_csv_place(csv, 2, 0).line, 6);
    kerf_csv_free(csv);
    kerf_csv_free(NULL);
    kerf_errors_free(errs);
}

Test(csv, tabs_are_the_same)
{
    struct kerf_errors *errs = kerf_errors_new();
    struct kerf_csv *csv = csv_of("name\tcount\na,b\t3\n\t4\n", '\t', errs);
    cr_assert_not_null(csv);
    cr_expect_eq(kerf_csv_row_count(csv), 2);
    cr_expect_str_eq(kerf_csv_text(csv, 0, 0), "a,b");
    cr_expect_str_eq(kerf_csv_text(csv, 1, 0), "");
    kerf_csv_free(csv);
    kerf_errors_free(errs);
}

Test(csv, cells_are_read_as_what_is_expected)
{
    struct reading reading = {.errs = kerf_errors_new()};
    struct kerf_errors *errs = reading.errs;
    struct kerf_csv *csv = csv_of("a,b,c\n1,0.5,true\n,,\nx,y,z\n99,7,false\n", ',', errs);
    cr_assert_not_null(csv);
    int64_t whole = 5;
    double number = 5;
    bool flag = false;
    cr_expect_eq(kerf_csv_read_i64(csv, 0, 0, 0, 9, &whole, errs), KERF_OK);
    cr_expect_eq(kerf_csv_read_double(csv, 0, 1, 0, 1, &number, errs), KERF_OK);
    cr_expect_eq(kerf_csv_read_bool(csv, 0, 2, &flag, errs), KERF_OK);
    cr_expect(whole == 1 && number == 0.5 && flag);
    cr_expect_eq(kerf_csv_read_i64(csv, 1, 0, 0, 9, &whole, errs), KERF_OK);
    cr_expect_eq(kerf_csv_read_i64(csv, 1, KERF_NOT_FOUND, 0, 9, &whole, errs), KERF_OK);
    cr_expect_eq(kerf_csv_read_double(csv, 1, 1, 0, 1, &number, errs), KERF_OK);
    cr_expect_eq(kerf_csv_read_bool(csv, 1, 2, &flag, errs), KERF_OK);
    cr_expect(whole == 1 && number == 0.5 && flag);
    cr_expect_eq(kerf_csv_read_i64(csv, 2, 0, 0, 9, &whole, errs), KERF_E_INPUT);
    cr_expect_eq(kerf_csv_read_double(csv, 2, 1, 0, 1, &number, errs), KERF_E_INPUT);
    cr_expect_eq(kerf_csv_read_bool(csv, 2, 2, &flag, errs), KERF_E_INPUT);
    cr_expect_eq(kerf_csv_read_i64(csv, 3, 0, 0, 9, &whole, errs), KERF_E_INPUT);
    cr_expect_eq(kerf_csv_read_double(csv, 3, 1, 0, 1, &number, errs), KERF_E_INPUT);
    uint32_t column = 5;
    cr_expect_eq(kerf_csv_require_column(csv, "b", &column, errs), KERF_OK);
    cr_expect_eq(column, 1);
    cr_expect_eq(kerf_csv_require_column(csv, "zone", &column, errs), KERF_E_INPUT);
    cr_expect_str_eq(reading_messages(&reading), "t:4:1: a: \"x\" is not a whole number\n"
                                                 "t:4:3: b: \"y\" is not a number\n"
                                                 "t:4:5: c: \"z\" is not true or false\n"
                                                 "t:5:1: a: 99 is out of range; expected 0 to 9\n"
                                                 "t:5:4: b: 7 is out of range; expected 0 to 1\n"
                                                 "t:1:1: column \"zone\" is missing\n");
    kerf_csv_free(csv);
    reading_close(&reading);
}

Test(csv, wrong_tables)
{
    static const struct {
        const char *text;
        const char *want;
    } rows[] = {
        {"", "t: is empty; expected a header row\n"},
        {"\n \r\n", "t: is empty; expected a header row\n"},
        {"a,b\n1\n1,2\n1,2,3\n",
         "t:2:1: 1 cells were found; expected 2, as in the header\nt:4:1: 3 cells were found; expected 2, as in the header\n"},
        {"a,a\n", "t:1:3: two columns are named \"a\"\n"},
        {"a,\n", "t:1:3: column 2 has no name\n"},
        {"a\n\"x\n", "t:2:1: this cell has no end; expected a closing '\"'\n"},
        {"a,b\n\"x\"y,2\n", "t:2:4: text behind the closing '\"' of a cell; expected a separator or the end of the line\n"},
        {"a\n\xff\n", "t:2:1: byte 0xff is not UTF-8; expected text in UTF-8\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reading reading = {.errs = kerf_errors_new()};
        cr_expect_null(csv_of(rows[i].text, ',', reading.errs));
        cr_expect_str_eq(reading_messages(&reading), rows[i].want);
        reading_close(&reading);
    }
}
