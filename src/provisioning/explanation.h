/**
 * Part of the door of `provisioning`: why pods of a pass stay, or why a pod went where it is: for each kind of place the first rule that
 * keeps the pod out, with what it wanted and what there was. Include provisioning/provisioning.h.
 */
#ifndef KERF_PROVISIONING_EXPLANATION_H
#define KERF_PROVISIONING_EXPLANATION_H

#include "cluster/cluster.h"

/** The rules by which a place refuses a pod, in the order in which Karpenter asks. Names in JSON: kerf_exclusion_rule_text. */
enum kerf_exclusion_rule {
    KERF_EXCLUDED_BY_NOTHING,
    /* of the pod, wherever it asks */
    KERF_EXCLUDED_BY_VALIDATION,
    KERF_EXCLUDED_BY_RESOURCE_CLAIMS, /* dynamic resource allocation */
    KERF_EXCLUDED_BY_END_OF_PASS,     /* not tried */
    KERF_EXCLUDED_BY_RESERVATIONS,    /* deferred: the next pass may place it (6.5) */
    /* of a NodePool before it is asked */
    KERF_EXCLUDED_BY_POOL,         /* static, deleting, not ready, without NodeClass: not part of the pass */
    KERF_EXCLUDED_BY_OWN_DEMANDS,  /* its own requirements leave no instance type */
    KERF_EXCLUDED_BY_NODE_LIMIT,   /* limits.nodes is used up */
    KERF_EXCLUDED_BY_LIMITS,       /* what is left of a limit holds none of the types that would do */
    /* of a place */
    KERF_EXCLUDED_BY_TAINT,
    KERF_EXCLUDED_BY_VOLUME_LIMIT, /* existing nodes: attach limit of a CSI driver */
    KERF_EXCLUDED_BY_REQUIREMENT,
    KERF_EXCLUDED_BY_VOLUME,       /* where its volumes may be used */
    KERF_EXCLUDED_BY_SPREAD,
    KERF_EXCLUDED_BY_AFFINITY,
    KERF_EXCLUDED_BY_ANTI_AFFINITY,
    KERF_EXCLUDED_BY_OTHERS_ANTI_AFFINITY, /* of a pod that runs or was placed before */
    KERF_EXCLUDED_BY_CONFLICT,             /* two constraints that cannot both be met (7.5) */
    KERF_EXCLUDED_BY_TYPES,                /* no instance type meets all requirements */
    KERF_EXCLUDED_BY_HOST_PORT,
    KERF_EXCLUDED_BY_OFFERING,             /* none can be had in the zones and capacity types that are left */
    KERF_EXCLUDED_BY_RESOURCES,
    KERF_EXCLUDED_BY_MIN_VALUES,
    KERF_EXCLUSION_RULE_COUNT
};
const char *kerf_exclusion_rule_text(enum kerf_exclusion_rule rule);

/** Of one resource at the place that comes nearest. */
struct kerf_shortage {
    enum kerf_resource resource;
    int64_t wanted;  /* by the pod; by a limit: the capacity of the smallest type that would do */
    int64_t besides; /* daemon pods, and pods that were placed there before */
    int64_t offered; /* allocatable; of an existing node what is free; of a limit what is left */
};

struct kerf_exclusion {
    enum kerf_exclusion_rule rule;
    kerf_name key;       /* of the taint, label, topology or minValues; the limited resource, the driver; NULL: none */
    const char *wanted;  /* by the pod; NULL: `text` says all */
    const char *offered; /* by the place; NULL: nothing is there, or `text` says all */
    const char *text;    /* a sentence with the numbers */
    const struct kerf_taint *taint;
    const struct kerf_shortage *shortages; /* resources and limits */
    uint32_t shortage_count;
    kerf_name nearest; /* the instance type or node that the shortages are of; NULL: none */
    int64_t needed;    /* maxSkew that would do, or values that there are of a minValues key; 0: not known */
    uint32_t type_count;      /* instance types of the place, after limits */
    uint32_t available_count; /* of those can be had */
};

/** Of the NodePools, in the order in which Karpenter asks; those that no pass asks come last. */
struct kerf_pool_exclusion {
    uint32_t nodepool_index;
    struct kerf_exclusion exclusion;
};

/** Places that the same rule refuses, and the one of them that comes nearest. */
struct kerf_rule_count {
    enum kerf_exclusion_rule rule;
    uint32_t count;
    kerf_name place; /* the node, or for claims NULL */
    struct kerf_exclusion nearest;
};
struct kerf_place_summary {
    uint32_t count; /* places asked */
    struct kerf_rule_count rules[KERF_EXCLUSION_RULE_COUNT]; /* by rule; those with a count of 0 refused nowhere */
};

/** Pods that ask the same and stay for the same reasons; the numbers are those of the first. */
struct kerf_explanation {
    const kerf_pod_id *pods;
    size_t pod_count;
    struct kerf_exclusion own; /* a rule: the pods were never compared with places */
    const struct kerf_pool_exclusion *pools;
    uint32_t pool_count;
    struct kerf_place_summary nodes;  /* existing ones */
    struct kerf_place_summary claims; /* new nodes of the pass */
};

#endif
