/** InterPodAffinity: required terms filter, in both directions (kube-scheduler.md 5.4); preferred ones score (9.4). */
#include "binding_internal.h"

/* ---- terms of the incoming pod
 * ------------------------------------------------------------------------------------------------------- */

static struct pod_term term_of(const struct attempt *attempt, const struct kerf_pod_affinity_term *term)
{
    return (struct pod_term){.own_namespace = attempt->pod->pod.meta.namespace_name,
                             .namespaces = term->namespaces,
                             .namespace_count = term->namespace_count,
                             .namespace_selector = term->namespace_selector,
                             .selector = term->selector};
}

static struct pod_filter filter_of_terms(const struct attempt *attempt, const struct kerf_pod_affinity_term *terms, size_t count)
{
    struct pod_term *own = KERF_NEW_ARRAY(attempt->arena, struct pod_term, count);
    for (size_t i = 0; i < count; i++)
        own[i] = term_of(attempt, &terms[i]);
    return (struct pod_filter){.terms = own, .term_count = (uint32_t)count};
}

static struct domain_counts new_counts(const struct attempt *attempt, kerf_name key)
{
    struct domain_counts counts = {.column = kerf_binding_key_column(attempt->binding, key)};
    counts.counts = KERF_NEW_ARRAY(attempt->arena, int32_t, counts.column->domain_count);
    return counts;
}

/** Adds up a column by domain; returns the sum over nodes that have the key. */
static int64_t add_matches(const struct kerf_binding *binding, struct domain_counts *counts, const struct match_column *matches)
{
    int64_t total = 0;
    if (!matches->total)
        return 0;
    for (uint32_t at = 0; at < binding->order_count; at++) {
        uint32_t slot = binding->order[at];
        uint32_t domain = counts->column->domain_of_slot[slot];
        if (domain == KERF_NOT_FOUND || !matches->count_of_slot[slot])
            continue;
        counts->counts[domain] += (int32_t)matches->count_of_slot[slot];
        total += matches->count_of_slot[slot];
    }
    return total;
}

/* ---- required terms
 * -------------------------------------------------------------------------------------------------------------------- */

static struct domain_counts *existing_counts(struct attempt *attempt, kerf_name key)
{
    for (size_t i = 0; i < attempt->existing_anti_affinity.count; i++)
        if (attempt->existing_anti_affinity.items[i].column->key == key)
            return &attempt->existing_anti_affinity.items[i];
    KERF_VEC_PUSH_IN(attempt->arena, &attempt->existing_anti_affinity, new_counts(attempt, key));
    return &attempt->existing_anti_affinity.items[attempt->existing_anti_affinity.count - 1];
}

/** Required anti-affinity of a pod on the node against the incoming one. */
static void count_existing(struct attempt *attempt, uint32_t slot, const struct kerf_pod *pod, int32_t sign)
{
    const struct kerf_pod_affinity_terms *terms = &pod->spec->required_anti_affinity;
    for (size_t t = 0; t < terms->count; t++) {
        if (!kerf_affinity_term_selects(attempt->binding->cluster, &terms->items[t], pod->meta.namespace_name,
                                        &attempt->pod->pod))
            continue;
        struct domain_counts *counts = existing_counts(attempt, terms->items[t].topology_key);
        uint32_t domain = counts->column->domain_of_slot[slot];
        if (domain != KERF_NOT_FOUND)
            counts->counts[domain] += sign;
    }
}

/* ---- what is remembered of the pod's kind ---------------------------------------------------------------------------------------------- */

static uint32_t own_term_count(const struct kerf_pod_spec *spec)
{
    return (uint32_t)(spec->required_affinity.count + spec->required_anti_affinity.count + spec->preferred_affinity.count +
                      spec->preferred_anti_affinity.count);
}

/** Of the kind's `number`-th own term, brought up to date. */
static const struct spread_tally *own_tally(struct attempt *attempt, uint32_t number, const struct key_column *column,
                                            const struct match_column *matches)
{
    struct pod_kind *kind = attempt->kind;
    struct spread_tally *tally = &kerf_kind_tallies(&kind->own, &kind->own_count, own_term_count(attempt->spec))[number];
    struct tally_rule rule = {.column = column, .matches = matches};
    kerf_tally_follow(attempt, tally, &rule);
    return tally;
}

