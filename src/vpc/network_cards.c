/* Multi-NIC: a pool a network card. */
#include "base/base.h"
#include "kerf/vpc.h"

void kerf_vpc_cards_init(struct kerf_vpc_cards *cards, const struct kerf_vpc_pool_options *options, const struct kerf_eni_limits *limits,
                         const uint32_t *own_addresses, uint32_t card_count, kerf_time_us now_us)
{
    KERF_ASSERT(card_count >= 1);
    KERF_ASSERT(card_count <= KERF_VPC_CARDS_MAX);
    cards->count = card_count;
    for (uint32_t card = 0; card < card_count; card++) {
        struct kerf_vpc_pool_options own = *options;
        own.limits = limits[card];
        own.primary_address = own_addresses[card];
        own.order_key = options->order_key + card;
        if (card > 0) {
            own.further_card = true;
            own.settings.warm_ip_target = 1;
            own.settings.minimum_ip_target = 1;
            own.settings.custom_networking = false; /* its first interface is ipamd's own and holds addresses for pods */
            own.settings.pod_eni = false;           /* the trunk is on card 0 */
            own.primary_excluded = false;
            if (options->settings.custom_networking)
                own.primary_subnet = options->eni_subnet;
        }
        kerf_vpc_pool_init(&cards->pools[card], &own, now_us);
    }
}

void kerf_vpc_cards_fini(struct kerf_vpc_cards *cards)
{
    for (uint32_t card = 0; card < cards->count; card++)
        kerf_vpc_pool_fini(&cards->pools[card]);
    cards->count = 0;
}

bool kerf_vpc_cards_pod_arrives(struct kerf_vpc_cards *cards, kerf_time_us now_us, bool annotated, struct kerf_vpc_card_address *out_address)
{
    struct kerf_vpc_card_address address = {.held = 0};
    for (uint32_t card = 0; card < cards->count; card++) {
        bool placed = kerf_vpc_pool_pod_arrives(&cards->pools[card], now_us, &address.by_card[card]);
        if (placed)
            address.held |= 1u << card;
        if (placed && !annotated)
            break;
        if (!placed && annotated) {
            kerf_vpc_cards_pod_leaves(cards, now_us, &address);
            return false;
        }
    }
    if (address.held == 0)
        return false;
    *out_address = address;
    return true;
}

void kerf_vpc_cards_pod_leaves(struct kerf_vpc_cards *cards, kerf_time_us now_us, const struct kerf_vpc_card_address *address)
{
    for (uint32_t card = 0; card < cards->count; card++)
        if (address->held & 1u << card)
            kerf_vpc_pool_pod_leaves(&cards->pools[card], now_us, address->by_card[card]);
}

int64_t kerf_vpc_cards_taken(const struct kerf_vpc_cards *cards, uint32_t subnet)
{
    int64_t taken = 0;
    for (uint32_t card = 0; card < cards->count; card++)
        taken += kerf_vpc_pool_taken(&cards->pools[card], subnet);
    return taken;
}
