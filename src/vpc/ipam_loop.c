/* One pass of ipamd's loop: is the pool low or high, what to ask of EC2, what to make of the answer. */
#include "vpc/vpc_internal.h"

static bool has_ip_targets(const struct kerf_vpc_pool *pool)
{
    return pool->options.settings.warm_ip_target != 0 || pool->options.settings.minimum_ip_target != 0;
}

static int32_t slots_for(const struct kerf_vpc_pool *pool, int32_t addresses)
{
    return (int32_t)(((int64_t)addresses + pool->addresses_per_slot - 1) / pool->addresses_per_slot);
}

/* Slots that are missing to the address targets (WARM_IP_TARGET, MINIMUM_IP_TARGET); 0 or more. */
static int32_t slots_short(const struct kerf_vpc_pool *pool, const struct kerf_vpc_pool_stats *stats)
{
    int32_t available = stats->addresses - stats->assigned;
    int32_t warm = pool->options.settings.warm_ip_target - available;
    int32_t minimum = pool->options.settings.minimum_ip_target - stats->addresses;
    int32_t missing = warm > minimum ? warm : minimum;
    return missing > 0 ? slots_for(pool, missing) : 0;
}

/* ipamd isDatastorePoolTooLow */
static bool is_low(const struct kerf_vpc_pool *pool, const struct kerf_vpc_pool_stats *stats)
{
    if (stats->addresses >= pool->options.max_pods)
        return false;
    if (has_ip_targets(pool))
        return slots_short(pool, stats) > 0;
    int64_t available = stats->addresses - stats->assigned;
    int64_t target = pool->mode == KERF_IP_PREFIX ? (int64_t)pool->options.settings.warm_prefix_target * KERF_PREFIX_ADDRESSES
                                                  : (int64_t)pool->options.settings.warm_eni_target * pool->slots_per_eni;
    return available < target || (target == 0 && available == 0);
}

/* Slots that could be returned (ipamd isDatastorePoolTooHigh, datastoreTargetState); 0 or more. */
static int32_t slots_over(const struct kerf_vpc_pool *pool, const struct kerf_vpc_pool_stats *stats)
{
    const struct kerf_cni_settings *settings = &pool->options.settings;
    if (pool->mode == KERF_IP_SECONDARY || pool->options.further_card) { /* further cards count addresses, and return so many prefixes */
        if (!has_ip_targets(pool))
            return 0; /* single addresses go back only with their whole interface */
        int32_t over = stats->addresses - stats->assigned - settings->warm_ip_target;
        int32_t above_minimum = stats->addresses - settings->minimum_ip_target;
        over = over < 0 ? 0 : over;
        over = over < above_minimum ? over : above_minimum;
        return over < 0 ? 0 : over;
    }
    if (!has_ip_targets(pool)) {
        int32_t over = stats->free_slots - settings->warm_prefix_target;
        return over < 0 ? 0 : over;
    }
    int32_t over = stats->slots - slots_for(pool, stats->assigned + settings->warm_ip_target);
    over = over < stats->free_slots ? over : stats->free_slots;
    over = over < 0 ? 0 : over;
    int32_t above_minimum = stats->slots - slots_for(pool, settings->minimum_ip_target);
    over = over < above_minimum ? over : above_minimum;
    return over < 0 ? 0 : over;
}

static bool may_manage_enis(const struct kerf_vpc_pool *pool)
{
    return !pool->terminating && (!pool->cordoned || pool->options.settings.manage_enis_cordoned);
}

static bool eni_takes_slots(const struct kerf_vpc_pool *pool, const struct kerf_vpc_eni_record *eni)
{
    return eni->present && !eni->trunk && !eni->excluded && !(eni->primary && pool->options.settings.custom_networking) &&
           eni->slot_count < pool->slots_per_eni;
}

/* Slots to ask for, before the limit of one interface. 0: nothing is asked for. */
static int32_t slots_wanted(const struct kerf_vpc_pool *pool, const struct kerf_vpc_pool_stats *stats)
{
    bool targets = has_ip_targets(pool);
    if (pool->mode == KERF_IP_SECONDARY)
        return targets ? slots_short(pool, stats) : pool->slots_per_eni;
    int32_t wanted = targets ? slots_short(pool, stats) : pool->options.settings.warm_prefix_target - stats->free_slots;
    return wanted > 1 ? wanted : 1;
}

