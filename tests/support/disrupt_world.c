#include "disrupt_world.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "document/document.h"
#include "manifest/manifest.h"

static const char *const zones[] = {"z1", "z2", "z3"};

void disrupt_world_init(struct disrupt_world *world)
{
    *world = (struct disrupt_world){.folder = test_folder_new()};
    kerf_text_append(&world->types, "name,arch,vcpus,memory_mib,max_enis_default_card,ipv4_per_eni,hypervisor,usage_classes,gpus,"
                                    "gpu_name,gpu_manufacturer,bare_metal\n");
    kerf_text_append(&world->on_demand, "instance_type,usd_per_hour\n");
    kerf_text_append(&world->spot, "zone,instance_type,usd_per_hour\n");
    kerf_arena_init(&world->arena);
    world->options.explain = true;
    cr_assert(kerf_parse_time(DISRUPT_NOW, &world->options.provisioning.now_epoch_us));
}

void disrupt_world_fini(struct disrupt_world *world)
{
    kerf_disruption_result_free(world->result);
    if (world->cluster != NULL) {
        kerf_cluster_free(world->cluster);
        kerf_objects_fini(&world->objects);
        kerf_vocabulary_free(world->vocabulary);
        kerf_catalog_free(world->catalog);
    }
    kerf_arena_fini(&world->arena);
    struct kerf_text *texts[] = {&world->types, &world->on_demand, &world->spot, &world->manifest, &world->outcome};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        kerf_text_fini(texts[i]);
    test_folder_free(&world->folder);
}

void disrupt_world_set_spot(struct disrupt_world *world, const char *zone, const char *type, double spot)
{
    kerf_text_append_format(&world->spot, "%s,%s,%g\n", zone, type, spot);
}

void disrupt_world_add_type(struct disrupt_world *world, const char *name, int cpu, double on_demand, double spot)
{
    kerf_text_append_format(&world->types, "%s,amd64,%d,%d,15,50,nitro,on-demand+spot,0,,,false\n", name, cpu, cpu * 1024);
    if (on_demand > 0)
        kerf_text_append_format(&world->on_demand, "%s,%g\n", name, on_demand);
    for (size_t i = 0; spot > 0 && i < sizeof zones / sizeof zones[0]; i++)
        disrupt_world_set_spot(world, zones[i], name, spot);
}

void disrupt_world_add(struct disrupt_world *world, const char *format, ...)
{
    kerf_text_append(&world->manifest, "---\n");
    va_list arguments;
    va_start(arguments, format);
    kerf_text_append_format_list(&world->manifest, format, arguments);
    va_end(arguments);
    kerf_text_append(&world->manifest, "\n");
}

void disrupt_world_add_pool(struct disrupt_world *world, const char *name, const char *disruption, const char *template_spec, const char *rest)
{
    bool has_budgets = strstr(disruption, "budgets") != NULL;
    disrupt_world_add(world,
                      "{apiVersion: karpenter.sh/v1, kind: NodePool, metadata: {name: %s}, spec: {disruption: {%s%s%s}, template: {spec: "
                      "{nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}%s}}%s}}",
                      name, disruption, has_budgets || *disruption == 0 ? "" : ", ", has_budgets ? "" : "budgets: [{nodes: '100%'}]",
                      template_spec, rest);
}

static const char *or_else(const char *text, const char *otherwise) { return text != NULL ? text : otherwise; }

