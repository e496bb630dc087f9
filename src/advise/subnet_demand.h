/**
 * subnet_demand: the courses of a fleet that is described by numbers: nodes of some kinds, so many pods each, replaced and added at
 * given rates. Draws belong to the course alone, so that settings and subnets are compared on the same one.
 *
 * Simplified: a pod that goes is replaced at once, on the node with most room of two that are drawn (kube-scheduler's LeastAllocated looks at
 * all); a node that is replaced gives its pods to its successor, which starts a minute before the old one ends.
 */
#ifndef KERF_SUBNET_DEMAND_H
#define KERF_SUBNET_DEMAND_H

#include "base/base.h"
#include "kerf/subnets.h"

#define KERF_DEMAND_NODE_EVERY_US (10 * KERF_SECOND_US) /* the first nodes come one after another */

struct kerf_demand_generator;
struct kerf_demand_generator *kerf_demand_generator_new(const struct kerf_subnet_workload *workload, uint32_t zone_count, uint64_t seed,
                                                        uint32_t replication);
void kerf_demand_generator_free(struct kerf_demand_generator *generator);
/** The next event, in order of time; false beyond the horizon. */
bool kerf_demand_generator_next(struct kerf_demand_generator *generator, struct kerf_demand_event *out_event);
/** When the fleet's first nodes are all there and their pools have come to rest: figures begin. */
kerf_time_us kerf_demand_settled_us(const struct kerf_subnet_workload *workload);

#endif
