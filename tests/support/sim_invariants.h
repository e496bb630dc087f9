/**
 * sim_invariants: what must hold of every run, whoever decides: instances live once, what is billed is what ran, no address is lost.
 */
#ifndef KERF_TESTS_SIM_INVARIANTS_H
#define KERF_TESTS_SIM_INVARIANTS_H

#include "sim_world.h"

/** Addresses: each pool agrees with itself and with the pods that hold its addresses; the subnets know no other holders, but for launches
 *  under way: of claims, and of each group as many as its desired capacity at the start and `spare`. */
void sim_check_addresses(const struct sim_world *world, int32_t spare);

/** Ends the run, and holds instances and the bill to our own account of what happened, which is made from the notices alone. */
void sim_finish_and_check_bill(struct sim_world *world);

#endif
