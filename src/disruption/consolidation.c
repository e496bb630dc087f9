/** What consolidation may do with a set of nodes: delete them, replace them by one cheaper node, or nothing (karpenter-disruption.md 7.5, 7.6). */
#include "disruption/disruption_internal.h"

#include <float.h>

/** Types that a single Spot node must be able to become, so that the next cheaper pool doesn't pull it away again (7.6). */
#define SPOT_TO_SPOT_TYPES 15

/* ---- copies: the plan of a what-if is short-lived ------------------------------------------------------------------------------- */

struct kerf_planned_claim kerf_planned_claim_copy(struct kerf_arena *arena, const struct kerf_planned_claim *planned)
{
    struct kerf_planned_claim copy = *planned;
    copy.pods = kerf_arena_copy(arena, planned->pods, planned->pod_count * sizeof *planned->pods);
    copy.instance_types = kerf_arena_copy(arena, planned->instance_types, planned->instance_type_count * sizeof(const void *));
    copy.requirements = kerf_requirements_copy(arena, &planned->requirements);
    for (size_t i = 0; i < copy.requirements.count; i++) { /* the values lie in the plan's arena */
        struct kerf_requirement *requirement = &copy.requirements.items[i];
        requirement->values = kerf_arena_copy(arena, requirement->values, requirement->value_count * sizeof(kerf_name));
    }
    return copy;
}

const struct kerf_planned_placement *kerf_placements_copy(struct kerf_arena *arena, const struct kerf_plan *plan, size_t *out_count)
{
    struct kerf_planned_placement *copy = KERF_NEW_ARRAY(arena, struct kerf_planned_placement, plan->existing_count);
    for (size_t i = 0; i < plan->existing_count; i++) {
        copy[i] = plan->existing[i];
        copy[i].pods = kerf_arena_copy(arena, copy[i].pods, copy[i].pod_count * sizeof *copy[i].pods);
    }
    *out_count = plan->existing_count;
    return copy;
}

/* ---- capacity types ---------------------------------------------------------------------------------------------------------------- */

/** Allowed by what the pods and the NodePool want, whether or not anything is offered now. */
static bool allows_capacity_type(const struct kerf_planned_claim *replacement, enum kerf_capacity_type capacity_type)
{
    return replacement->capacity_types >> capacity_type & 1;
}

static void narrow_to_spot(struct kerf_disruption_pass *pass, struct kerf_planned_claim *replacement)
{
    struct kerf_requirement spot =
        kerf_requirement_in(pass->arena, pass->vocabulary->key_capacity_type, &pass->vocabulary->word_spot, 1);
    const struct kerf_requirement *before = kerf_requirements_get(&replacement->requirements, spot.key);
    spot.min_values = before ? before->min_values : -1;
    kerf_requirements_set(pass->arena, &replacement->requirements, &spot);
    replacement->capacity_types = 1u << KERF_SPOT;
}

static int by_bytes(const void *a, const void *b, void *context)
{
    (void)context;
    return kerf_name_compare(*(const kerf_name *)a, *(const kerf_name *)b);
}

/** Puts the list of types into the requirements too. */
static void require_types(struct kerf_disruption_pass *pass, struct kerf_planned_claim *replacement)
{
    const struct kerf_requirement *before = kerf_requirements_get(&replacement->requirements, pass->vocabulary->key_instance_type);
    kerf_name *names = KERF_NEW_ARRAY(pass->arena, kerf_name, replacement->instance_type_count);
    for (size_t i = 0; i < replacement->instance_type_count; i++)
        names[i] = replacement->instance_types[i]->name;
    kerf_sort(names, replacement->instance_type_count, sizeof *names, by_bytes, NULL);
    struct kerf_requirement types =
        kerf_requirement_in(pass->arena, pass->vocabulary->key_instance_type, names, replacement->instance_type_count);
    types.min_values = before ? before->min_values : -1;
    kerf_requirements_set(pass->arena, &replacement->requirements, &types);
}

/* ---- minValues ----------------------------------------------------------------------------------------------------------------------- */

