/* SPDX-License-Identifier: MIT */
/*
 * The simplex method for the master program: primal when columns were added, dual when needs changed. The inverse of the basis is
 * kept whole; with sparse contents most of it is zero, and zeros are skipped.
 */
#include <string.h>

#include "packing/columns.h"

static const double PIVOT_MIN = 1e-9;
static const double REDUCED_MIN = 1e-9;   /* money units: prices lie below 1 */
static const double INFEASIBLE_MIN = 1e-8;

enum { REBUILD_AFTER = 150, PIVOTS_PER_ROW = 40, STEP_CELLS = 8 };

/* Two doubles at a time, from any address: compilers do not do it by themselves at -O2, and this is where the time goes. */
typedef double pair __attribute__((vector_size(16), aligned(8), may_alias));

/* to += factor * from */
static void add_multiple(double *restrict to, const double *restrict from, double factor, size_t count)
{
    const pair factors = {factor, factor};
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        pair *first = (pair *)(void *)(to + i), *second = (pair *)(void *)(to + i + 2);
        *first += factors * *(const pair *)(const void *)(from + i);
        *second += factors * *(const pair *)(const void *)(from + i + 2);
    }
    for (; i < count; i++)
        to[i] += factor * from[i];
}

/* entering = inverse x column; rows that are not 0 are listed. */
static void set_entering(struct master *master, int32_t basic)
{
    size_t rows = master->row_count;
    double *entering = master->entering;
    memset(entering, 0, rows * sizeof *entering);
    if (basic < 0) {
        const double *inverse = master->inverse + (size_t)(-1 - basic) * rows;
        for (size_t i = 0; i < rows; i++)
            entering[i] = -inverse[i];
    } else {
        const struct column *column = &master->columns[basic];
        const struct column_cell *cells = master->cells + column->cell_first;
        for (uint32_t c = 0; c < column->cell_count; c++) {
            const double *inverse = master->inverse + (size_t)cells[c].row * rows;
            add_multiple(entering, inverse, (double)cells[c].count, rows);
        }
        if (column->limit_row != UINT32_MAX) {
            const double *inverse = master->inverse + (size_t)column->limit_row * rows;
            for (size_t i = 0; i < rows; i++)
                entering[i] -= inverse[i];
        }
    }
    master->entering_count = 0;
    for (size_t i = 0; i < rows; i++)
        if (entering[i] > PIVOT_MIN || entering[i] < -PIVOT_MIN)
            master->entering_rows[master->entering_count++] = (uint32_t)i;
}

static void update_inverse(struct master *master, size_t row)
{
    size_t rows = master->row_count;
    const double *entering = master->entering;
    double element = entering[row];
    for (size_t k = 0; k < rows; k++) {
        double *inverse = master->inverse + k * rows;
        if (inverse[row] == 0)
            continue;
        double part = inverse[row] / element;
        if (2 * master->entering_count > rows) {
            add_multiple(inverse, entering, -part, rows);
        } else {
            for (size_t e = 0; e < master->entering_count; e++) {
                uint32_t i = master->entering_rows[e];
                inverse[i] += entering[i] * -part;
            }
        }
        inverse[row] = part;
    }
}

/* `reduced` is that of the entering column, whose set_entering was done. */
static void pivot(struct master *master, size_t row, int32_t column, double reduced)
{
    size_t rows = master->row_count;
    double element = master->entering[row];
    double move = master->value[row] / element;
    for (size_t e = 0; e < master->entering_count; e++) {
        uint32_t i = master->entering_rows[e];
        master->value[i] -= move * master->entering[i];
    }
    master->value[row] = move;
    double price = reduced / element;
    for (size_t k = 0; k < rows; k++)
        master->dual[k] += price * master->inverse[k * rows + row];
    update_inverse(master, row);
    if (master->basic[row] >= 0)
        master->columns[master->basic[row]].is_basic = false;
    if (column >= 0)
        master->columns[column].is_basic = true;
    master->basic[row] = column;
    master->pivots_since_rebuild++;
}

