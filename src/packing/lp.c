/* SPDX-License-Identifier: MIT */
/*
 * A dual simplex for very few rows and columns with upper bounds, on a full tableau. Row i reads
 *
 *     x_basic(i) + sum over nonbasic j of tableau[i][j] x_j = constant
 *
 * Its answers are only proposals: whoever uses them checks in integers. So tolerances decide quality, never validity.
 */
#include <math.h>

#include "packing/packing_internal.h"

static const double PIVOT_MIN = 1e-11; /* smaller coefficients are rounding noise of columns scaled to total demand 1 */
static const double INFEASIBLE_MIN = 1e-9;

/* What a column may do for a row: the price ratio at which it starts to, and by how much of the row it can move. */
struct lp_candidate {
    double ratio;
    double size;
    size_t column;
};

bool binpack_lp_start(struct lp *lp, struct space *space, size_t row_count, size_t column_count)
{
    size_t width = column_count + row_count;
    *lp = (struct lp){.row_count = row_count, .column_count = column_count};
    lp->tableau = binpack_space_scratch(space, row_count * width, sizeof(double));
    lp->reduced = binpack_space_scratch(space, width, sizeof(double));
    lp->limit = binpack_space_scratch(space, width, sizeof(double));
    lp->at_upper = binpack_space_scratch(space, width, sizeof(bool));
    lp->value = binpack_space_scratch(space, row_count, sizeof(double));
    lp->basic = binpack_space_scratch(space, row_count, sizeof(size_t));
    lp->candidates = binpack_space_scratch(space, width, sizeof *lp->candidates);
    return lp->tableau != NULL && lp->reduced != NULL && lp->limit != NULL && lp->at_upper != NULL && lp->value != NULL &&
           lp->basic != NULL && lp->candidates != NULL;
}

/* The row whose basic column lies farthest outside its bounds; row_count: none does. */
static size_t choose_row(const struct lp *lp, bool *out_is_above)
{
    size_t worst = lp->row_count;
    double worst_by = INFEASIBLE_MIN;
    for (size_t i = 0; i < lp->row_count; i++) {
        double below = -lp->value[i];
        double above = lp->value[i] - lp->limit[lp->basic[i]];
        double by = below > above ? below : above;
        if (by > worst_by) {
            worst_by = by;
            worst = i;
            *out_is_above = above > below;
        }
    }
    return worst;
}

static bool is_basic(const struct lp *lp, size_t column)
{
    for (size_t i = 0; i < lp->row_count; i++)
        if (lp->basic[i] == column)
            return true;
    return false;
}

static int compare_candidate(const void *a, const void *b)
{
    const struct lp_candidate *x = a, *y = b;
    if (x->ratio != y->ratio)
        return x->ratio < y->ratio ? -1 : 1;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return (x->column > y->column) - (x->column < y->column);
}

/* Columns whose bound permits a move that brings the basic column of the row inwards. */
static size_t find_candidates(const struct lp *lp, size_t row, bool is_above)
{
    size_t width = lp->column_count + lp->row_count, count = 0;
    const double *cells = lp->tableau + row * width;
    for (size_t j = 0; j < width; j++) {
        bool rises = (cells[j] < 0) != lp->at_upper[j]; /* the permitted move of column j raises the basic column */
        double size = fabs(cells[j]);
        if (size >= PIVOT_MIN && rises != is_above && lp->limit[j] > 0 && !is_basic(lp, j))
            lp->candidates[count++] = (struct lp_candidate){fabs(lp->reduced[j]) / size, size, j};
    }
    return count;
}

/* A column goes from one bound to the other. */
static void flip(struct lp *lp, size_t column)
{
    size_t width = lp->column_count + lp->row_count;
    double move = lp->at_upper[column] ? -lp->limit[column] : lp->limit[column];
    for (size_t i = 0; i < lp->row_count; i++)
        lp->value[i] -= lp->tableau[i * width + column] * move;
    lp->at_upper[column] = !lp->at_upper[column];
}