/** Types that are needed, in their order, until every minValues is met; 0: there is no minValues; SIZE_MAX: all don't suffice. */
static size_t types_for_min_values(struct kerf_disruption_pass *pass, const struct kerf_planned_claim *replacement)
{
    size_t needed = 0;
    for (size_t i = 0; i < replacement->requirements.count; i++) {
        const struct kerf_requirement *requirement = &replacement->requirements.items[i];
        if (requirement->min_values < 0)
            continue;
        struct kerf_name_map seen = { 0 };
        size_t used = 0;
        while (used < replacement->instance_type_count && (used == 0 || seen.count < (uint32_t)requirement->min_values)) {
            const struct kerf_requirement *of_type =
                kerf_requirements_get(&replacement->instance_types[used++]->requirements, requirement->key);
            for (uint32_t j = 0; of_type && j < of_type->value_count; j++)
                kerf_name_map_put(&seen, of_type->values[j], 1);
        }
        bool met = seen.count >= (uint32_t)requirement->min_values;
        kerf_name_map_fini(&seen);
        if (!met)
            return SIZE_MAX;
        needed = needed > used ? needed : used;
    }
    (void)pass;
    return needed;
}

/* ---- price filters -------------------------------------------------------------------------------------------------------------------- */

bool kerf_replacement_filter_by_price(struct kerf_disruption_pass *pass, struct kerf_planned_claim *replacement, double limit_usd_per_hour,
                                      const char **out_why)
{
    struct kerf_offering_mask allowed =
        kerf_offerings_allowed(pass, &replacement->requirements, replacement->instance_types, replacement->instance_type_count);
    const struct kerf_instance_type **kept = KERF_NEW_ARRAY(pass->arena, const struct kerf_instance_type *, replacement->instance_type_count);
    size_t count = 0;
    double cheapest = DBL_MAX;
    const struct kerf_instance_type *cheapest_type = NULL;
    for (size_t i = 0; i < replacement->instance_type_count; i++) {
        double price = kerf_worst_launch_price(pass, replacement->instance_types[i], &allowed);
        if (price < cheapest) {
            cheapest = price;
            cheapest_type = replacement->instance_types[i];
        }
        if (price < limit_usd_per_hour)
            kept[count++] = replacement->instance_types[i];
    }
    replacement->instance_types = kept;
    replacement->instance_type_count = count;
    *out_why = NULL;
    bool met = types_for_min_values(pass, replacement) != SIZE_MAX;
    if (count > 0 && met)
        return true;
    if (pass->reasons && count > 0)
        *out_why = kerf_arena_format(pass->arena, "the %zu cheaper instance types, from %s, don't satisfy minValues", count,
                                     kerf_name_text(kept[0]->name));
    else if (pass->reasons && cheapest_type)
        *out_why = kerf_arena_format(pass->arena, "no cheaper node would do: the cheapest, %s, may cost $%.6g an hour, now it is $%.6g",
                                     kerf_name_text(cheapest_type->name), cheapest, limit_usd_per_hour);
    else if (pass->reasons)
        *out_why = "no node that would do can be launched now";
    return false;
}

/** The gate is off; what it keeps from happening, if anything. */
static const char *gate_reason(struct kerf_disruption_pass *pass, double price_usd_per_hour, struct kerf_planned_claim *replacement)
{
    const char *why = NULL;
    if (!pass->reasons)
        return NULL;
    narrow_to_spot(pass, replacement);
    if (!kerf_replacement_filter_by_price(pass, replacement, price_usd_per_hour, &why))
        return why;
    struct kerf_offering_mask allowed = kerf_offerings_allowed(pass, &replacement->requirements, replacement->instance_types, 1);
    return kerf_arena_format(pass->arena,
                             "a Spot node is not replaced by a Spot node (feature gate SpotToSpotConsolidation is off): %s would cost $%.6g an "
                             "hour, now it is $%.6g",
                             kerf_name_text(replacement->instance_types[0]->name),
                             kerf_worst_launch_price(pass, replacement->instance_types[0], &allowed), price_usd_per_hour);
}

static bool filter_spot_to_spot(struct kerf_disruption_pass *pass, const struct kerf_candidates *candidates, double price_usd_per_hour,
                                struct kerf_planned_claim *replacement, const char **out_why)
{
    if (!pass->options->spot_to_spot_consolidation) {
        *out_why = gate_reason(pass, price_usd_per_hour, replacement);
        return false;
    }
    narrow_to_spot(pass, replacement);
    /* Types without a Spot offering now cost DBL_MAX: the price filter drops them. */
    if (!kerf_replacement_filter_by_price(pass, replacement, price_usd_per_hour, out_why))
        return false;
    if (candidates->count > 1)
        return true;
    if (replacement->instance_type_count < SPOT_TO_SPOT_TYPES) {
        if (pass->reasons)
            *out_why = kerf_arena_format(pass->arena, "a Spot node needs %d cheaper instance types to be replaced by Spot, there are %zu",
                                         SPOT_TO_SPOT_TYPES, replacement->instance_type_count);
        return false;
    }
    size_t needed = types_for_min_values(pass, replacement);
    replacement->instance_type_count = needed > SPOT_TO_SPOT_TYPES ? needed : SPOT_TO_SPOT_TYPES;
    return true;
}

