/* SPDX-License-Identifier: MIT */
/*
 * First-fit-decreasing, bin by bin: with one order of items, filling a bin with everything that fits before the next is opened
 * gives the same bins as trying all open bins for each item. Bin by bin, the content is known before the type is chosen, and a
 * content is repeated as often as the items last, so the work grows with classes and not with items.
 */
#include "packing/packing_internal.h"

/* How often the trial content can be repeated with what is left. */
static int64_t repeats(const struct filling *filling, uint32_t type)
{
    int64_t count = filling->type_left[type];
    for (size_t i = 0; i < filling->trial_count; i++) {
        int64_t times = filling->left[filling->trial_groups[i]] / filling->trial_counts[i];
        if (times < count)
            count = times;
    }
    return count;
}

void binpack_method_ffd(struct filling *filling)
{
    while (filling->order_count > 0) {
        uint32_t type;
        if (!binpack_choose_type(filling, &type)) {
            if (filling->out_of_steps)
                return;
            /* the limits are used up for this group: its items stay over, the next group has its chance */
            filling->order++;
            filling->order_count--;
            binpack_filling_compact(filling);
            continue;
        }
        int64_t bin_count = repeats(filling, type);
        uint32_t content = UINT32_MAX;
        for (size_t i = 0; i < filling->trial_count; i++) {
            content = binpack_add_cell(filling, filling->trial_groups[i], filling->trial_counts[i], content);
            if (content == UINT32_MAX)
                return;
            filling->left[filling->trial_groups[i]] -= bin_count * filling->trial_counts[i];
        }
        if (!binpack_open_run(filling, type, bin_count, content, filling->trial_room))
            return;
        binpack_filling_compact(filling);
    }
}
