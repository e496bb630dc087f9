/**
 * pod_validation: what keeps a provisionable pod out of the pass. karpenter-provisioning.md 1.2, 8.3.
 */
#include <ctype.h>

#include "provisioning/provisioning_internal.h"

struct validation {
    const struct kerf_cluster *cluster;
    const struct kerf_vocabulary *vocabulary;
    struct kerf_text problems; /* all of them, joined */
};

static void complain(struct validation *validation, const char *format, ...) KERF_PRINTF(2, 3);
static void complain(struct validation *validation, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    kerf_text_append(&validation->problems, validation->problems.length > 0 ? "; " : "ignoring pod, ");
    kerf_text_append(&validation->problems, text);
}

/* ---- labels ----------------------------------------------------------------------------------------------------------- */

static bool is_alphanumeric(char byte)
{
    return isalnum((unsigned char)byte) != 0;
}

/* Letters, digits, `-`, `_`, `.`; begins and ends with a letter or digit. */
static bool is_name_part(const char *text, size_t length)
{
    if (length == 0 || length > 63 || !is_alphanumeric(text[0]) || !is_alphanumeric(text[length - 1]))
        return false;
    for (size_t i = 0; i < length; i++)
        if (!is_alphanumeric(text[i]) && text[i] != '-' && text[i] != '_' && text[i] != '.')
            return false;
    return true;
}

static bool is_dns_subdomain(const char *text, size_t length)
{
    if (length == 0 || length > 253)
        return false;
    for (size_t i = 0; i < length; i++) {
        bool inner = i > 0 && i + 1 < length;
        bool lower = is_alphanumeric(text[i]) && !isupper((unsigned char)text[i]);
        if (!lower && !(inner && text[i] == '-') &&
            !(inner && text[i] == '.' && is_alphanumeric(text[i - 1]) && is_alphanumeric(text[i + 1])))
            return false;
    }
    return true;
}

static bool is_label_key(const char *key)
{
    const char *slash = strchr(key, '/');
    if (slash == NULL)
        return is_name_part(key, strlen(key));
    return is_dns_subdomain(key, (size_t)(slash - key)) && is_name_part(slash + 1, strlen(slash + 1));
}

static bool is_label_value(const char *value)
{
    return value[0] == '\0' || is_name_part(value, strlen(value));
}

static bool domain_is_within(const char *domain, size_t length, const char *parent)
{
    size_t parent_length = strlen(parent);
    if (length == parent_length)
        return memcmp(domain, parent, length) == 0;
    return length > parent_length && domain[length - parent_length - 1] == '.' &&
           memcmp(domain + length - parent_length, parent, parent_length) == 0;
}

static bool is_restricted(const struct validation *validation, kerf_name key)
{
    if (kerf_vocabulary_is_well_known(validation->vocabulary, key))
        return false;
    if (key == validation->vocabulary->key_hostname)
        return true;
    const char *slash = strchr(key->text, '/');
    if (slash == NULL)
        return false;
    size_t length = (size_t)(slash - key->text);
    return domain_is_within(key->text, length, "karpenter.sh") || domain_is_within(key->text, length, "karpenter.k8s.aws");
}

static bool is_whole_number(kerf_name text)
{
    int64_t number;
    return kerf_parse_i64(text->text, &number) && number >= 0;
}

static void check_fixed_values(struct validation *validation, kerf_name key, const struct kerf_expression *expression)
{
    static const char *const capacity_types[] = {"on-demand", "reserved", "spot", NULL};
    static const char *const tenancies[] = {"dedicated", "default", NULL};
    const char *const *known = key == validation->vocabulary->key_capacity_type ? capacity_types
                               : key == validation->vocabulary->key_tenancy     ? tenancies
                                                                                : NULL;
    if (known == NULL || expression->op != KERF_OP_IN || expression->value_count == 0)
        return;
    for (uint32_t i = 0; i < expression->value_count; i++)
        for (size_t k = 0; known[k] != NULL; k++)
            if (kerf_name_is(expression->values[i], known[k]))
                return;
    complain(validation, "no valid values found in [%s] for %s", expression->values[0]->text, key->text);
}

static void check_expression(struct validation *validation, const struct kerf_expression *expression)
{
    kerf_name key = kerf_vocabulary_normalize_key(validation->vocabulary, expression->key);
    if (is_restricted(validation, key))
        complain(validation, "using label %s is not allowed as it might interfere with the internal provisioning logic",
                 key->text);
    if (!is_label_key(key->text))
        complain(validation, "key %s is not a qualified name", key->text);
    for (uint32_t i = 0; i < expression->value_count; i++)
        if (!is_label_value(expression->values[i]->text))
            complain(validation, "invalid value %s for key %s", expression->values[i]->text, key->text);
    if (expression->op == KERF_OP_IN && expression->value_count == 0)
        complain(validation, "key %s with operator In must have a value defined", key->text);
    if (expression->op >= KERF_OP_GT && (expression->value_count != 1 || !is_whole_number(expression->values[0])))
        complain(validation, "key %s with operator %s must have a single positive integer value", key->text,
                 kerf_operator_text(expression->op));
    check_fixed_values(validation, key, expression);
}

static void check_node_terms(struct validation *validation, const struct kerf_pod_spec *spec)
{
    for (size_t i = 0; i < spec->node_selector.count; i++) {
        const struct kerf_label *label = &spec->node_selector.items[i];
        check_expression(validation, &(struct kerf_expression){label->key, KERF_OP_IN, &label->value, 1, -1});
    }
    for (uint32_t i = 0; i < spec->required_node_term_count; i++) {
        const struct kerf_node_selector_term *term = &spec->required_node_terms[i];
        if (term->match_fields.count > 0)
            complain(validation, "node selector term with matchFields is not supported");
        for (size_t k = 0; k < term->match_expressions.count; k++)
            check_expression(validation, &term->match_expressions.items[k]);
    }
}