/** The counts are those remembered themselves: whoever counts on them (dry runs of preemption) leaves them as they were. */
static void begin_by_kind(struct attempt *attempt)
{
    struct kerf_binding *binding = attempt->binding;
    const struct kerf_pod_spec *spec = attempt->spec;
    uint32_t number = 0;
    const struct match_column *matches =
        attempt->affinity_count ? kerf_binding_match_column(binding, &attempt->affinity_filter) : NULL;
    for (uint32_t i = 0; i < attempt->affinity_count; i++) {
        struct key_column *column = kerf_binding_key_column(binding, spec->required_affinity.items[i].topology_key);
        const struct spread_tally *tally = own_tally(attempt, number++, column, matches);
        attempt->affinity[i] = (struct domain_counts){column, tally->counts};
        attempt->affinity_total += tally->pod_total;
    }
    for (uint32_t i = 0; i < attempt->anti_affinity_count; i++) {
        struct key_column *column = kerf_binding_key_column(binding, spec->required_anti_affinity.items[i].topology_key);
        matches = kerf_binding_match_column(binding, &attempt->anti_affinity_filters[i]);
        attempt->anti_affinity[i] = (struct domain_counts){column, own_tally(attempt, number++, column, matches)->counts};
    }
    if (!binding->affinity_pod_total)
        return;
    kerf_their_terms_follow(attempt, attempt->kind);
    for (size_t i = 0; i < attempt->kind->their_keys.count; i++) {
        const struct their_key *key = &attempt->kind->their_keys.items[i];
        if (key->anti_total > 0)
            KERF_VEC_PUSH_IN(attempt->arena, &attempt->existing_anti_affinity, (struct domain_counts){key->column, key->anti});
    }
}

static void count_required(struct attempt *attempt);

void kerf_interpod_begin(struct attempt *attempt)
{
    struct kerf_binding *binding = attempt->binding;
    const struct kerf_pod_spec *spec = attempt->spec;
    attempt->affinity_count = (uint32_t)spec->required_affinity.count;
    attempt->anti_affinity_count = (uint32_t)spec->required_anti_affinity.count;
    if (attempt->affinity_count) {
        attempt->affinity_filter = filter_of_terms(attempt, spec->required_affinity.items, spec->required_affinity.count);
        attempt->affinity_self = kerf_binding_filter_takes(binding, &attempt->affinity_filter, &attempt->pod->pod);
        attempt->affinity = KERF_NEW_ARRAY(attempt->arena, struct domain_counts, attempt->affinity_count);
    }
    if (attempt->anti_affinity_count) {
        attempt->anti_affinity = KERF_NEW_ARRAY(attempt->arena, struct domain_counts, attempt->anti_affinity_count);
        attempt->anti_affinity_filters = KERF_NEW_ARRAY(attempt->arena, struct pod_filter, attempt->anti_affinity_count);
        for (uint32_t i = 0; i < attempt->anti_affinity_count; i++)
            attempt->anti_affinity_filters[i] = filter_of_terms(attempt, &spec->required_anti_affinity.items[i], 1);
    }
    if (attempt->kind)
        begin_by_kind(attempt);
    else
        count_required(attempt);
}

/** Over all nodes. */
static void count_required(struct attempt *attempt)
{
    struct kerf_binding *binding = attempt->binding;
    const struct kerf_pod_spec *spec = attempt->spec;
    if (attempt->affinity_count) {
        const struct match_column *matches = kerf_binding_match_column(binding, &attempt->affinity_filter);
        for (uint32_t i = 0; i < attempt->affinity_count; i++) {
            attempt->affinity[i] = new_counts(attempt, spec->required_affinity.items[i].topology_key);
            attempt->affinity_total += add_matches(binding, &attempt->affinity[i], matches);
        }
    }
    for (uint32_t i = 0; i < attempt->anti_affinity_count; i++) {
        attempt->anti_affinity[i] = new_counts(attempt, spec->required_anti_affinity.items[i].topology_key);
        add_matches(binding, &attempt->anti_affinity[i], kerf_binding_match_column(binding, &attempt->anti_affinity_filters[i]));
    }
    for (uint32_t at = 0; binding->anti_pod_total && at < binding->order_count; at++) {
        uint32_t slot = binding->order[at];
        if (!binding->nodes[slot].anti_pods)
            continue;
        struct slot_pods pods = kerf_slot_pods(binding, slot);
        for (uint32_t i = 0; i < pods.count; i++) {
            const struct kerf_pod *pod = &kerf_slot_pod(&pods, i)->pod;
            if (pod->spec->required_anti_affinity.count && !kerf_pod_is_terminal(pod))
                count_existing(attempt, slot, pod, 1);
        }
    }
}

