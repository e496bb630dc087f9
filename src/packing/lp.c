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

static const double PIVOT_MIN = 1e-11;    /* smaller coefficients are rounding noise of columns scaled to total demand 1 */
static const double INFEASIBLE_MIN = 1e-9;

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
    return lp->tableau != NULL && lp->reduced != NULL && lp->limit != NULL && lp->at_upper != NULL && lp->value != NULL &&
           lp->basic != NULL;
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

/* The column that enters: of those that can move the basic column of the row inwards, the one whose price allows it first. */
static size_t choose_column(const struct lp *lp, size_t row, bool is_above)
{
    size_t width = lp->column_count + lp->row_count;
    const double *cells = lp->tableau + row * width;
    size_t best = width;
    double best_ratio = INFINITY, best_size = 0;
    for (size_t j = 0; j < width; j++) {
        bool rises = (cells[j] < 0) != lp->at_upper[j]; /* the move of column j that its bound permits raises the basic column */
        double size = fabs(cells[j]);
        if (size < PIVOT_MIN || rises == is_above || lp->limit[j] <= 0 || is_basic(lp, j))
            continue;
        double ratio = fabs(lp->reduced[j]) / size;
        if (ratio < best_ratio || (ratio <= best_ratio && size > best_size)) {
            best = j;
            best_ratio = ratio;
            best_size = size;
        }
    }
    return best;
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