static bool has_room_for_eni(const struct kerf_vpc_pool *pool)
{
    const struct kerf_cni_settings *settings = &pool->options.settings;
    if (pool->options.primary_excluded && !settings->subnet_discovery && !settings->custom_networking)
        return false; /* aws createENI: the node's subnet is the only one that is thought of, and its tag forbids it */
    bool trunk_reserved = pool->options.settings.pod_eni && pool->options.trunk_capable && !pool->trunk_attached;
    return pool->eni_count < pool_enis_max(pool) - (trunk_reserved ? 1 : 0);
}

/* ipamd shouldRemoveExtraENIs, on the statistics of the pass's start */
static bool free_gate(const struct kerf_vpc_pool *pool, const struct kerf_vpc_pool_stats *stats)
{
    if (!may_manage_enis(pool))
        return false;
    if (has_ip_targets(pool))
        return true;
    int64_t available = stats->addresses - stats->assigned;
    int64_t eni_addresses_full = (int64_t)pool->slots_per_eni * pool->addresses_per_slot;
    if (pool->mode == KERF_IP_SECONDARY)
        return available >= ((int64_t)pool->options.settings.warm_eni_target + 1) * eni_addresses_full;
    if (available >= ((int64_t)pool->options.settings.warm_prefix_target + 1) * eni_addresses_full)
        return true;
    for (int32_t i = 0; i < pool->options.limits.enis; i++) {
        const struct kerf_vpc_eni_record *eni = &pool->enis[i];
        if (eni->present && !eni->primary && !eni->trunk && eni->assigned == 0)
            return true;
    }
    return false;
}

/* store getDeletableENI, but for age and cool-down, which time alone cures: could the others do without this interface? */
static bool eni_dispensable(const struct kerf_vpc_pool *pool, const struct kerf_vpc_eni_record *eni, const struct kerf_vpc_pool_stats *stats)
{
    const struct kerf_cni_settings *settings = &pool->options.settings;
    if (!eni->present || eni->primary || eni->trunk || eni->assigned > 0)
        return false;
    int32_t own = eni->excluded ? 0 : eni_addresses(pool, eni);
    int32_t others = stats->addresses - own;
    int32_t others_free = others - stats->assigned; /* the interface itself has no pods */
    int32_t rounded_warm = slots_for(pool, settings->warm_ip_target) * pool->addresses_per_slot;
    int32_t rounded_minimum = slots_for(pool, settings->minimum_ip_target) * pool->addresses_per_slot;
    if (settings->warm_ip_target != 0 && others_free < rounded_warm)
        return false;
    if (settings->minimum_ip_target != 0 && others < rounded_minimum)
        return false;
    if (pool->mode == KERF_IP_PREFIX && settings->warm_prefix_target != 0) {
        int32_t excluded_free = 0;
        for (int32_t i = 0; i < pool->options.limits.enis; i++)
            if (pool->enis[i].present && pool->enis[i].excluded && &pool->enis[i] != eni)
                excluded_free += pool->enis[i].free_slots;
        if (stats->free_slots - eni->free_slots - excluded_free < settings->warm_prefix_target)
            return false;
    }
    return true;
}

/* ---- the pass ------------------------------------------------------------------------------------------------------------ */

static const struct kerf_vpc_action *ask(struct kerf_vpc_pool *pool, enum kerf_vpc_action_kind kind, uint32_t eni, int32_t slot_count)
{
    struct kerf_vpc_action *action = &pool->pass.action;
    action->kind = kind;
    action->mode = pool->mode;
    action->eni = (uint8_t)eni;
    action->slot_count = (uint8_t)slot_count;
    bool elsewhere = pool->options.settings.custom_networking || pool->options.primary_excluded;
    if (kind != KERF_VPC_CREATE_ENI)
        action->subnet = pool->enis[eni].subnet;
    else
        action->subnet = elsewhere ? pool->options.eni_subnet : pool->options.primary_subnet;
    action->discover = kind == KERF_VPC_CREATE_ENI && pool->options.settings.subnet_discovery && !pool->options.settings.custom_networking;
    action->own_address = KERF_ADDRESS_NONE;
    pool->pass.awaiting = true;
    return action;
}

