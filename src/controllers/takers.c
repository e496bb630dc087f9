/**
 * takers: addresses that others than the cluster's nodes hold for a while: load balancers as they grow, endpoints, the interfaces of a control
 * plane during its upgrade. Which addresses EC2 gives them is drawn, as for any single address.
 */
#include "controllers/controllers_internal.h"

#include <stdlib.h>

struct taker {
    uint32_t subnet_index;
    const struct kerf_subnet_taker *setting;
    uint32_t *addresses;
    int64_t held;
};

struct kerf_takers {
    struct kerf_world *world;
    struct taker *items;
    uint32_t count;
};

enum { COMES, GOES };

static void on_taker(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_takers *takers = context;
    struct kerf_world *world = takers->world;
    struct taker *taker = &takers->items[event->subject];
    struct kerf_vpc_subnet *subnet = world->network.subnets[taker->subnet_index];
    if (event->detail == GOES) {
        while (taker->held > 0)
            kerf_vpc_subnet_release(subnet, taker->addresses[--taker->held]);
    }
    while (event->detail == COMES && taker->held < taker->setting->addresses) {
        if (!kerf_vpc_ec2_launch(&world->network, taker->subnet_index, &taker->addresses[taker->held])) {
            kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_SUBNET_EXHAUSTED, .node = KERF_NO_NODE, .pod = KERF_NO_POD,
                                                           .detail = taker->subnet_index });
            break;
        }
        taker->held++;
    }
    kerf_subnet_notify(world, taker->subnet_index);
}

struct kerf_takers *kerf_takers_new(struct kerf_world *world)
{
    struct kerf_takers *takers = kerf_allocate(sizeof *takers);
    takers->world = world;
    for (uint32_t i = 0; i < world->design->subnet_count; i++)
        takers->count += world->design->subnets[i].taker_count;
    takers->items = kerf_allocate(kerf_array_bytes(takers->count, sizeof *takers->items));
    kerf_engine_handle(world->engine, KERF_EVENT_TAKER, on_taker, takers);
    uint32_t at = 0;
    for (uint32_t i = 0; i < world->design->subnet_count; i++) {
        for (uint32_t j = 0; j < world->design->subnets[i].taker_count; j++, at++) {
            const struct kerf_subnet_taker *setting = &world->design->subnets[i].takers[j];
            takers->items[at] = (struct taker){
                .subnet_index = i,
                .setting = setting,
                .addresses = kerf_allocate(kerf_array_bytes((size_t)setting->addresses, sizeof(uint32_t))),
            };
            kerf_world_schedule(world, setting->from_us, KERF_EVENT_TAKER, at, COMES);
            if (setting->until_us != KERF_TIME_NEVER)
                kerf_world_schedule(world, setting->until_us, KERF_EVENT_TAKER, at, GOES);
        }
    }
    return takers;
}

void kerf_takers_free(struct kerf_takers *takers)
{
    if (!takers)
        return;
    for (uint32_t i = 0; i < takers->count; i++)
        free(takers->items[i].addresses);
    free(takers->items);
    free(takers);
}
