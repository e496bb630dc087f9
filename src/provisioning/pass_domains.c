/**
 * pass_domains: which domains topology lets a pod take at a node or claim, and what a placement adds to the counts.
 * karpenter-provisioning.md 7.4, 7.5.
 */
#include "provisioning/provisioning_internal.h"

/** What the pod and the candidate say about the key; NULL: anything. */
struct wishes {
    const struct kerf_requirement *pod;  /* strict */
    const struct kerf_requirement *node; /* merged so far */
};

static bool accepts(const struct kerf_requirement *requirement, kerf_name domain)
{
    return requirement == NULL || kerf_requirement_has(requirement, domain);
}

static struct kerf_topology_group *group_at(const struct kerf_pass *pass, uint32_t position)
{
    return pass->topology.groups.items[position];
}

/* Among equals the first by name, or one that is drawn (section 14). */
static bool precedes(const struct kerf_pass *pass, const struct kerf_pass_pod *pod, kerf_name a, kerf_name b)
{
    if (pass->options.draw_ties) {
        uint64_t seed =
            kerf_hash_mix(pass->options.tie_seed, pod->pod->meta.uid != NULL ? kerf_hash_text(pod->pod->meta.uid->text) : 0);
        uint64_t left = kerf_hash_mix(seed, kerf_hash_text(a->text));
        uint64_t right = kerf_hash_mix(seed, kerf_hash_text(b->text));
        if (left != right)
            return left < right;
    }
    return kerf_name_compare(a, b) < 0;
}

/* ---- spread ----------------------------------------------------------------------------------------------------------- */

static int64_t smallest_count(const struct kerf_topology_group *group, const struct kerf_requirement *pod_domains)
{
    int64_t smallest = INT32_MAX;
    int32_t domain_count = 0;
    for (uint32_t domain = 0; domain < group->capacity; domain++) {
        if (group->counts[domain] < 0 || !accepts(pod_domains, group->space->names.items[domain]))
            continue;
        domain_count++;
        smallest = kerf_min_i64(smallest, group->counts[domain]);
    }
    return group->min_domains > domain_count ? 0 : smallest;
}

static uint32_t choose_spread(const struct kerf_pass *pass, const struct kerf_topology_group *group,
                              const struct kerf_pass_pod *pod, struct wishes wishes)
{
    int64_t smallest = smallest_count(group, wishes.pod);
    int64_t self = kerf_group_selects(pass, group, pod->pod) ? 1 : 0;
    uint32_t chosen = KERF_NOT_FOUND;
    for (uint32_t domain = 0; domain < group->capacity; domain++) {
        int64_t count = group->counts[domain];
        if (count < 0 || count + self - smallest > group->max_skew)
            continue;
        kerf_name name = group->space->names.items[domain];
        if (chosen != KERF_NOT_FOUND &&
            (count > group->counts[chosen] ||
             (count == group->counts[chosen] && !precedes(pass, pod, name, group->space->names.items[chosen]))))
            continue;
        if (accepts(wishes.node, name))
            chosen = domain;
    }
    return chosen;
}

/* ---- affinity --------------------------------------------------------------------------------------------------------- */

/* May the pod be the first of its kind: it selects itself, and no domain that it could take has any pod yet? */
static bool may_bootstrap(const struct kerf_pass *pass, const struct kerf_topology_group *group, const struct kerf_pass_pod *pod,
                          const struct kerf_requirement *pod_domains)
{
    if (!kerf_group_selects(pass, group, pod->pod))
        return false;
    if (group->known_count == group->empty_count)
        return true;
    for (uint32_t domain = 0; domain < group->capacity; domain++)
        if (group->counts[domain] > 0 && accepts(pod_domains, group->space->names.items[domain]))
            return false;
    return true;
}

