/** All objects of an input together. */
#include "model/objects.h"

void kerf_objects_init(struct kerf_objects *objects)
{
    *objects = (struct kerf_objects){.newest_epoch_us = KERF_TIME_UNSET};
    kerf_arena_init(&objects->arena);
}

void kerf_objects_fini(struct kerf_objects *objects)
{
    if (!objects)
        return;
    kerf_arena_fini(&objects->arena);
    *objects = (struct kerf_objects){.newest_epoch_us = KERF_TIME_UNSET};
}

const char *kerf_workload_kind_text(enum kerf_workload_kind kind)
{
    static const char *const texts[] = {"Deployment", "ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet",
                                        "Job",        "CronJob"};
    return texts[kind];
}

const char *kerf_workload_kind_api_version(enum kerf_workload_kind kind)
{
    switch (kind) {
    case KERF_WORKLOAD_REPLICATIONCONTROLLER:
        return "v1";
    case KERF_WORKLOAD_JOB:
    case KERF_WORKLOAD_CRONJOB:
        return "batch/v1";
    default:
        return "apps/v1";
    }
}
