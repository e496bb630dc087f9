/** Any bytes as manifests: read, settled with all workloads expanded (small ones), reviewed, and every pod's requests looked at. */
#include "fuzz_target.h"
#include "manifest/manifest.h"

enum { PODS_MAX = 10000 };

/** A workload may ask for two thousand million pods; that it may is not what is looked for here. */
static void bound_replicas(struct kerf_objects *objects)
{
    for (size_t i = 0; i < objects->workloads.count; i++)
        if (objects->workloads.items[i].replicas > PODS_MAX / 100)
            objects->workloads.items[i].replicas = PODS_MAX / 100;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kerf_vocabulary *vocabulary = kerf_vocabulary_new(NULL);
    struct kerf_errors *errs = kerf_errors_new();
    struct kerf_objects objects;
    kerf_objects_init(&objects);
    enum kerf_status status = kerf_manifest_read_text("fuzz", (const char *)data, size, vocabulary, &objects, errs);
    KERF_ASSERT((status == KERF_OK) == (kerf_errors_count(errs) == 0));
    if (status == KERF_OK) { /* nobody decides over an input with errors */
        bound_replicas(&objects);
        kerf_manifest_settle(&objects, vocabulary, true);
        kerf_manifest_review(&objects, vocabulary, errs);
        for (size_t i = 0; i < objects.pods.count; i++) {
            KERF_ASSERT(objects.pods.items[i].requests->pods == 1);
            KERF_ASSERT(objects.pods.items[i].meta.uid);
            KERF_ASSERT(objects.pods.items[i].meta.namespace_name);
        }
    }
    kerf_objects_fini(&objects);
    kerf_errors_free(errs);
    kerf_vocabulary_free(vocabulary);
    return 0;
}