/*
 * The column that enters: the one whose price allows it first. Those that would be at their other bound before the row is mended
 * are flipped on the way, so thousands of open bins cost one pivot and not one each. width: all of them together do not mend it.
 */
static size_t choose_column(struct lp *lp, size_t row, bool is_above)
{
    size_t width = lp->column_count + lp->row_count;
    size_t count = find_candidates(lp, row, is_above);
    double missing = is_above ? lp->value[row] - lp->limit[lp->basic[row]] : -lp->value[row];
    size_t first = 0;
    for (size_t i = 1; i < count; i++)
        if (compare_candidate(&lp->candidates[i], &lp->candidates[first]) < 0)
            first = i;
    if (count > 0 && lp->candidates[first].size * lp->limit[lp->candidates[first].column] >= missing)
        return lp->candidates[first].column;
    binpack_sort(lp->candidates, count, sizeof *lp->candidates, compare_candidate);
    double possible = 0;
    for (size_t i = 0; i < count; i++)
        possible += lp->candidates[i].size * lp->limit[lp->candidates[i].column];
    if (possible < missing)
        return width;
    for (size_t i = 0; i < count; i++) {
        const struct lp_candidate *candidate = &lp->candidates[i];
        double mends = candidate->size * lp->limit[candidate->column];
        if (mends >= missing || i + 1 == count)
            return candidate->column;
        missing -= mends;
        flip(lp, candidate->column);
    }
    return width;
}

static void pivot(struct lp *lp, size_t row, size_t column, bool is_above)
{
    size_t width = lp->column_count + lp->row_count;
    double *pivot_cells = lp->tableau + row * width;
    double element = pivot_cells[column];
    size_t leaving = lp->basic[row];
    double target = is_above ? lp->limit[leaving] : 0;
    double move = (lp->value[row] - target) / element; /* of the entering column */
    for (size_t i = 0; i < lp->row_count; i++)
        lp->value[i] -= i == row ? 0 : lp->tableau[i * width + column] * move;
    lp->value[row] = (lp->at_upper[column] ? lp->limit[column] : 0) + move;
    for (size_t j = 0; j < width; j++)
        pivot_cells[j] /= element;
    for (size_t i = 0; i < lp->row_count; i++) {
        double factor = lp->tableau[i * width + column];
        if (i == row || factor == 0)
            continue;
        for (size_t j = 0; j < width; j++)
            lp->tableau[i * width + j] -= factor * pivot_cells[j];
        lp->tableau[i * width + column] = 0;
    }
    double price = lp->reduced[column];
    for (size_t j = 0; j < width; j++)
        lp->reduced[j] -= price * pivot_cells[j];
    lp->reduced[column] = 0;
    lp->at_upper[column] = false;
    lp->at_upper[leaving] = is_above;
    lp->basic[row] = column;
}

void binpack_lp_solve(struct lp *lp, size_t pivot_limit)
{
    /* rows become "surplus - sum a n = -1": the surplus columns are the first basis, at -1 */
    size_t width = lp->column_count + lp->row_count;
    for (size_t i = 0; i < lp->row_count; i++) {
        for (size_t j = 0; j < lp->column_count; j++)
            lp->tableau[i * width + j] = -lp->tableau[i * width + j];
        lp->tableau[i * width + lp->column_count + i] = 1;
        lp->limit[lp->column_count + i] = INFINITY;
        lp->basic[i] = lp->column_count + i;
        lp->value[i] = -1;
    }
    for (size_t pivots = 0; pivots < pivot_limit; pivots++) {
        bool is_above = false;
        size_t row = choose_row(lp, &is_above);
        if (row == lp->row_count)
            return;
        size_t column = choose_column(lp, row, is_above);
        if (column == width)
            return; /* the limits leave too little of everything: no plan places all items */
        pivot(lp, row, column, is_above);
    }
}
