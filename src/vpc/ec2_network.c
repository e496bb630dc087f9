/* EC2's answers to a node's requests, without latency, over subnets that fill up. */
#include "vpc/vpc_internal.h"

const char *kerf_vpc_ec2_code_text(enum kerf_vpc_ec2_code code)
{
    switch (code) {
    case KERF_VPC_EC2_OK:
        return "OK";
    case KERF_VPC_EC2_INSUFFICIENT_FREE_ADDRESSES:
        return "InsufficientFreeAddressesInSubnet";
    case KERF_VPC_EC2_INSUFFICIENT_CIDR_BLOCKS:
        return "InsufficientCidrBlocks";
    case KERF_VPC_EC2_ADDRESS_LIMIT_EXCEEDED:
        return "PrivateIpAddressLimitExceeded";
    case KERF_VPC_EC2_OTHER:
        break;
    }
    return "InvalidParameterValue";
}

static struct kerf_vpc_subnet *subnet_at(const struct kerf_vpc_ec2_network *network, uint32_t subnet)
{
    if (network->subnet_count == 0)
        return NULL; /* addresses without end */
    KERF_ASSERT(subnet < network->subnet_count);
    return network->subnets[subnet];
}

static uint32_t take_address(struct kerf_vpc_ec2_network *network, struct kerf_vpc_subnet *subnet)
{
    if (!subnet)
        return KERF_ADDRESS_NONE;
    if (network->habits.lowest_address)
        return kerf_vpc_subnet_take(subnet, 0);
    return kerf_vpc_subnet_take(subnet, (uint32_t)kerf_vpc_draw_below(&network->draws, kerf_vpc_subnet_counts(subnet).assignable));
}

/* Could `count` slots and `own` single addresses be had at once? */
static enum kerf_vpc_ec2_code judge(const struct kerf_vpc_ec2_network *network, const struct kerf_vpc_subnet *subnet,
                                    enum kerf_ip_mode mode, uint32_t count, uint32_t own)
{
    if (!subnet)
        return KERF_VPC_EC2_OK;
    struct kerf_vpc_subnet_counts counts = kerf_vpc_subnet_counts(subnet);
    if (mode == KERF_IP_SECONDARY)
        return counts.assignable < count + own ? KERF_VPC_EC2_INSUFFICIENT_FREE_ADDRESSES : KERF_VPC_EC2_OK;
    if (counts.assignable < own)
        return KERF_VPC_EC2_INSUFFICIENT_FREE_ADDRESSES;
    if (counts.free < count * KERF_PREFIX_ADDRESSES + own)
        return network->habits.unrecognised_shortage ? KERF_VPC_EC2_OTHER : KERF_VPC_EC2_INSUFFICIENT_CIDR_BLOCKS;
    /* Blocks outside the reservations share their addresses with the interface's own one. */
    uint32_t open_blocks = count > counts.reserved_prefixes ? count - counts.reserved_prefixes : 0;
    bool fits = counts.free_prefixes >= count && counts.assignable >= open_blocks * KERF_PREFIX_ADDRESSES + own;
    return fits ? KERF_VPC_EC2_OK : KERF_VPC_EC2_INSUFFICIENT_CIDR_BLOCKS;
}

static void take_slots(struct kerf_vpc_ec2_network *network, struct kerf_vpc_subnet *subnet, const struct kerf_vpc_action *action,
                       struct kerf_vpc_result *result)
{
    result->slot_count = action->slot_count;
    for (uint8_t i = 0; i < action->slot_count; i++) {
        if (action->mode == KERF_IP_SECONDARY || !subnet)
            result->addresses[i] = take_address(network, subnet);
        else
            result->addresses[i] = kerf_vpc_subnet_take_prefix(subnet);
    }
}

static void create_eni_in(struct kerf_vpc_ec2_network *network, const struct kerf_vpc_action *action, uint32_t subnet_index,
                          struct kerf_vpc_result *result)
{
    if (network->subnet_count > 0 && subnet_index >= network->subnet_count) { /* InvalidSubnetID.NotFound, or no ENIConfig */
        result->code = KERF_VPC_EC2_OTHER;
        return;
    }
    struct kerf_vpc_subnet *subnet = subnet_at(network, subnet_index);
    result->code = judge(network, subnet, action->mode, action->slot_count, 1);
    if (result->code != KERF_VPC_EC2_OK)
        return;
    result->subnet = subnet_index;
    /* Prefixes before the interface's own address, which could otherwise break the last free block: whether EC2 does so is unknown. */
    take_slots(network, subnet, action, result);
    result->own_address = take_address(network, subnet);
}

/* aws isSubnetValidForENICreation: the node's own subnet unless it is tagged 0, others when they are tagged for pods. */
static bool serves_pods(const struct kerf_vpc_ec2_network *network, uint32_t own_subnet, uint32_t subnet_index)
{
    const struct kerf_vpc_subnet_place *place = &network->places[subnet_index];
    if (place->zone != network->places[own_subnet].zone)
        return false;
    return place->use == KERF_SUBNET_PODS || (subnet_index == own_subnet && place->use == KERF_SUBNET_BOTH);
}