void kerf_interpod_count_pod(struct attempt *attempt, uint32_t slot, const struct kerf_pod *pod, int32_t sign)
{
    count_existing(attempt, slot, pod, sign);
    if (attempt->affinity_count && kerf_binding_filter_takes(attempt->binding, &attempt->affinity_filter, pod)) {
        for (uint32_t i = 0; i < attempt->affinity_count; i++) {
            uint32_t domain = attempt->affinity[i].column->domain_of_slot[slot];
            if (domain == KERF_NOT_FOUND)
                continue;
            attempt->affinity[i].counts[domain] += sign;
            attempt->affinity_total += sign;
        }
    }
    for (uint32_t i = 0; i < attempt->anti_affinity_count; i++) {
        uint32_t domain = attempt->anti_affinity[i].column->domain_of_slot[slot];
        if (domain != KERF_NOT_FOUND && kerf_binding_filter_takes(attempt->binding, &attempt->anti_affinity_filters[i], pod))
            attempt->anti_affinity[i].counts[domain] += sign;
    }
}

/** Terms on one key share their counts, as they do in the real map by (key, value). */
static bool domain_has_pods(const struct attempt *attempt, uint32_t term, uint32_t slot)
{
    const struct key_column *column = attempt->affinity[term].column;
    for (uint32_t i = 0; i < attempt->affinity_count; i++)
        if (attempt->affinity[i].column == column && attempt->affinity[i].counts[column->domain_of_slot[slot]] > 0)
            return true;
    return false;
}

static bool affinity_satisfied(const struct attempt *attempt, uint32_t slot)
{
    bool pods_exist = true;
    for (uint32_t i = 0; i < attempt->affinity_count; i++) {
        if (attempt->affinity[i].column->domain_of_slot[slot] == KERF_NOT_FOUND)
            return false;
        pods_exist &= domain_has_pods(attempt, i, slot);
    }
    return pods_exist || (attempt->affinity_total == 0 && attempt->affinity_self); /* the first pod of its kind */
}

bool kerf_interpod_filter(const struct attempt *attempt, uint32_t slot, struct refusal *out_refusal)
{
    if (attempt->affinity_count && !affinity_satisfied(attempt, slot)) {
        *out_refusal = (struct refusal){"InterPodAffinity", "node(s) didn't match pod affinity rules", false};
        return false;
    }
    for (uint32_t i = 0; i < attempt->anti_affinity_count; i++) {
        uint32_t domain = attempt->anti_affinity[i].column->domain_of_slot[slot];
        if (domain != KERF_NOT_FOUND && attempt->anti_affinity[i].counts[domain] > 0) {
            *out_refusal = (struct refusal){"InterPodAffinity", "node(s) didn't match pod anti-affinity rules", true};
            return false;
        }
    }
    for (size_t i = 0; i < attempt->existing_anti_affinity.count; i++) {
        const struct domain_counts *counts = &attempt->existing_anti_affinity.items[i];
        uint32_t domain = counts->column->domain_of_slot[slot];
        if (domain != KERF_NOT_FOUND && counts->counts[domain] > 0) {
            *out_refusal = (struct refusal){"InterPodAffinity", "node(s) didn't satisfy existing pods anti-affinity rules", true};
            return false;
        }
    }
    return true;
}

/* ---- preferred terms
 * ---------------------------------------------------------------------------------------------------------------------- */

