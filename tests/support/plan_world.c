#include "plan_world.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <stdlib.h>

#include "manifest/manifest.h"
#include "plan_compare.h"
#include "scheduling/scheduling.h"

static const char *const zones[] = {"z1", "z2", "z3"};

void plan_world_clear_types(struct plan_world *world)
{
    kerf_text_clear(&world->types);
    kerf_text_clear(&world->on_demand);
    kerf_text_clear(&world->spot);
    kerf_text_append(&world->types, "name,arch,vcpus,memory_mib,max_enis_default_card,ipv4_per_eni,hypervisor,usage_classes,gpus,"
                                    "gpu_name,gpu_manufacturer,bare_metal\n");
    kerf_text_append(&world->on_demand, "instance_type,usd_per_hour\n");
    kerf_text_append(&world->spot, "zone,instance_type,usd_per_hour\n");
}

void plan_world_set_spot(struct plan_world *world, const char *zone, const char *type, double spot)
{
    kerf_text_append_format(&world->spot, "%s,%s,%g\n", zone, type, spot);
}

void plan_world_add_type(struct plan_world *world, const char *name, int vcpus, int memory_mib, double on_demand, double spot)
{
    bool has_gpu = strncmp(name, "g.", 2) == 0;
    kerf_text_append_format(&world->types, "%s,amd64,%d,%d,15,50,nitro,on-demand+spot,%s,%s\n", name, vcpus, memory_mib,
                            has_gpu ? "1,t4,nvidia" : "0,,", strstr(name, "metal") != NULL ? "true" : "false");
    if (on_demand > 0)
        kerf_text_append_format(&world->on_demand, "%s,%g\n", name, on_demand);
    for (size_t i = 0; spot > 0 && i < sizeof zones / sizeof zones[0]; i++)
        plan_world_set_spot(world, zones[i], name, spot);
}

void plan_world_add_gap(struct plan_world *world, const char *zone, const char *type)
{
    kerf_text_append_format(&world->gaps, "%s,%s\n", zone, type);
}

void plan_world_init(struct plan_world *world)
{
    *world = (struct plan_world){.folder = test_folder_new(), .kubelet = ""};
    plan_world_clear_types(world);
    plan_world_add_type(world, "a.large", 2, 4096, 0.10, 0.04);
    plan_world_add_type(world, "b.large", 4, 8192, 0.20, 0.08);
    plan_world_add_type(world, "c.large", 8, 16384, 0.40, 0.16);
    kerf_text_append(&world->gaps, "zone,instance_type\n");
    kerf_arena_init(&world->arena);
}

void plan_world_fini(struct plan_world *world)
{
    kerf_plan_free(world->plan);
    if (world->cluster != NULL) {
        kerf_cluster_free(world->cluster);
        kerf_objects_fini(&world->objects);
        kerf_vocabulary_free(world->vocabulary);
        kerf_catalog_free(world->catalog);
    }
    kerf_arena_fini(&world->arena);
    struct kerf_text *texts[] = {&world->types,    &world->on_demand, &world->spot,   &world->gaps,
                                 &world->manifest, &world->outcome,   &world->reasons};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        kerf_text_fini(texts[i]);
    test_folder_free(&world->folder);
}

/* ---- objects ---------------------------------------------------------------------------------------------------------- */

void plan_world_add(struct plan_world *world, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    cr_assert_geq(vasprintf(&text, format, arguments), 0);
    va_end(arguments);
    kerf_text_append(&world->manifest, "---\n");
    kerf_text_append(&world->manifest, text);
    kerf_text_append(&world->manifest, "\n");
    free(text);
}

void plan_world_add_reservation(struct plan_world *world, const char *id, const char *type, const char *zone, int available,
                                const char *keys)
{
    plan_world_add(world,
                   "{CapacityReservations: [{CapacityReservationId: %s, InstanceType: %s, AvailabilityZone: %s, "
                   "AvailableInstanceCount: %d, State: active, Tags: [{Key: for, Value: tests}]%s}]}",
                   id, type, zone, available, keys);
}

void plan_world_add_pool(struct plan_world *world, const char *name, const char *template_spec, const char *spec)
{
    world->has_pool = true;
    plan_world_add(world,
                   "{apiVersion: karpenter.sh/v1, kind: NodePool, metadata: {name: %s}, spec: {template: {spec: {nodeClassRef: "
                   "{group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}%s}}%s}}",
                   name, template_spec, spec);
}