void disrupt_world_add_node(struct disrupt_world *world, struct disrupt_node node)
{
    char labels[512];
    const char *zone = or_else(node.zone, "z1");
    snprintf(labels, sizeof labels,
             "karpenter.sh/nodepool: %s, topology.kubernetes.io/zone: %s, karpenter.sh/capacity-type: %s, "
             "node.kubernetes.io/instance-type: %s%s",
             or_else(node.pool, "np"), zone, or_else(node.capacity_type, "on-demand"), node.type, or_else(node.labels, ""));
    const char *since = or_else(node.initialized_at, "2026-01-05T00:00:00Z");
    const char *initialized = node.not_initialized ? "False" : "True";
    disrupt_world_add(world,
                      "{apiVersion: karpenter.sh/v1, kind: NodeClaim, metadata: {name: claim-%s, creationTimestamp: "
                      "'2026-01-04T00:00:00Z', labels: {%s}%s}, spec: {nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: "
                      "default}, expireAfter: 720h%s}, status: {providerID: 'aws:///%s/i-%s', nodeName: %s%s, conditions: [{type: Launched, "
                      "status: 'True', lastTransitionTime: '2026-01-04T00:00:00Z'}, {type: Registered, status: 'True', lastTransitionTime: "
                      "'2026-01-04T00:00:00Z'}, {type: Initialized, status: '%s', lastTransitionTime: '%s'}%s%s]}}",
                      node.name, labels, or_else(node.claim_extra, ""), or_else(node.claim_spec, ""), zone, node.name, node.name,
                      or_else(node.claim_status, ""), initialized, since,
                      node.not_consolidatable
                          ? ""
                          : ", {type: Consolidatable, status: 'True', lastTransitionTime: '2026-01-05T00:00:00Z'}",
                      or_else(node.conditions, ""));
    int cpu = 0;
    for (const char *line = strstr(world->types.bytes, node.type); line != NULL && cpu == 0; line = strstr(line + 1, node.type))
        cpu = atoi(strchr(strchr(line, ',') + 1, ',') + 1);
    cpu = cpu > 0 ? cpu : 4; /* of a type that nobody sells */
    disrupt_world_add(world,
                      "{apiVersion: v1, kind: Node, metadata: {name: %s, labels: {%s, kubernetes.io/hostname: %s, "
                      "karpenter.sh/registered: 'true'%s}%s}, spec: {providerID: 'aws:///%s/i-%s'}, status: {capacity: {cpu: '%d', memory: "
                      "%dGi, pods: '100'}, allocatable: {cpu: '%d', memory: %dGi, pods: '100'}, conditions: [{type: Ready, status: '%s'}]}}",
                      node.name, labels, node.name, node.not_initialized ? "" : ", karpenter.sh/initialized: 'true'",
                      or_else(node.node_extra, ""), zone, node.name, cpu, cpu, cpu, cpu, node.not_ready ? "False" : "True");
}

void disrupt_world_add_pod(struct disrupt_world *world, struct disrupt_pod pod)
{
    char placed[128] = "";
    if (pod.node != NULL)
        snprintf(placed, sizeof placed, ", nodeName: %s", pod.node);
    bool has_phase = pod.status_extra != NULL && strstr(pod.status_extra, "phase") != NULL;
    disrupt_world_add(world,
                      "{apiVersion: v1, kind: Pod, metadata: {name: %s, namespace: default, uid: %s, creationTimestamp: "
                      "'2026-01-05T00:00:00Z'%s}, spec: {containers: [{name: main, resources: {requests: {cpu: '%s'}}}]%s%s}, status: "
                      "{%sstartTime: '2026-01-05T00:00:00Z'%s%s}}",
                      pod.name, pod.name, or_else(pod.meta_extra, ""), or_else(pod.cpu, "0.5"), placed, or_else(pod.spec_extra, ""),
                      has_phase ? "" : pod.node != NULL ? "phase: Running, " : "phase: Pending, ", or_else(pod.status_extra, ""),
                      pod.node != NULL ? "" : ", conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable}]");
}

/* ---- building ------------------------------------------------------------------------------------------------------------------- */

void disrupt_world_build(struct disrupt_world *world)
{
    if (world->cluster != NULL)
        return;
    struct kerf_errors *errs = kerf_errors_new();
    test_folder_write(&world->folder, "instance_types.csv", world->types.bytes);
    test_folder_write(&world->folder, "on_demand_prices.csv", world->on_demand.bytes);
    test_folder_write(&world->folder, "spot_prices.csv", world->spot.bytes);
    test_folder_write(&world->folder, "zones.csv", "zone,zone_id\nz1,id1\nz2,id2\nz3,id3\n");
    test_folder_write(&world->folder, "zone_gaps.csv", "zone,instance_type\n");
    enum kerf_status status = kerf_catalog_load(world->folder.path, NULL, &world->catalog, errs);
    disrupt_world_add(world, "{apiVersion: karpenter.k8s.aws/v1, kind: EC2NodeClass, metadata: {name: default}, spec: {amiFamily: AL2023, "
                             "amiSelectorTerms: [{alias: al2023@latest}], role: r, capacityReservationSelectorTerms: [{ownerID: '1'}], kubelet: {maxPods: 100, kubeReserved: {cpu: '0', memory: '0', "
                             "ephemeral-storage: '0'}, evictionHard: {memory.available: 100%%, nodefs.available: 100%%}}}}");
    world->vocabulary = kerf_vocabulary_new(kerf_catalog_vocabulary(world->catalog));
    kerf_objects_init(&world->objects);
    if (status == KERF_OK)
        status = kerf_manifest_read_text("t", world->manifest.bytes, world->manifest.length, world->vocabulary, &world->objects, errs);
    if (status != KERF_OK)
        kerf_errors_print(errs, stderr);
    cr_assert_eq(status, KERF_OK);
    kerf_manifest_settle(&world->objects, world->vocabulary, true);
    struct kerf_instance_options options = kerf_instance_options_default();
    options.vm_memory_overhead_percent = 0;
    world->cluster = kerf_cluster_new(&world->objects, world->catalog, options, world->vocabulary);
    kerf_cluster_set_now(world->cluster, world->options.provisioning.now_epoch_us);
    kerf_cluster_add_objects(world->cluster);
    if (world->unavailable != NULL) {
        uint64_t *bits = KERF_NEW_ARRAY(&world->arena, uint64_t, kerf_bitset_words(kerf_catalog_offering_count(world->catalog)));
        cr_assert_eq(kerf_catalog_mark_unavailable(world->catalog, world->unavailable, bits, (struct kerf_place){.file = "t"}, errs), KERF_OK);
        kerf_cluster_set_unavailable_bits(world->cluster, bits);
    }
    kerf_errors_free(errs);
}