/** Points per domain, for each key that some term has. */
struct points {
    struct key_column *column;
    int64_t *points;
};
struct all_points {
    KERF_VEC(struct points) keys;
    bool anything;
};

static int64_t *points_of_key(struct attempt *attempt, struct all_points *all, kerf_name key,
                              const struct key_column **out_column)
{
    size_t at = 0;
    while (at < all->keys.count && all->keys.items[at].column->key != key)
        at++;
    if (at == all->keys.count) {
        struct points points = {.column = kerf_binding_key_column(attempt->binding, key)};
        points.points = KERF_NEW_ARRAY(attempt->arena, int64_t, points.column->domain_count);
        KERF_VEC_PUSH_IN(attempt->arena, &all->keys, points);
    }
    *out_column = all->keys.items[at].column;
    return all->keys.items[at].points;
}

/** The incoming pod's own preferences over all pods. */
static void add_own_terms(struct attempt *attempt, struct all_points *all, const struct kerf_pod_affinity_terms *terms,
                          int64_t sign)
{
    struct kerf_binding *binding = attempt->binding;
    for (size_t t = 0; t < terms->count; t++) {
        struct pod_filter filter = filter_of_terms(attempt, &terms->items[t], 1);
        const struct match_column *matches = kerf_binding_match_column(binding, &filter);
        const struct key_column *column;
        int64_t *points = points_of_key(attempt, all, terms->items[t].topology_key, &column);
        for (uint32_t at = 0; at < binding->order_count && matches->total; at++) {
            uint32_t slot = binding->order[at];
            uint32_t domain = column->domain_of_slot[slot];
            if (domain == KERF_NOT_FOUND || !matches->count_of_slot[slot])
                continue;
            points[domain] += sign * terms->items[t].weight * (int64_t)matches->count_of_slot[slot];
            all->anything = true;
        }
    }
}

/** Terms of a pod that is there, towards the incoming one. `weight` 0: each term has its own. */
static void add_their_terms(struct attempt *attempt, struct all_points *all, uint32_t slot, const struct kerf_pod *pod,
                            const struct kerf_pod_affinity_terms *terms, int64_t weight, int64_t sign)
{
    for (size_t t = 0; t < terms->count; t++) {
        if (!kerf_affinity_term_selects(attempt->binding->cluster, &terms->items[t], pod->meta.namespace_name,
                                        &attempt->pod->pod))
            continue;
        const struct key_column *column;
        int64_t *points = points_of_key(attempt, all, terms->items[t].topology_key, &column);
        uint32_t domain = column->domain_of_slot[slot];
        if (domain == KERF_NOT_FOUND)
            continue;
        points[domain] += sign * (weight ? weight : terms->items[t].weight);
        all->anything = true;
    }
}

/** Points of one key or term, by domain: `counts` times `weight`, or `points`. */
struct source {
    const struct key_column *column;
    const int32_t *counts;
    int64_t weight;
    const int64_t *points;
};

/** All that gives points, from what is remembered of the kind; how many there are. */
static uint32_t list_sources(struct attempt *attempt, struct source *sources)
{
    struct pod_kind *kind = attempt->kind;
    const struct kerf_pod_spec *spec = attempt->spec;
    const struct kerf_pod_affinity_terms *lists[] = {&spec->preferred_affinity, &spec->preferred_anti_affinity};
    uint32_t number = (uint32_t)(spec->required_affinity.count + spec->required_anti_affinity.count), count = 0;
    for (int list = 0; list < 2; list++) {
        for (size_t t = 0; t < lists[list]->count; t++) {
            const struct kerf_pod_affinity_term *term = &lists[list]->items[t];
            struct pod_filter filter = filter_of_terms(attempt, term, 1);
            const struct key_column *column = kerf_binding_key_column(attempt->binding, term->topology_key);
            const struct match_column *matches = kerf_binding_match_column(attempt->binding, &filter);
            const struct spread_tally *tally = own_tally(attempt, number++, column, matches);
            if (tally->pod_total > 0)
                sources[count++] = (struct source){
                    .column = column, .counts = tally->counts, .weight = list == 0 ? term->weight : -(int64_t)term->weight};
        }
    }
    for (size_t i = 0; attempt->binding->affinity_pod_total && i < kind->their_keys.count; i++)
        if (kind->their_keys.items[i].term_total > 0)
            sources[count++] = (struct source){.column = kind->their_keys.items[i].column, .points = kind->their_keys.items[i].points};
    return count;
}

