/** NodePools: when a pass takes them into account. */
#include "model/node.h"

bool kerf_nodepool_is_ready(const struct kerf_nodepool *nodepool)
{
    return !nodepool->has_status || kerf_conditions_true(&nodepool->conditions, "Ready");
}
