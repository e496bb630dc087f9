/**
 * Workloads become pods. Names are stable: the same manifest gives the same names, and their order by bytes is that of the
 * replicas. The real controllers draw a suffix; ours is the replica index.
 */
#include "model/objects.h"

/** Letters and digits of Kubernetes' generated names: no vowels, no digits that look like letters. */
static const char name_letters[] = "bcdfghjklmnpqrstvwxz2456789";
enum { NAME_LETTER_COUNT = sizeof name_letters - 1, TEMPLATE_HASH_LENGTH = 10 };

static uint64_t mix_name(uint64_t hash, kerf_name name)
{
    return kerf_hash_mix(hash, name ? kerf_hash_bytes(name->text, name->length) : 0);
}

static uint64_t mix_resources(uint64_t hash, const struct kerf_resources *resources)
{
    for (int i = 0; i < KERF_RESOURCE_MAX; i++)
        if (kerf_resources_has(resources, (enum kerf_resource)i))
            hash = kerf_hash_mix(hash, kerf_hash_mix((uint64_t)i, (uint64_t)resources->amounts[i]));
    return hash;
}

/** Changes with the labels, images and resources of the template: what a rollout usually changes. */
static kerf_name template_hash(struct kerf_vocabulary *vocabulary, const struct kerf_workload *workload)
{
    uint64_t hash = mix_name(mix_name(0, workload->meta.namespace_name), workload->meta.name);
    for (size_t i = 0; i < workload->template.labels.count; i++)
        hash = mix_name(mix_name(hash, workload->template.labels.items[i].key), workload->template.labels.items[i].value);
    for (uint32_t i = 0; i < workload->template.spec->container_count; i++) {
        const struct kerf_container *container = &workload->template.spec->containers[i];
        hash = mix_name(mix_name(hash, container->name), container->image);
        hash = mix_resources(mix_resources(hash, &container->requests), &container->limits);
    }
    char text[TEMPLATE_HASH_LENGTH];
    for (int i = 0; i < TEMPLATE_HASH_LENGTH; i++, hash /= NAME_LETTER_COUNT)
        text[i] = name_letters[hash % NAME_LETTER_COUNT];
    return kerf_name_of_bytes(vocabulary->names, text, sizeof text);
}

/** The template's labels and those that the controller adds to all pods. */
static struct kerf_labels shared_labels(struct kerf_arena *arena, struct kerf_vocabulary *vocabulary,
                                        const struct kerf_workload *workload, kerf_name hash)
{
    struct kerf_label added[4];
    size_t count = 0;
    switch (workload->kind) {
    case KERF_WORKLOAD_DEPLOYMENT:
        added[count++] = (struct kerf_label){kerf_name_of(vocabulary->names, "pod-template-hash"), hash};
        break;
    case KERF_WORKLOAD_STATEFULSET:
    case KERF_WORKLOAD_DAEMONSET:
        added[count++] = (struct kerf_label){kerf_name_of(vocabulary->names, "controller-revision-hash"), hash};
        break;
    case KERF_WORKLOAD_JOB:
    case KERF_WORKLOAD_CRONJOB:
        added[count++] =
            (struct kerf_label){kerf_name_of(vocabulary->names, "batch.kubernetes.io/job-name"), workload->meta.name};
        added[count++] = (struct kerf_label){kerf_name_of(vocabulary->names, "job-name"), workload->meta.name};
        if (workload->meta.uid) {
            added[count++] =
                (struct kerf_label){kerf_name_of(vocabulary->names, "batch.kubernetes.io/controller-uid"), workload->meta.uid};
            added[count++] = (struct kerf_label){kerf_name_of(vocabulary->names, "controller-uid"), workload->meta.uid};
        }
        break;
    default:
        break;
    }
    struct kerf_labels extra = kerf_labels_sorted(arena, added, count);
    return kerf_labels_merge(arena, &workload->template.labels, &extra);
}

