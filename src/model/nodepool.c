/** NodePools: when a pass takes them into account. */
#include "model/node.h"

/* Karpenter computes Ready anew from the conditions that it depends on: one that was stored without them does not count. */
bool kerf_nodepool_is_ready(const struct kerf_nodepool *nodepool)
{
    return !nodepool->has_status || (kerf_conditions_true(&nodepool->conditions, "Ready") &&
                                     kerf_conditions_true(&nodepool->conditions, "ValidationSucceeded") &&
                                     kerf_conditions_true(&nodepool->conditions, "NodeClassReady"));
}
