/** Resource lists: presence, sums, and Karpenter's fit test. */
#include "model/model.h"

#include <criterion/criterion.h>

static struct kerf_resources of(int64_t cpu, int64_t memory)
{
    struct kerf_resources resources = {0};
    kerf_resources_set(&resources, KERF_RESOURCE_CPU, cpu);
    kerf_resources_set(&resources, KERF_RESOURCE_MEMORY, memory);
    return resources;
}

Test(resources, sums)
{
    struct kerf_resources a = of(1, 2), b = {0};
    kerf_resources_set(&b, KERF_RESOURCE_PODS, 1);
    kerf_resources_set(&b, KERF_RESOURCE_CPU, 4);
    kerf_resources_add(&a, &b);
    cr_expect_eq(a.cpu_nanocores, 5);
    cr_expect_eq(a.pods, 1);
    cr_expect_eq(a.present, 1u << KERF_RESOURCE_CPU | 1u << KERF_RESOURCE_MEMORY | 1u << KERF_RESOURCE_PODS);
    struct kerf_resources taken = {0};
    kerf_resources_set(&taken, KERF_RESOURCE_NVIDIA_GPU, 7);
    kerf_resources_subtract(&a, &taken);
    cr_expect_eq(a.amounts[KERF_RESOURCE_NVIDIA_GPU], -7);
    struct kerf_resources huge = of(INT64_MAX, INT64_MIN);
    kerf_resources_add(&huge, &huge);
    cr_expect_eq(huge.cpu_nanocores, INT64_MAX);
    cr_expect_eq(huge.memory_millibytes, INT64_MIN);
}

Test(resources, maximum)
{
    struct kerf_resources a = of(1, 20), b = of(3, 10), negative = {0};
    kerf_resources_set(&negative, KERF_RESOURCE_PODS, -1);
    kerf_resources_maximum(&a, &b);
    kerf_resources_maximum(&a, &negative);
    cr_expect_eq(a.cpu_nanocores, 3);
    cr_expect_eq(a.memory_millibytes, 20);
    cr_expect_eq(a.pods, -1); /* the only one there is */
}

Test(resources, fit)
{
    struct kerf_resources total = of(4, 8), request = of(4, 8), gpu = {0};
    cr_expect(kerf_resources_fit(&request, &total));
    request.cpu_nanocores = 5;
    cr_expect(!kerf_resources_fit(&request, &total));
    kerf_resources_set(&gpu, KERF_RESOURCE_NVIDIA_GPU, 0);
    cr_expect(kerf_resources_fit(&gpu, &total)); /* nothing of what is not there */
    gpu.amounts[KERF_RESOURCE_NVIDIA_GPU] = 1;
    cr_expect(!kerf_resources_fit(&gpu, &total));
    kerf_resources_set(&total, KERF_RESOURCE_PODS, -1);
    struct kerf_resources nothing = {0};
    cr_expect(!kerf_resources_fit(&nothing, &total)); /* a negative total accepts nothing at all */
}

Test(resources, equal)
{
    struct kerf_resources a = of(0, 1), b = {0};
    kerf_resources_set(&b, KERF_RESOURCE_MEMORY, 1);
    cr_expect(!kerf_resources_equal(&a, &b)); /* zero is not absent */
    kerf_resources_set(&b, KERF_RESOURCE_CPU, 0);
    cr_expect(kerf_resources_equal(&a, &b));
}

Test(resources, totals)
{
    struct kerf_resource_totals totals = {0};
    struct kerf_resources huge = of(INT64_MAX, 1);
    for (int i = 0; i < 3; i++)
        kerf_resource_totals_add(&totals, &huge, 1);
    kerf_resource_totals_add(&totals, &huge, -1);
    cr_expect(totals.amounts[KERF_RESOURCE_CPU] == (kerf_i128)INT64_MAX * 2);
    cr_expect(totals.amounts[KERF_RESOURCE_MEMORY] == 2);
}

Test(resources, names)
{
    struct kerf_vocabulary *vocabulary = kerf_vocabulary_new(NULL);
    cr_expect_eq(kerf_vocabulary_resource(vocabulary, "nvidia.com/gpu"), KERF_RESOURCE_NVIDIA_GPU);
    enum kerf_resource own = kerf_vocabulary_resource(vocabulary, "example.com/widget");
    cr_expect_eq(own, KERF_RESOURCE_OTHER);
    struct kerf_vocabulary *child = kerf_vocabulary_new(vocabulary);
    cr_expect_eq(kerf_vocabulary_resource(child, "example.com/widget"), own);
    cr_expect_eq(child->key_zone, vocabulary->key_zone);
    cr_expect(kerf_vocabulary_is_well_known(child, child->key_instance_type));
    cr_expect(!kerf_vocabulary_is_well_known(child, child->key_hostname));
    cr_expect(!kerf_vocabulary_is_well_known(child, kerf_name_of(child->names, "example.com/x")));
    for (int i = 0; i < 40; i++) {
        char text[16];
        snprintf(text, sizeof text, "x/%d", i);
        int resource = (int)kerf_vocabulary_resource(child, text);
        cr_expect_eq(resource, i + 1 + KERF_RESOURCE_OTHER < KERF_RESOURCE_MAX ? i + 1 + KERF_RESOURCE_OTHER : KERF_RESOURCE_MAX);
    }
    kerf_vocabulary_free(child);
    kerf_vocabulary_free(vocabulary);
}