static uint32_t first_known(const struct kerf_pass *pass, const struct kerf_topology_group *group,
                            const struct kerf_pass_pod *pod, const struct kerf_requirement *a, const struct kerf_requirement *b)
{
    uint32_t first = KERF_NOT_FOUND;
    for (uint32_t domain = 0; domain < group->capacity; domain++) {
        kerf_name name = group->space->names.items[domain];
        if (group->counts[domain] < 0 || !accepts(a, name) || !accepts(b, name))
            continue;
        if (first == KERF_NOT_FOUND || precedes(pass, pod, name, group->space->names.items[first]))
            first = domain;
    }
    return first;
}

/* ---- one group -------------------------------------------------------------------------------------------------------- */

/* Host names: one candidate, no choice. */
static bool accepts_host(const struct kerf_pass *pass, const struct kerf_topology_group *group, const struct kerf_pass_pod *pod,
                         kerf_name hostname, uint32_t domain)
{
    int32_t count = kerf_group_count(group, domain);
    if (count < 0)
        count = 0; /* not known to the group */
    switch (group->kind) {
    case KERF_GROUP_SPREAD:
        return (int64_t)count + (kerf_group_selects(pass, group, pod->pod) ? 1 : 0) <= group->max_skew;
    case KERF_GROUP_AFFINITY: {
        const struct kerf_requirement *wanted = kerf_requirements_get(&pod->now.strict, group->space->key);
        return accepts(wanted, hostname) && (count > 0 || may_bootstrap(pass, group, pod, wanted));
    }
    case KERF_GROUP_ANTI_AFFINITY:
        break;
    }
    return count == 0;
}

/* The domains that the group allows, in scratch; false: none. */
static bool choose_domains(struct kerf_pass *pass, const struct kerf_topology_group *group, const struct kerf_pass_pod *pod,
                           struct wishes wishes, struct kerf_requirement *out_domains)
{
    struct kerf_arena *scratch = &pass->scratch;
    const kerf_name *names = group->space->names.items;
    if (group->kind == KERF_GROUP_SPREAD) {
        uint32_t chosen = choose_spread(pass, group, pod, wishes);
        if (chosen == KERF_NOT_FOUND)
            return false;
        *out_domains = kerf_requirement_in(scratch, group->space->key, &names[chosen], 1);
        return true;
    }
    kerf_name *chosen = KERF_NEW_ARRAY(scratch, kerf_name, group->capacity + 2u);
    size_t count = 0;
    bool wants_empty = group->kind == KERF_GROUP_ANTI_AFFINITY;
    for (uint32_t domain = 0; domain < group->capacity; domain++)
        if ((wants_empty ? group->counts[domain] == 0 : group->counts[domain] > 0) && accepts(wishes.pod, names[domain]) &&
            accepts(wishes.node, names[domain]))
            chosen[count++] = names[domain];
    if (count == 0 && !wants_empty && may_bootstrap(pass, group, pod, wishes.pod)) {
        uint32_t first = first_known(pass, group, pod, wishes.pod, wishes.node);
        if (first != KERF_NOT_FOUND)
            chosen[count++] = names[first];
        first = first_known(pass, group, pod, wishes.pod, NULL);
        if (first != KERF_NOT_FOUND)
            chosen[count++] = names[first];
    }
    *out_domains = kerf_requirement_in(scratch, group->space->key, chosen, count);
    return count > 0;
}

/* ---- all groups of a pod ---------------------------------------------------------------------------------------------- */

static const struct kerf_label_class *class_of(const struct kerf_pass *pass, const struct kerf_pass_pod *pod)
{
    return &pass->topology.classes.items[pod->label_class];
}

bool kerf_pass_has_topology(const struct kerf_pass *pass, const struct kerf_pass_pod *pod)
{
    return pod->now.groups.count > 0 || class_of(pass, pod)->inverse.count > 0;
}

/* Groups that apply: those that the pod owns, then the inverse ones that select it. */
static uint32_t applying_count(const struct kerf_pass *pass, const struct kerf_pass_pod *pod)
{
    return pod->now.groups.count + (uint32_t)class_of(pass, pod)->inverse.count;
}