static void begin(struct kerf_vpc_pool *pool, kerf_time_us now_us)
{
    struct kerf_vpc_pass *pass = &pool->pass;
    struct kerf_vpc_pool_stats stats = kerf_vpc_pool_stats(pool);
    bool low = is_low(pool, &stats);
    pass->start_failed = false;
    pass->asked_for_one = false;
    pass->may_free = pool->state == KERF_POOL_RUNNING && free_gate(pool, &stats);
    pass->over = 0;
    pass->phase = PHASE_FREE;
    if (low) {
        bool pausing = pool->last_shortage_us != KERF_TIME_UNSET && now_us - pool->last_shortage_us <= SHORTAGE_PAUSE_US;
        if (may_manage_enis(pool) && !pausing) {
            pass->phase = PHASE_FILL;
            pass->walk_next = 0;
            pass->walk_count = kerf_vpc_walk_enis(pool, pass->walk);
        }
    } else if (pool->state == KERF_POOL_RUNNING) { /* a cordon does not keep addresses from going back */
        pass->over = slots_over(pool, &stats);
        bool pausing = pool->last_shrink_us != KERF_TIME_UNSET && now_us - pool->last_shrink_us <= SHRINK_PAUSE_US;
        if (pass->over > 0 && !pausing) {
            pass->phase = PHASE_SHRINK;
            pass->walk_next = 0;
            pass->walk_count = kerf_vpc_walk_copied_enis(pool, pass->walk);
            pool->last_shrink_us = now_us;
        }
    }
}

static const struct kerf_vpc_action *fill(struct kerf_vpc_pool *pool)
{
    struct kerf_vpc_pass *pass = &pool->pass;
    if (pass->asked_for_one)
        return ask(pool, KERF_VPC_ASSIGN, pass->walk[pass->walk_next], 1);
    struct kerf_vpc_pool_stats stats = kerf_vpc_pool_stats(pool);
    int32_t wanted = slots_wanted(pool, &stats);
    for (; wanted > 0 && pass->walk_next < pass->walk_count; pass->walk_next++) {
        uint32_t place = pass->walk[pass->walk_next];
        if (!eni_takes_slots(pool, &pool->enis[place]))
            continue;
        int32_t room = pool->slots_per_eni - pool->enis[place].slot_count;
        return ask(pool, KERF_VPC_ASSIGN, place, room < wanted ? room : wanted);
    }
    pass->phase = PHASE_CREATE;
    return NULL;
}

static const struct kerf_vpc_action *create(struct kerf_vpc_pool *pool)
{
    struct kerf_vpc_pool_stats stats = kerf_vpc_pool_stats(pool);
    int32_t wanted = slots_wanted(pool, &stats);
    if (wanted > pool->slots_per_eni)
        wanted = pool->slots_per_eni;
    pool->pass.phase = PHASE_FREE;
    if (wanted <= 0 || !has_room_for_eni(pool))
        return NULL;
    return ask(pool, KERF_VPC_CREATE_ENI, 0, wanted);
}

static const struct kerf_vpc_action *shrink(struct kerf_vpc_pool *pool)
{
    struct kerf_vpc_pass *pass = &pool->pass;
    for (; pass->over > 0 && pass->walk_next < pass->walk_count; pass->walk_next++) {
        uint32_t place = pass->walk[pass->walk_next];
        uint8_t slots[KERF_ENI_SLOTS_MAX];
        uint8_t limit = (uint8_t)(pass->over < KERF_ENI_SLOTS_MAX ? pass->over : KERF_ENI_SLOTS_MAX);
        uint8_t count = pool->enis[place].free_slots ? kerf_vpc_walk_free_slots(pool, place, limit, slots) : 0;
        if (count == 0)
            continue;
        const struct kerf_vpc_action *action = ask(pool, KERF_VPC_UNASSIGN, place, count);
        for (uint8_t i = 0; i < count; i++) {
            pass->action.addresses[i] = pool_slots_of(pool, place)[slots[i]].address;
            kerf_vpc_pool_remove_slot(pool, place, slots[i]);
        }
        pass->over -= count;
        pass->walk_next++;
        return action;
    }
    pass->phase = PHASE_FREE;
    return NULL;
}

static const struct kerf_vpc_action *free_eni(struct kerf_vpc_pool *pool, kerf_time_us now_us)
{
    pool->pass.phase = PHASE_END;
    if (!pool->pass.may_free || pool->eni_count == 1)
        return NULL;
    struct kerf_vpc_pool_stats stats = kerf_vpc_pool_stats(pool);
    uint8_t walk[KERF_ENIS_MAX];
    uint8_t walk_count = kerf_vpc_walk_enis(pool, walk);
    for (uint8_t i = 0; i < walk_count; i++) {
        const struct kerf_vpc_eni_record *eni = &pool->enis[walk[i]];
        if (now_us - eni->attached_us < ENI_AGE_MIN_US || eni->cooling > 0 || !eni_dispensable(pool, eni, &stats))
            continue;
        const struct kerf_vpc_action *action = ask(pool, KERF_VPC_FREE_ENI, walk[i], eni->slot_count);
        pool->pass.action.own_address = eni->own_address;
        const struct kerf_vpc_slot_record *slots = pool_slots_of(pool, walk[i]);
        uint8_t count = 0;
        for (uint32_t slot = 0; slot < pool->slots_per_eni; slot++)
            if (slots[slot].filled)
                pool->pass.action.addresses[count++] = slots[slot].address;
        kerf_vpc_pool_remove_eni(pool, walk[i]);
        return action;
    }
    return NULL;
}