/* ---- the decision ------------------------------------------------------------------------------------------------------------------------ */

static double price_of(const struct kerf_candidates *candidates)
{
    double price = 0;
    for (size_t i = 0; i < candidates->count; i++)
        price += candidates->items[i]->price_usd_per_hour;
    return price;
}

static void decide(struct kerf_disruption_pass *pass, const struct kerf_candidates *candidates, const struct kerf_simulation *simulation,
                   struct kerf_consolidation *out)
{
    out->decision = KERF_DECIDE_NOTHING;
    if (simulation->outcome == KERF_SIMULATION_NO_NODEPOOL) {
        out->decision = KERF_DECIDE_ERROR;
        out->why = "there is no NodePool that is ready and dynamic";
        return;
    }
    if (simulation->outcome == KERF_SIMULATION_DELETING) {
        out->why = "it is being deleted";
        return;
    }
    if (simulation->outcome == KERF_SIMULATION_REFUSED)
        return;
    if (simulation->failed) {
        out->why = kerf_failure_reason(pass, simulation);
        return;
    }
    const struct kerf_plan *plan = simulation->plan;
    if (plan->claim_count > 1) {
        if (pass->reasons)
            out->why = kerf_several_nodes_reason(pass, plan, price_of(candidates));
        return;
    }
    if (plan->claim_count == 1) {
        bool all_spot = true;
        double price = price_of(candidates);
        for (size_t i = 0; i < candidates->count; i++)
            all_spot = all_spot && candidates->items[i]->capacity_type == KERF_SPOT;
        out->replacement = kerf_planned_claim_copy(pass->arena, &plan->claims[0]);
        bool allows_spot = allows_capacity_type(&out->replacement, KERF_SPOT);
        bool found = all_spot && allows_spot ? filter_spot_to_spot(pass, candidates, price, &out->replacement, &out->why)
                                             : kerf_replacement_filter_by_price(pass, &out->replacement, price, &out->why);
        if (!found)
            return;
        if (allows_spot && allows_capacity_type(&out->replacement, KERF_ON_DEMAND))
            narrow_to_spot(pass, &out->replacement);
        require_types(pass, &out->replacement);
    }
    out->decision = plan->claim_count == 1 ? KERF_DECIDE_REPLACE : KERF_DECIDE_DELETE;
    out->placements = kerf_placements_copy(pass->arena, plan, &out->placement_count);
}

void kerf_consolidate(struct kerf_disruption_pass *pass, const struct kerf_candidates *candidates, struct kerf_consolidation *out_consolidation)
{
    *out_consolidation = (struct kerf_consolidation){ 0 };
    struct kerf_simulation simulation;
    kerf_simulate(pass, candidates, KERF_SIMULATE_CONSOLIDATION, &simulation);
    decide(pass, candidates, &simulation, out_consolidation);
    kerf_simulation_fini(&simulation);
    if (out_consolidation->decision == KERF_DECIDE_DELETE || out_consolidation->decision == KERF_DECIDE_REPLACE)
        out_consolidation->savings_usd_per_hour =
            kerf_estimated_savings(pass, candidates, &out_consolidation->replacement, out_consolidation->decision == KERF_DECIDE_REPLACE);
}

double kerf_estimated_savings(struct kerf_disruption_pass *pass, const struct kerf_candidates *candidates,
                              const struct kerf_planned_claim *replacements, size_t replacement_count)
{
    double before = 0, after = 0;
    for (size_t i = 0; i < candidates->count; i++)
        before += candidates->items[i]->price_usd_per_hour;
    for (size_t i = 0; i < replacement_count; i++) {
        if (replacements[i].instance_type_count == 0)
            continue;
        struct kerf_offering_mask allowed = kerf_offerings_allowed(pass, &replacements[i].requirements, replacements[i].instance_types, 1);
        double price = kerf_cheapest_launch_price(pass, replacements[i].instance_types[0], &allowed);
        if (price < DBL_MAX)
            after += price;
    }
    return before - after;
}
