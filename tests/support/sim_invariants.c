#include "sim_invariants.h"

#include <criterion/criterion.h>
#include <stdlib.h>

/** Our own account of a node's life, from the notices alone. */
struct life {
    kerf_time_us started_us;
    kerf_time_us ended_us; /* KERF_TIME_NEVER: runs */
    kerf_usd_micros per_hour;
    bool lost;
};

static void check_lives(const struct sim_world *world, struct life *lives, uint32_t bound)
{
    for (uint32_t i = 0; i < bound; i++)
        lives[i] = (struct life){.started_us = KERF_TIME_NEVER, .ended_us = KERF_TIME_NEVER};
    for (size_t i = 0; i < world->events.count; i++) {
        const struct sim_event *event = &world->events.items[i];
        struct life *life = event->node.index < bound ? &lives[event->node.index] : NULL;
        switch (event->kind) {
        case SIM_NOTICE + KERF_NOTICE_INSTANCE_STARTED:
            cr_assert_eq(life->started_us, KERF_TIME_NEVER);
            life->started_us = event->at_us;
            life->per_hour = event->value;
            break;
        case SIM_NOTICE + KERF_NOTICE_NODE_LOST:
            cr_assert_eq(life->ended_us, KERF_TIME_NEVER);
            life->lost = true;
            break;
        case SIM_NOTICE + KERF_NOTICE_INSTANCE_ENDED:
            cr_assert_neq(life->started_us, KERF_TIME_NEVER);
            cr_assert_eq(life->ended_us, KERF_TIME_NEVER, "an instance ends once");
            life->ended_us = event->at_us;
            break;
        case KERF_CHANGE_NODE_REMOVED:
            cr_assert(life->started_us == KERF_TIME_NEVER || life->ended_us != KERF_TIME_NEVER, "a node goes after its instance");
            break;
        case KERF_CHANGE_POD_RUNNING:
        case KERF_CHANGE_POD_READY:
        case KERF_CHANGE_POD_FINISHED:
        case KERF_CHANGE_NODE_READY:
            cr_assert(!life || life->ended_us == KERF_TIME_NEVER, "nothing starts on an instance that is gone (%d)", event->kind);
            break;
        default:
            break;
        }
    }
}

/** Sum over lives of price times billed seconds, and volumes, in micro-dollars: close to the bill, which rounds each node. */
static double expected_bill(const struct sim_world *world, const struct life *lives, uint32_t bound)
{
    double sum = 0;
    kerf_time_us end_us = world->design->horizon_us;
    double volume_per_hour = (double)world->design->fees.root_volume_gb * (double)world->design->fees.ebs_gb_month / 730.0;
    for (uint32_t i = 0; i < bound; i++) {
        if (lives[i].started_us == KERF_TIME_NEVER)
            continue;
        bool open = lives[i].ended_us == KERF_TIME_NEVER;
        kerf_time_us lived_us = (open ? end_us : lives[i].ended_us) - lives[i].started_us;
        kerf_time_us billed_us = open ? lived_us : kerf_max_i64((lived_us + 999999) / 1000000 * 1000000, 60000000);
        bool forgiven = lives[i].lost && lived_us < KERF_HOUR_US;
        sum += ((forgiven ? 0.0 : (double)lives[i].per_hour) + volume_per_hour) * (double)billed_us / (double)KERF_HOUR_US;
    }
    return sum + (double)world->design->fees.control_plane_per_hour * (double)end_us / (double)KERF_HOUR_US;
}

void sim_check_addresses(const struct sim_world *world, int32_t spare)
{
    const struct kerf_cluster *cluster = world->world->cluster;
    int64_t launching = 0;
    int64_t held = 0;
    for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
        launching += node->has_claim && !node->claim.provider_id;
        if (!node->network)
            continue;
        kerf_vpc_pool_check(node->network);
        int32_t pods = 0;
        for (uint32_t i = 0; i < node->pod_count; i++) {
            const struct kerf_cluster_pod *pod = kerf_cluster_pod(cluster, node->pods[i]);
            pods += pod->addressed && !kerf_pod_is_terminal(&pod->pod);
        }
        cr_assert_eq(kerf_vpc_pool_stats(node->network).assigned, pods);
        for (uint32_t i = 0; i < world->design->subnet_count; i++)
            held += kerf_vpc_pool_taken(node->network, i);
    }
    for (size_t i = 0; i < world->design->objects.nodegroups.count; i++)
        launching += world->design->objects.nodegroups.items[i].desired_capacity + spare;
    int64_t taken = 0;
    for (uint32_t i = 0; i < world->design->subnet_count; i++) {
        struct kerf_vpc_subnet_counts counts = kerf_vpc_subnet_counts(world->world->network.subnets[i]);
        taken += (int64_t)counts.size - counts.free - world->design->subnets[i].taken;
    }
    cr_assert_geq(taken, held);
    cr_assert_leq(taken, held + launching, "no address is lost: %d taken, %d held, %d launches", (int)taken, (int)held, (int)launching);
}

void sim_finish_and_check_bill(struct sim_world *world)
{
    uint32_t bound = kerf_cluster_node_id_bound(world->world->cluster);
    struct life *lives = kerf_allocate(bound * sizeof *lives + 1);
    check_lives(world, lives, bound);
    double expected = expected_bill(world, lives, bound);
    double hours = (double)world->design->horizon_us / (double)KERF_HOUR_US;
    free(lives);
    sim_world_finish(world);
    double billed = sim_world_metric(world, "costUsdPerMonth") * 1e6 * hours / 730.0;
    cr_expect_float_eq(billed, expected, (double)bound + 2.0, "billed %f, ran %f", billed, expected);
    double causes = 0;
    size_t count;
    const struct kerf_metric *metrics = kerf_record_metrics(world->sim.record, &count);
    for (size_t i = 0; i < count; i++)
        if (strncmp(metrics[i].name, "costUsdPerMonth.cause.", 22) == 0)
            causes += metrics[i].value;
    cr_expect_float_eq(causes, sim_world_metric(world, "costUsdPerMonth"), 1e-6);
}
