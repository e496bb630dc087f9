/**
 * A scenario's nodes and pods, simulated where addresses never run out, as courses that a subnet plan replays.
 */
#include "experiment/experiment_internal.h"
#include "kerf/subnets.h"
#include "sim/sim.h"

#include <stdlib.h>

struct kerf_subnet_scenario {
    const struct kerf_scenario *scenario;
    struct kerf_design design; /* the scenario's first, in ample subnets */
    struct kerf_scenario_subnet ample[KERF_ZONE_MAX];
    struct kerf_demand_log *logs; /* one a replication */
    struct kerf_demand_course *courses;
    bool *livelocked;
    const char **zones;
    struct kerf_subnet_spec *subnets;
};

static uint32_t zone_of(const struct kerf_design *design, uint32_t catalog_zone)
{
    for (uint32_t i = 0; i < design->zone_count; i++)
        if (kerf_catalog_zone_index(design->catalog, design->zones[i]) == catalog_zone)
            return i;
    return KERF_NOT_FOUND;
}

static void run_one(void *context, uint32_t number)
{
    struct kerf_subnet_scenario *work = context;
    struct kerf_record_options options = { .demand = &work->logs[number] };
    struct kerf_sim_outcome outcome;
    kerf_sim_run(&work->design, work->scenario->seed, number, options, &outcome);
    work->livelocked[number] = outcome.livelock;
    kerf_record_free(outcome.record);
    struct kerf_demand_log *log = &work->logs[number];
    for (size_t i = 0; i < log->events.count; i++)
        if (log->events.items[i].kind == KERF_DEMAND_NODE_STARTS)
            log->events.items[i].zone = (uint16_t)zone_of(&work->design, log->events.items[i].zone);
    work->courses[number] = (struct kerf_demand_course){
        .events = log->events.items,
        .event_count = log->events.count,
        .shapes = log->shapes.items,
        .horizon_us = work->design.horizon_us,
        .warm_up_us = work->design.warm_up_us,
    };
}

static void make_ample(struct kerf_subnet_scenario *work)
{
    const struct kerf_design *design = &work->scenario->designs[0];
    work->design = *design;
    for (uint32_t i = 0; i < design->zone_count; i++)
        work->ample[i] = (struct kerf_scenario_subnet){
            .id = design->zones[i]->text,
            .zone_index = kerf_catalog_zone_index(design->catalog, design->zones[i]),
            .cidr = { .first = (10u << 24) + (i << 16), .prefix_length = 16 },
        };
    work->design.subnets = work->ample;
    work->design.subnet_count = design->zone_count;
    work->design.cni.custom_networking = false;
}

static void list_subnets(struct kerf_subnet_scenario *work)
{
    const struct kerf_design *design = &work->scenario->designs[0];
    work->zones = kerf_allocate(kerf_array_bytes(design->zone_count, sizeof *work->zones));
    work->subnets = kerf_allocate(kerf_array_bytes(design->subnet_count, sizeof *work->subnets));
    for (uint32_t i = 0; i < design->zone_count; i++)
        work->zones[i] = design->zones[i]->text;
    for (uint32_t i = 0; i < design->subnet_count; i++) {
        const struct kerf_scenario_subnet *from = &design->subnets[i];
        int64_t taken = from->taken;
        for (uint32_t j = 0; j < from->taker_count; j++) /* as if they were there all the time: the most that others hold */
            taken += from->takers[j].addresses;
        int64_t usable = (int64_t)kerf_cidr_size(from->cidr) - KERF_VPC_SUBNET_RESERVED;
        struct kerf_subnet_spec *to = &work->subnets[i];
        *to = (struct kerf_subnet_spec){ .id = from->id, .cidr = from->cidr, .zone = zone_of(design, from->zone_index), .use = from->use,
                                         .taken = (uint32_t)kerf_min_i64(taken, usable), .range_count = from->range_count };
        memcpy(to->ranges, from->ranges, sizeof to->ranges);
    }
}

enum kerf_status kerf_experiment_subnets(const struct kerf_scenario *scenario, const struct kerf_experiment_options *options,
                                         struct kerf_subnet_scenario **out_simulated, struct kerf_subnet_query *out_query,
                                         struct kerf_errors *errs)
{
    const struct kerf_design *design = &scenario->designs[0];
    if (design->subnet_count == 0)
        return kerf_errors_add(errs, (struct kerf_place){ .file = scenario->file }, "design \"%s\" has no subnets; expected some to look at",
                               design->name);
    for (uint32_t i = 0; i < design->subnet_count; i++)
        if (zone_of(design, design->subnets[i].zone_index) == KERF_NOT_FOUND)
            return kerf_errors_add(errs, (struct kerf_place){ .file = scenario->file },
                                   "subnet \"%s\" lies in a zone that is none of the cluster's; expected one of `zones`", design->subnets[i].id);
    struct kerf_subnet_scenario *work = kerf_allocate(sizeof *work);
    work->scenario = scenario;
    work->logs = kerf_allocate(kerf_array_bytes(scenario->replications, sizeof *work->logs));
    work->courses = kerf_allocate(kerf_array_bytes(scenario->replications, sizeof *work->courses));
    work->livelocked = kerf_allocate(kerf_array_bytes(scenario->replications, sizeof *work->livelocked));
    make_ample(work);
    list_subnets(work);
    kerf_experiment_share(scenario->replications, run_one, work, options);
    for (uint32_t i = 0; i < scenario->replications; i++) {
        if (!work->livelocked[i])
            continue;
        kerf_subnet_scenario_free(work);
        return kerf_errors_add(errs, (struct kerf_place){ .file = scenario->file },
                               "replication %u stopped: its controllers undid one another at one instant", i);
    }
    *out_query = (struct kerf_subnet_query){
        .zones = work->zones,
        .zone_count = design->zone_count,
        .subnets = work->subnets,
        .subnet_count = design->subnet_count,
        .settings = design->cni,
        .habits = { .lowest_address = design->cloud.lowest_address, .unrecognised_shortage = design->cloud.unrecognised_shortage },
        .courses = work->courses,
        .replications = scenario->replications,
        .seed = scenario->seed,
    };
    *out_simulated = work;
    return KERF_OK;
}

void kerf_subnet_scenario_free(struct kerf_subnet_scenario *work)
{
    if (!work)
        return;
    for (uint32_t i = 0; i < work->scenario->replications; i++)
        kerf_demand_log_fini(&work->logs[i]);
    free(work->logs);
    free(work->courses);
    free(work->livelocked);
    free(work->zones);
    free(work->subnets);
    free(work);
}