/* Position of the i-th of them. */
static uint32_t applying_position(const struct kerf_pass *pass, const struct kerf_pass_pod *pod, uint32_t i)
{
    uint32_t owned = pod->now.groups.count;
    return i < owned ? pod->now.groups.items[i] : class_of(pass, pod)->inverse.items[i - owned];
}

static struct kerf_topology_group *applying(const struct kerf_pass *pass, const struct kerf_pass_pod *pod, uint32_t i)
{
    return group_at(pass, applying_position(pass, pod, i));
}

/* A node has one domain: each group takes it or not. */
static bool accepts_domain(const struct kerf_pass *pass, const struct kerf_topology_group *group, const struct kerf_pass_pod *pod,
                           uint32_t domain)
{
    int64_t count = kerf_group_count(group, domain);
    kerf_name name = group->space->names.items[domain];
    const struct kerf_requirement *wanted = kerf_requirements_get(&pod->now.strict, group->space->key);
    switch (group->kind) {
    case KERF_GROUP_SPREAD:
        return count >= 0 &&
               count + (kerf_group_selects(pass, group, pod->pod) ? 1 : 0) - smallest_count(group, wanted) <= group->max_skew;
    case KERF_GROUP_AFFINITY:
        if (!accepts(wanted, name))
            return false;
        return count > 0 || (count == 0 && may_bootstrap(pass, group, pod, wanted));
    case KERF_GROUP_ANTI_AFFINITY:
        break;
    }
    return count == 0 && accepts(wanted, name);
}

bool kerf_pass_topology_accepts_node(struct kerf_pass *pass, const struct kerf_pass_pod *pod,
                                     const struct kerf_candidate *candidate, bool *out_needs_requirements,
                                     struct kerf_refusal *refusal)
{
    uint32_t count = applying_count(pass, pod);
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_topology_group *group = applying(pass, pod, i);
        if (group->space->is_hostname) {
            if (!accepts_host(pass, group, pod, candidate->hostname, candidate->host_domain)) {
                refusal->kind = kerf_group_refuses_for_good(group) ? KERF_REFUSED_BY_HOST : KERF_REFUSED_NOW;
                refusal->group = applying_position(pass, pod, i);
                return false;
            }
            continue;
        }
        uint32_t domain = group->space->node_domains[candidate->node_position];
        if (domain != KERF_NOT_FOUND) {
            if (!accepts_domain(pass, group, pod, domain))
                return false;
            continue;
        }
        /* Without the label a single demand cannot be met; two that contradict each other come out as "must not exist", which
         * can. */
        for (uint32_t k = 0; k < count; k++)
            if (k != i && applying(pass, pod, k)->space == group->space)
                *out_needs_requirements = true;
        return false;
    }
    return true;
}

uint32_t kerf_pass_topology_refusing_host(struct kerf_pass *pass, const struct kerf_pass_pod *pod, kerf_name hostname,
                                          uint32_t host_domain)
{
    uint32_t count = applying_count(pass, pod);
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_topology_group *group = applying(pass, pod, i);
        if (group->space->is_hostname && !accepts_host(pass, group, pod, hostname, host_domain))
            return applying_position(pass, pod, i);
    }
    return KERF_NOT_FOUND;
}