static const struct kerf_vpc_action *end(struct kerf_vpc_pool *pool, kerf_time_us now_us)
{
    static const struct kerf_vpc_action nothing = {.kind = KERF_VPC_NOTHING};
    pool->pass.phase = PHASE_REST;
    if (pool->state == KERF_POOL_STARTING) {
        struct kerf_vpc_pool_stats stats = kerf_vpc_pool_stats(pool);
        bool empty = pool->options.settings.custom_networking && stats.addresses == 0;
        pool->state = empty || pool->pass.start_failed ? KERF_POOL_FAILED : KERF_POOL_RUNNING;
        pool->next_loop_us = pool->state == KERF_POOL_FAILED ? KERF_TIME_NEVER : now_us + LOOP_FIRST_US;
    } else {
        pool->next_loop_us = now_us + LOOP_PERIOD_US;
    }
    return &nothing;
}

const struct kerf_vpc_action *kerf_vpc_pool_step(struct kerf_vpc_pool *pool, kerf_time_us now_us)
{
    struct kerf_vpc_pass *pass = &pool->pass;
    KERF_ASSERT(!pass->awaiting);
    KERF_ASSERT(pool->state != KERF_POOL_FAILED);
    if (pass->phase == PHASE_REST) {
        KERF_ASSERT(pool->next_loop_us <= now_us);
        pool->next_loop_us = KERF_TIME_NEVER;
        if (pool->options.settings.ipv6)
            return end(pool, now_us);
        kerf_vpc_pool_expire(pool, now_us);
        begin(pool, now_us);
    }
    const struct kerf_vpc_action *action = NULL;
    if (pass->phase == PHASE_FILL)
        action = fill(pool);
    if (!action && pass->phase == PHASE_CREATE)
        action = create(pool);
    if (!action && pass->phase == PHASE_SHRINK)
        action = shrink(pool);
    if (!action && pass->phase == PHASE_FREE) {
        kerf_vpc_pool_expire(pool, now_us);
        action = free_eni(pool, now_us);
    }
    return action ? action : end(pool, now_us);
}

static bool is_shortage(enum kerf_vpc_ec2_code code)
{
    return code == KERF_VPC_EC2_INSUFFICIENT_FREE_ADDRESSES || code == KERF_VPC_EC2_INSUFFICIENT_CIDR_BLOCKS;
}

static void take_slots(struct kerf_vpc_pool *pool, uint32_t eni, const struct kerf_vpc_result *result)
{
    KERF_ASSERT(result->slot_count <= pool->slots_per_eni);
    for (uint8_t i = 0; i < result->slot_count; i++)
        kerf_vpc_pool_add_slot(pool, eni, result->addresses[i]);
}

static void apply_assign(struct kerf_vpc_pool *pool, kerf_time_us now_us, const struct kerf_vpc_result *result)
{
    struct kerf_vpc_pass *pass = &pool->pass;
    if (result->code == KERF_VPC_EC2_OK || result->code == KERF_VPC_EC2_ADDRESS_LIMIT_EXCEEDED) {
        take_slots(pool, pass->action.eni, result);
        pass->phase = PHASE_FREE;
    } else if (!pass->asked_for_one) {
        pass->asked_for_one = true; /* the same interface again, for one */
    } else if (is_shortage(result->code) && pool->options.settings.subnet_discovery) {
        pass->asked_for_one = false; /* the next interface may lie in another subnet */
        pass->walk_next++;
    } else {
        if (is_shortage(result->code))
            pool->last_shortage_us = now_us;
        else if (pool->state == KERF_POOL_STARTING)
            pass->start_failed = true;
        pass->phase = PHASE_FREE;
    }
}

