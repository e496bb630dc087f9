/* The branch interfaces of one node, by number: which pod has which is the caller's business. */
#include <stdlib.h>

#include "base/base.h"
#include "kerf/vpc.h"

#define COOLDOWN_FLOOR_US (30 * KERF_SECOND_US)
#define EXAMINED_EVERY_US (30 * KERF_SECOND_US)

void kerf_vpc_branches_fini(struct kerf_vpc_branches *branches)
{
    free(branches->cooling);
    *branches = (struct kerf_vpc_branches){0};
}

bool kerf_vpc_branches_arrive(struct kerf_vpc_branches *branches)
{
    if (branches->in_use + (int32_t)branches->cooling_count >= branches->limit)
        return false;
    branches->in_use++;
    return true;
}

void kerf_vpc_branches_leave(struct kerf_vpc_branches *branches, kerf_time_us now_us, uint32_t address)
{
    KERF_ASSERT(branches->in_use > 0);
    branches->in_use--;
    if (branches->cooling_count == branches->cooling_capacity) {
        uint32_t capacity = branches->cooling_capacity ? 2 * branches->cooling_capacity : 8;
        struct kerf_vpc_branch *ring = kerf_allocate(capacity * sizeof *ring);
        for (uint32_t i = 0; i < branches->cooling_count; i++)
            ring[i] = branches->cooling[(branches->cooling_head + i) % branches->cooling_capacity];
        free(branches->cooling);
        branches->cooling = ring;
        branches->cooling_head = 0;
        branches->cooling_capacity = capacity;
    }
    branches->cooling[(branches->cooling_head + branches->cooling_count++) % branches->cooling_capacity] =
        (struct kerf_vpc_branch){now_us, address};
}

kerf_time_us kerf_vpc_branches_due(const struct kerf_vpc_branches *branches)
{
    if (branches->cooling_count == 0)
        return KERF_TIME_NEVER;
    kerf_time_us cooldown_us = branches->cooldown_us > COOLDOWN_FLOOR_US ? branches->cooldown_us : COOLDOWN_FLOOR_US;
    kerf_time_us cooled_us = branches->cooling[branches->cooling_head].released_us + cooldown_us;
    if (cooled_us <= branches->examined_from_us)
        return branches->examined_from_us;
    kerf_time_us turns = (cooled_us - branches->examined_from_us + EXAMINED_EVERY_US - 1) / EXAMINED_EVERY_US;
    return branches->examined_from_us + turns * EXAMINED_EVERY_US;
}

bool kerf_vpc_branches_delete(struct kerf_vpc_branches *branches, kerf_time_us now_us, uint32_t *out_address)
{
    if (kerf_vpc_branches_due(branches) > now_us)
        return false;
    *out_address = branches->cooling[branches->cooling_head].address;
    branches->cooling_head = (branches->cooling_head + 1) % branches->cooling_capacity;
    branches->cooling_count--;
    return true;
}
