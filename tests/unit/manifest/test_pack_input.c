#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "kerf/pack_input.h"

static enum kerf_status read_tables(const char *items, const char *bins, struct kerf_pack_input *out_input, char *message,
                                    size_t size)
{
    struct kerf_errors *errs = kerf_errors_new();
    enum kerf_status status =
        kerf_pack_input_read_table_bytes("items", items, strlen(items), "bins", bins, strlen(bins), out_input, errs);
    cr_expect_eq(status == KERF_OK, kerf_errors_count(errs) == 0);
    FILE *stream = fmemopen(message, size, "w");
    kerf_errors_print(errs, stream);
    fclose(stream);
    kerf_errors_free(errs);
    return status;
}

Test(pack_input, finds_columns_by_name_in_any_order)
{
    struct kerf_pack_input input;
    char message[1000] = "";
    cr_assert_eq(read_tables("mem\tname\tcpu\tcount\n16\tdb\t4\t3\n4\t\t2\t10\n",
                             "limit\tcpu\tprice\tmem\tname\n\t4\t100\t16\tm5\n2\t8\t0\t32\t\n", &input, message, sizeof message),
                 KERF_OK, "%s", message);
    cr_assert_eq(input.resource_count, 2);
    cr_expect_str_eq(input.resource_names[0], "mem");
    cr_expect_str_eq(input.resource_names[1], "cpu");
    cr_assert_eq(input.item_count, 2);
    cr_expect_str_eq(input.item_names[0], "db");
    cr_expect_str_eq(input.item_names[1], "item-2");
    cr_expect_eq(input.item_counts[1], 10);
    cr_expect_eq(input.item_demands[0], 16);
    cr_expect_eq(input.item_demands[3], 2);
    cr_assert_eq(input.bin_count, 2);
    cr_expect_str_eq(input.bin_names[1], "bin-2");
    cr_expect_eq(input.bin_prices[0], 100);
    cr_expect_eq(input.bin_limits[0], INT64_MAX);
    cr_expect_eq(input.bin_limits[1], 2);
    cr_expect_eq(input.bin_capacities[0], 16);
    cr_expect_eq(input.bin_capacities[3], 8);
    kerf_pack_input_free(&input);
}

Test(pack_input, reads_which_items_are_in_conflict)
{
    struct kerf_pack_input input;
    char message[1000] = "";
    cr_assert_eq(read_tables("name\tcpu\tconflicts\na\t1\tb,item-3\nb\t1\t\n\t1\titem-3\n", "cpu\tprice\n4\t1\n", &input, message, sizeof message),
                 KERF_OK, "%s", message);
    cr_expect_eq(input.item_conflicts[0][0], 6);
    cr_expect_null(input.item_conflicts[1]);
    cr_expect_eq(input.item_conflicts[2][0], 4);
    kerf_pack_input_free(&input);
}

static const struct {
    const char *items, *bins, *message;
} wrong_rows[] = {
    {"name\tcpu\tconflicts\na\t1\tb\n", "cpu\tprice\n1\t1\n", "items:2:5: conflicts: \"b\" is no item; expected names of items"},
    {"cpu\n1\n", "cpu\n1\n", "bins:1:1: column \"price\" is missing"},
    {"cpu\tmem\n1\t1\n", "cpu\tprice\n1\t1\n", "items:1:5: resource \"mem\" is no column of the bins"},
    {"cpu\n1\n", "cpu\tgpu\tprice\n1\t1\t1\n", "bins:1:5: resource \"gpu\" is no column of the items"},
    {"name\ncpu\n", "name\tprice\nx\t1\n", "items:1:1: no column of a resource was found; expected 1 to 16"},
    {"cpu\tprice\n1\t1\n", "cpu\tprice\n1\t1\n", "items:1:5: column \"price\" belongs to bins"},
    {"cpu\n-1\n", "cpu\tprice\n1\t1\n", "items:2:1: cpu: -1 is out of range"},
    {"cpu\n1.5\n", "cpu\tprice\n1\t1\n", "items:2:1: cpu: \"1.5\" is not a whole number"},
    {"cpu\tcount\n1\t\n", "cpu\tprice\n1\t1\n", "items:2:3: count: the cell is empty; expected a whole number"},
    {"cpu\n1\n", "cpu\tprice\n1\t99999999999999999999\n", "bins:2:3: price: \"99999999999999999999\" is not a whole number"},
    {"cpu\n1\n", "cpu\tprice\tlimit\n1\t1\t-1\n", "bins:2:5: limit: -1 is out of range"},
    {"cpu\n1\n", "name\tcpu\tprice\na\t1\t1\na\t1\t1\n", "bins:3:1: name: \"a\" is the name of line 2 too"},
    {"cpu\tname\n1\titem-2\n1\t\n", "cpu\tprice\n1\t1\n", "items:3:3: name: \"item-2\" is the name of line 2 too"},
    {"a\tb\tc\td\te\tf\tg\th\ti\tj\tk\tl\tm\tn\to\tp\tq\n", "a\tb\tc\td\te\tf\tg\th\ti\tj\tk\tl\tm\tn\to\tp\tq\tprice\n",
     "items:1:33: column \"q\" is resource 17; expected at most 16"},
};

