#include "vpc_world.h"

#include <criterion/criterion.h>

struct kerf_vpc_pool_options vpc_options(int enis, int ipv4_per_eni, const char *env)
{
    struct kerf_vpc_pool_options options = {
        .settings = kerf_cni_settings_default(),
        .limits = {.enis = enis, .ipv4_per_eni = ipv4_per_eni},
        .prefix_capable = true,
        .trunk_capable = true,
        .primary_address = KERF_ADDRESS_NONE,
        .order_key = 1,
    };
    while (*env) {
        size_t name_length = strcspn(env, "=");
        size_t value_length = strcspn(env + name_length + 1, " ");
        char name[64] = "", value[64] = "";
        cr_assert(name_length < sizeof name);
        cr_assert(value_length < sizeof value);
        memcpy(name, env, name_length);
        memcpy(value, env + name_length + 1, value_length);
        cr_assert_eq(kerf_cni_settings_read(&options.settings, name, value), KERF_CNI_ENV_READ, "%s", name);
        env += name_length + 1 + value_length;
        env += *env == ' ';
    }
    bool prefixes = options.settings.prefix_delegation;
    options.max_pods = kerf_vpc_max_pods(options.limits, prefixes ? KERF_IP_PREFIX : KERF_IP_SECONDARY, 0);
    return options;
}

static void place_waiting(struct vpc_world *world)
{
    while (world->waiting > 0 && world->pod_count < WORLD_PODS_MAX &&
           kerf_vpc_pool_pod_arrives(&world->pool, world->now_us, &world->pods[world->pod_count])) {
        world->pod_count++;
        world->waiting--;
    }
}

bool vpc_world_launch(struct vpc_world *world, const struct kerf_vpc_pool_options *options, struct kerf_vpc_ec2_network *network)
{
    *world = (struct vpc_world){.network = network};
    struct kerf_vpc_pool_options placed = *options;
    if (options->primary_address == KERF_ADDRESS_NONE && !kerf_vpc_ec2_launch(network, options->primary_subnet, &placed.primary_address))
        return false;
    kerf_vpc_pool_init(&world->pool, &placed, 0);
    kerf_vpc_pool_pass(&world->pool, 0, network);
    return true;
}

void vpc_world_fini(struct vpc_world *world) { kerf_vpc_pool_fini(&world->pool); }

void vpc_world_want(struct vpc_world *world, int pods)
{
    int leaving = world->pod_count + world->waiting - pods;
    for (; leaving > 0; leaving--) {
        if (world->waiting > 0)
            world->waiting--;
        else
            kerf_vpc_pool_pod_leaves(&world->pool, world->now_us, world->pods[--world->pod_count]);
    }
    world->waiting -= leaving;
    place_waiting(world);
}

void vpc_world_run_until(struct vpc_world *world, kerf_time_us until_us)
{
    while (world->pool.next_loop_us <= until_us) {
        kerf_time_us pass_us = world->pool.next_loop_us;
        kerf_time_us wake_us = kerf_vpc_pool_wake(&world->pool);
        cr_assert_geq(wake_us, pass_us);
        world->now_us = pass_us;
        uint32_t actions = kerf_vpc_pool_pass(&world->pool, pass_us, world->network);
        cr_assert(actions == 0 || wake_us == pass_us, "a pass at %" PRId64 " asked for something before the wake at %" PRId64, pass_us,
                  wake_us);
        world->passes++;
        world->acting_passes += actions > 0;
        place_waiting(world);
    }
    if (until_us != KERF_TIME_NEVER)
        world->now_us = until_us;
}
