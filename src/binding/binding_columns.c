/**
 * Columns over nodes that several pods ask for: domains of a topology key, numbers of pods that a filter takes. They follow the log of slots
 * that changed; what a filter takes of a slot is counted by classes of labels (binding_classes.c).
 */
#include "binding_internal.h"

#include <stdlib.h>

enum { MATCH_COLUMNS_MAX = 512 /* then all of them are forgotten */ };

static void grow_column(uint32_t **values, uint32_t *capacity, uint32_t slot_capacity)
{
    if (*capacity >= slot_capacity)
        return;
    *values = kerf_reallocate(*values, slot_capacity * sizeof **values);
    *capacity = slot_capacity;
}

static void read_key(const struct kerf_binding *binding, struct key_column *column, uint32_t slot)
{
    const struct node_info *info = &binding->nodes[slot];
    kerf_name value = info->alive ? kerf_labels_get(&info->labels, column->key) : NULL;
    uint32_t domain = KERF_NOT_FOUND;
    if (value) {
        domain = kerf_name_map_get(&column->domain_by_value, value);
        if (domain == KERF_NOT_FOUND) {
            domain = column->domain_count++;
            kerf_name_map_put(&column->domain_by_value, value, domain);
        }
    }
    column->domain_of_slot[slot] = domain;
}

struct key_column *kerf_binding_key_column(struct kerf_binding *binding, kerf_name key)
{
    struct key_column *column = NULL;
    for (size_t i = 0; i < binding->key_columns.count && !column; i++)
        if (binding->key_columns.items[i]->key == key)
            column = binding->key_columns.items[i];
    bool anew = false;
    if (!column) {
        column = kerf_allocate(sizeof *column);
        column->key = key;
        KERF_VEC_PUSH(&binding->key_columns, column);
        anew = true;
    }
    grow_column(&column->domain_of_slot, &column->slot_capacity, binding->slot_capacity);
    /* Host names of nodes that are gone would pile up: start anew when most domains are such. */
    if (anew || column->epoch != binding->epoch || column->domain_count > 2 * binding->order_count + 64) {
        kerf_name_map_clear(&column->domain_by_value);
        column->domain_count = 0;
        column->generation++;
        for (uint32_t slot = 0; slot < binding->slot_count; slot++)
            read_key(binding, column, slot);
        column->epoch = binding->epoch;
    } else {
        for (uint64_t at = column->cursor; at < binding->log.count; at++)
            read_key(binding, column, binding->log.items[at]);
    }
    column->cursor = binding->log.count;
    return column;
}

/** Namespaces of a term of the incoming pod, with the slip of this release: see the head of kube-scheduler.md. */
static bool term_takes_namespace(const struct kerf_binding *binding, const struct pod_term *term, kerf_name namespace_name)
{
    if (!term->namespace_count && !term->namespace_selector.present)
        return namespace_name == term->own_namespace;
    for (uint32_t i = 0; i < term->namespace_count; i++)
        if (term->namespaces[i] == namespace_name)
            return true;
    if (!term->namespace_selector.present)
        return false;
    /* The namespaces that match were added to the list; the selector stays in force beside it, against an empty label set. */
    static const struct kerf_labels no_labels = {0};
    return kerf_label_selector_matches(&term->namespace_selector, &no_labels) ||
           kerf_namespace_matches(binding->cluster, &term->namespace_selector, namespace_name);
}

bool kerf_binding_filter_takes(const struct kerf_binding *binding, const struct pod_filter *filter, const struct kerf_pod *pod)
{
    for (uint32_t i = 0; i < filter->term_count; i++) {
        const struct pod_term *term = &filter->terms[i];
        if (!kerf_label_selector_matches(&term->selector, &pod->meta.labels) ||
            !term_takes_namespace(binding, term, pod->meta.namespace_name))
            return false;
    }
    return true;
}

static bool selectors_equal(const struct kerf_label_selector *a, const struct kerf_label_selector *b)
{
    if (a->present != b->present || a->invalid != b->invalid || a->expressions.count != b->expressions.count)
        return false;
    for (size_t i = 0; i < a->expressions.count; i++) {
        const struct kerf_expression *x = &a->expressions.items[i], *y = &b->expressions.items[i];
        if (x->key != y->key || x->op != y->op || x->value_count != y->value_count)
            return false;
        for (uint32_t v = 0; v < x->value_count; v++)
            if (x->values[v] != y->values[v])
                return false;
    }
    return true;
}

static bool filters_equal(const struct pod_filter *a, const struct pod_filter *b)
{
    if (a->term_count != b->term_count || a->skip_terminating != b->skip_terminating)
        return false;
    for (uint32_t i = 0; i < a->term_count; i++) {
        const struct pod_term *x = &a->terms[i], *y = &b->terms[i];
        if (x->own_namespace != y->own_namespace || x->namespace_count != y->namespace_count ||
            !selectors_equal(&x->selector, &y->selector) || !selectors_equal(&x->namespace_selector, &y->namespace_selector))
            return false;
        for (uint32_t n = 0; n < x->namespace_count; n++)
            if (x->namespaces[n] != y->namespaces[n])
                return false;
    }
    return true;
}