static bool add_points_by_kind(struct attempt *attempt, const uint32_t *slots, uint32_t count, int64_t *scores)
{
    struct source *sources = KERF_NEW_ARRAY(attempt->arena, struct source,
                                            own_term_count(attempt->spec) + attempt->kind->their_keys.count);
    uint32_t source_count = list_sources(attempt, sources);
    memset(scores, 0, count * sizeof *scores);
    for (uint32_t s = 0; s < source_count; s++) {
        const struct source *source = &sources[s];
        for (uint32_t i = 0; i < count; i++) {
            uint32_t domain = source->column->domain_of_slot[slots[i]];
            if (domain != KERF_NOT_FOUND)
                scores[i] += source->points ? source->points[domain] : source->weight * source->counts[domain];
        }
    }
    return source_count > 0;
}

/** Sums of points of each node, over all nodes and pods; false: nothing gives any. */
static bool add_points(struct attempt *attempt, const uint32_t *slots, uint32_t count, int64_t *scores)
{
    struct kerf_binding *binding = attempt->binding;
    const struct kerf_scheduler_configuration *configuration = binding->configuration;
    int64_t hard_weight = kerf_hard_affinity_weight(configuration);
    struct all_points all = {0};
    add_own_terms(attempt, &all, &attempt->spec->preferred_affinity, 1);
    add_own_terms(attempt, &all, &attempt->spec->preferred_anti_affinity, -1);
    for (uint32_t at = 0; binding->affinity_pod_total && at < binding->order_count; at++) {
        uint32_t slot = binding->order[at];
        if (!binding->nodes[slot].affinity_pods)
            continue;
        struct slot_pods pods = kerf_slot_pods(binding, slot);
        for (uint32_t i = 0; i < pods.count; i++) {
            const struct kerf_pod *pod = &kerf_slot_pod(&pods, i)->pod;
            if (kerf_pod_is_terminal(pod))
                continue;
            if (hard_weight > 0)
                add_their_terms(attempt, &all, slot, pod, &pod->spec->required_affinity, hard_weight, 1);
            if (configuration->ignore_preferred_terms_of_existing_pods)
                continue;
            add_their_terms(attempt, &all, slot, pod, &pod->spec->preferred_affinity, 0, 1);
            add_their_terms(attempt, &all, slot, pod, &pod->spec->preferred_anti_affinity, 0, -1);
        }
    }
    if (!all.anything)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        scores[i] = 0;
        for (size_t k = 0; k < all.keys.count; k++) {
            uint32_t domain = all.keys.items[k].column->domain_of_slot[slots[i]];
            if (domain != KERF_NOT_FOUND)
                scores[i] += all.keys.items[k].points[domain];
        }
    }
    return true;
}

bool kerf_interpod_score(struct attempt *attempt, const uint32_t *slots, uint32_t count, int64_t *scores)
{
    bool has_preferences = attempt->spec->preferred_affinity.count || attempt->spec->preferred_anti_affinity.count;
    if (attempt->binding->configuration->ignore_preferred_terms_of_existing_pods && !has_preferences)
        return false;
    bool any = attempt->kind ? add_points_by_kind(attempt, slots, count, scores) : add_points(attempt, slots, count, scores);
    if (!any)
        return false;
    int64_t lowest = INT64_MAX, highest = INT64_MIN;
    for (uint32_t i = 0; i < count; i++) {
        lowest = kerf_min_i64(lowest, scores[i]);
        highest = kerf_max_i64(highest, scores[i]);
    }
    int64_t difference = highest - lowest;
    for (uint32_t i = 0; i < count; i++) /* in doubles, as the real one */
        scores[i] = difference > 0 ? (int64_t)(100.0 * ((double)(scores[i] - lowest) / (double)difference)) : 0;
    return true;
}