static double price_of(const struct master *master, int32_t basic)
{
    return basic < 0 ? 0 : master->columns[basic].price;
}

void binpack_simplex_rebuild(struct master *master)
{
    size_t rows = master->row_count;
    memset(master->inverse, 0, rows * rows * sizeof(double));
    memset(master->is_taken, 0, rows * sizeof *master->is_taken);
    for (size_t i = 0; i < rows; i++)
        master->inverse[i * rows + i] = -1;
    /* surplus columns first: they are the starting basis already */
    int32_t *wanted = (int32_t *)(void *)master->row_values; /* rows x 4 bytes fit rows x 8 */
    size_t wanted_count = 0;
    for (size_t i = 0; i < rows; i++) {
        int32_t basic = master->basic[i];
        if (basic < 0)
            master->is_taken[-1 - basic] = true;
        else
            wanted[wanted_count++] = basic;
    }
    for (size_t i = 0; i < rows; i++)
        master->basic[i] = -1 - (int32_t)i;
    for (size_t w = 0; w < wanted_count; w++) {
        set_entering(master, wanted[w]);
        size_t best = rows;
        double best_size = 1e-7;
        for (size_t e = 0; e < master->entering_count; e++) {
            uint32_t i = master->entering_rows[e];
            double size = master->entering[i] < 0 ? -master->entering[i] : master->entering[i];
            if (!master->is_taken[i] && size > best_size) {
                best_size = size;
                best = i;
            }
        }
        if (best == rows) { /* the others span it: numerically it is no part of the basis */
            master->columns[wanted[w]].is_basic = false;
            continue;
        }
        update_inverse(master, best);
        master->is_taken[best] = true;
        master->basic[best] = wanted[w];
    }
    memset(master->value, 0, rows * sizeof(double));
    for (size_t k = 0; k < rows; k++) {
        const double *inverse = master->inverse + k * rows;
        double dual = 0;
        add_multiple(master->value, inverse, master->need[k], rows);
        for (size_t i = 0; i < rows; i++)
            dual += inverse[i] * price_of(master, master->basic[i]);
        master->dual[k] = dual;
    }
    master->pivots_since_rebuild = 0;
}

void binpack_simplex_values(struct master *master, const int64_t *left, const int64_t *type_left, double *values)
{
    size_t rows = master->row_count;
    memset(values, 0, rows * sizeof *values);
    for (size_t k = 0; k < master->group_row_count; k++) {
        const double *inverse = master->inverse + k * rows;
        double need = (double)left[master->row_group[k]];
        for (size_t i = 0; i < rows && need != 0; i++)
            values[i] += inverse[i] * need;
    }
    for (size_t t = 0; t < master->problem->type_count; t++) {
        if (master->type_row[t] == UINT32_MAX)
            continue;
        const double *inverse = master->inverse + (size_t)master->type_row[t] * rows;
        for (size_t i = 0; i < rows; i++)
            values[i] -= inverse[i] * (double)type_left[t];
    }
}

double binpack_simplex_cost(const struct master *master)
{
    double cost = 0;
    for (size_t i = 0; i < master->row_count; i++)
        cost += price_of(master, master->basic[i]) * master->value[i];
    return cost;
}

/* What a pivot costs, in looks at a class and a bin. */
static bool take_steps(struct master *master, struct filling *filling)
{
    uint64_t steps = (master->cell_count + master->row_count * (master->entering_count + 1) / 4) / STEP_CELLS + 1;
    return binpack_steps(filling, steps);
}