void kerf_vpc_pool_apply(struct kerf_vpc_pool *pool, kerf_time_us now_us, const struct kerf_vpc_result *result)
{
    struct kerf_vpc_pass *pass = &pool->pass;
    KERF_ASSERT(pass->awaiting);
    pass->awaiting = false;
    switch (pass->action.kind) {
    case KERF_VPC_ASSIGN:
        apply_assign(pool, now_us, result);
        break;
    case KERF_VPC_CREATE_ENI:
        if (result->code == KERF_VPC_EC2_OK) {
            uint8_t eni = kerf_vpc_pool_add_eni(pool, &(struct kerf_vpc_eni_record){
                                                          .attached_us = now_us,
                                                          .subnet = result->subnet,
                                                          .own_address = result->own_address,
                                                          .excluded = result->excluded,
                                                      });
            take_slots(pool, eni, result);
        } else if (is_shortage(result->code)) {
            pool->last_shortage_us = now_us;
        }
        break;
    case KERF_VPC_UNASSIGN: /* a failure leaves the addresses with EC2 until a reconcile imports them again, a minute later; here they are gone */
    case KERF_VPC_FREE_ENI:
    case KERF_VPC_NOTHING:
        break;
    }
}

/* ---- when the next pass matters --------------------------------------------------------------------------------------------- */

static kerf_time_us earlier(kerf_time_us a, kerf_time_us b) { return a < b ? a : b; }

static kerf_time_us wake_to_grow(const struct kerf_vpc_pool *pool, const struct kerf_vpc_pool_stats *stats)
{
    if (!may_manage_enis(pool))
        return KERF_TIME_NEVER;
    int32_t wanted = slots_wanted(pool, stats);
    bool possible = wanted > 0 && pool->slots_per_eni > 0 && has_room_for_eni(pool);
    for (int32_t i = 0; !possible && wanted > 0 && i < pool->options.limits.enis; i++)
        possible = eni_takes_slots(pool, &pool->enis[i]);
    if (!possible)
        return KERF_TIME_NEVER;
    return pool->last_shortage_us == KERF_TIME_UNSET ? pool->next_loop_us : pool->last_shortage_us + SHORTAGE_PAUSE_US + 1;
}

static kerf_time_us wake_to_free(const struct kerf_vpc_pool *pool, const struct kerf_vpc_pool_stats *stats)
{
    kerf_time_us wake = KERF_TIME_NEVER;
    for (int32_t i = 0; i < pool->options.limits.enis; i++) {
        const struct kerf_vpc_eni_record *eni = &pool->enis[i];
        if (!eni_dispensable(pool, eni, stats))
            continue;
        kerf_time_us ready = eni->attached_us + ENI_AGE_MIN_US;
        if (eni->cooling > 0) {
            kerf_time_us cooled = eni->last_release_us + pool->options.settings.ip_cooldown_us + 1;
            ready = ready > cooled ? ready : cooled;
        }
        wake = earlier(wake, ready);
    }
    return wake;
}

/* The first pass at or after `time`, on the grid of the passes to come. */
static kerf_time_us pass_at(const struct kerf_vpc_pool *pool, kerf_time_us time)
{
    if (time <= pool->next_loop_us)
        return pool->next_loop_us;
    kerf_time_us passes = (time - pool->next_loop_us + LOOP_PERIOD_US - 1) / LOOP_PERIOD_US;
    return pool->next_loop_us + passes * LOOP_PERIOD_US;
}

kerf_time_us kerf_vpc_pool_wake(const struct kerf_vpc_pool *pool)
{
    if (pool->pass.phase != PHASE_REST || pool->state == KERF_POOL_FAILED)
        return KERF_TIME_NEVER;
    if (pool->state == KERF_POOL_STARTING)
        return pool->next_loop_us;
    if (pool->options.settings.ipv6)
        return KERF_TIME_NEVER;
    struct kerf_vpc_pool_stats stats = kerf_vpc_pool_stats(pool);
    kerf_time_us wake = KERF_TIME_NEVER;
    if (is_low(pool, &stats)) {
        wake = wake_to_grow(pool, &stats);
    } else if (slots_over(pool, &stats) > 0 && stats.free_slots > 0) {
        wake = pool->last_shrink_us == KERF_TIME_UNSET ? pool->next_loop_us : pool->last_shrink_us + SHRINK_PAUSE_US + 1;
    }
    if (pool->eni_count > 1 && free_gate(pool, &stats))
        wake = earlier(wake, wake_to_free(pool, &stats));
    return wake == KERF_TIME_NEVER ? KERF_TIME_NEVER : pass_at(pool, wake);
}

void kerf_vpc_pool_skip_to(struct kerf_vpc_pool *pool, kerf_time_us until_us)
{
    KERF_ASSERT(pool->pass.phase == PHASE_REST);
    KERF_ASSERT(pool->state == KERF_POOL_RUNNING);
    pool->next_loop_us = pass_at(pool, until_us);
}
