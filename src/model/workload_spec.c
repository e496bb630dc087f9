/** The spec that the pods of a workload have: the template's, with what controllers and admission add. */
#include "model/objects.h"

enum { ADDED_TOLERATIONS_MAX = 8 };

static bool tolerates(const struct kerf_pod_spec *spec, kerf_name key, enum kerf_taint_effect effect)
{
    for (size_t i = 0; i < spec->tolerations.count; i++) {
        const struct kerf_toleration *item = &spec->tolerations.items[i];
        if ((!item->key || item->key == key) && (item->effect == KERF_TAINT_EFFECT_ANY || item->effect == effect))
            return true;
    }
    return false;
}

struct wanted {
    const char *key;
    enum kerf_taint_effect effect;
    int64_t seconds;
};

/** Admission gives every pod five minutes on a lost node; the DaemonSet controller makes its pods stay and start anywhere. */
static const struct wanted for_all[] = {{"node.kubernetes.io/not-ready", KERF_TAINT_NO_EXECUTE, 300},
                                        {"node.kubernetes.io/unreachable", KERF_TAINT_NO_EXECUTE, 300}};
static const struct wanted for_daemons[] = {{"node.kubernetes.io/not-ready", KERF_TAINT_NO_EXECUTE, -1},
                                            {"node.kubernetes.io/unreachable", KERF_TAINT_NO_EXECUTE, -1},
                                            {"node.kubernetes.io/disk-pressure", KERF_TAINT_NO_SCHEDULE, -1},
                                            {"node.kubernetes.io/memory-pressure", KERF_TAINT_NO_SCHEDULE, -1},
                                            {"node.kubernetes.io/pid-pressure", KERF_TAINT_NO_SCHEDULE, -1},
                                            {"node.kubernetes.io/unschedulable", KERF_TAINT_NO_SCHEDULE, -1},
                                            {"node.kubernetes.io/network-unavailable", KERF_TAINT_NO_SCHEDULE, -1}};

static void add_tolerations(struct kerf_arena *arena, struct kerf_vocabulary *vocabulary, struct kerf_pod_spec *spec, bool daemon)
{
    const struct wanted *wanted = daemon ? for_daemons : for_all;
    size_t wanted_count = daemon ? sizeof for_daemons / sizeof for_daemons[0] : sizeof for_all / sizeof for_all[0];
    wanted_count -= daemon && !spec->host_network; /* the last row is for the host network */
    size_t count = spec->tolerations.count;
    struct kerf_toleration *items = KERF_NEW_ARRAY(arena, struct kerf_toleration, count + ADDED_TOLERATIONS_MAX);
    if (count)
        memcpy(items, spec->tolerations.items, count * sizeof *items);
    for (size_t i = 0; i < wanted_count; i++) {
        kerf_name key = kerf_name_of(vocabulary->names, wanted[i].key);
        if (!tolerates(spec, key, wanted[i].effect))
            items[count++] = (struct kerf_toleration){
                .key = key, .op = KERF_TOLERATION_EXISTS, .effect = wanted[i].effect, .toleration_seconds = wanted[i].seconds};
    }
    spec->tolerations = (struct kerf_tolerations){items, count};
}

const struct kerf_pod_spec *kerf_workload_spec_of_pods(struct kerf_arena *arena, struct kerf_vocabulary *vocabulary,
                                                       const struct kerf_workload *workload)
{
    struct kerf_pod_spec *spec = kerf_arena_copy(arena, workload->template.spec, sizeof *spec);
    kerf_pod_spec_merge_label_keys(arena, spec, &workload->pod_labels);
    add_tolerations(arena, vocabulary, spec, workload->kind == KERF_WORKLOAD_DAEMONSET);
    return spec;
}