void plan_world_add_pod(struct plan_world *world, const char *name, const char *cpu, const char *memory, const char *labels,
                        const char *spec)
{
    plan_world_add(world,
                   "{apiVersion: v1, kind: Pod, metadata: {name: %s, uid: %s, creationTimestamp: '2026-01-01T00:00:00Z', labels: "
                   "{%s}}, spec: {containers: [{name: main, resources: {requests: {cpu: '%s', memory: %s}}}]%s}}",
                   name, name, labels, cpu, memory, spec);
}

void plan_world_add_pods(struct plan_world *world, const char *prefix, int count, const char *cpu, const char *memory,
                         const char *labels, const char *spec)
{
    for (int i = 1; i <= count; i++) {
        char name[32];
        snprintf(name, sizeof name, count > 9 ? "%s%02d" : "%s%d", prefix, i);
        plan_world_add_pod(world, name, cpu, memory, labels, spec);
    }
}

void plan_world_add_node(struct plan_world *world, const char *name, const char *zone, const char *cpu, bool initialized,
                         const char *labels)
{
    char all[512];
    snprintf(all, sizeof all,
             "karpenter.sh/nodepool: np, karpenter.k8s.aws/ec2nodeclass: default, topology.kubernetes.io/zone: %s, "
             "kubernetes.io/hostname: %s, node.kubernetes.io/instance-type: a.large%s",
             zone, name, labels);
    plan_world_add(
        world,
        "{apiVersion: karpenter.sh/v1, kind: NodeClaim, metadata: {name: claim-%s, labels: {%s}}, spec: {nodeClassRef: "
        "{group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}}, status: {providerID: 'aws:///%s/i-%s', "
        "capacity: {cpu: '%s', memory: 16Gi, pods: '100'}, allocatable: {cpu: '%s', memory: 16Gi, pods: '100'}, "
        "conditions: [{type: Launched, status: 'True'}, {type: Registered, status: 'True'}]}}",
        name, all, zone, name, cpu, cpu);
    plan_world_add(
        world,
        "{apiVersion: v1, kind: Node, metadata: {name: %s, labels: {karpenter.sh/registered: 'true', %s%s}}, spec: "
        "{providerID: 'aws:///%s/i-%s'}, status: {capacity: {cpu: '%s', memory: 16Gi, pods: '100'}, allocatable: {cpu: "
        "'%s', memory: 16Gi, pods: '100'}, conditions: [{type: Ready, status: 'True'}]}}",
        name, all, initialized ? ", karpenter.sh/initialized: 'true'" : "", zone, name, cpu, cpu);
}

void plan_world_add_bound(struct plan_world *world, const char *name, const char *node, const char *cpu, const char *labels)
{
    plan_world_add(world,
                   "{apiVersion: v1, kind: Pod, metadata: {name: %s, uid: %s, labels: {%s}}, spec: {nodeName: %s, containers: "
                   "[{name: main, resources: {requests: {cpu: '%s'}}}]}, status: {phase: Running}}",
                   name, name, labels, node, cpu);
}

/* ---- building --------------------------------------------------------------------------------------------------------- */

static void load_catalog(struct plan_world *world, struct kerf_errors *errs)
{
    test_folder_write(&world->folder, "instance_types.csv", world->types.bytes);
    test_folder_write(&world->folder, "on_demand_prices.csv", world->on_demand.bytes);
    test_folder_write(&world->folder, "spot_prices.csv", world->spot.bytes);
    test_folder_write(&world->folder, "zones.csv", "zone,zone_id\nz1,id1\nz2,id2\nz3,id3\n");
    test_folder_write(&world->folder, "zone_gaps.csv", world->gaps.bytes);
    enum kerf_status status = kerf_catalog_load(world->folder.path, NULL, &world->catalog, errs);
    if (status != KERF_OK)
        kerf_errors_print(errs, stderr);
    cr_assert_eq(status, KERF_OK);
}

static void mark_unavailable(struct plan_world *world, struct kerf_errors *errs)
{
    if (world->unavailable == NULL)
        return;
    uint64_t *bits = KERF_NEW_ARRAY(&world->arena, uint64_t, kerf_bitset_words(kerf_catalog_offering_count(world->catalog)));
    cr_assert_eq(kerf_catalog_mark_unavailable(world->catalog, world->unavailable, bits, (struct kerf_place){.file = "t"}, errs),
                 KERF_OK);
    kerf_cluster_set_unavailable_bits(world->cluster, bits);
}

