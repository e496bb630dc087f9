/** docs/scenario.md lists the keys that the reader knows, with the reader's own defaults and units, and nothing else. */
#include "scenario_text.h"

/** The cells of a row `| a | b | c | d |`, without blanks; false for other lines. Cuts the line up. */
static bool read_row(char *line, char *cells[4])
{
    if (strncmp(line, "| `", 3) != 0)
        return false;
    char *at = line + 1;
    for (int i = 0; i < 4; i++) {
        char *end = strchr(at, '|');
        cr_assert_not_null(end, "four cells: %s", line);
        *end = '\0';
        while (*at == ' ')
            at++;
        for (char *last = end - 1; last >= at && *last == ' '; last--)
            *last = '\0';
        cells[i] = at;
        at = end + 1;
    }
    return true;
}

Test(scenario_doc, lists_every_key_with_default_and_unit)
{
    FILE *file = fopen("docs/scenario.md", "r");
    cr_assert_not_null(file);
    char *line = NULL, *cells[4];
    size_t capacity = 0, index = 0;
    struct kerf_scenario_key key;
    while (getline(&line, &capacity, file) > 0) {
        if (!read_row(line, cells))
            continue;
        cr_assert(kerf_scenario_key_at(index, &key), "the reader knows no %s", cells[0]);
        cells[0][strlen(cells[0]) - 1] = '\0'; /* back quotes */
        cr_expect_str_eq(cells[0] + 1, key.path);
        cr_expect_str_eq(cells[1], key.standard, "default of %s", key.path);
        cr_expect_str_eq(cells[2], key.unit, "unit of %s", key.path);
        index++;
    }
    cr_expect_not(kerf_scenario_key_at(index, &key), "%s is missing", key.path);
    free(line);
    fclose(file);
}
