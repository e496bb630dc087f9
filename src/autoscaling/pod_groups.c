/** Groups of equal pods: only their first pod is tried against templates (5). */
#include "autoscaling_internal.h"

#include <stdlib.h>

enum { GROUPS_PER_CONTROLLER_MAX = 10 };

struct building {
    struct pod_group group;
    uint32_t capacity;
    uint32_t next;  /* of the same controller; KERF_NOT_FOUND: last */
    uint32_t order; /* id of the first pod */
};
struct buildings {
    KERF_VEC(struct building) all;
    struct kerf_name_map last_of_controller; /* the controller's newest remembered group */
};

static kerf_name controller_of(const struct kerf_pod *pod)
{
    const struct kerf_owner *controller = kerf_meta_controller(&pod->meta);
    if (!controller || kerf_autoscaling_is_daemon(pod))
        return NULL;
    return controller->uid ? controller->uid : controller->name;
}

static void add_pod(struct kerf_arena *arena, struct building *building, pod_ref pod)
{
    struct pod_group *group = &building->group;
    if (group->count == building->capacity) {
        building->capacity = building->capacity ? building->capacity * 2 : 4;
        pod_ref *pods = KERF_NEW_ARRAY(arena, pod_ref, building->capacity);
        if (group->count)
            memcpy(pods, group->pods, group->count * sizeof *pods);
        group->pods = pods;
    }
    group->pods[group->count++] = pod;
}

static uint32_t find(const struct buildings *buildings, kerf_name controller, pod_ref pod, uint32_t *out_remembered)
{
    *out_remembered = 0;
    uint32_t at = kerf_name_map_get(&buildings->last_of_controller, controller);
    for (; at != KERF_NOT_FOUND; at = buildings->all.items[at].next) {
        if (kerf_autoscaling_pods_alike(&buildings->all.items[at].group.pods[0]->pod, &pod->pod))
            return at;
        (*out_remembered)++;
    }
    return KERF_NOT_FOUND;
}

static int compare_first_pods(const void *a, const void *b, void *context)
{
    (void)context;
    return kerf_compare_u64(((const struct building *)a)->order, ((const struct building *)b)->order);
}

struct pod_group *kerf_pod_groups_build(struct kerf_autoscaling *autoscaling, const pod_ref *pods, uint32_t count,
                                        uint32_t *out_count)
{
    struct buildings buildings = {0};
    uint32_t same_as = KERF_NOT_FOUND; /* group of the pod before: mostly this one's too */
    for (uint32_t i = 0; i < count; i++) {
        kerf_name controller = controller_of(&pods[i]->pod);
        uint32_t at = KERF_NOT_FOUND, remembered = GROUPS_PER_CONTROLLER_MAX;
        if (controller && same_as != KERF_NOT_FOUND && controller == controller_of(&pods[i - 1]->pod) &&
            kerf_autoscaling_pods_alike(&pods[i - 1]->pod, &pods[i]->pod))
            at = same_as;
        else if (controller)
            at = find(&buildings, controller, pods[i], &remembered);
        bool is_remembered = at != KERF_NOT_FOUND;
        if (at == KERF_NOT_FOUND) {
            at = (uint32_t)buildings.all.count;
            struct building building = {.next = KERF_NOT_FOUND, .order = pods[i]->id.index};
            if (controller && remembered < GROUPS_PER_CONTROLLER_MAX) {
                building.next = kerf_name_map_get(&buildings.last_of_controller, controller);
                kerf_name_map_put(&buildings.last_of_controller, controller, at);
                is_remembered = true;
            }
            KERF_VEC_PUSH(&buildings.all, building);
        }
        add_pod(&autoscaling->arena, &buildings.all.items[at], pods[i]);
        same_as = is_remembered ? at : KERF_NOT_FOUND;
    }
    kerf_sort(buildings.all.items, buildings.all.count, sizeof *buildings.all.items, compare_first_pods, NULL);
    struct pod_group *groups = KERF_NEW_ARRAY(&autoscaling->arena, struct pod_group, buildings.all.count);
    for (size_t i = 0; i < buildings.all.count; i++)
        groups[i] = buildings.all.items[i].group;
    *out_count = (uint32_t)buildings.all.count;
    KERF_VEC_FREE(&buildings.all);
    kerf_name_map_fini(&buildings.last_of_controller);
    return groups;
}
