/** A world made of manifests in a text, without a catalogue: for tests of what decides over a cluster. */
#ifndef KERF_TESTS_MANIFEST_WORLD_H
#define KERF_TESTS_MANIFEST_WORLD_H

#include "cluster/cluster.h"

struct manifest_world {
    struct kerf_vocabulary *vocabulary;
    struct kerf_objects objects;
    struct kerf_cluster *cluster;
};

/** Fails the test when the text has errors. */
void manifest_world_open(struct manifest_world *world, const char *yaml);
void manifest_world_close(struct manifest_world *world);

kerf_name world_name(const struct manifest_world *world, const char *text);
/** The pod of that name, whatever its namespace; fails the test when there is none. */
kerf_pod_id world_pod(const struct manifest_world *world, const char *name);
kerf_node_id world_node(const struct manifest_world *world, const char *name);

#endif