static void discover_and_create(struct kerf_vpc_ec2_network *network, const struct kerf_vpc_action *action, struct kerf_vpc_result *result)
{
    enum { TRIED_MAX = 64 };
    uint32_t tried[TRIED_MAX], tried_count = 0;
    result->code = KERF_VPC_EC2_OTHER; /* no valid subnet: a plain error, without a pause */
    while (tried_count < TRIED_MAX) {
        uint32_t best = KERF_ADDRESS_NONE, best_free = 0;
        for (uint32_t i = 0; i < network->subnet_count; i++) {
            bool skip = !serves_pods(network, action->subnet, i);
            for (uint32_t j = 0; j < tried_count && !skip; j++)
                skip = tried[j] == i;
            uint32_t free_addresses = skip ? 0 : kerf_vpc_subnet_counts(network->subnets[i]).free;
            if (!skip && (best == KERF_ADDRESS_NONE || free_addresses > best_free)) {
                best = i;
                best_free = free_addresses;
            }
        }
        if (best == KERF_ADDRESS_NONE)
            return;
        tried[tried_count++] = best;
        create_eni_in(network, action, best, result);
        if (result->code == KERF_VPC_EC2_OK)
            return;
    }
}

static void create_eni(struct kerf_vpc_ec2_network *network, const struct kerf_vpc_action *action, struct kerf_vpc_result *result)
{
    if (action->discover && network->places)
        discover_and_create(network, action, result);
    else
        create_eni_in(network, action, action->subnet, result);
}

static void return_addresses(struct kerf_vpc_ec2_network *network, const struct kerf_vpc_action *action)
{
    struct kerf_vpc_subnet *subnet = subnet_at(network, action->subnet);
    if (!subnet)
        return;
    if (action->own_address != KERF_ADDRESS_NONE)
        kerf_vpc_subnet_release(subnet, action->own_address);
    for (uint8_t i = 0; i < action->slot_count; i++) {
        if (action->mode == KERF_IP_PREFIX)
            kerf_vpc_subnet_release_prefix(subnet, action->addresses[i]);
        else
            kerf_vpc_subnet_release(subnet, action->addresses[i]);
    }
}

void kerf_vpc_ec2_perform(struct kerf_vpc_ec2_network *network, const struct kerf_vpc_action *action, struct kerf_vpc_result *out_result)
{
    out_result->code = KERF_VPC_EC2_OK;
    out_result->slot_count = 0;
    out_result->excluded = false;
    out_result->subnet = action->subnet;
    out_result->own_address = KERF_ADDRESS_NONE;
    switch (action->kind) {
    case KERF_VPC_ASSIGN: {
        network->assign_calls++;
        struct kerf_vpc_subnet *subnet = subnet_at(network, action->subnet);
        out_result->code = judge(network, subnet, action->mode, action->slot_count, 0);
        if (out_result->code == KERF_VPC_EC2_OK)
            take_slots(network, subnet, action, out_result);
        break;
    }
    case KERF_VPC_CREATE_ENI:
        network->create_calls++;
        create_eni(network, action, out_result);
        break;
    case KERF_VPC_UNASSIGN:
        network->unassign_calls++;
        return_addresses(network, action);
        break;
    case KERF_VPC_FREE_ENI:
        network->delete_calls++;
        return_addresses(network, action);
        break;
    case KERF_VPC_NOTHING:
        KERF_ASSERT(action->kind != KERF_VPC_NOTHING);
    }
    network->failed_calls += out_result->code != KERF_VPC_EC2_OK;
}

bool kerf_vpc_ec2_launch(struct kerf_vpc_ec2_network *network, uint32_t subnet, uint32_t *out_address)
{
    struct kerf_vpc_subnet *node_subnet = subnet_at(network, subnet);
    if (node_subnet && kerf_vpc_subnet_counts(node_subnet).assignable == 0)
        return false;
    *out_address = take_address(network, node_subnet);
    return true;
}

static void return_range(void *context, uint32_t subnet, uint32_t first_address, uint32_t address_count)
{
    struct kerf_vpc_subnet *from = subnet_at(context, subnet);
    for (uint32_t i = 0; from && i < address_count; i++)
        kerf_vpc_subnet_release(from, first_address + i);
}

void kerf_vpc_ec2_terminate(struct kerf_vpc_ec2_network *network, const struct kerf_vpc_pool *pool)
{
    kerf_vpc_pool_visit_ranges(pool, return_range, network);
}

uint32_t kerf_vpc_pool_pass(struct kerf_vpc_pool *pool, kerf_time_us now_us, struct kerf_vpc_ec2_network *network)
{
    uint32_t actions = 0;
    for (;; actions++) {
        const struct kerf_vpc_action *action = kerf_vpc_pool_step(pool, now_us);
        if (action->kind == KERF_VPC_NOTHING)
            return actions;
        struct kerf_vpc_result result;
        kerf_vpc_ec2_perform(network, action, &result);
        if (action->kind == KERF_VPC_FREE_ENI)
            now_us += KERF_VPC_DETACH_PAUSE_US;
        kerf_vpc_pool_apply(pool, now_us, &result);
    }
}