static struct kerf_label_selector copy_selector(struct kerf_arena *arena, const struct kerf_label_selector *selector)
{
    struct kerf_label_selector copy = *selector;
    struct kerf_expression *expressions =
        kerf_arena_copy(arena, selector->expressions.items, selector->expressions.count * sizeof *expressions);
    for (size_t i = 0; i < copy.expressions.count; i++)
        expressions[i].values = kerf_arena_copy(arena, expressions[i].values, expressions[i].value_count * sizeof(kerf_name));
    copy.expressions.items = expressions;
    return copy;
}

static struct pod_filter copy_filter(struct kerf_arena *arena, const struct pod_filter *filter)
{
    struct pod_term *terms = kerf_arena_copy(arena, filter->terms, filter->term_count * sizeof *terms);
    for (uint32_t i = 0; i < filter->term_count; i++) {
        terms[i].namespaces = kerf_arena_copy(arena, terms[i].namespaces, terms[i].namespace_count * sizeof(kerf_name));
        terms[i].selector = copy_selector(arena, &terms[i].selector);
        terms[i].namespace_selector = copy_selector(arena, &terms[i].namespace_selector);
    }
    return (struct pod_filter){.terms = terms, .term_count = filter->term_count, .skip_terminating = filter->skip_terminating};
}

static void free_match_columns(struct kerf_binding *binding)
{
    for (size_t i = 0; i < binding->match_columns.count; i++) {
        free(binding->match_columns.items[i]->count_of_slot);
        KERF_VEC_FREE(&binding->match_columns.items[i]->takes);
        KERF_VEC_FREE(&binding->match_columns.items[i]->taken);
        free(binding->match_columns.items[i]);
    }
    binding->match_columns.count = 0;
    kerf_arena_reset(&binding->filter_arena);
}

static void grow_match_column(const struct kerf_binding *binding, struct match_column *column)
{
    grow_column(&column->count_of_slot, &column->slot_capacity, binding->slot_capacity);
    for (; column->known_slots < binding->slot_count; column->known_slots++)
        column->count_of_slot[column->known_slots] = 0; /* the log names them too */
}

void kerf_binding_grow_match_columns(struct kerf_binding *binding)
{
    for (size_t i = 0; i < binding->match_columns.count; i++)
        grow_match_column(binding, binding->match_columns.items[i]);
}

void kerf_binding_trim_columns(struct kerf_binding *binding)
{
    if (binding->match_columns.count > MATCH_COLUMNS_MAX)
        free_match_columns(binding);
}

struct match_column *kerf_binding_match_column(struct kerf_binding *binding, const struct pod_filter *filter)
{
    struct match_column *column = NULL;
    for (size_t i = 0; i < binding->match_columns.count && !column; i++)
        if (filters_equal(&binding->match_columns.items[i]->filter, filter))
            column = binding->match_columns.items[i];
    bool anew = false;
    if (!column) {
        column = kerf_allocate(sizeof *column);
        column->filter = copy_filter(&binding->filter_arena, filter);
        KERF_VEC_PUSH(&binding->match_columns, column);
        anew = true;
    }
    grow_match_column(binding, column);
    if (kerf_binding_follow_classes(binding, column, anew)) {
        column->cursor = binding->log.count;
        return column;
    }
    if (anew || column->epoch != binding->epoch) {
        column->total = 0;
        for (uint32_t slot = 0; slot < binding->slot_count; slot++)
            column->total += column->count_of_slot[slot] = kerf_binding_count_matches(binding, column, slot);
        column->epoch = binding->epoch;
        column->known_slots = binding->slot_count;
        kerf_binding_mark_classes(binding, column);
    } else {
        for (uint64_t at = column->cursor; at < binding->log.count; at++) {
            uint32_t slot = binding->log.items[at];
            column->total -= column->count_of_slot[slot];
            column->count_of_slot[slot] = kerf_binding_count_matches(binding, column, slot);
            column->total += column->count_of_slot[slot];
        }
    }
    column->cursor = binding->log.count;
    return column;
}

void kerf_binding_columns_fini(struct kerf_binding *binding)
{
    free_match_columns(binding);
    KERF_VEC_FREE(&binding->match_columns);
    for (size_t i = 0; i < binding->key_columns.count; i++) {
        free(binding->key_columns.items[i]->domain_of_slot);
        kerf_name_map_fini(&binding->key_columns.items[i]->domain_by_value);
        free(binding->key_columns.items[i]);
    }
    KERF_VEC_FREE(&binding->key_columns);
    kerf_arena_fini(&binding->filter_arena);
}
