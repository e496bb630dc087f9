/**
 * What the files of this room share: the records of a pool and the walks over them.
 */
#ifndef KERF_VPC_INTERNAL_H
#define KERF_VPC_INTERNAL_H

#include "base/base.h"
#include "kerf/vpc.h"

/* ipamd StartNodeIPPoolManager, increaseDatastorePool; store getDeletableENI (v1.23.1) */
#define LOOP_FIRST_US (5 * KERF_SECOND_US / 2)
#define LOOP_PERIOD_US (5 * KERF_SECOND_US)      /* 2.5 s, resize, 2.5 s, reconcile */
#define SHORTAGE_PAUSE_US (120 * KERF_SECOND_US) /* skipped while elapsed <= */
#define SHRINK_PAUSE_US (30 * KERF_SECOND_US)    /* skipped while elapsed <= */
#define ENI_AGE_MIN_US (60 * KERF_SECOND_US)     /* too young while age < */

#define GO_MAP_PLACES 8 /* entries of a Go map that still lie in one group */

struct kerf_vpc_eni_record {
    kerf_time_us attached_us;     /* when it entered ipamd's store */
    kerf_time_us last_release_us; /* of any pod's address; KERF_TIME_UNSET: never */
    uint32_t subnet;
    uint32_t own_address;
    uint16_t assigned; /* addresses held by pods */
    uint16_t cooling;
    uint8_t slot_count; /* filled */
    uint8_t free_slots; /* filled, and no address of them is held by a pod */
    bool present;
    bool primary;
    bool trunk;
    bool excluded;
    bool slot_map_grown;
};

/* A bit for each address of the slot: held, ever handed out, cooling. */
struct kerf_vpc_slot_record {
    uint32_t address;
    uint16_t assigned;
    uint16_t recorded;
    uint16_t cooling;
    bool filled;
};

/* One address in cool-down; all of a pool cool equally long, so the queue is in order. */
struct kerf_vpc_cooling {
    kerf_time_us released_us;
    uint8_t eni;
    uint8_t slot;
    uint8_t index;
    bool live; /* false: its slot went back to the subnet */
};

enum kerf_vpc_phase { PHASE_REST, PHASE_FILL, PHASE_CREATE, PHASE_SHRINK, PHASE_FREE, PHASE_END };

static inline struct kerf_vpc_slot_record *pool_slots_of(const struct kerf_vpc_pool *pool, uint32_t eni)
{
    return pool->slots + (size_t)eni * pool->slots_per_eni;
}
static inline uint16_t pool_slot_mask(const struct kerf_vpc_pool *pool) { return pool->mode == KERF_IP_PREFIX ? 0xffff : 1; }
static inline int32_t eni_addresses(const struct kerf_vpc_pool *pool, const struct kerf_vpc_eni_record *eni)
{
    return eni->slot_count * pool->addresses_per_slot;
}
/* Usable by a pod now, given that the cool-down queue is up to date. */
static inline int32_t eni_usable(const struct kerf_vpc_pool *pool, const struct kerf_vpc_eni_record *eni)
{
    return eni_addresses(pool, eni) - eni->assigned - eni->cooling;
}

/* Interfaces that ipamd may have in its store: MAX_ENI never raises the type's limit. */
static inline int32_t pool_enis_max(const struct kerf_vpc_pool *pool)
{
    int32_t limit = pool->options.limits.enis;
    int32_t wanted = pool->options.settings.max_enis;
    return (wanted >= 1 && wanted < limit ? wanted : limit) - pool->options.unmanaged_enis;
}

/* walk.c: the order in which ipamd meets the entries of its maps */
uint8_t kerf_vpc_walk_enis(struct kerf_vpc_pool *pool, uint8_t out_walk[KERF_ENIS_MAX]);
/* The same over a copy of the map that a walk has made (store GetENIInfos): what is returned first is spread more evenly than what is
 * filled first. The recorded courses show it. */
uint8_t kerf_vpc_walk_copied_enis(struct kerf_vpc_pool *pool, uint8_t out_walk[KERF_ENIS_MAX]);
/* Positions of slots without a pod, in the order of a walk, at most `limit` of them. Returns how many. */
uint8_t kerf_vpc_walk_free_slots(struct kerf_vpc_pool *pool, uint32_t eni, uint8_t limit, uint8_t out_slots[KERF_ENI_SLOTS_MAX]);
/* The first slot of a walk that has a usable address; there must be one. */
uint8_t kerf_vpc_walk_to_usable_slot(struct kerf_vpc_pool *pool, uint32_t eni);
/* The first interface of a walk that has a usable address, or KERF_ENIS_MAX. */
uint8_t kerf_vpc_walk_to_usable_eni(struct kerf_vpc_pool *pool);

/* ipam_pool.c: changes to the store */
void kerf_vpc_pool_expire(struct kerf_vpc_pool *pool, kerf_time_us now_us);
uint8_t kerf_vpc_pool_add_eni(struct kerf_vpc_pool *pool, const struct kerf_vpc_eni_record *record);
void kerf_vpc_pool_add_slot(struct kerf_vpc_pool *pool, uint32_t eni, uint32_t address);
void kerf_vpc_pool_remove_slot(struct kerf_vpc_pool *pool, uint32_t eni, uint32_t slot);
void kerf_vpc_pool_remove_eni(struct kerf_vpc_pool *pool, uint32_t eni);

#endif
