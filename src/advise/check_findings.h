/** What `kerf check` looks at: one input, or one design of a scenario, and where its findings go. Within the room. */
#ifndef KERF_ADVISE_CHECK_FINDINGS_H
#define KERF_ADVISE_CHECK_FINDINGS_H

#include "scenario/scenario.h"

struct kerf_check_subject {
    struct kerf_objects *objects; /* settled, not expanded; changed by kerf_check_unplaceable */
    struct kerf_catalog *catalog;
    struct kerf_vocabulary *vocabulary;
    struct kerf_instance_options instance_options;
    const struct kerf_design *design; /* NULL: manifests without a scenario */
    const char *file;                 /* of the scenario */
    kerf_time_us at_epoch_us;
    struct kerf_arena *arena;
    struct kerf_errors *errs;
};

/** Each adds warnings at the places of the objects that they are about. */
void kerf_check_nodepools(const struct kerf_check_subject *subject);   /* no instance type that could be launched */
void kerf_check_budgets(const struct kerf_check_subject *subject);     /* PDBs that allow no disruption */
void kerf_check_singletons(const struct kerf_check_subject *subject);  /* one replica, and it asks for Spot */
void kerf_check_spreads(const struct kerf_check_subject *subject);     /* hard zone spread, too few zones */
void kerf_check_network(const struct kerf_check_subject *subject);     /* settings of the CNI and subnets, of a design */
/** The environment of aws-node, in an object of a manifest or the items of a list. */
void kerf_check_aws_node(const struct kerf_value *object, struct kerf_errors *errs);
/** Instance types that the pool could launch, by name; none where its EC2NodeClass is missing. Lie in the subject's arena. */
size_t kerf_check_types_of_pool(const struct kerf_check_subject *subject, const struct kerf_nodepool *nodepool,
                                const struct kerf_instance_type *const **out_types);
/** Last: pods that no new node, node group or node can ever take. Expands a pod of each workload and lifts limits. */
void kerf_check_unplaceable(const struct kerf_check_subject *subject);

#endif