/* `karpenter.sh/nodepool` must not exist: the pod wants no node of Karpenter's. The heaviest preference counts as well. */
static void check_opt_out(struct validation *validation, const struct kerf_pod_spec *spec)
{
    kerf_name key = validation->vocabulary->key_nodepool;
    struct kerf_arena scratch;
    kerf_arena_init(&scratch);
    struct kerf_requirements requirements = kerf_requirements_of_labels(&scratch, validation->vocabulary, &spec->node_selector);
    uint32_t heaviest = 0;
    for (uint32_t i = 1; i < spec->preferred_node_term_count; i++)
        if (spec->preferred_node_terms[i].weight > spec->preferred_node_terms[heaviest].weight)
            heaviest = i;
    if (spec->preferred_node_term_count > 0)
        kerf_requirements_add_expressions(&scratch, validation->vocabulary, &requirements,
                                          &spec->preferred_node_terms[heaviest].term.match_expressions);
    if (spec->required_node_term_count > 0)
        kerf_requirements_add_expressions(&scratch, validation->vocabulary, &requirements,
                                          &spec->required_node_terms[0].match_expressions);
    const struct kerf_requirement *nodepool = kerf_requirements_get(&requirements, key);
    if (nodepool != NULL && kerf_requirement_operator(nodepool) == KERF_OP_DOES_NOT_EXIST)
        complain(validation, "configured to not run on a Karpenter provisioned node (requirement=%s DoesNotExist)", key->text);
    kerf_arena_fini(&scratch);
}

/* ---- volumes (8.3) ---------------------------------------------------------------------------------------------------- */

static void check_volume(struct validation *validation, const struct kerf_pod *pod, const struct kerf_pod_volume *volume)
{
    const struct kerf_pvc *claim = kerf_volume_claim(validation->cluster, pod, volume);
    if (claim == NULL) {
        if (volume->claim_name != NULL)
            complain(validation, "persistentvolumeclaims \"%s\" not found", volume->claim_name->text);
        else
            complain(validation, "persistentvolumeclaims \"%s-%s\" not found", pod->meta.name->text,
                     kerf_name_text(volume->name));
        return;
    }
    const char *name = claim->meta.name->text;
    if (claim->meta.deletion_epoch_us != KERF_TIME_UNSET)
        complain(validation, "persistentvolumeclaim \"%s\" is being deleted", name);
    if (kerf_name_is(claim->phase, "Lost"))
        complain(validation, "persistentvolumeclaim \"%s\" bound to non-existent persistentvolume", name);
    if (claim->volume_name != NULL && claim->volume_name->length > 0) {
        const struct kerf_pv *pv = kerf_cluster_find_pv(validation->cluster, claim->volume_name);
        if (pv == NULL)
            complain(validation, "persistentvolumes \"%s\" not found (PersistentVolumeClaim=%s)", claim->volume_name->text, name);
        else if (pv->meta.deletion_epoch_us != KERF_TIME_UNSET)
            complain(validation, "persistentvolume \"%s\" is being deleted (PersistentVolumeClaim=%s)", claim->volume_name->text,
                     name);
        bool bound = false;
        const struct kerf_labels *annotations = &kerf_meta_details(&claim->meta)->annotations;
        for (size_t i = 0; i < annotations->count; i++)
            bound |= kerf_name_is(annotations->items[i].key, "pv.kubernetes.io/bind-completed");
        /* a claim from a manifest that names its volume and has no status was never bound by anybody: it waits for its controller
         */
        if (!bound)
            complain(validation, "pvc %s is bound to a volume but not marked so (pv.kubernetes.io/bind-completed)", name);
        return;
    }
    if (claim->storage_class_name == NULL || claim->storage_class_name->length == 0) {
        complain(validation, "unbound pvc %s must define a storage class", name);
        return;
    }
    const struct kerf_storage_class *class = kerf_cluster_find_storage_class(validation->cluster, claim->storage_class_name);
    if (class == NULL)
        complain(validation, "storageclasses.storage.k8s.io \"%s\" not found (PersistentVolumeClaim=%s)",
                 claim->storage_class_name->text, name);
    else if (!class->wait_for_first_consumer)
        complain(validation, "pvc with immediate volume binding mode must be bound (PersistentVolumeClaim=%s, StorageClass=%s)",
                 name, claim->storage_class_name->text);
}

const char *kerf_pod_validate(const struct kerf_cluster *cluster, const struct kerf_pod *pod, struct kerf_arena *arena)
{
    struct validation validation = {.cluster = cluster, .vocabulary = kerf_cluster_vocabulary(cluster)};
    const struct kerf_pod_spec *spec = pod->spec;
    if (spec->node_selector.count > 0 || spec->required_node_term_count > 0 || spec->preferred_node_term_count > 0) {
        check_opt_out(&validation, spec);
        check_node_terms(&validation, spec);
    }
    for (uint32_t i = 0; i < spec->volume_count; i++)
        if (spec->volumes[i].claim_name != NULL || spec->volumes[i].ephemeral)
            check_volume(&validation, pod, &spec->volumes[i]);
    const char *problems = validation.problems.length > 0 ? kerf_arena_text(arena, validation.problems.bytes) : NULL;
    kerf_text_fini(&validation.problems);
    return problems;
}
