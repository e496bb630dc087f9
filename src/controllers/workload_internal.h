/** Shared by the files of the workload controller only. */
#ifndef KERF_WORKLOAD_INTERNAL_H
#define KERF_WORKLOAD_INTERNAL_H

#include "controllers/controllers_internal.h"

#include "scheduling/scheduling.h"

/** A job with more pieces of work than run at once. Pieces are numbered through the workload: their numbers are tags of pods. */
struct running_job {
    uint64_t first_tag;
    uint64_t next_tag; /* of the piece that is started when one is done */
    uint64_t end_tag;
};

struct workload_state {
    int64_t desired;              /* replicas; jobs have `todo` instead */
    KERF_VEC(kerf_pod_id) active; /* in order of creation; those that stopped being active are dropped at the next sync. A StatefulSet's
                                     pods stay until they are gone: their names are used again */
    bool untidy; /* some of them may have stopped being active since the last look */
    KERF_VEC(kerf_pod_id) victims; /* chosen by the last sync that had too many, from next_victim on: they go as writes allow */
    size_t next_victim;
    KERF_VEC(uint64_t) todo;      /* jobs: tags of pieces of work that wait for a pod, from todo_first on */
    size_t todo_first;
    KERF_VEC(struct running_job) jobs; /* in order of tags */
    uint64_t next_tag;
    uint32_t next_index; /* of names, never used again */
    bool discards;       /* a job that is replaced: its pods' work is not done over */
    bool missed;         /* CronJob that forbids two at once: a hit passed while one ran */
    bool in_line;        /* its sync goes on when its client has a token */
    kerf_event_handle sync;
    kerf_time_us sync_us;
};

/** Each controller has a client, and so a rate limit, of its own (workloads.md 1.4). */
enum { WRITER_REPLICASET, WRITER_REPLICATIONCONTROLLER, WRITER_STATEFULSET, WRITER_JOB, WRITER_COUNT };

struct writer {
    struct kerf_token_bucket tokens;
    KERF_VEC(uint32_t) line; /* workloads that wait for a token, first come, first served */
};

struct kerf_workload_controller {
    struct kerf_world *world;
    struct workload_state *states; /* by workload index */
    struct kerf_arena arena;       /* what pods of a workload share; lives as long as the run */
    struct writer writers[WRITER_COUNT];
    struct kerf_workload *prepared; /* copies of the workloads, with what their pods share */
    struct kerf_cron *crons;       /* of load steps, flattened; by first_cron + step */
    uint32_t *first_cron;          /* by load index */
    struct kerf_stream *arrivals;  /* by load index */
    struct kerf_stream *noise;
};

static inline bool kerf_workload_is_job(const struct kerf_workload *workload)
{
    return workload->kind == KERF_WORKLOAD_JOB || workload->kind == KERF_WORKLOAD_CRONJOB;
}

/* workload.c */
void kerf_workload_wake(struct kerf_workload_controller *controller, uint32_t index, kerf_time_us at_us);
void kerf_workload_set_desired(struct kerf_workload_controller *controller, uint32_t index, int64_t replicas);
void kerf_workload_delete_pod(struct kerf_world *world, kerf_pod_id pod);

/* workload_victims.c: the pods that go first when there are too many, in their order (workloads.md 2.1). At least `wanted` of them, in `arena`. */
const kerf_pod_id *kerf_workload_first_victims(struct kerf_world *world, const kerf_pod_id *active, size_t count, size_t wanted,
                                               struct kerf_arena *arena);

/* workload_jobs.c */
void kerf_workload_start_job(struct kerf_workload_controller *controller, uint32_t index);
void kerf_workload_note_job_pod(struct kerf_workload_controller *controller, const struct kerf_change *change);
void kerf_workload_schedule_cronjob(struct kerf_workload_controller *controller, uint32_t index);
void kerf_workload_schedule_arrival(struct kerf_workload_controller *controller, uint32_t load_index, kerf_time_us after_us);
void kerf_workload_on_job_arrival(void *context, struct kerf_engine *engine, const struct kerf_event *event);
/** A CronJob's job ended: starts the one that was missed meanwhile. */
void kerf_workload_start_missed_job(struct kerf_workload_controller *controller, uint32_t index);

/* workload_load.c */
void kerf_workload_start_load(struct kerf_workload_controller *controller, uint32_t load_index);
void kerf_workload_on_load_step(void *context, struct kerf_engine *engine, const struct kerf_event *event);
/** Local time of the scenario: microseconds since 1970 as its clocks show them. */
kerf_time_us kerf_workload_local_time(const struct kerf_world *world, kerf_time_us at_us);

#endif