/** A Deployment's pods belong to its ReplicaSet, a CronJob's to a Job of its name; all others to the workload itself. */
static const struct kerf_owner *owner_of_pods(struct kerf_arena *arena, struct kerf_vocabulary *vocabulary,
                                              const struct kerf_workload *workload, kerf_name hash)
{
    struct kerf_owner *owner = KERF_NEW(arena, struct kerf_owner);
    enum kerf_workload_kind kind = workload->kind == KERF_WORKLOAD_DEPLOYMENT ? KERF_WORKLOAD_REPLICASET
                                   : workload->kind == KERF_WORKLOAD_CRONJOB  ? KERF_WORKLOAD_JOB
                                                                              : workload->kind;
    *owner = (struct kerf_owner){
        .api_version = kerf_name_of(vocabulary->names, kerf_workload_kind_api_version(kind)),
        .kind = kerf_name_of(vocabulary->names, kerf_workload_kind_text(kind)),
        .name = workload->meta.name,
        .uid = kind == workload->kind ? workload->meta.uid : NULL,
        .controller = true,
    };
    if (workload->kind == KERF_WORKLOAD_DEPLOYMENT)
        owner->name = kerf_name_format(vocabulary->names, "%s-%s", kerf_name_text(workload->meta.name), hash->text);
    return owner;
}

void kerf_workload_prepare(struct kerf_arena *arena, struct kerf_vocabulary *vocabulary, struct kerf_workload *workload)
{
    kerf_name hash = template_hash(vocabulary, workload);
    workload->pod_labels = shared_labels(arena, vocabulary, workload, hash);
    struct kerf_meta_details *details = KERF_NEW(arena, struct kerf_meta_details);
    *details = (struct kerf_meta_details){
        .annotations = workload->template.annotations,
        .owners = owner_of_pods(arena, vocabulary, workload, hash),
        .owner_count = 1,
        .input_index = kerf_meta_details(&workload->meta)->input_index,
        .place = kerf_meta_details(&workload->meta)->place,
    };
    workload->pod_details = details;
    workload->pod_name_prefix = details->owners[0].name;
    workload->pod_spec = kerf_workload_spec_of_pods(arena, vocabulary, workload);
}

/** The claim that the StatefulSet's controller, or that of ephemeral volumes, makes for a pod: not bound to a volume yet. */
static const struct kerf_pvc *claim_for_pod(struct kerf_arena *arena, const struct kerf_workload *workload, kerf_name claim_name,
                                            kerf_name storage_class_name, int64_t storage_bytes)
{
    struct kerf_pvc claim = {
        .meta = {.name = claim_name,
                 .namespace_name = workload->meta.namespace_name,
                 .created_epoch_us = KERF_TIME_UNSET,
                 .deletion_epoch_us = KERF_TIME_UNSET},
        .storage_class_name = storage_class_name,
        .has_storage_class_name = storage_class_name != NULL,
        .storage_bytes = storage_bytes,
    };
    return kerf_arena_copy(arena, &claim, sizeof claim);
}

/** Each claim template and each ephemeral volume makes a claim for each pod: the pod then has volumes of its own. */
static const struct kerf_pod_spec *spec_of_pod(struct kerf_arena *arena, struct kerf_vocabulary *vocabulary,
                                               const struct kerf_workload *workload, kerf_name pod_name)
{
    const struct kerf_pod_spec *shared = kerf_pod_spec_of_pod(arena, vocabulary, workload->pod_spec, pod_name);
    if (workload->claim_template_count == 0 && shared == workload->pod_spec)
        return shared;
    struct kerf_pod_spec *own = kerf_arena_copy(arena, shared, sizeof *shared);
    struct kerf_pod_volume *volumes =
        KERF_NEW_ARRAY(arena, struct kerf_pod_volume, (size_t)shared->volume_count + workload->claim_template_count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < workload->claim_template_count; i++) {
        const struct kerf_claim_template *claim = &workload->claim_templates[i];
        kerf_name claim_name = kerf_name_format(vocabulary->names, "%s-%s", kerf_name_text(claim->name), pod_name->text);
        volumes[count++] = (struct kerf_pod_volume){
            .name = claim->name,
            .claim_name = claim_name,
            .storage_class_name = claim->storage_class_name,
            .own_claim = claim_for_pod(arena, workload, claim_name, claim->storage_class_name, claim->storage_bytes),
        };
    }
    for (uint32_t i = 0; i < shared->volume_count; i++) {
        uint32_t j = 0;
        while (j < workload->claim_template_count && workload->claim_templates[j].name != shared->volumes[i].name)
            j++;
        if (j < workload->claim_template_count)
            continue; /* the claim template replaces the volume of its name */
        volumes[count] = shared->volumes[i];
        if (volumes[count].ephemeral)
            volumes[count].own_claim = claim_for_pod(arena, workload, volumes[count].claim_name, volumes[count].storage_class_name, 0);
        count++;
    }
    own->volumes = volumes;
    own->volume_count = count;
    return own;
}

