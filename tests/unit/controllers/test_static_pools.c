/** Static NodePools: as many nodes as they ask for, and which go first (examples M1 to M4 of karpenter-disruption.md 17.13). */
#include "../../support/sim_world.h"

#include <criterion/criterion.h>

#define GATE "karpenter: { featureGates: { StaticCapacity: true } }\n"
#define CONTROLLERS (1u << KERF_SIM_STATIC_POOLS | 1u << KERF_SIM_LIFECYCLE | 1u << KERF_SIM_KUBELETS | 1u << KERF_SIM_TERMINATOR)

/** A static NodePool `np` of m5.large with that `replicas` and further keys of its spec. */
static void open_world(struct sim_world *world, const char *keys, int replicas, const char *more, uint32_t controllers)
{
    struct kerf_text text = {0};
    kerf_text_append_format(&text,
                            "---\napiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: { name: default }\n"
                            "spec: { amiSelectorTerms: [{ alias: al2023@latest }], role: nodes, subnetSelectorTerms: [{ tags: { a: b } }], "
                            "securityGroupSelectorTerms: [{ tags: { a: b } }] }\n"
                            "---\napiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: { name: np }\nspec:\n  replicas: %d\n%s  template:\n    spec:\n"
                            "      nodeClassRef: { group: karpenter.k8s.aws, kind: EC2NodeClass, name: default }\n      requirements:\n"
                            "        - { key: node.kubernetes.io/instance-type, operator: In, values: [m5.large] }\n"
                            "        - { key: karpenter.sh/capacity-type, operator: In, values: [on-demand] }\n",
                            replicas, more);
    sim_world_open(world, keys, text.bytes, controllers);
    kerf_text_fini(&text);
}

static struct kerf_static_scale decide(const struct sim_world *world, struct kerf_arena *arena)
{
    struct kerf_static_scale scale;
    kerf_static_scale_decide(world->world->cluster, 0, kerf_world_epoch_now(world->world), 7, arena, &scale);
    return scale;
}

Test(static_pools, nodes_are_made_and_made_again)
{
    struct sim_world world;
    open_world(&world, GATE, 3, "", CONTROLLERS);
    sim_world_run(&world, SECONDS(600));
    cr_assert_eq(kerf_cluster_node_count(world.world->cluster), 3);
    for (size_t at = 0; at < 3; at++)
        cr_expect(kerf_cluster_is_initialized(world.world->cluster, kerf_cluster_node_at(world.world->cluster, at)));
    kerf_node_id gone = kerf_cluster_node_at(world.world->cluster, 1)->id;
    kerf_cluster_delete_claim(world.world->cluster, gone);
    sim_world_run(&world, SECONDS(601));
    cr_expect_eq(kerf_cluster_node_count(world.world->cluster), 4, "one that goes does not count");
    sim_world_run(&world, SECONDS(1200));
    cr_expect_eq(kerf_cluster_node_count(world.world->cluster), 3);
    cr_expect_null(kerf_cluster_node(world.world->cluster, gone));
    sim_world_close(&world);
}

Test(static_pools, nothing_without_the_gate)
{
    struct sim_world world;
    open_world(&world, "", 3, "", CONTROLLERS);
    sim_world_run(&world, SECONDS(600));
    cr_expect_eq(kerf_cluster_node_count(world.world->cluster), 0);
    sim_world_close(&world);
}

static kerf_node_id add_node(struct sim_world *world, int number)
{
    char name[32];
    snprintf(name, sizeof name, "n%d", number);
    return sim_world_add_claimed_node(world, name, "m5.large", "us-east-1a", false);
}

static void add_pod(struct sim_world *world, kerf_node_id node, int number, const char *metadata)
{
    char name[48];
    snprintf(name, sizeof name, "p%u-%d", node.index, number);
    kerf_cluster_bind_pod(world->world->cluster, sim_world_add_pod(world, name, "10m", "10Mi", metadata, ""), node);
}