static void explain(const struct kerf_topology_group *group, struct wishes wishes, struct kerf_text *reason)
{
    static const char *const kinds[] = {"topology spread", "pod affinity", "pod anti-affinity"};
    struct kerf_requirement anything = kerf_requirement_exists(group->space->key);
    kerf_text_append_format(reason, "unsatisfiable topology constraint for %s, key=%s (counts = ", kinds[group->kind],
                            group->space->key->text);
    uint32_t shown = 0;
    for (uint32_t domain = 0; domain < group->capacity && shown < 25; domain++)
        if (group->counts[domain] >= 0)
            kerf_text_append_format(reason, "%s%s: %d", shown++ > 0 ? ", " : "", group->space->names.items[domain]->text,
                                    group->counts[domain]);
    kerf_text_append(reason, ", podDomains = ");
    kerf_text_append_requirement(reason, wishes.pod != NULL ? wishes.pod : &anything);
    kerf_text_append(reason, ", nodeDomains = ");
    kerf_text_append_requirement(reason, wishes.node != NULL ? wishes.node : &anything);
    kerf_text_append(reason, ")");
}

bool kerf_pass_topology_tighten(struct kerf_pass *pass, const struct kerf_pass_pod *pod, const struct kerf_candidate *candidate,
                                const struct kerf_requirements *requirements, struct kerf_requirements *out_demanded,
                                struct kerf_text *reason)
{
    *out_demanded = (struct kerf_requirements){0};
    uint32_t count = applying_count(pass, pod);
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_topology_group *group = applying(pass, pod, i);
        struct wishes wishes = {kerf_requirements_get(&pod->now.strict, group->space->key),
                                kerf_requirements_get(requirements, group->space->key)};
        struct kerf_requirement domains;
        bool found;
        if (group->space->is_hostname) {
            found = accepts_host(pass, group, pod, candidate->hostname, candidate->host_domain);
            domains = kerf_requirement_in(&pass->scratch, group->space->key, &candidate->hostname, 1);
        } else {
            found = choose_domains(pass, group, pod, wishes, &domains);
        }
        if (!found) {
            pass->refusing_group = applying_position(pass, pod, i);
            if (reason != NULL)
                explain(group, wishes, reason);
            return false;
        }
        if (wishes.node != NULL && kerf_requirements_get(out_demanded, group->space->key) == NULL)
            kerf_requirements_add(&pass->scratch, out_demanded, wishes.node);
        kerf_requirements_add(&pass->scratch, out_demanded, &domains);
    }
    return true;
}

/* ---- recording a placement (7.5) -------------------------------------------------------------------------------------- */

static void record_values(struct kerf_topology_group *group, const struct kerf_requirement *requirement)
{
    for (uint32_t i = 0; i < requirement->value_count; i++)
        kerf_group_record(group, kerf_domain_space_enter(group->space, requirement->values[i]));
}

/* All: every value is blocked. Else the domain counts only if it is the only one left. */
static void record_in(struct kerf_topology_group *group, const struct kerf_candidate *candidate, bool all)
{
    struct kerf_domain_space *space = group->space;
    if (space->is_hostname) {
        kerf_group_record(group, candidate->host_domain);
        return;
    }
    if (candidate->requirements == NULL) {
        uint32_t domain = space->node_domains[candidate->node_position];
        if (domain != KERF_NOT_FOUND)
            kerf_group_record(group, domain);
        return;
    }
    const struct kerf_requirement *requirement = kerf_requirements_get(candidate->requirements, space->key);
    if (requirement == NULL)
        return;
    /* of a complement the excluded values are recorded, as in Karpenter (Q12) */
    if (all || (!requirement->complement && requirement->value_count == 1))
        record_values(group, requirement);
}

void kerf_pass_topology_record(struct kerf_pass *pass, const struct kerf_pass_pod *pod, const struct kerf_candidate *candidate)
{
    const struct kerf_label_class *class = class_of(pass, pod);
    for (size_t i = 0; i < class->groups.count; i++) {
        struct kerf_topology_group *group = group_at(pass, class->groups.items[i]);
        if (kerf_group_filter_passes(pass, group, candidate))
            record_in(group, candidate, group->kind == KERF_GROUP_ANTI_AFFINITY);
    }
    for (uint32_t i = 0; i < pod->inverse.count; i++)
        record_in(group_at(pass, pod->inverse.items[i]), candidate, true);
}
