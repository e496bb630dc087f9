/** What the files of `manifest` share: the reader's state, and fields read the way all kinds have them. */
#ifndef KERF_MANIFEST_INTERNAL_H
#define KERF_MANIFEST_INTERNAL_H

#include "document/document.h"
#include "manifest/manifest.h"

/**
 * One read of files. Field readers never fail: they note the error, go on with the default, and `status` says at the end
 * whether there was one. So a file's errors are reported together.
 */
struct kerf_reader {
    struct kerf_vocabulary *vocabulary;
    struct kerf_objects *objects;
    struct kerf_arena *arena; /* of the objects */
    struct kerf_errors *errs;
    enum kerf_status status;
    struct kerf_arena scratch; /* reset after each object */
    bool from_server; /* the pod spec under way comes from an API server, which has filled in its defaults */
    const struct kerf_document *file_document; /* whose name `file` is a copy of */
    const char *file;
    /* equal pod specs are one: their content as text -> index in objects->pod_specs */
    struct kerf_names *contents;
    struct kerf_name_map spec_indices;
    struct kerf_text content;
    KERF_VEC(const char *) noted_kinds; /* unknown kinds, each reported once */
    /* objects by group, kind, namespace and name, the last of each */
    struct kerf_name_map object_indices;
    KERF_VEC(const struct kerf_value *) last_objects;
    bool has_repeats;
    KERF_VEC(const struct kerf_value *) reservation_lists; /* status.capacityReservations of EC2NodeClasses */
};

/* ---- fields.c: a scalar under a key; absent or null gives the default ---------------------------------------------------------
 */

const struct kerf_value *kerf_field_map(struct kerf_reader *reader, const struct kerf_value *map, const char *key);
const struct kerf_value *kerf_field_list(struct kerf_reader *reader, const struct kerf_value *map, const char *key);
/** NULL, with an error, when absent. */
const struct kerf_value *kerf_field_required_map(struct kerf_reader *reader, const struct kerf_value *map, const char *key);
const char *kerf_field_text(struct kerf_reader *reader, const struct kerf_value *map, const char *key); /* NULL: absent */
/** Empty texts are as absent as absent ones, as in the API; where they are not, kerf_field_name_or_empty. */
kerf_name kerf_field_name(struct kerf_reader *reader, const struct kerf_value *map, const char *key);
kerf_name kerf_field_name_or_empty(struct kerf_reader *reader, const struct kerf_value *map, const char *key);
kerf_name kerf_field_required_name(struct kerf_reader *reader, const struct kerf_value *map, const char *key);
kerf_name kerf_value_name(struct kerf_reader *reader, const struct kerf_value *scalar);
bool kerf_field_bool(struct kerf_reader *reader, const struct kerf_value *map, const char *key, bool otherwise);
int64_t kerf_field_i64(struct kerf_reader *reader, const struct kerf_value *map, const char *key, int64_t min, int64_t max,
                       int64_t otherwise);
int32_t kerf_field_i32(struct kerf_reader *reader, const struct kerf_value *map, const char *key, int32_t min, int32_t max,
                       int32_t otherwise);
uint32_t kerf_field_enum(struct kerf_reader *reader, const struct kerf_value *map, const char *key, const char *const *names,
                         size_t name_count, uint32_t otherwise);
kerf_time_us kerf_field_time(struct kerf_reader *reader, const struct kerf_value *map,
                             const char *key); /* KERF_TIME_UNSET: absent */
/** A duration, or `Never` where `may_be_never`. */
kerf_time_us kerf_field_duration(struct kerf_reader *reader, const struct kerf_value *map, const char *key, bool may_be_never,
                                 kerf_time_us otherwise);
struct kerf_int_or_percent kerf_field_int_or_percent(struct kerf_reader *reader, const struct kerf_value *map, const char *key);
int64_t kerf_field_bytes(struct kerf_reader *reader, const struct kerf_value *map, const char *key, int64_t otherwise);
bool kerf_value_quantity(struct kerf_reader *reader, const struct kerf_value *scalar, int scale, enum kerf_rounding rounding,
                         int64_t *out_amount);
const kerf_name *kerf_field_names(struct kerf_reader *reader, const struct kerf_value *map, const char *key, uint32_t *out_count);
struct kerf_resources kerf_field_resources(struct kerf_reader *reader, const struct kerf_value *map, const char *key,
                                           enum kerf_rounding rounding);
/** Adds one entry of a resource list; amounts below 0 are refused. */
void kerf_reader_add_resource(struct kerf_reader *reader, struct kerf_resources *into, const char *resource_name,
                              const struct kerf_value *quantity, enum kerf_rounding rounding);
/** Warns of a number or a boolean where the API wants a text. */
void kerf_reader_want_text(struct kerf_reader *reader, const struct kerf_value *scalar);
/** Notes a status; errors are already in the list. */
void kerf_reader_note(struct kerf_reader *reader, enum kerf_status status);
#define KERF_NOTE(reader, expression) kerf_reader_note((reader), (expression))
#define KERF_CHECK_KEYS(reader, map, mode, ...)                                                                                  \
    do {                                                                                                                         \
        static const char *const keys_[] = {__VA_ARGS__};                                                                        \
        kerf_reader_note((reader), kerf_value_check_keys((map), keys_, sizeof keys_ / sizeof keys_[0], (mode), (reader)->errs)); \
    } while (0)
