/** Part of the door of `model`: amounts of resources, exact. Include model/model.h. */
#ifndef KERF_MODEL_RESOURCES_H
#define KERF_MODEL_RESOURCES_H

#include "base/base.h"

/**
 * Which amount of kerf_resources: four that every node has, those that EC2 types bring, and others by their name in the
 * vocabulary (KERF_RESOURCE_OTHER and up).
 */
enum kerf_resource {
    KERF_RESOURCE_CPU,
    KERF_RESOURCE_MEMORY,
    KERF_RESOURCE_EPHEMERAL_STORAGE,
    KERF_RESOURCE_PODS,
    KERF_RESOURCE_NVIDIA_GPU,    /* nvidia.com/gpu */
    KERF_RESOURCE_AMD_GPU,       /* amd.com/gpu */
    KERF_RESOURCE_NEURON,        /* aws.amazon.com/neuron */
    KERF_RESOURCE_NEURONCORE,    /* aws.amazon.com/neuroncore */
    KERF_RESOURCE_GAUDI,         /* habana.ai/gaudi */
    KERF_RESOURCE_POD_ENI,       /* vpc.amazonaws.com/pod-eni */
    KERF_RESOURCE_EFA,           /* vpc.amazonaws.com/efa */
    KERF_RESOURCE_PRIVATE_IPV4,  /* vpc.amazonaws.com/PrivateIPv4Address */
    KERF_RESOURCE_HUGEPAGES_2MI, /* hugepages-2Mi, in bytes like memory */
    KERF_RESOURCE_HUGEPAGES_1GI, /* hugepages-1Gi */
    KERF_RESOURCE_OTHER,
    KERF_RESOURCE_MAX = 28 /* more different names in one input are refused */
};
#define KERF_EXTENDED_MAX (KERF_RESOURCE_MAX - KERF_RESOURCE_NVIDIA_GPU)

/**
 * A list of resources as Kubernetes keeps it: an absent entry is not a zero one (`present`, a bit per kerf_resource), and an
 * absent amount is 0. Units: cpu in 10^-9 cores; memory and ephemeral storage in 10^-3 bytes (0.3Gi is a fraction of a byte);
 * pods in pods; all others in 10^-3 of their unit. What is finer than the unit is rounded up in requests, down in capacity.
 */
struct kerf_resources {
    uint32_t present;
    union {
        struct {
            int64_t cpu_nanocores;
            int64_t memory_millibytes;
            int64_t ephemeral_storage_millibytes;
            int64_t pods;
            int64_t extended[KERF_EXTENDED_MAX];
        };
        int64_t amounts[KERF_RESOURCE_MAX];
    };
};

static inline bool kerf_resources_has(const struct kerf_resources *resources, enum kerf_resource resource)
{
    return resources->present >> resource & 1;
}
static inline void kerf_resources_set(struct kerf_resources *resources, enum kerf_resource resource, int64_t amount)
{
    resources->present |= 1u << resource;
    resources->amounts[resource] = amount;
}
static inline void kerf_resources_remove(struct kerf_resources *resources, enum kerf_resource resource)
{
    resources->present &= ~(1u << resource);
    resources->amounts[resource] = 0;
}
/** into += added; saturates (no sum over one node or claim comes near; over a fleet use kerf_resource_totals). */
void kerf_resources_add(struct kerf_resources *into, const struct kerf_resources *added);
/** into -= taken; entries absent in `into` become negative, as in Karpenter's arithmetic. */
void kerf_resources_subtract(struct kerf_resources *into, const struct kerf_resources *taken);
/** Per resource the larger; present where either is. */
void kerf_resources_maximum(struct kerf_resources *into, const struct kerf_resources *other);
/** Karpenter's fit test (karpenter-provisioning 3.2): false if any present total is negative; zero requests always fit. */
bool kerf_resources_fit(const struct kerf_resources *request, const struct kerf_resources *total);
bool kerf_resources_equal(const struct kerf_resources *a, const struct kerf_resources *b); /* presence too */

/** Sums over a fleet: 128 bits an amount. */
struct kerf_resource_totals {
    uint32_t present;
    kerf_i128 amounts[KERF_RESOURCE_MAX];
};
void kerf_resource_totals_add(struct kerf_resource_totals *into, const struct kerf_resources *added, int sign);

/* ---- quantities as Kubernetes writes them ---------------------------------------------------------------------------------- */

enum kerf_rounding {
    KERF_ROUND_UP,  /* requests */
    KERF_ROUND_DOWN /* capacity, limits */
};

/**
 * Parses a quantity (digits with an optional point, then n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or an exponent e3/E3) into
 * units of 10^-scale. Kubernetes itself keeps 10^-9 and rounds finer ones up: so do we, before the rounding to our scale.
 * False if it is no quantity or outgrows 64 bits.
 */
bool kerf_quantity_parse(const char *text, int scale, enum kerf_rounding rounding, int64_t *out_amount);
/** The same, but what outgrows 64 bits becomes the largest (or smallest) amount: it fits nowhere, or limits nothing. */
bool kerf_quantity_parse_saturating(const char *text, int scale, enum kerf_rounding rounding, int64_t *out_amount);
bool kerf_quantity_parse_nanocores(const char *text, int64_t *out_cpu_nanocores); /* rounds up */
bool kerf_quantity_parse_millibytes(const char *text, int64_t *out_millibytes);   /* rounds up */

/** The decimal places of a resource's unit: 9 for cpu, 0 for pods, 3 for all others. */
int kerf_resource_scale(enum kerf_resource resource);

/** Writes an amount as Kubernetes would canonically (`1500m`, `2`, `6903Mi`, `300m`); a buffer of 40 bytes suffices. */
void kerf_quantity_format(enum kerf_resource resource, int64_t amount, char *buffer, size_t buffer_bytes);

#endif
