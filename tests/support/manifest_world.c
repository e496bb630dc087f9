#include "manifest_world.h"

#include "manifest/manifest.h"

#include <criterion/criterion.h>

void manifest_world_open(struct manifest_world *world, const char *yaml)
{
    world->vocabulary = kerf_vocabulary_new(NULL);
    kerf_objects_init(&world->objects);
    struct kerf_errors *errs = kerf_errors_new();
    enum kerf_status status = kerf_manifest_read_text("test.yaml", yaml, strlen(yaml), world->vocabulary, &world->objects, errs);
    if (status != KERF_OK)
        kerf_errors_print(errs, stderr);
    cr_assert_eq(status, KERF_OK);
    kerf_errors_free(errs);
    kerf_manifest_settle(&world->objects, world->vocabulary, true);
    world->cluster = kerf_cluster_new(&world->objects, NULL, (struct kerf_instance_options){ 0 }, world->vocabulary);
    kerf_cluster_add_objects(world->cluster);
}

void manifest_world_close(struct manifest_world *world)
{
    kerf_cluster_check(world->cluster);
    kerf_cluster_free(world->cluster);
    kerf_objects_fini(&world->objects);
    kerf_vocabulary_free(world->vocabulary);
}

kerf_name world_name(const struct manifest_world *world, const char *text) { return kerf_name_of(world->vocabulary->names, text); }

kerf_pod_id world_pod(const struct manifest_world *world, const char *name)
{
    for (size_t at = 0; at < kerf_cluster_pod_count(world->cluster); at++)
        if (kerf_name_is(kerf_cluster_pod_at(world->cluster, at)->pod.meta.name, name))
            return kerf_cluster_pod_at(world->cluster, at)->id;
    cr_assert_fail("no pod \"%s\"", name);
    return KERF_NO_POD;
}

kerf_node_id world_node(const struct manifest_world *world, const char *name)
{
    const struct kerf_cluster_node *node = kerf_cluster_find_node(world->cluster, world_name(world, name));
    cr_assert_not_null(node, "no node \"%s\"", name);
    return node->id;
}
