/* SPDX-License-Identifier: MIT */
/* The master program's rows and its pool of columns. The simplex method over them is in simplex.c. */
#include <string.h>

#include "packing/columns.h"

enum { COLUMNS_PER_ROW = 12, COLUMNS_AT_LEAST = 300, CELLS_PER_COLUMN = 14 };
static const double SHIFT_MAX = 1e-6; /* of right-hand sides: breaks ties, and changes the optimum by no more than this part */

static size_t count_rows(struct master *master, const struct filling *filling)
{
    const struct binpack_problem *problem = master->problem;
    size_t count = 0;
    int64_t item_count = 0;
    for (size_t g = 0; g < problem->group_count; g++) {
        master->group_row[g] = UINT32_MAX;
        item_count += filling->left[g];
        if (filling->left[g] == 0 || !problem->fits_somewhere[g])
            continue;
        if (master->row_group != NULL)
            master->row_group[count] = (uint32_t)g;
        master->group_row[g] = (uint32_t)count++;
    }
    master->group_row_count = count;
    for (size_t t = 0; t < problem->type_count; t++)
        master->type_row[t] = UINT32_MAX;
    for (size_t i = 0; i < problem->frontier_count; i++) {
        uint32_t type = problem->frontier[i];
        if (filling->type_left[type] < item_count)
            master->type_row[type] = (uint32_t)count++;
    }
    return count;
}

bool binpack_master_start(struct master *master, const struct filling *filling)
{
    struct binpack_problem *problem = filling->problem;
    struct space *space = &problem->space;
    *master = (struct master){.problem = problem, .money = 1};
    master->group_row = binpack_space_scratch(space, problem->group_count, sizeof *master->group_row);
    master->type_row = binpack_space_scratch(space, problem->type_count, sizeof *master->type_row);
    if (master->group_row == NULL || master->type_row == NULL)
        return false;
    size_t rows = count_rows(master, filling);
    if (rows == 0 || rows > MASTER_ROWS_MAX)
        return true;
    for (size_t i = 0; i < problem->frontier_count; i++)
        if ((double)problem->price[problem->frontier[i]] > master->money)
            master->money = (double)problem->price[problem->frontier[i]];
    master->column_capacity = rows * COLUMNS_PER_ROW + COLUMNS_AT_LEAST;
    master->cell_capacity = master->column_capacity * CELLS_PER_COLUMN;
    master->row_group = binpack_space_scratch(space, rows, sizeof *master->row_group);
    master->columns = binpack_space_scratch(space, master->column_capacity, sizeof *master->columns);
    master->cells = binpack_space_scratch(space, master->cell_capacity, sizeof *master->cells);
    master->cells_spare = binpack_space_scratch(space, master->cell_capacity, sizeof *master->cells_spare);
    master->inverse = binpack_space_scratch(space, rows * rows, sizeof(double));
    master->basic = binpack_space_scratch(space, rows, sizeof *master->basic);
    master->value = binpack_space_scratch(space, rows, sizeof(double));
    master->need = binpack_space_scratch(space, rows, sizeof(double));
    master->dual = binpack_space_scratch(space, rows, sizeof(double));
    master->entering = binpack_space_scratch(space, rows, sizeof(double));
    master->row_values = binpack_space_scratch(space, rows, sizeof(double));
    master->entering_rows = binpack_space_scratch(space, rows, sizeof *master->entering_rows);
    master->is_taken = binpack_space_scratch(space, rows, sizeof *master->is_taken);
    if (master->row_group == NULL || master->columns == NULL || master->cells == NULL || master->cells_spare == NULL ||
        master->inverse == NULL || master->basic == NULL || master->value == NULL || master->need == NULL ||
        master->dual == NULL || master->entering == NULL || master->row_values == NULL || master->entering_rows == NULL ||
        master->is_taken == NULL)
        return false;
    master->row_count = count_rows(master, filling);
    for (size_t i = 0; i < rows; i++)
        master->basic[i] = -1 - (int32_t)i;
    return true;
}

