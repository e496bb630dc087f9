/**
 * The rooms of one replication. Order matters twice: record listens before anybody acts, and controllers hear of a change in the order
 * of the table, which is that of the data's way: what makes pods, what runs them, who binds, who provisions, who disrupts.
 */
#include "sim/sim.h"

#include <stdlib.h>

/** A controller: one file in controllers/, one row here and one name in sim.h. */
struct controller {
    void *(*make)(struct kerf_world *world);
    void (*unmake)(void *controller);
    bool (*is_needed)(const struct kerf_design *design); /* NULL: always */
};

#define CONTROLLER(name, type)                                                                                                    \
    static void *make_##name(struct kerf_world *world) { return kerf_##type##_new(world); }                                       \
    static void unmake_##name(void *controller) { kerf_##type##_free(controller); }
CONTROLLER(ipamd, ipamd)
CONTROLLER(branches, branches)
CONTROLLER(workloads, workload_controller)
CONTROLLER(daemons, daemons)
CONTROLLER(volumes, volumes)
CONTROLLER(kubelets, kubelets)
CONTROLLER(binder, binder)
CONTROLLER(lifecycle, lifecycle)
CONTROLLER(provisioner, provisioner)
CONTROLLER(static_pools, static_pools)
CONTROLLER(disruptor, disruptor)
CONTROLLER(autoscaler, autoscaler)
CONTROLLER(nodegroups, nodegroup_controller)
CONTROLLER(interruption, interruption)
CONTROLLER(terminator, terminator)
CONTROLLER(takers, takers)

static bool has_karpenter(const struct kerf_design *design) { return design->karpenter.enabled; }
static bool has_static_pools(const struct kerf_design *design) { return has_karpenter(design) && design->karpenter.static_capacity; }
static bool has_network(const struct kerf_design *design) { return design->subnet_count > 0; }
static bool has_branches(const struct kerf_design *design) { return has_network(design) && design->cni.pod_eni; }
static bool has_claims(const struct kerf_design *design)
{
    for (size_t i = 0; i < design->objects.workloads.count; i++)
        if (design->objects.workloads.items[i].claim_template_count > 0)
            return true;
    for (size_t i = 0; i < design->objects.pod_specs.count; i++)
        for (uint32_t k = 0; k < design->objects.pod_specs.items[i].spec->volume_count; k++)
            if (design->objects.pod_specs.items[i].spec->volumes[k].claim_name || design->objects.pod_specs.items[i].spec->volumes[k].ephemeral)
                return true;
    return false;
}
static bool has_takers(const struct kerf_design *design)
{
    for (uint32_t i = 0; i < design->subnet_count; i++)
        if (design->subnets[i].taker_count > 0)
            return true;
    return false;
}
static bool has_autoscaler(const struct kerf_design *design) { return design->autoscaler.enabled && design->objects.nodegroups.count > 0; }
static bool has_groups(const struct kerf_design *design) { return design->objects.nodegroups.count > 0; }

static const struct controller controllers[KERF_SIM_CONTROLLER_COUNT] = {
    [KERF_SIM_IPAMD] = { make_ipamd, unmake_ipamd, has_network },
    [KERF_SIM_BRANCHES] = { make_branches, unmake_branches, has_branches },
    [KERF_SIM_WORKLOADS] = { make_workloads, unmake_workloads, NULL },
    [KERF_SIM_DAEMONS] = { make_daemons, unmake_daemons, NULL },
    [KERF_SIM_VOLUMES] = { make_volumes, unmake_volumes, has_claims },
    [KERF_SIM_KUBELETS] = { make_kubelets, unmake_kubelets, NULL },
    [KERF_SIM_BINDER] = { make_binder, unmake_binder, NULL },
    [KERF_SIM_LIFECYCLE] = { make_lifecycle, unmake_lifecycle, has_karpenter },
    [KERF_SIM_PROVISIONER] = { make_provisioner, unmake_provisioner, has_karpenter },
    [KERF_SIM_STATIC_POOLS] = { make_static_pools, unmake_static_pools, has_static_pools },
    [KERF_SIM_DISRUPTOR] = { make_disruptor, unmake_disruptor, has_karpenter },
    [KERF_SIM_AUTOSCALER] = { make_autoscaler, unmake_autoscaler, has_autoscaler },
    [KERF_SIM_NODEGROUPS] = { make_nodegroups, unmake_nodegroups, has_groups },
    [KERF_SIM_INTERRUPTION] = { make_interruption, unmake_interruption, NULL },
    [KERF_SIM_TERMINATOR] = { make_terminator, unmake_terminator, NULL },
    [KERF_SIM_TAKERS] = { make_takers, unmake_takers, has_takers },
};

