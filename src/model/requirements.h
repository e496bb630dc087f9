/** Part of the door of `model`: labels, selectors, requirements and taints, with their algebra. Include model/model.h. */
#ifndef KERF_MODEL_REQUIREMENTS_H
#define KERF_MODEL_REQUIREMENTS_H

#include "model/vocabulary.h"

/* ---- labels ---------------------------------------------------------------------------------------------------------------- */

struct kerf_label {
    kerf_name key;
    kerf_name value;
};
/** Sorted by key (bytes), each key once. Also annotations. */
struct kerf_labels {
    const struct kerf_label *items;
    size_t count;
};
kerf_name kerf_labels_get(const struct kerf_labels *labels, kerf_name key); /* NULL when absent */
bool kerf_labels_equal(const struct kerf_labels *a, const struct kerf_labels *b);
/** `over` wins where both have a key. */
struct kerf_labels kerf_labels_merge(struct kerf_arena *arena, const struct kerf_labels *under, const struct kerf_labels *over);
struct kerf_labels kerf_labels_sorted(struct kerf_arena *arena, const struct kerf_label *items, size_t count); /* later duplicates win */

/* ---- selectors: expressions as written ----------------------------------------------------------------------------------------- */

enum kerf_operator {
    KERF_OP_IN,
    KERF_OP_NOT_IN,
    KERF_OP_EXISTS,
    KERF_OP_DOES_NOT_EXIST,
    KERF_OP_GT,
    KERF_OP_LT,
    KERF_OP_GTE,
    KERF_OP_LTE,
};
const char *kerf_operator_text(enum kerf_operator op);
bool kerf_operator_parse(const char *text, enum kerf_operator *out_op);

/** One expression as written: values in the order of the input. */
struct kerf_expression {
    kerf_name key;
    enum kerf_operator op;
    const kerf_name *values;
    uint32_t value_count;
    int32_t min_values; /* NodePools only; -1: none */
};
struct kerf_expressions {
    const struct kerf_expression *items;
    size_t count;
};

/** metav1.LabelSelector: matchLabels are expressions with In and one value. An absent selector is `present == false` (selects
 *  nothing unless a rule says otherwise); a present one without expressions selects everything. */
struct kerf_label_selector {
    bool present;
    bool invalid; /* an expression that the API machinery refuses: selects nothing */
    struct kerf_expressions expressions;
};
bool kerf_label_selector_matches(const struct kerf_label_selector *selector, const struct kerf_labels *labels);
/** Same expressions, in any order. */
bool kerf_label_selector_equal(const struct kerf_label_selector *a, const struct kerf_label_selector *b);

/** One term of a node selector (terms are ORed, what is inside is ANDed). An empty term matches nothing. */
struct kerf_node_selector_term {
    struct kerf_expressions match_expressions;
    struct kerf_expressions match_fields; /* metadata.name only */
};
/** As kube-scheduler matches it; `node_name` for match_fields. */
bool kerf_node_selector_term_matches(const struct kerf_node_selector_term *term, const struct kerf_labels *labels, kerf_name node_name);
/** One expression against labels as kube-scheduler evaluates node affinity (Gt and Lt parse both sides as integers). */
bool kerf_expression_matches(const struct kerf_expression *expression, const struct kerf_labels *labels);

/* ---- requirements: the canonical form of Karpenter (karpenter-provisioning 4.1 to 4.3) ----------------------------------------- */

struct kerf_requirement {
    kerf_name key;
    bool complement; /* the set is what is excluded */
    bool has_lower;
    bool has_upper;
    int32_t min_values;      /* -1: none */
    int64_t lower;           /* inclusive */
    int64_t upper;           /* inclusive */
    const kerf_name *values; /* sorted by bytes, each once */
    uint32_t value_count;
};
/** Sorted by key (bytes), each key once. Values borrowed from the arena they were built in. */
struct kerf_requirements {
    struct kerf_requirement *items;
    size_t count;
    size_t capacity;
};

/** In / NotIn / Exists / DoesNotExist, as Karpenter reports it: bounds do not show. */
enum kerf_operator kerf_requirement_operator(const struct kerf_requirement *requirement);
bool kerf_requirement_has(const struct kerf_requirement *requirement, kerf_name value);
struct kerf_requirement kerf_requirement_of(struct kerf_arena *arena, const struct kerf_vocabulary *vocabulary,
                                            const struct kerf_expression *expression);