/* ---- columns ---------------------------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t mark, uint64_t word)
{
    mark = (mark ^ word) * 0x9e3779b97f4a7c15u;
    return mark ^ mark >> 29;
}

double binpack_master_reduced(const struct master *master, const struct column *column)
{
    const struct column_cell *cells = master->cells + column->cell_first;
    double reduced = column->price;
    for (uint32_t i = 0; i < column->cell_count; i++)
        reduced -= master->dual[cells[i].row] * (double)cells[i].count;
    return column->limit_row == UINT32_MAX ? reduced : reduced + master->dual[column->limit_row];
}

struct keep_key {
    double reduced;
    uint32_t column;
};

static int compare_keep(const void *a, const void *b)
{
    const struct keep_key *x = a, *y = b;
    if (x->reduced != y->reduced)
        return x->reduced < y->reduced ? -1 : 1;
    return (x->column > y->column) - (x->column < y->column);
}

/* Drops about half of the columns, those that are farthest from being worth their price. Basic ones and stand-ins stay. */
static void clear_out(struct master *master)
{
    struct space *space = &master->problem->space;
    size_t back = space->back;
    struct keep_key *keys = binpack_space_scratch(space, master->column_count, sizeof *keys);
    if (keys == NULL)
        return;
    size_t key_count = 0;
    for (size_t j = 0; j < master->column_count; j++)
        if (!master->columns[j].is_basic && master->columns[j].type != UINT32_MAX)
            keys[key_count++] = (struct keep_key){binpack_master_reduced(master, &master->columns[j]), (uint32_t)j};
    binpack_sort(keys, key_count, sizeof *keys, compare_keep);
    for (size_t i = key_count / 2; i < key_count; i++)
        master->columns[keys[i].column].cell_count = 0;
    space->back = back;
    size_t column_count = 0, cell_count = 0;
    for (size_t j = 0; j < master->column_count; j++) {
        struct column column = master->columns[j];
        if (column.cell_count == 0)
            continue;
        memcpy(master->cells_spare + cell_count, master->cells + column.cell_first, column.cell_count * sizeof *master->cells);
        column.cell_first = (uint32_t)cell_count;
        cell_count += column.cell_count;
        for (size_t i = 0; i < master->row_count && column.is_basic; i++)
            if (master->basic[i] == (int32_t)j) {
                master->basic[i] = (int32_t)column_count;
                break;
            }
        master->columns[column_count++] = column;
    }
    struct column_cell *cells = master->cells;
    master->cells = master->cells_spare;
    master->cells_spare = cells;
    master->column_count = column_count;
    master->cell_count = cell_count;
}

uint32_t binpack_master_add(struct master *master, uint32_t type, const struct column_cell *cells, size_t cell_count)
{
    uint64_t mark = mix(type, cell_count);
    for (size_t i = 0; i < cell_count; i++)
        mark = mix(mix(mark, cells[i].row), (uint64_t)cells[i].count);
    for (size_t j = 0; j < master->column_count; j++)
        if (master->columns[j].mark == mark)
            return UINT32_MAX;
    if (master->column_count == master->column_capacity || cell_count > master->cell_capacity - master->cell_count)
        clear_out(master);
    if (cell_count == 0 || master->column_count == master->column_capacity ||
        cell_count > master->cell_capacity - master->cell_count)
        return UINT32_MAX;
    master->columns[master->column_count] =
        (struct column){.price = (double)master->problem->price[type] / master->money,
                        .mark = mark,
                        .type = type,
                        .limit_row = master->type_row[type],
                        .cell_first = (uint32_t)master->cell_count,
                        .cell_count = (uint32_t)cell_count};
    memcpy(master->cells + master->cell_count, cells, cell_count * sizeof *cells);
    master->cell_count += cell_count;
    return (uint32_t)master->column_count++;
}

bool binpack_master_add_artificial(struct master *master)
{
    const double dearest = 10; /* bins cost at most 1 */
    if (master->group_row_count > master->column_capacity || master->group_row_count > master->cell_capacity)
        return false;
    for (uint32_t row = 0; row < master->group_row_count; row++) {
        master->cells[master->cell_count] = (struct column_cell){row, 1};
        master->columns[master->column_count++] = (struct column){.price = dearest,
                                                                  .type = UINT32_MAX,
                                                                  .limit_row = UINT32_MAX,
                                                                  .cell_first = (uint32_t)master->cell_count++,
                                                                  .cell_count = 1};
    }
    return true;
}

void binpack_master_set_need(struct master *master, const int64_t *left, const int64_t *type_left)
{
    uint64_t state = 0x2545f4914f6cdd1du;
    for (size_t row = 0; row < master->row_count; row++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        double shift = SHIFT_MAX * (double)(1 + (state >> 44)) / (double)(1 << 20);
        if (row < master->group_row_count) {
            double count = (double)left[master->row_group[row]];
            master->need[row] = count + (count + 1) * shift;
        }
    }
    for (size_t t = 0; t < master->problem->type_count; t++)
        if (master->type_row[t] != UINT32_MAX)
            master->need[master->type_row[t]] = -(double)type_left[t];
}
