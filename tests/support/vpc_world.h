/**
 * A node's address pool in a world without latency: passes every five seconds, none skipped; waiting pods ask again after each
 * pass. While it runs, it holds kerf_vpc_pool_wake to its word: no pass before the wake may ask for anything.
 */
#ifndef KERF_TESTS_VPC_WORLD_H
#define KERF_TESTS_VPC_WORLD_H

#include "base/base.h"
#include "kerf/vpc.h"

#define WORLD_PODS_MAX 1024

struct vpc_world {
    struct kerf_vpc_pool pool;
    struct kerf_vpc_ec2_network *network; /* shared by the nodes of a test */
    kerf_time_us now_us;
    struct kerf_pod_address pods[WORLD_PODS_MAX];
    int pod_count; /* with an address */
    int waiting;
    uint32_t passes, acting_passes;
};

/** Options of a type of `enis` x `ipv4_per_eni` with the manifest's settings changed by "KEY=VALUE KEY=VALUE". */
struct kerf_vpc_pool_options vpc_options(int enis, int ipv4_per_eni, const char *env);

/** Launches a node at 0 and lets ipamd initialise. False when the subnet has no address for it. */
bool vpc_world_launch(struct vpc_world *world, const struct kerf_vpc_pool_options *options, struct kerf_vpc_ec2_network *network);
void vpc_world_fini(struct vpc_world *world);

/** Pods wanted from now on; the newest go first, waiting ones before them. */
void vpc_world_want(struct vpc_world *world, int pods);

/** All passes that are due up to and at this time. */
void vpc_world_run_until(struct vpc_world *world, kerf_time_us until_us);

#endif