void plan_world_build(struct plan_world *world)
{
    struct kerf_errors *errs = kerf_errors_new();
    load_catalog(world, errs);
    plan_world_add(
        world,
        "{apiVersion: karpenter.k8s.aws/v1, kind: EC2NodeClass, metadata: {name: default}, spec: {amiFamily: AL2023, "
        "amiSelectorTerms: [{alias: al2023@latest}], role: r, capacityReservationSelectorTerms: [{tags: {for: tests}}], kubelet: {%s podsPerCore: 5, kubeReserved: {cpu: '0', memory: "
        "'0', ephemeral-storage: '0'}, evictionHard: {memory.available: 100%%, nodefs.available: 100%%}}}}",
        world->kubelet);
    if (!world->has_pool)
        plan_world_add_pool(world, "np", "", "");
    world->vocabulary = kerf_vocabulary_new(kerf_catalog_vocabulary(world->catalog));
    kerf_objects_init(&world->objects);
    enum kerf_status status =
        kerf_manifest_read_text("t", world->manifest.bytes, world->manifest.length, world->vocabulary, &world->objects, errs);
    if (status != KERF_OK)
        kerf_errors_print(errs, stderr);
    cr_assert_eq(status, KERF_OK);
    kerf_manifest_settle(&world->objects, world->vocabulary, true);
    struct kerf_instance_options options = kerf_instance_options_default();
    options.vm_memory_overhead_percent = 0;
    world->cluster = kerf_cluster_new(&world->objects, world->catalog, options, world->vocabulary);
    kerf_cluster_add_objects(world->cluster);
    mark_unavailable(world, errs);
    kerf_errors_free(errs);
}

/* ---- the outcome ------------------------------------------------------------------------------------------------------ */

static void append_type(struct kerf_text *text, kerf_name name)
{
    size_t length = strcspn(name->text, ".");
    for (size_t i = 0; i < length; i++) /* a.large is A of the examples, t1.large is t1 */
        kerf_text_append_format(text, "%c", length == 1 ? toupper(name->text[i]) : name->text[i]);
}

static const char *pod_name(const struct plan_world *world, kerf_pod_id pod)
{
    return kerf_cluster_pod(world->cluster, pod)->pod.meta.name->text;
}

static void append_pods(struct plan_world *world, const kerf_pod_id *pods, size_t count)
{
    for (size_t i = 0; i < count; i++)
        kerf_text_append_format(&world->outcome, "%s%s", i == 0 ? "{" : ",", pod_name(world, pods[i]));
    kerf_text_append(&world->outcome, "}");
}

static void append_claim(struct plan_world *world, const struct kerf_planned_claim *claim)
{
    struct kerf_text *text = &world->outcome;
    kerf_text_append(text, world->objects.nodepools.items[claim->nodepool_index].meta.name->text);
    append_pods(world, claim->pods, claim->pod_count);
    for (size_t i = 0; i < claim->instance_type_count; i++) {
        kerf_text_append(text, i == 0 ? "[" : ",");
        append_type(text, claim->instance_types[i]->name);
    }
    char cpu[40];
    kerf_quantity_format(KERF_RESOURCE_CPU, claim->requests.cpu_nanocores, cpu, sizeof cpu);
    kerf_text_append_format(text, "] %s", cpu);
    for (size_t k = 0; k < PLAN_WORLD_KEYS_MAX && world->shown_keys[k] != NULL; k++) {
        kerf_name key = kerf_name_find(world->vocabulary->names, world->shown_keys[k]);
        const struct kerf_requirement *requirement = key != NULL ? kerf_requirements_get(&claim->requirements, key) : NULL;
        const char *slash = strchr(world->shown_keys[k], '/');
        kerf_text_append_format(text, " %s", slash != NULL ? slash + 1 : world->shown_keys[k]);
        if (requirement == NULL) {
            kerf_text_append(text, "=any");
            continue;
        }
        if (kerf_requirement_operator(requirement) != KERF_OP_IN)
            kerf_text_append_format(text, " %s", kerf_operator_text(kerf_requirement_operator(requirement)));
        for (uint32_t i = 0; i < requirement->value_count; i++)
            kerf_text_append_format(text, "%s%s", i == 0 ? "=" : "|", requirement->values[i]->text);
        if (requirement->min_values > 0)
            kerf_text_append_format(text, "(min %d)", requirement->min_values);
    }
}