const struct kerf_cluster_node *disrupt_world_node(const struct disrupt_world *world, const char *name)
{
    const struct kerf_cluster_node *node = kerf_cluster_find_node(world->cluster, kerf_name_of(world->vocabulary->names, name));
    cr_assert_not_null(node, "%s", name);
    return node;
}

void disrupt_world_set_now(struct disrupt_world *world, const char *time)
{
    cr_assert(kerf_parse_time(time, &world->options.provisioning.now_epoch_us));
    if (world->cluster != NULL)
        kerf_cluster_set_now(world->cluster, world->options.provisioning.now_epoch_us);
}

/* ---- answers ----------------------------------------------------------------------------------------------------------------------- */

static void append_nodes(struct disrupt_world *world, const kerf_node_id *nodes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        kerf_text_append_format(&world->outcome, "%s%s", i > 0 ? "," : "",
                                kerf_cluster_node_name(world->cluster, kerf_cluster_node(world->cluster, nodes[i]))->text);
}

static void append_command(struct disrupt_world *world, const struct kerf_disruption_command *command)
{
    struct kerf_text *text = &world->outcome;
    kerf_text_append_format(text, "%s %s ", kerf_disruption_method_text(command->method), command->replace ? "replace" : "delete");
    append_nodes(world, command->candidates, command->candidate_count);
    for (size_t i = 0; i < command->replacement_count; i++) {
        const struct kerf_planned_claim *replacement = &command->replacements[i];
        kerf_text_append_format(text, "%s%s[", i > 0 ? "," : " by ", world->objects.nodepools.items[replacement->nodepool_index].meta.name->text);
        for (size_t j = 0; j < replacement->instance_type_count; j++) {
            const char *name = replacement->instance_types[j]->name->text;
            kerf_text_append_format(text, "%s%.*s", j > 0 ? "," : "", (int)strcspn(name, "."), name);
        }
        kerf_text_append(text, "]");
    }
}

const char *disrupt_world_pass(struct disrupt_world *world, enum kerf_disruption_method first_method)
{
    disrupt_world_build(world);
    kerf_disruption_result_free(world->result);
    world->result = kerf_disruption_decide(world->cluster, &world->options, first_method, &world->memory);
    kerf_text_clear(&world->outcome);
    for (size_t i = 0; i < world->result->command_count; i++) {
        kerf_text_append(&world->outcome, i > 0 ? "; " : "");
        append_command(world, &world->result->commands[i]);
    }
    return world->result->command_count > 0 ? world->outcome.bytes : "nothing";
}

const char *disrupt_world_candidates(struct disrupt_world *world, enum kerf_disruption_method method)
{
    if (world->result == NULL)
        disrupt_world_pass(world, KERF_METHOD_EMPTINESS);
    kerf_text_clear(&world->outcome);
    kerf_text_append(&world->outcome, "");
    append_nodes(world, world->result->candidates_by_method[method], world->result->candidate_count_by_method[method]);
    return world->outcome.bytes;
}

const char *disrupt_world_validate(struct disrupt_world *world)
{
    struct kerf_disruption_command validated;
    cr_assert_eq(world->result->command_count, 1);
    if (!kerf_disruption_validate(world->cluster, &world->options, world->result->commands, &world->arena, &validated, NULL))
        return "dropped";
    kerf_text_clear(&world->outcome);
    append_command(world, &validated);
    return world->outcome.bytes;
}