/* M1: two nodes each with DaemonSet pods alone, with one pod, with two, with a pod that must not be disrupted. */
Test(static_pools, m1_the_cheapest_to_disrupt_go_first)
{
    static const char daemon[] = ", ownerReferences: [{ apiVersion: apps/v1, kind: DaemonSet, name: d, uid: d, controller: true }]";
    static const char guarded[] = ", annotations: { karpenter.sh/do-not-disrupt: \"true\" }";
    for (int replicas = 6; replicas >= 0; replicas -= 2) {
        struct sim_world world;
        open_world(&world, GATE, replicas, "", 1u << KERF_SIM_KUBELETS);
        struct kerf_arena arena;
        kerf_arena_init(&arena);
        kerf_node_id nodes[8]; /* the last to go are made first */
        for (int i = 0; i < 8; i++) {
            nodes[i] = add_node(&world, i);
            add_pod(&world, nodes[i], 0, daemon);
            if (i < 2)
                add_pod(&world, nodes[i], 1, guarded);
            for (int k = 0; k < 2 && i >= 2 && i < 6; k++)
                if (k == 0 || i < 4)
                    add_pod(&world, nodes[i], 1 + k, "");
        }
        struct kerf_static_scale scale = decide(&world, &arena);
        cr_expect_eq(scale.create, 0);
        cr_assert_eq(scale.remove_count, (size_t)(8 - replicas));
        for (size_t i = 0; i < scale.remove_count; i++) { /* pairs from the last on; within a pair either may come first */
            uint32_t pair = 3 - (uint32_t)i / 2;
            cr_expect(scale.remove[i].index == nodes[2 * pair].index || scale.remove[i].index == nodes[2 * pair + 1].index, "replicas %d, place %zu",
                      replicas, i);
        }
        kerf_arena_fini(&arena);
        sim_world_close(&world);
    }
}

Test(static_pools, m2_what_was_not_launched_goes_first)
{
    struct sim_world world;
    open_world(&world, GATE, 1, "", 1u << KERF_SIM_KUBELETS);
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    kerf_node_id first = add_node(&world, 0);
    add_node(&world, 1);
    struct kerf_nodeclaim claim = kerf_cluster_node(world.world->cluster, first)->claim;
    claim.meta.name = claim.meta.uid = kerf_name_of(world.world->vocabulary->names, "np-unlaunched");
    claim.provider_id = NULL;
    kerf_node_id unlaunched = kerf_cluster_add_claim(world.world->cluster, &claim);
    struct kerf_static_scale scale = decide(&world, &arena);
    cr_assert_eq(scale.remove_count, 2);
    cr_expect(kerf_node_id_equal(scale.remove[0], unlaunched));
    kerf_arena_fini(&arena);
    sim_world_close(&world);
}

Test(static_pools, m3_nodes_under_replacement_count)
{
    struct sim_world world;
    open_world(&world, GATE, 5, "", 1u << KERF_SIM_KUBELETS);
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    for (int i = 0; i < 5; i++) {
        kerf_node_id node = add_node(&world, i);
        if (i >= 3)
            kerf_cluster_set_in_command(world.world->cluster, node, true);
    }
    struct kerf_static_scale scale = decide(&world, &arena);
    cr_expect_eq(scale.create, 0);
    cr_expect_eq(scale.remove_count, 0);
    kerf_arena_fini(&arena);
    sim_world_close(&world);
}

Test(static_pools, m4_nodes_that_go_count_against_the_limit)
{
    struct sim_world world;
    open_world(&world, GATE, 5, "  limits: { nodes: \"6\" }\n", 1u << KERF_SIM_KUBELETS);
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    for (int i = 0; i < 5; i++) {
        kerf_node_id node = add_node(&world, i);
        if (i >= 3)
            kerf_cluster_delete_claim(world.world->cluster, node);
    }
    struct kerf_static_scale scale = decide(&world, &arena);
    cr_expect_eq(scale.create, 1, "two are missing, the limit leaves one");
    cr_expect_not(scale.limited);
    kerf_arena_fini(&arena);
    sim_world_close(&world);
}