static int compare_texts(const void *a, const void *b, void *context)
{
    (void)context;
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void append_left(struct plan_world *world, const struct kerf_plan_refusal *invalid, size_t invalid_count)
{
    size_t count = invalid_count + world->plan->refusal_count;
    const char **names = KERF_NEW_ARRAY(&world->arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        const struct kerf_plan_refusal *refusal = i < invalid_count ? &invalid[i] : &world->plan->refusals[i - invalid_count];
        names[i] = pod_name(world, refusal->pod);
        kerf_text_append_format(&world->reasons, "%s: %s\n", names[i], refusal->reason != NULL ? refusal->reason : "not tried");
    }
    kerf_sort(names, count, sizeof names[0], compare_texts, NULL);
    for (size_t i = 0; i < count; i++)
        kerf_text_append_format(&world->outcome, "%s%s", i == 0 ? (world->outcome.length > 0 ? "; left " : "left ") : ",",
                                names[i]);
}

const char *plan_world_run(struct plan_world *world)
{
    if (world->cluster == NULL)
        plan_world_build(world);
    kerf_plan_free(world->plan);
    kerf_text_clear(&world->outcome);
    kerf_text_clear(&world->reasons);
    struct kerf_provisioning_input input = {.cluster = world->cluster, .options = world->options};
    const struct kerf_plan_refusal *invalid;
    size_t invalid_count;
    kerf_provisioning_collect_pods(world->cluster, 0, &world->arena, &input.pods, &input.pod_count, &invalid, &invalid_count);
    world->plan = kerf_provisioning_plan(&input);
    input.options.engine = KERF_ENGINE_PLAIN; /* whatever a test is about: both engines must agree */
    struct kerf_plan *plain = kerf_provisioning_plan(&input);
    const char *difference = plan_difference(plain, world->plan, &world->arena);
    cr_assert_null(difference, "plain and fast differ: %s", difference);
    kerf_plan_free(plain);
    for (size_t i = 0; i < world->plan->claim_count; i++) {
        kerf_text_append(&world->outcome, i > 0 ? "; " : "");
        append_claim(world, &world->plan->claims[i]);
    }
    for (size_t i = 0; i < world->plan->existing_count; i++) {
        const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, world->plan->existing[i].node);
        kerf_text_append_format(&world->outcome, "%s%s", world->outcome.length > 0 ? "; " : "",
                                kerf_cluster_node_name(world->cluster, node)->text);
        append_pods(world, world->plan->existing[i].pods, world->plan->existing[i].pod_count);
    }
    append_left(world, invalid, invalid_count);
    return world->outcome.length > 0 ? world->outcome.bytes : "";
}

const char *plan_world_launch(struct plan_world *world, size_t claim_index)
{
    struct kerf_nodeclaim claim;
    struct kerf_launch_request request;
    kerf_plan_make_claim(world->cluster, &world->plan->claims[claim_index], kerf_name_of(world->vocabulary->names, "np-00001"), 0,
                         &world->arena, &claim);
    struct kerf_provisioning_cache *cache = kerf_provisioning_cache_new(world->cluster);
    kerf_provisioning_request_launch(cache, &claim, &world->arena, &request);
    kerf_provisioning_cache_free(cache);
    if (request.override_count == 0)
        return "nothing";
    struct kerf_text text = {0};
    kerf_text_append(&text, kerf_capacity_type_text(request.capacity_type));
    size_t zone_count;
    const struct kerf_zone *all_zones = kerf_catalog_zones(world->catalog, &zone_count);
    for (size_t i = 0; i < request.override_count; i++) {
        kerf_text_append(&text, " ");
        append_type(&text, request.overrides[i].type->name);
        kerf_text_append_format(&text, "/%s", all_zones[request.overrides[i].offering->zone_index].name->text);
        if (request.overrides[i].offering->reservation != KERF_NOT_FOUND)
            kerf_text_append_format(&text, "/%s", world->objects.capacity_reservations.items[request.overrides[i].offering->reservation].id->text);
    }
    const char *kept = kerf_arena_text(&world->arena, text.bytes);
    kerf_text_fini(&text);
    return kept;
}