static struct kerf_labels labels_of_pod(struct kerf_arena *arena, struct kerf_vocabulary *vocabulary,
                                        const struct kerf_workload *workload, uint32_t index, kerf_name pod_name)
{
    struct kerf_label added[2];
    size_t count = 0;
    if (workload->kind == KERF_WORKLOAD_STATEFULSET) {
        added[count++] = (struct kerf_label){kerf_name_of(vocabulary->names, "apps.kubernetes.io/pod-index"),
                                             kerf_name_format(vocabulary->names, "%" PRId64, workload->start_ordinal + index)};
        added[count++] = (struct kerf_label){kerf_name_of(vocabulary->names, "statefulset.kubernetes.io/pod-name"), pod_name};
    } else if (workload->indexed) {
        added[count++] = (struct kerf_label){kerf_name_of(vocabulary->names, "batch.kubernetes.io/job-completion-index"),
                                             kerf_name_format(vocabulary->names, "%" PRIu32, index)};
    }
    if (count == 0)
        return workload->pod_labels;
    struct kerf_labels extra = kerf_labels_sorted(arena, added, count);
    return kerf_labels_merge(arena, &workload->pod_labels, &extra);
}

void kerf_workload_make_pod(struct kerf_arena *arena, struct kerf_vocabulary *vocabulary, const struct kerf_workload *workload,
                            uint32_t index, kerf_time_us created_epoch_us, struct kerf_pod *out_pod)
{
    struct kerf_workload prepared;
    if (!workload->pod_details) {
        prepared = *workload;
        kerf_workload_prepare(arena, vocabulary, &prepared);
        workload = &prepared;
    }
    kerf_name namespace_name = workload->meta.namespace_name ? workload->meta.namespace_name : vocabulary->word_default;
    kerf_name name = workload->kind == KERF_WORKLOAD_STATEFULSET
                         ? kerf_name_format(vocabulary->names, "%s-%" PRId64, kerf_name_text(workload->meta.name),
                                            workload->start_ordinal + index)
                         : kerf_name_format(vocabulary->names, "%s-%05" PRIu32, kerf_name_text(workload->pod_name_prefix), index);
    /* UIDs order as the replicas do, and tell workloads of one name and different kinds apart. */
    kerf_name uid = kerf_name_format(vocabulary->names, "%s/%s/%s/%010" PRIu32, namespace_name->text,
                                     kerf_name_text(workload->meta.name), kerf_workload_kind_text(workload->kind), index);
    const struct kerf_pod_spec *spec = spec_of_pod(arena, vocabulary, workload, name);
    *out_pod = (struct kerf_pod){
        .meta =
            {
                .namespace_name = namespace_name,
                .name = name,
                .uid = uid,
                .created_epoch_us = created_epoch_us,
                .deletion_epoch_us = KERF_TIME_UNSET,
                .labels = labels_of_pod(arena, vocabulary, workload, index, name),
                .details = workload->pod_details,
            },
        .spec = spec,
        .requests = &spec->requests,
        .phase = KERF_POD_PENDING,
    };
}

kerf_time_us kerf_objects_creation_time(const struct kerf_objects *objects, uint32_t input_index)
{
    kerf_time_us base_epoch_us = objects->newest_epoch_us == KERF_TIME_UNSET ? 0 : objects->newest_epoch_us;
    return base_epoch_us + input_index;
}

void kerf_workload_expand(struct kerf_objects *objects, struct kerf_vocabulary *vocabulary, const struct kerf_workload *workload,
                          uint32_t first, uint32_t count)
{
    struct kerf_workload prepared = *workload;
    if (!prepared.pod_details)
        kerf_workload_prepare(&objects->arena, vocabulary, &prepared);
    kerf_time_us created_epoch_us = kerf_objects_creation_time(objects, kerf_meta_details(&workload->meta)->input_index);
    for (uint32_t i = 0; i < count; i++) {
        struct kerf_pod pod;
        kerf_workload_make_pod(&objects->arena, vocabulary, &prepared, first + i, created_epoch_us, &pod);
        KERF_VEC_PUSH_IN(&objects->arena, &objects->pods, pod);
    }
}
