/** The names that the field knows, entered once in the oldest vocabulary; children find the same pointers there. */
#include "model/vocabulary.h"

#include <stdlib.h>

static const char *const known_resources[KERF_RESOURCE_OTHER] = {
    "cpu",
    "memory",
    "ephemeral-storage",
    "pods",
    "nvidia.com/gpu",
    "amd.com/gpu",
    "aws.amazon.com/neuron",
    "aws.amazon.com/neuroncore",
    "habana.ai/gaudi",
    "vpc.amazonaws.com/pod-eni",
    "vpc.amazonaws.com/efa",
    "vpc.amazonaws.com/PrivateIPv4Address",
    "hugepages-2Mi",
    "hugepages-1Gi",
};

struct kerf_vocabulary *kerf_vocabulary_new(const struct kerf_vocabulary *parent)
{
    struct kerf_vocabulary *vocabulary = kerf_allocate(sizeof *vocabulary);
    if (parent)
        *vocabulary = *parent;
    vocabulary->parent = parent;
    vocabulary->names = kerf_names_new(parent ? parent->names : NULL);
    if (parent) {
        vocabulary->resources = (struct kerf_name_map){0};
        for (uint32_t i = 0; i < parent->resource_count; i++)
            kerf_name_map_put(&vocabulary->resources, parent->resource_names[i], i);
        return vocabulary;
    }
#define ENTER_KEY(member, text, well_known_key)                                                                                  \
    vocabulary->member = kerf_name_of(vocabulary->names, text);                                                                  \
    if (well_known_key)                                                                                                          \
        kerf_name_map_put(&vocabulary->well_known, vocabulary->member, 1);
#define ENTER_WORD(member, text) vocabulary->member = kerf_name_of(vocabulary->names, text);
    KERF_WELL_KNOWN_KEYS(ENTER_KEY)
    KERF_WELL_KNOWN_WORDS(ENTER_WORD)
    KERF_ALIAS_KEYS(ENTER_WORD)
#undef ENTER_KEY
#undef ENTER_WORD
    for (uint32_t i = 0; i < KERF_RESOURCE_OTHER; i++) {
        vocabulary->resource_names[i] = kerf_name_of(vocabulary->names, known_resources[i]);
        kerf_name_map_put(&vocabulary->resources, vocabulary->resource_names[i], i);
    }
    vocabulary->resource_count = KERF_RESOURCE_OTHER;
    return vocabulary;
}

void kerf_vocabulary_free(struct kerf_vocabulary *vocabulary)
{
    if (!vocabulary)
        return;
    kerf_name_map_fini(&vocabulary->resources);
    if (!vocabulary->parent)
        kerf_name_map_fini(&vocabulary->well_known);
    kerf_names_free(vocabulary->names);
    free(vocabulary);
}

enum kerf_resource kerf_vocabulary_resource(struct kerf_vocabulary *vocabulary, const char *resource_name)
{
    kerf_name name = kerf_name_of(vocabulary->names, resource_name);
    uint32_t index = kerf_name_map_get(&vocabulary->resources, name);
    if (index != KERF_NOT_FOUND)
        return (enum kerf_resource)index;
    if (vocabulary->resource_count == KERF_RESOURCE_MAX)
        return KERF_RESOURCE_MAX;
    index = vocabulary->resource_count++;
    vocabulary->resource_names[index] = name;
    kerf_name_map_put(&vocabulary->resources, name, index);
    return (enum kerf_resource)index;
}

kerf_name kerf_vocabulary_normalize_key(const struct kerf_vocabulary *vocabulary, kerf_name key)
{
    if (key == vocabulary->alias_zone || key == vocabulary->alias_ebs_zone)
        return vocabulary->key_zone;
    if (key == vocabulary->alias_region)
        return vocabulary->key_region;
    if (key == vocabulary->alias_arch)
        return vocabulary->key_arch;
    if (key == vocabulary->alias_os)
        return vocabulary->key_os;
    if (key == vocabulary->alias_instance_type)
        return vocabulary->key_instance_type;
    return key;
}

bool kerf_vocabulary_is_well_known(const struct kerf_vocabulary *vocabulary, kerf_name key)
{
    return kerf_name_map_get(&vocabulary->well_known, key) != KERF_NOT_FOUND;
}
