/** Any bytes as a scenario: read, its promises checked, freed. Manifests are those of the unit tests. */
#include "fuzz_target.h"
#include "scenario/scenario.h"

static void check_design(const struct kerf_design *design)
{
    KERF_ASSERT(design->warm_up_us < design->horizon_us);
    KERF_ASSERT(design->zone_count > 0);
    for (uint32_t i = 0; i < design->load_count; i++) {
        const struct kerf_load *load = &design->loads[i];
        KERF_ASSERT(load->workload_index < design->objects.workloads.count);
        KERF_ASSERT(design->load_of_workload[load->workload_index] == i);
        KERF_ASSERT(load->point_count != 1);
        for (uint32_t j = 0; j < load->step_count; j++) {
            struct kerf_cron cron;
            KERF_ASSERT(kerf_cron_parse(load->steps[j].cron, &cron));
        }
    }
    for (uint32_t i = 0; i < design->subnet_count; i++) {
        KERF_ASSERT(design->subnets[i].cidr.prefix_length >= 16);
        KERF_ASSERT(design->subnets[i].cidr.prefix_length <= 28);
        KERF_ASSERT(design->subnets[i].zone_index != KERF_NOT_FOUND);
    }
    for (size_t i = 0; i < design->objects.nodegroups.count; i++)
        KERF_ASSERT(design->objects.nodegroups.items[i].instance_type_count > 0);
    for (uint32_t i = 0; i < design->spot.shock_count; i++)
        KERF_ASSERT(design->spot.shocks[i].offerings);
    KERF_ASSERT(!kerf_cni_settings_refusal(&design->cni));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kerf_errors *errs = kerf_errors_new();
    struct kerf_scenario *scenario = NULL;
    if (kerf_scenario_read_text("tests/unit/scenario/fuzz.yaml", (const char *)data, size, NULL, &scenario, errs) == KERF_OK) {
        KERF_ASSERT(kerf_errors_count(errs) == 0);
        KERF_ASSERT(scenario->design_count > 0);
        for (uint32_t i = 0; i < scenario->design_count; i++)
            check_design(&scenario->designs[i]);
    } else {
        KERF_ASSERT(kerf_errors_count(errs) > 0);
    }
    kerf_scenario_free(scenario);
    kerf_errors_free(errs);
    return 0;
}