ParameterizedTestParameters(pack_input, refuses)
{
    static size_t rows[sizeof wrong_rows / sizeof wrong_rows[0]];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        rows[i] = i;
    return cr_make_param_array(size_t, rows, sizeof rows / sizeof rows[0]);
}

ParameterizedTest(size_t *row, pack_input, refuses)
{
    struct kerf_pack_input input;
    char message[1000] = "";
    cr_expect_eq(read_tables(wrong_rows[*row].items, wrong_rows[*row].bins, &input, message, sizeof message), KERF_E_INPUT);
    cr_expect(strstr(message, wrong_rows[*row].message) != NULL, "expected %s, got %s", wrong_rows[*row].message, message);
}

static enum kerf_status read_vbp(const char *text, struct kerf_pack_input *out_input, char *message, size_t size)
{
    struct kerf_errors *errs = kerf_errors_new();
    enum kerf_status status = kerf_pack_input_read_vbp_bytes("v", text, strlen(text), out_input, errs);
    FILE *stream = fmemopen(message, size, "w");
    kerf_errors_print(errs, stream);
    fclose(stream);
    kerf_errors_free(errs);
    return status;
}

Test(pack_input, reads_vbp)
{
    struct kerf_pack_input input;
    char message[1000] = "";
    cr_assert_eq(read_vbp("2\r\n 10\t20\n\n2\n1 2 3\n-1 5 6\n\n", &input, message, sizeof message), KERF_OK, "%s", message);
    cr_assert_eq(input.resource_count, 2);
    cr_assert_eq(input.item_count, 2);
    cr_expect_eq(input.bin_capacities[1], 20);
    cr_expect_eq(input.bin_prices[0], 1);
    cr_expect_eq(input.bin_limits[0], INT64_MAX);
    cr_expect_eq(input.item_demands[2], -1);
    cr_expect_eq(input.item_counts[1], 6);
    kerf_pack_input_free(&input);
}

static const struct {
    const char *text, *message;
} wrong_vbp_rows[] = {
    {"", "v:1:1: the file ends; expected the number of dimensions"},
    {"0", "v:1:1: \"0\" was found; expected the number of dimensions, a whole number from 1 to 16"},
    {"1\nx", "v:2:1: \"x\" was found; expected a capacity of the bin"},
    {"1\n-5", "v:2:1: \"-5\" was found; expected a capacity of the bin"},
    {"1\n5\n1000000\n1 1\n", "v:3:1: 1000000 item lines are announced, and the file is too short for them"},
    {"1\n5\n2\n1 1\n", "v:5:1: the file ends; expected a size of an item"},
    {"1\n5\n1\n1 -1\n", "v:4:3: \"-1\" was found; expected the demand of an item"},
    {"1\n5\n1\n1 1\n7\n", "v:5:1: the file goes on after 1 item lines; expected its end"},
    {"1\n111111111111111111111111111111111111111111\n", "v:2:1: \"11111111111111111111111...\" was found"},
};

ParameterizedTestParameters(pack_input, refuses_vbp)
{
    static size_t rows[sizeof wrong_vbp_rows / sizeof wrong_vbp_rows[0]];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        rows[i] = i;
    return cr_make_param_array(size_t, rows, sizeof rows / sizeof rows[0]);
}

ParameterizedTest(size_t *row, pack_input, refuses_vbp)
{
    struct kerf_pack_input input;
    char message[1000] = "";
    cr_expect_eq(read_vbp(wrong_vbp_rows[*row].text, &input, message, sizeof message), KERF_E_INPUT);
    cr_expect(strstr(message, wrong_vbp_rows[*row].message) != NULL, "expected %s, got %s", wrong_vbp_rows[*row].message,
              message);
}