#define KERF_COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* ---- meta.c
 * -------------------------------------------------------------------------------------------------------------------- */

struct kerf_labels kerf_field_labels(struct kerf_reader *reader, const struct kerf_value *map, const char *key);
struct kerf_labels kerf_field_annotations(struct kerf_reader *reader, const struct kerf_value *map, const char *key);
/** metadata of an object; `namespaced` objects without one live in `default`. */
struct kerf_meta kerf_reader_meta(struct kerf_reader *reader, const struct kerf_value *object, bool namespaced);
struct kerf_place kerf_reader_place(struct kerf_reader *reader, const struct kerf_value *value);
/** The details of the next object of the input, so far its places alone. */
struct kerf_meta_details *kerf_reader_details(struct kerf_reader *reader, const struct kerf_value *object);
struct kerf_conditions kerf_field_conditions(struct kerf_reader *reader, const struct kerf_value *status);

/* ---- selectors.c
 * ---------------------------------------------------------------------------------------------------------------- */

struct kerf_label_selector kerf_field_selector(struct kerf_reader *reader, const struct kerf_value *map, const char *key);
struct kerf_expressions kerf_field_expressions(struct kerf_reader *reader, const struct kerf_value *map, const char *key,
                                               bool with_min_values);
struct kerf_node_selector_term kerf_value_node_term(struct kerf_reader *reader, const struct kerf_value *term);
const struct kerf_node_selector_term *kerf_field_node_terms(struct kerf_reader *reader, const struct kerf_value *map,
                                                            const char *key, uint32_t *out_count);
struct kerf_taints kerf_field_taints(struct kerf_reader *reader, const struct kerf_value *map, const char *key);
bool kerf_reader_taint_effect(struct kerf_reader *reader, const struct kerf_value *effect, enum kerf_taint_effect *out_effect);
struct kerf_tolerations kerf_field_tolerations(struct kerf_reader *reader, const struct kerf_value *map, const char *key);

/* ---- pods
 * ------------------------------------------------------------------------------------------------------------------------ */

/** The spec of a pod or a template; equal ones are the same pointer. `live`: it has been through admission. */
const struct kerf_pod_spec *kerf_reader_pod_spec(struct kerf_reader *reader, const struct kerf_value *spec,
                                                 const struct kerf_meta *meta, bool is_template, bool live);
void kerf_reader_affinity(struct kerf_reader *reader, const struct kerf_value *affinity, struct kerf_pod_spec *spec);
void kerf_reader_spreads(struct kerf_reader *reader, const struct kerf_value *pod_spec, struct kerf_pod_spec *spec);
struct kerf_topology_spreads kerf_field_spreads(struct kerf_reader *reader, const struct kerf_value *map, const char *key);
struct kerf_pod_template kerf_reader_template(struct kerf_reader *reader, const struct kerf_value *object_spec,
                                              const struct kerf_meta *owner);
/** What the webhook of the VPC resource controller does to pods that a SecurityGroupPolicy selects. */
void kerf_settle_security_groups(struct kerf_objects *objects);
/** Appends the parts of the spec that are read, as text: equal texts make equal specs. */
void kerf_reader_spec_content(struct kerf_text *content, const struct kerf_value *spec);

/* ---- one reader per kind; `object` is a map, kind and apiVersion are right
 * -------------------------------------------------------- */

void kerf_read_pod(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_node(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_nodeclaim(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_nodepool(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_ec2nodeclass(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_deployment(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_replicaset(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_replicationcontroller(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_statefulset(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_daemonset(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_job(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_cronjob(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_hpa(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_pdb(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_priority_class(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_namespace(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_service(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_pvc(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_pv(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_storage_class(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_csinode(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_eniconfig(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_security_group_policy(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_resource_quota(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_limit_range(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_scheduler_configuration(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_cluster_config(struct kerf_reader *reader, const struct kerf_value *object);
void kerf_read_autoscale(struct kerf_reader *reader, const struct kerf_value *object);
/* capacity_reservations.c */
/** What `aws ec2 describe-capacity-reservations` prints has no kind; false: it is something else. */
bool kerf_read_capacity_reservations(struct kerf_reader *reader, const struct kerf_value *root);
void kerf_read_reservation_terms(struct kerf_reader *reader, const struct kerf_value *spec, struct kerf_ec2nodeclass *nodeclass);
void kerf_read_reservation_status(struct kerf_reader *reader, const struct kerf_value *status, struct kerf_ec2nodeclass *nodeclass);
/** Once all is read. */
void kerf_warn_of_unknown_reservations(struct kerf_reader *reader);
/** Finds the reservations of each EC2NodeClass. */
void kerf_settle_capacity_reservations(struct kerf_objects *objects);
/** The ConfigMap of expander priority; false: another one. */
bool kerf_read_autoscaler_priorities(struct kerf_reader *reader, const struct kerf_value *config_map);
void kerf_read_config_map(struct kerf_reader *reader, const struct kerf_value *object);
/** Helm values have no kind: those of Karpenter's chart are known and passed over; false: it is something else. */
bool kerf_read_helm_values(struct kerf_reader *reader, const struct kerf_value *root);

#endif