static void set_now(void *context, const struct kerf_event *event)
{
    (void)event;
    struct kerf_world *world = context;
    kerf_cluster_set_now(world->cluster, kerf_world_epoch_now(world));
}

#ifdef KERF_CHECKED
static void check_world(void *context, const struct kerf_event *event)
{
    (void)event;
    struct kerf_world *world = context;
    kerf_cluster_check(world->cluster);
    for (uint32_t i = 0; i < world->design->subnet_count; i++)
        kerf_vpc_subnet_check(world->network.subnets[i]);
}
#endif

void kerf_sim_open(struct kerf_sim *sim, const struct kerf_design *design, uint64_t seed, uint32_t replication,
                   struct kerf_record_options options, uint32_t chosen)
{
    struct kerf_world *world = &sim->world;
    *sim = (struct kerf_sim){ .world = { .design = design, .seed = seed, .replication = replication } };
    world->vocabulary = kerf_vocabulary_new(design->vocabulary);
    world->engine = kerf_engine_new();
    world->cloud = kerf_cloud_new(design, seed, replication);
    world->cluster = kerf_cluster_new(&design->objects, design->catalog, design->instance_options, world->vocabulary);
    kerf_cluster_set_now(world->cluster, design->start_epoch_us);
    kerf_cluster_count_pdbs(world->cluster); /* a status in the manifests is of the past */
    kerf_network_open(world);
    sim->context = (struct kerf_run_context){
        .seed = seed, .replication = replication, .design = design->name, .now_us = kerf_engine_clock(world->engine)
    };
    kerf_set_run_context(&sim->context);
    sim->record = kerf_record_new(world, options);
    for (int i = 0; i < KERF_SIM_CONTROLLER_COUNT; i++)
        if ((chosen >> i & 1) && (!controllers[i].is_needed || controllers[i].is_needed(design)))
            sim->controllers[i] = controllers[i].make(world);
    kerf_engine_before_each(world->engine, set_now, world);
#ifdef KERF_CHECKED
    kerf_engine_after_each(world->engine, check_world, world);
#endif
}

void kerf_sim_close(struct kerf_sim *sim)
{
    struct kerf_world *world = &sim->world;
    kerf_record_finish(sim->record);
    kerf_set_run_context(NULL);
    for (int i = KERF_SIM_CONTROLLER_COUNT; i-- > 0;)
        controllers[i].unmake(sim->controllers[i]);
    kerf_world_fini(world);
    kerf_cluster_free(world->cluster);
    kerf_network_close(world);
    kerf_cloud_free(world->cloud);
    kerf_engine_free(world->engine);
    kerf_vocabulary_free(world->vocabulary);
}

void kerf_sim_run(const struct kerf_design *design, uint64_t seed, uint32_t replication, struct kerf_record_options options,
                  struct kerf_sim_outcome *out_outcome)
{
    struct kerf_sim sim;
    kerf_sim_open(&sim, design, seed, replication, options, KERF_SIM_ALL);
    enum kerf_engine_outcome outcome = kerf_engine_run(sim.world.engine, design->horizon_us);
    *out_outcome = (struct kerf_sim_outcome){
        .record = sim.record,
        .livelock = outcome == KERF_ENGINE_LIVELOCK,
        .stopped_us = kerf_engine_now(sim.world.engine),
        .event_count = kerf_engine_event_count(sim.world.engine),
    };
    kerf_sim_close(&sim);
}