struct kerf_requirement kerf_requirement_in(struct kerf_arena *arena, kerf_name key, const kerf_name *values, size_t value_count);
struct kerf_requirement kerf_requirement_exists(kerf_name key);
struct kerf_requirement kerf_requirement_intersection(struct kerf_arena *arena, const struct kerf_requirement *a,
                                                      const struct kerf_requirement *b);
bool kerf_requirement_intersects(const struct kerf_requirement *a, const struct kerf_requirement *b);

const struct kerf_requirement *kerf_requirements_get(const struct kerf_requirements *requirements, kerf_name key); /* NULL: absent */
/** Per key the intersection, or the new one. */
void kerf_requirements_add(struct kerf_arena *arena, struct kerf_requirements *into, const struct kerf_requirement *requirement);
void kerf_requirements_add_all(struct kerf_arena *arena, struct kerf_requirements *into, const struct kerf_requirements *added);
/** Replaces the requirement of its key. */
void kerf_requirements_set(struct kerf_arena *arena, struct kerf_requirements *into, const struct kerf_requirement *requirement);
void kerf_requirements_remove(struct kerf_requirements *from, kerf_name key);
struct kerf_requirements kerf_requirements_copy(struct kerf_arena *arena, const struct kerf_requirements *from);
struct kerf_requirements kerf_requirements_of_labels(struct kerf_arena *arena, const struct kerf_vocabulary *vocabulary,
                                                     const struct kerf_labels *labels);
void kerf_requirements_add_expressions(struct kerf_arena *arena, const struct kerf_vocabulary *vocabulary,
                                       struct kerf_requirements *into, const struct kerf_expressions *expressions);

/** Which keys the node side may leave undefined. */
enum kerf_undefined {
    KERF_UNDEFINED_NONE,      /* strict */
    KERF_UNDEFINED_WELL_KNOWN /* well-known keys */
};
/** On failure `out_key`, if given, is the first key in order that fails. */
bool kerf_requirements_intersect(const struct kerf_requirements *a, const struct kerf_requirements *b, kerf_name *out_key);
bool kerf_requirements_compatible(const struct kerf_vocabulary *vocabulary, const struct kerf_requirements *node,
                                  const struct kerf_requirements *incoming, enum kerf_undefined undefined, kerf_name *out_key);

/* ---- taints ------------------------------------------------------------------------------------------------------------------ */

enum kerf_taint_effect {
    KERF_TAINT_NO_SCHEDULE,
    KERF_TAINT_PREFER_NO_SCHEDULE,
    KERF_TAINT_NO_EXECUTE,
    KERF_TAINT_EFFECT_ANY /* tolerations only: an empty effect */
};
const char *kerf_taint_effect_text(enum kerf_taint_effect effect);

struct kerf_taint {
    kerf_name key;
    kerf_name value; /* NULL: none */
    enum kerf_taint_effect effect;
};
struct kerf_taints {
    const struct kerf_taint *items;
    size_t count;
};

enum kerf_toleration_operator { KERF_TOLERATION_EQUAL, KERF_TOLERATION_EXISTS, KERF_TOLERATION_GT, KERF_TOLERATION_LT };

struct kerf_toleration {
    kerf_name key; /* NULL with EXISTS: every taint */
    enum kerf_toleration_operator op;
    kerf_name value;
    enum kerf_taint_effect effect;
    int64_t toleration_seconds; /* -1: for ever */
};
struct kerf_tolerations {
    const struct kerf_toleration *items;
    size_t count;
};

/** kube-scheduler 5.1, the numeric operators included. */
bool kerf_toleration_tolerates(const struct kerf_toleration *toleration, const struct kerf_taint *taint);
/** The first taint that nobody tolerates, or NULL. `effects`: a bit per kerf_taint_effect that counts, and KERF_COMPARISONS_OFF. */
const struct kerf_taint *kerf_taints_untolerated(const struct kerf_taints *taints, const struct kerf_tolerations *tolerations,
                                                 unsigned effects);
#define KERF_EFFECTS_ALL 7u
/** Tolerations with Gt or Lt tolerate nothing: what a scheduler does whose gate for them is off (kube-scheduler 5.1). */
#define KERF_COMPARISONS_OFF (1u << 8)
#define KERF_EFFECTS_HARD ((1u << KERF_TAINT_NO_SCHEDULE) | (1u << KERF_TAINT_NO_EXECUTE))

#endif