size_t binpack_simplex_primal(struct master *master, struct filling *filling)
{
    size_t pivots = 0;
    while (pivots < PIVOTS_PER_ROW * master->row_count + 100) {
        if (master->pivots_since_rebuild >= REBUILD_AFTER)
            binpack_simplex_rebuild(master);
        int32_t best = -1 - (int32_t)master->row_count;
        double best_reduced = -REDUCED_MIN;
        for (size_t j = 0; j < master->column_count; j++) {
            if (master->columns[j].is_basic)
                continue;
            double reduced = binpack_master_reduced(master, &master->columns[j]);
            if (reduced < best_reduced) {
                best_reduced = reduced;
                best = (int32_t)j;
            }
        }
        for (size_t k = 0; k < master->row_count; k++) {
            if (master->dual[k] < best_reduced && master->dual[k] < -REDUCED_MIN) {
                best_reduced = master->dual[k];
                best = -1 - (int32_t)k;
            }
        }
        if (best == -1 - (int32_t)master->row_count)
            break;
        set_entering(master, best);
        size_t row = master->row_count;
        double least = 0, size = 0;
        for (size_t e = 0; e < master->entering_count; e++) {
            uint32_t i = master->entering_rows[e];
            double element = master->entering[i];
            if (element <= PIVOT_MIN)
                continue;
            double value = master->value[i] > 0 ? master->value[i] : 0;
            double ratio = value / element;
            if (row == master->row_count || ratio < least - 1e-12 || (ratio <= least + 1e-12 && element > size)) {
                least = ratio;
                size = element;
                row = i;
            }
        }
        if (row == master->row_count)
            break; /* unbounded: rounding errors, or a content that costs nothing */
        pivot(master, row, best, best_reduced);
        pivots++;
        if (!take_steps(master, filling))
            break;
    }
    return pivots;
}

size_t binpack_simplex_dual(struct master *master, struct filling *filling)
{
    size_t rows = master->row_count, pivots = 0;
    while (pivots < PIVOTS_PER_ROW * rows + 100) {
        if (master->pivots_since_rebuild >= REBUILD_AFTER)
            binpack_simplex_rebuild(master);
        size_t row = rows;
        double worst = -INFEASIBLE_MIN;
        for (size_t i = 0; i < rows; i++)
            if (master->value[i] < worst) {
                worst = master->value[i];
                row = i;
            }
        if (row == rows)
            break;
        for (size_t k = 0; k < rows; k++)
            master->row_values[k] = master->inverse[k * rows + row];
        int32_t best = -1 - (int32_t)rows;
        double least = 0, size = 0, best_reduced = 0;
        for (size_t j = 0; j < master->column_count; j++) {
            const struct column *column = &master->columns[j];
            if (column->is_basic)
                continue;
            const struct column_cell *cells = master->cells + column->cell_first;
            double element = column->limit_row == UINT32_MAX ? 0 : -master->row_values[column->limit_row];
            for (uint32_t c = 0; c < column->cell_count; c++)
                element += master->row_values[cells[c].row] * (double)cells[c].count;
            if (element >= -PIVOT_MIN)
                continue;
            double reduced = binpack_master_reduced(master, column);
            double ratio = (reduced > 0 ? reduced : 0) / -element;
            if (size == 0 || ratio < least - 1e-12 || (ratio <= least + 1e-12 && -element > size)) {
                least = ratio;
                size = -element;
                best = (int32_t)j;
                best_reduced = reduced;
            }
        }
        for (size_t k = 0; k < rows; k++) {
            double element = -master->row_values[k];
            if (element >= -PIVOT_MIN || master->basic[row] == -1 - (int32_t)k)
                continue;
            double ratio = (master->dual[k] > 0 ? master->dual[k] : 0) / -element;
            if (size == 0 || ratio < least - 1e-12 || (ratio <= least + 1e-12 && -element > size)) {
                least = ratio;
                size = -element;
                best = -1 - (int32_t)k;
                best_reduced = master->dual[k];
            }
        }
        if (size == 0)
            break; /* the limits leave too little */
        set_entering(master, best);
        if (master->entering[row] > -PIVOT_MIN) { /* the two ways to get it disagree: start from clean numbers */
            if (master->pivots_since_rebuild == 0)
                break;
            binpack_simplex_rebuild(master);
            continue;
        }
        pivot(master, row, best, best_reduced);
        pivots++;
        if (!take_steps(master, filling))
            break;
    }
    return pivots;
}
