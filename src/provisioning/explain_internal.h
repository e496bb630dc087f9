/** Shared by the files that explain a pass: one pod against one place, rule by rule, in the order in which the pass asks. */
#ifndef KERF_PROVISIONING_EXPLAIN_INTERNAL_H
#define KERF_PROVISIONING_EXPLAIN_INTERNAL_H

#include "provisioning/provisioning_internal.h"

/** What is being explained; texts lie in `arena`. */
struct kerf_explainer {
    struct kerf_pass *pass;
    struct kerf_arena *arena;
};

/** Finishes an exclusion whose text is put together in `text`, which is freed. */
void kerf_exclusion_take_text(struct kerf_explainer *explainer, struct kerf_exclusion *exclusion, struct kerf_text *text);

/** Types of a template that a claim may still be: requirements, ports, offerings, room, minValues (section 6). */
struct kerf_types_question {
    struct kerf_template *template;
    const uint64_t *options;
    const struct kerf_requirements *requirements;    /* merged: of the claim, the pod, its volume and topology */
    const struct kerf_requirements *of_template;     /* those that all options meet */
    const struct kerf_resources *besides;            /* of pods that were placed there before; NULL: none */
    const struct kerf_pass_pod *pod;                 /* NULL: the template for itself */
    const struct kerf_host_port *ports;
    size_t port_count;
};
/** `out_left` (may be NULL): the types that pass every rule. */
struct kerf_exclusion kerf_explain_types(struct kerf_explainer *explainer, const struct kerf_types_question *question,
                                         uint64_t *out_left);
/** What is left of the pool's limits against types that would do, or that the pool has at all. */
struct kerf_exclusion kerf_explain_limits(struct kerf_explainer *explainer, const struct kerf_pass_pool *pool,
                                          const uint64_t *types, uint32_t type_count, bool would_do);
/** How far a want lies above what there is, in millionths of it: what ranks places by nearness. */
int64_t kerf_shortage_excess(const struct kerf_shortage *shortage);
void kerf_explain_shortages(struct kerf_explainer *explainer, struct kerf_exclusion *exclusion, struct kerf_text *text);

/** Of an existing node (5.2), by its position. */
struct kerf_exclusion kerf_explain_node(struct kerf_explainer *explainer, uint32_t position, struct kerf_pass_pod *pod);
/** Of a claim in flight, or of a template as a new claim (5.4, 5.6). */
struct kerf_exclusion kerf_explain_claim(struct kerf_explainer *explainer, struct kerf_pass_claim *claim, struct kerf_pass_pod *pod);
struct kerf_exclusion kerf_explain_template(struct kerf_explainer *explainer, struct kerf_template *template,
                                            struct kerf_pass_pod *pod);
/** Of a NodePool that no pass asks, or whose template was dropped. */
struct kerf_exclusion kerf_explain_pool(struct kerf_explainer *explainer, uint32_t nodepool_index);
/** The topology group that kerf_pass_topology_tighten stumbled over. */
struct kerf_exclusion kerf_explain_group(struct kerf_explainer *explainer, const struct kerf_pass_pod *pod,
                                         const struct kerf_candidate *candidate, const struct kerf_requirements *requirements);

#endif
