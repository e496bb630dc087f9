/** Each kind once, as people write it, with what kerf keeps of it. */
#include "../../support/objects_builder.h"

#include <criterion/criterion.h>

static struct test_world world;
static void set_up(void) { test_world_init(&world); }
static void tear_down(void) { test_world_fini(&world); }
TestSuite(kinds, .init = set_up, .fini = tear_down);

Test(kinds, pod)
{
    test_world_read_clean(&world, "apiVersion: v1\n"
                                  "kind: Pod\n"
                                  "metadata:\n"
                                  "  name: p\n"
                                  "  uid: u1\n"
                                  "  creationTimestamp: '2026-01-01T00:00:00Z'\n"
                                  "  labels: {app: web}\n"
                                  "  annotations: {karpenter.sh/do-not-disrupt: 'true'}\n"
                                  "  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-1, uid: r, controller: true}]\n"
                                  "spec:\n"
                                  "  nodeName: n1\n"
                                  "  nodeSelector: {disk: ssd}\n"
                                  "  hostNetwork: true\n"
                                  "  priorityClassName: high\n"
                                  "  priority: 1000\n"
                                  "  preemptionPolicy: Never\n"
                                  "  terminationGracePeriodSeconds: 60\n"
                                  "  schedulingGates: [{name: example.com/g}]\n"
                                  "  overhead: {cpu: 10m}\n"
                                  "  initContainers: [{name: proxy, restartPolicy: Always, resources: {requests: {cpu: 50m}}}]\n"
                                  "  containers:\n"
                                  "  - name: main\n"
                                  "    image: x:1\n"
                                  "    ports: [{containerPort: 80}, {containerPort: 53, hostPort: 53, protocol: UDP, hostIP: 10.0.0.1}]\n"
                                  "    resources: {requests: {cpu: 100m}, limits: {cpu: '1', memory: 0.3Gi, nvidia.com/gpu: 1}}\n"
                                  "  tolerations: [{operator: Exists}, {key: a, value: b, effect: NoExecute, tolerationSeconds: 30}]\n"
                                  "  topologySpreadConstraints:\n"
                                  "  - {maxSkew: 2, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, minDomains: 3, matchLabelKeys: [h],\n"
                                  "     nodeTaintsPolicy: Honor, labelSelector: {matchLabels: {app: web}}}\n"
                                  "  volumes: [{name: d, persistentVolumeClaim: {claimName: c}}, {name: e, emptyDir: {}},\n"
                                  "            {name: m, emptyDir: {medium: Memory}}, {name: s, secret: {secretName: x}},\n"
                                  "            {name: x, ephemeral: {volumeClaimTemplate: {spec: {storageClassName: gp3}}}}]\n"
                                  "  affinity:\n"
                                  "    nodeAffinity:\n"
                                  "      requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [\n"
                                  "        {matchExpressions: [{key: cpu, operator: Gt, values: ['4']}]},\n"
                                  "        {matchFields: [{key: metadata.name, operator: In, values: [n1]}]}]}\n"
                                  "      preferredDuringSchedulingIgnoredDuringExecution: [{weight: 7, preference: {matchExpressions: [\n"
                                  "        {key: zone, operator: In, values: [a]}]}}]\n"
                                  "    podAffinity:\n"
                                  "      requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: zone, namespaces: [ns],\n"
                                  "        labelSelector: {matchLabels: {app: db}}, namespaceSelector: {}}]\n"
                                  "    podAntiAffinity:\n"
                                  "      preferredDuringSchedulingIgnoredDuringExecution: [{weight: 5, podAffinityTerm: {topologyKey: host}}]\n"
                                  "status:\n"
                                  "  phase: Running\n"
                                  "  startTime: '2026-01-01T00:01:00Z'\n"
                                  "  conditions: [{type: Ready, status: 'False', reason: NotYet, lastTransitionTime: '2026-01-01T00:02:00Z'}]\n");
    cr_assert_eq(world.objects.pods.count, 1);
    const struct kerf_pod *pod = &world.objects.pods.items[0];
    const struct kerf_pod_spec *spec = pod->spec;
    cr_expect_str_eq(pod->meta.namespace_name->text, "default");
    cr_expect_eq(pod->meta.created_epoch_us, INT64_C(1767225600000000));
    cr_expect_eq(world.objects.newest_epoch_us, INT64_C(1767225720000000));
    cr_expect(pod->has_status);
    cr_expect_eq(pod->phase, KERF_POD_RUNNING);
    cr_expect(!kerf_conditions_true(&kerf_pod_status(pod)->conditions, "Ready"));
    cr_expect_str_eq(pod->node_name->text, "n1");
    cr_expect_str_eq(kerf_meta_controller(&pod->meta)->name->text, "web-1");
    cr_expect_eq(spec->container_count, 2);
    cr_expect(spec->containers[0].init && spec->containers[0].restart_always);
    const struct kerf_container *main = &spec->containers[1];
    cr_expect_eq(main->requests.cpu_nanocores, 100000000);
    cr_expect_eq(main->requests.memory_millibytes, INT64_C(322122547200)); /* the limit */
    cr_expect_eq(main->requests.amounts[KERF_RESOURCE_NVIDIA_GPU], 1000);
    cr_assert_eq(main->host_port_count, 2); /* the host network makes every port one of the host */
    cr_expect_eq(main->host_ports[0].port, 80);
    cr_expect_null(main->host_ports[0].address);
    cr_expect_eq(main->host_ports[1].protocol, KERF_PROTOCOL_UDP);
    cr_expect_eq(pod->requests->cpu_nanocores, 160000000);
    cr_expect_eq(pod->requests->pods, 1);
    cr_expect_eq(kerf_pod_priority(pod), 1000);
    cr_expect_eq(spec->preemption_policy, KERF_PREEMPT_NEVER);
    cr_expect_eq(spec->termination_grace_seconds, 60);
    cr_expect_eq(spec->scheduling_gate_count, 1);
    cr_assert_eq(spec->tolerations.count, 2);
    cr_expect_eq(spec->tolerations.items[0].effect, KERF_TAINT_EFFECT_ANY);
    cr_expect_eq(spec->tolerations.items[1].toleration_seconds, 30);
    cr_assert_eq(spec->spreads.count, 1);
    cr_expect_eq(spec->spreads.items[0].min_domains, 3);
    cr_expect_eq(spec->spreads.items[0].node_affinity_policy, KERF_NODE_POLICY_HONOR);
    cr_expect_eq(spec->spreads.items[0].node_taints_policy, KERF_NODE_POLICY_HONOR);
    cr_assert_eq(spec->volume_count, 3); /* the claim, the emptyDir on disk, the ephemeral one */
    cr_expect_str_eq(spec->volumes[0].claim_name->text, "c");
    cr_expect(spec->volumes[1].local);
    cr_expect_str_eq(spec->volumes[2].claim_name->text, "p-x");
    cr_expect_eq(spec->required_node_term_count, 2);
    cr_expect_eq(spec->preferred_node_terms[0].weight, 7);
    cr_expect_eq(spec->required_affinity.items[0].namespace_count, 1);
    cr_expect(spec->required_affinity.items[0].namespace_selector.present);
    cr_expect(!spec->preferred_anti_affinity.items[0].selector.present);
}

Test(kinds, node)
{
    test_world_read_clean(&world, "apiVersion: v1\n"
                                  "kind: Node\n"
                                  "metadata: {name: n1, labels: {kubernetes.io/hostname: n1}}\n"
                                  "spec: {providerID: 'aws:///us-east-1a/i-1', unschedulable: true,\n"
                                  "       taints: [{key: a, value: b, effect: PreferNoSchedule}]}\n"
                                  "status:\n"
                                  "  capacity: {cpu: '2', memory: 7577Mi, pods: '29', hugepages-2Mi: '0'}\n"
                                  "  allocatable: {cpu: 1930m, memory: 6903Mi, pods: '29'}\n"
                                  "  conditions: [{type: Ready, status: 'True'}]\n"
                                  "  images: [{names: ['a:1', 'a@sha256:0'], sizeBytes: 5}]\n");
    cr_assert_eq(world.objects.nodes.count, 1);
    const struct kerf_node *node = &world.objects.nodes.items[0];
    cr_expect(node->unschedulable);
    cr_expect_null(node->meta.namespace_name);
    cr_expect_eq(node->taints.count, 1); /* as written */
    cr_expect_eq(node->allocatable.cpu_nanocores, 1930000000);
    cr_expect_eq(node->allocatable.pods, 29);
    cr_expect(kerf_resources_has(&node->capacity, KERF_RESOURCE_HUGEPAGES_2MI));
    cr_expect_eq(node->images[0].name_count, 2);
    cr_expect(kerf_conditions_true(&node->conditions, "Ready"));
}

Test(kinds, nodepool)
{
    test_world_read_clean(&world, "apiVersion: karpenter.sh/v1\n"
                                  "kind: NodePool\n"
                                  "metadata: {name: default}\n"
                                  "spec:\n"
                                  "  weight: 50\n"
                                  "  limits: {cpu: 400, memory: 1600Gi, nodes: 7, nvidia.com/gpu: 2, ephemeral-storage: 100Ei}\n"
                                  "  disruption:\n"
                                  "    consolidationPolicy: WhenEmpty\n"
                                  "    consolidateAfter: Never\n"
                                  "    budgets: [{nodes: 20%, reasons: [Empty, Drifted]}, {nodes: '0', schedule: '0 9 * * 1-5', duration: 8h0m},\n"
                                  "              {reasons: []}]\n"
                                  "  template:\n"
                                  "    metadata: {labels: {tier: a}}\n"
                                  "    spec:\n"
                                  "      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}\n"
                                  "      expireAfter: 720h\n"
                                  "      terminationGracePeriod: 1h\n"
                                  "      taints: [{key: x, effect: NoSchedule}]\n"
                                  "      startupTaints: [{key: y, value: z, effect: NoExecute}]\n"
                                  "      requirements:\n"
                                  "      - {key: karpenter.k8s.aws/instance-generation, operator: Gt, values: ['5']}\n"
                                  "      - {key: karpenter.k8s.aws/instance-category, operator: In, values: [m, c], minValues: 2}\n");
    cr_assert_eq(world.objects.nodepools.count, 1);
    const struct kerf_nodepool *pool = &world.objects.nodepools.items[0];
    cr_expect_eq(pool->weight, 50);
    cr_expect_eq(pool->replicas, -1);
    cr_expect_eq(pool->limits.resources.cpu_nanocores, INT64_C(400000000000));
    cr_expect_eq(pool->limits.resources.ephemeral_storage_millibytes, INT64_MAX); /* more than there is: no limit */
    cr_expect_eq(pool->limits.nodes, 7);
    cr_expect_eq(pool->consolidate_after_us, KERF_TIME_NEVER);
    cr_expect_eq(pool->consolidation_policy, KERF_WHEN_EMPTY);
    cr_assert_eq(pool->budget_count, 3);
    cr_expect(pool->budgets[0].percent && pool->budgets[0].value == 20);
    cr_expect_eq(pool->budgets[0].reasons, (unsigned)(KERF_REASON_EMPTY | KERF_REASON_DRIFTED));
    cr_expect_eq(pool->budgets[1].duration_us, 8 * KERF_HOUR_US);
    cr_expect(!pool->budgets[1].has_reasons);
    cr_expect(pool->budgets[2].has_reasons && pool->budgets[2].reasons == 0);
    cr_expect_eq(pool->expire_after_us, 720 * KERF_HOUR_US);
    cr_expect_eq(pool->termination_grace_period_us, KERF_HOUR_US);
    cr_expect_eq(pool->requirements.items[1].min_values, 2);
    cr_expect_str_eq(pool->requirements.items[1].values[0]->text, "m"); /* as written */
    cr_expect_eq(pool->startup_taints.count, 1);
    cr_expect(kerf_nodepool_is_ready(pool));
}

Test(kinds, nodepool_defaults)
{
    test_world_read_clean(&world, "apiVersion: karpenter.sh/v1\n"
                                  "kind: NodePool\n"
                                  "metadata: {name: default}\n"
                                  "spec: {template: {spec: {nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: d}}}}\n"
                                  "status: {conditions: [{type: Ready, status: 'False'}]}\n");
    const struct kerf_nodepool *pool = &world.objects.nodepools.items[0];
    cr_expect_eq(pool->consolidate_after_us, 0);
    cr_expect_eq(pool->consolidation_policy, KERF_WHEN_EMPTY_OR_UNDERUTILIZED);
    cr_expect_eq(pool->expire_after_us, 720 * KERF_HOUR_US);
    cr_assert_eq(pool->budget_count, 1);
    cr_expect(pool->budgets[0].percent && pool->budgets[0].value == 10 && !pool->budgets[0].has_reasons);
    cr_expect_eq(pool->limits.nodes, -1);
    cr_expect(!kerf_nodepool_is_ready(pool));
}

Test(kinds, nodeclaim)
{
    test_world_read_clean(&world, "apiVersion: karpenter.sh/v1\n"
                                  "kind: NodeClaim\n"
                                  "metadata: {name: c1}\n"
                                  "spec:\n"
                                  "  nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: d}\n"
                                  "  expireAfter: Never\n"
                                  "  resources: {requests: {cpu: 150m}}\n"
                                  "  requirements: [{key: a, operator: Exists}]\n"
                                  "status:\n"
                                  "  providerID: aws:///z/i-1\n"
                                  "  nodeName: n1\n"
                                  "  imageID: ami-1\n"
                                  "  lastPodEventTime: '2026-01-01T00:00:00Z'\n"
                                  "  allocatable: {cpu: 1930m}\n"
                                  "  conditions: [{type: Initialized, status: 'True'}]\n");
    const struct kerf_nodeclaim *claim = &world.objects.nodeclaims.items[0];
    cr_expect_eq(claim->expire_after_us, KERF_TIME_NEVER);
    cr_expect_eq(claim->termination_grace_period_us, KERF_TIME_UNSET);
    cr_expect_eq(claim->requests.cpu_nanocores, 150000000);
    cr_expect_eq(claim->last_pod_event_epoch_us, INT64_C(1767225600000000));
    cr_expect_str_eq(claim->image_id->text, "ami-1");
}

Test(kinds, ec2nodeclass)
{
    test_world_read_clean(&world, "apiVersion: karpenter.k8s.aws/v1\n"
                                  "kind: EC2NodeClass\n"
                                  "metadata: {name: d}\n"
                                  "spec:\n"
                                  "  amiSelectorTerms: [{alias: bottlerocket@v1.20.0}]\n"
                                  "  instanceStorePolicy: RAID0\n"
                                  "  blockDeviceMappings: [{deviceName: /dev/xvda, rootVolume: true, ebs: {volumeSize: 50Gi, volumeType: gp3}}]\n"
                                  "  kubelet:\n"
                                  "    maxPods: 110\n"
                                  "    podsPerCore: 4\n"
                                  "    kubeReserved: {cpu: 200m}\n"
                                  "    evictionHard: {memory.available: 750Mi, nodefs.available: 10.5%}\n"
                                  "status: {subnets: [{id: s-1, zone: us-east-1a, zoneID: use1-az1}]}\n");
    const struct kerf_ec2nodeclass *nodeclass = &world.objects.nodeclasses.items[0];
    cr_expect_eq(nodeclass->ami_family, KERF_AMI_BOTTLEROCKET);
    cr_expect(nodeclass->instance_store_raid0);
    cr_expect_eq(nodeclass->block_devices[0].volume_size_bytes, INT64_C(53687091200));
    cr_expect_eq(nodeclass->kubelet.max_pods, 110);
    cr_expect_eq(nodeclass->kubelet.kube_reserved.cpu_nanocores, 200000000);
    cr_expect_eq(nodeclass->kubelet.eviction_hard_memory.amount, INT64_C(786432000000));
    cr_expect(nodeclass->kubelet.eviction_hard_storage.percent);
    cr_expect_eq(nodeclass->kubelet.eviction_hard_storage.percent_value, 10.5);
    cr_expect_str_eq(nodeclass->subnets[0].zone_id->text, "use1-az1");
}

Test(kinds, volumes)
{
    test_world_read_clean(&world,
                          "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: c}\n"
                          "spec: {accessModes: [ReadWriteOncePod], storageClassName: '', volumeName: v, resources: {requests: {storage: 2Gi}}}\n"
                          "status: {phase: Bound}\n---\n"
                          "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: v}\n"
                          "spec:\n  capacity: {storage: 2Gi}\n  csi: {driver: ebs.csi.aws.com, volumeHandle: vol-1}\n"
                          "  claimRef: {namespace: default, name: c}\n"
                          "  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: z, operator: In, values: [a]}]}]}}\n---\n"
                          "apiVersion: storage.k8s.io/v1\nkind: StorageClass\n"
                          "metadata: {name: gp3, annotations: {storageclass.kubernetes.io/is-default-class: 'true'}}\n"
                          "provisioner: ebs.csi.aws.com\nvolumeBindingMode: WaitForFirstConsumer\n"
                          "allowedTopologies: [{matchLabelExpressions: [{key: z, values: [a, b]}]}]\n---\n"
                          "apiVersion: storage.k8s.io/v1\nkind: CSINode\nmetadata: {name: n1}\n"
                          "spec: {drivers: [{name: ebs.csi.aws.com, nodeID: i, topologyKeys: [z], allocatable: {count: 25}}, {name: x, nodeID: i}]}\n");
    const struct kerf_pvc *pvc = &world.objects.pvcs.items[0];
    cr_expect(pvc->has_storage_class_name && pvc->storage_class_name->length == 0);
    cr_expect(pvc->read_write_once_pod);
    cr_expect_eq(pvc->storage_bytes, INT64_C(2147483648));
    const struct kerf_pv *pv = &world.objects.pvs.items[0];
    cr_expect(pv->has_node_affinity && pv->node_term_count == 1);
    cr_expect_str_eq(pv->volume_handle->text, "vol-1");
    const struct kerf_storage_class *class = &world.objects.storage_classes.items[0];
    cr_expect(class->is_default && class->wait_for_first_consumer);
    cr_expect_eq(class->allowed_topologies[0].expressions.items[0].value_count, 2);
    const struct kerf_csinode *csinode = &world.objects.csinodes.items[0];
    cr_expect_eq(csinode->drivers[0].count, 25);
    cr_expect_eq(csinode->drivers[1].count, -1);
}

Test(kinds, policies)
{
    test_world_read_clean(
        &world, "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: b}\n"
                "spec: {maxUnavailable: 25%, selector: {matchLabels: {app: web}}, unhealthyPodEvictionPolicy: AlwaysAllow}\n"
                "status: {disruptionsAllowed: 1, currentHealthy: 4, desiredHealthy: 3, expectedPods: 4, observedGeneration: 1}\n---\n"
                "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: git}\nspec: {minAvailable: 1, selector: {}}\n---\n"
                "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: 1000\npreemptionPolicy: Never\n---\n"
                "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}\n---\n"
                "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q}\n"
                "spec: {hard: {requests.cpu: '4', limits.memory: 8Gi, pods: 20, persistentvolumeclaims: 5, requests.storage: 1Ti}}\n---\n"
                "apiVersion: v1\nkind: LimitRange\nmetadata: {name: l}\n"
                "spec: {limits: [{type: Container, default: {cpu: 500m}, defaultRequest: {cpu: 100m}, max: {cpu: 4, memory: 8Gi}},\n"
                "                {type: Pod, max: {cpu: 8}}, {type: PersistentVolumeClaim, max: {storage: 1Ti}}]}\n---\n"
                "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {env: prod}}\n---\n"
                "apiVersion: crd.k8s.amazonaws.com/v1alpha1\nkind: ENIConfig\nmetadata: {name: us-east-1a}\nspec: {subnet: subnet-1}\n");
    const struct kerf_pdb *pdb = &world.objects.pdbs.items[0];
    cr_expect(pdb->max_unavailable.percent && pdb->max_unavailable.value == 25 && !pdb->min_available.present);
    cr_expect_eq(pdb->unhealthy_policy, KERF_EVICT_ALWAYS_ALLOW);
    cr_expect(pdb->has_status && pdb->disruptions_allowed == 1);
    cr_expect(!world.objects.pdbs.items[1].has_status);
    cr_expect_eq(world.objects.priority_classes.items[0].preemption_policy, KERF_PREEMPT_NEVER);
    cr_expect(world.objects.services.items[0].load_balancer);
    const struct kerf_resource_quota *quota = &world.objects.quotas.items[0];
    cr_expect_eq(quota->requests.cpu_nanocores, 4000000000);
    cr_expect_eq(quota->requests.pods, 20);
    cr_expect_eq(quota->limits.memory_millibytes, INT64_C(8589934592000));
    const struct kerf_limit_range *range = &world.objects.limit_ranges.items[0];
    cr_expect_eq(range->default_limit.memory_millibytes, INT64_C(8589934592000)); /* the maximum, where no default is given */
    cr_expect_eq(range->default_request.memory_millibytes, INT64_C(8589934592000));
    cr_expect_eq(range->default_request.cpu_nanocores, 100000000);
    cr_expect_eq(range->pod_max.cpu_nanocores, 8000000000);
    cr_expect_str_eq(world.objects.eniconfigs.items[0].subnet->text, "subnet-1");
}

Test(kinds, workloads)
{
    test_world_read_clean(
        &world,
        "apiVersion: v1\nkind: ReplicationController\nmetadata: {name: rc}\n"
        "spec: {selector: {app: web}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: m}]}}}\n---\n"
        "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: rs}\n"
        "spec: {replicas: 3, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: m}]}}}\n---\n"
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: cj}\n"
        "spec: {schedule: '*/5 * * * *', timeZone: Europe/Berlin, concurrencyPolicy: Forbid, jobTemplate: {spec: {parallelism: 2,\n"
        "  template: {spec: {restartPolicy: Never, containers: [{name: m}]}}}}}\n---\n"
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n"
        "spec: {strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}, selector: {matchLabels: {app: web}},\n"
        "  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: m}]}}}\n---\n"
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h}\n"
        "spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: d}, minReplicas: 2, maxReplicas: 20,\n"
        "  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 65}}}]}\n");
    const struct kerf_workload *items = world.objects.workloads.items;
    cr_assert_eq(world.objects.workloads.count, 4);
    cr_expect_eq(items[0].replicas, 1);
    cr_expect(kerf_label_selector_matches(&items[0].selector, &items[0].template.labels));
    cr_expect_eq(items[1].replicas, 3);
    cr_expect_eq(items[2].concurrency, KERF_CONCURRENCY_FORBID);
    cr_expect_str_eq(items[2].time_zone->text, "Europe/Berlin");
    cr_expect_eq(items[2].completions, -1);
    cr_expect_eq(items[2].template.spec->restart_policy, KERF_RESTART_NEVER);
    cr_expect_eq(items[3].max_surge.value, 1);
    cr_expect(items[3].max_unavailable.present && items[3].max_unavailable.value == 0);
    cr_expect_eq(items[0].template.spec, items[3].template.spec); /* equal specs are one */
    cr_expect_eq(world.objects.hpas.items[0].target_cpu_utilization_percent, 65);
    cr_expect_eq(world.objects.hpas.items[0].min_replicas, 2);
}

Test(kinds, scheduler_configuration)
{
    test_world_read_clean(
        &world, "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\npercentageOfNodesToScore: 80\n"
                "profiles:\n- schedulerName: other\n- schedulerName: default-scheduler\n"
                "  plugins: {score: {enabled: [{name: NodeResourcesFit, weight: 5}], disabled: [{name: ImageLocality}]}}\n"
                "  pluginConfig:\n"
                "  - {name: NodeResourcesFit, args: {scoringStrategy: {type: RequestedToCapacityRatio, resources: [{name: cpu, weight: 3}],\n"
                "      requestedToCapacityRatio: {shape: [{utilization: 0, score: 0}, {utilization: 100, score: 10}]}}}}\n"
                "  - {name: PodTopologySpread, args: {defaultingType: List, defaultConstraints: [{maxSkew: 1, topologyKey: z, whenUnsatisfiable: ScheduleAnyway}]}}\n"
                "  - {name: InterPodAffinity, args: {hardPodAffinityWeight: 0}}\n"
                "  - {name: NodeAffinity, args: {addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [\n"
                "      {matchExpressions: [{key: a, operator: Exists}]}]}}}}\n");
    const struct kerf_scheduler_configuration *scheduler = &world.objects.scheduler;
    cr_expect(scheduler->present);
    cr_expect_eq(scheduler->percentage_of_nodes_to_score, 80);
    cr_expect_eq(scheduler->fit_strategy, KERF_FIT_REQUESTED_TO_CAPACITY_RATIO);
    cr_expect_eq(scheduler->shape[1].score, 10);
    cr_expect_eq(scheduler->fit_resources[0].weight, 3);
    cr_expect(scheduler->spread_defaults_list && scheduler->default_spreads.count == 1);
    cr_expect_eq(scheduler->hard_pod_affinity_weight, 0);
    cr_expect(scheduler->has_added_affinity);
    cr_expect_str_eq(scheduler->disabled_plugins[0]->text, "ImageLocality");
    cr_expect_eq(scheduler->plugin_weights[0].weight, 5);
}

Test(kinds, cluster_config)
{
    test_world_read(&world, "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: prod, region: us-east-1}\n"
                            "availabilityZones: [us-east-1a, us-east-1b]\n"
                            "managedNodeGroups:\n"
                            "- {name: system, instanceType: m5.large, minSize: 2, maxSize: 4, desiredCapacity: 2, updateConfig: {maxUnavailablePercentage: 33}, labels: {tier: system},\n"
                            "   taints: [{key: node-role, value: system, effect: NO_SCHEDULE}]}\n"
                            "- {name: spot, instanceTypes: [m5.xlarge, m5a.xlarge], spot: true, volumeSize: 50, availabilityZones: [us-east-1a]}\n"
                            "nodeGroups:\n"
                            "- {name: self, taints: {dedicated: 'a:NoSchedule'}, amiFamily: Bottlerocket, maxPodsPerNode: 110,\n"
                            "   asgSuspendProcesses: [AZRebalance], instancesDistribution: {instanceTypes: [m5.large], capacityRebalance: true}}\n");
    cr_expect_eq(world.status, KERF_OK);
    cr_expect_not_null(strstr(world.messages, "NO_SCHEDULE is how the EKS API spells it"), "%s", world.messages);
    const struct kerf_nodegroup *items = world.objects.nodegroups.items;
    cr_assert_eq(world.objects.nodegroups.count, 3);
    cr_expect_eq(items[0].taints.items[0].effect, KERF_TAINT_NO_SCHEDULE);
    cr_expect_eq(items[0].max_size, 4);
    cr_expect_eq(items[0].zone_count, 2);
    cr_expect_eq(items[0].volume_size_bytes, INT64_C(80) << 30);
    cr_expect(items[1].spot && items[1].instance_type_count == 2 && items[1].zone_count == 1);
    cr_expect_eq(items[1].desired_capacity, 2); /* eksctl's default */
    cr_expect_str_eq(items[2].instance_types[0]->text, "m5.large");
    cr_expect_str_eq(items[2].taints.items[0].value->text, "a");
    cr_expect_eq(items[2].max_pods, 110);
    cr_expect_eq(items[2].ami_family, KERF_AMI_BOTTLEROCKET);
    cr_expect(items[0].managed && items[0].zone_rebalancing && items[0].max_unavailable_percent == 33);
    cr_expect(items[1].managed && items[1].capacity_rebalancing && items[1].max_unavailable == 1);
    cr_expect(!items[2].managed && !items[2].zone_rebalancing && items[2].capacity_rebalancing);
    kerf_name group = kerf_labels_get(&items[0].labels, kerf_name_of(world.vocabulary->names, "alpha.eksctl.io/nodegroup-name"));
    cr_expect_str_eq(kerf_name_text(group), "system");
    cr_expect_eq(items[0].labels.count, 3);
}

Test(kinds, lists)
{
    test_world_read_clean(&world, "{\"kind\": \"NamespaceList\", \"apiVersion\": \"v1\", \"items\": [{\"metadata\": {\"name\": \"a\"}}]}");
    test_world_read_clean(&world, "[{\"kind\": \"Namespace\", \"apiVersion\": \"v1\", \"metadata\": {\"name\": \"b\"}}]");
    test_world_read_clean(&world, "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items:\n"
                                  "  - {apiVersion: v1, kind: Namespace, metadata: {name: c}}\n- {apiVersion: v1, kind: Secret, metadata: {name: s}}\n");
    cr_assert_eq(world.objects.namespaces.count, 3);
    cr_expect_str_eq(world.objects.namespaces.items[2].meta.name->text, "c");
    cr_expect_eq(kerf_meta_details(&world.objects.namespaces.items[2].meta)->place.line, 7);
}

Test(kinds, equal_specs_are_shared)
{
    test_world_read_clean(&world, "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
                                  "spec: {nodeName: n1, containers: [{name: m, env: [{name: A, value: x}], resources: {requests: {cpu: 1}}}]}\n---\n"
                                  "apiVersion: v1\nkind: Pod\nmetadata: {name: b}\nspec:\n  nodeName: n2\n"
                                  "  containers: [{name: m, resources: {requests: {cpu: 1}}}]\n---\n"
                                  "apiVersion: v1\nkind: Pod\nmetadata: {name: c}\nspec: {containers: [{name: m, resources: {requests: {cpu: 2}}}]}\n");
    const struct kerf_pod *pods = world.objects.pods.items;
    cr_expect_eq(pods[0].spec, pods[1].spec);
    cr_expect_neq(pods[0].spec, pods[2].spec);
    cr_expect_eq(world.objects.pod_specs.count, 2);
}

Test(kinds, resize_under_way)
{
    test_world_read_clean(&world, "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
                                  "spec: {containers: [{name: m, resources: {requests: {cpu: 1, memory: 1Gi}}}]}\n"
                                  "status: {phase: Running, containerStatuses: [{name: m, allocatedResources: {cpu: 2}, resources: {requests: {cpu: 500m}}}]}\n---\n"
                                  "apiVersion: v1\nkind: Pod\nmetadata: {name: b}\n"
                                  "spec: {containers: [{name: m, resources: {requests: {cpu: 9}}}]}\n"
                                  "status: {phase: Running, conditions: [{type: PodResizePending, status: 'True', reason: Infeasible}],\n"
                                  "  containerStatuses: [{name: m, allocatedResources: {cpu: 2}, resources: {requests: {cpu: 2}}}]}\n");
    const struct kerf_pod *pods = world.objects.pods.items;
    cr_expect_eq(pods[0].requests->cpu_nanocores, 2000000000);
    cr_expect_eq(pods[0].requests->memory_millibytes, INT64_C(1073741824000));
    cr_expect_eq(pods[1].requests->cpu_nanocores, 2000000000); /* what cannot come does not count */
}

Test(kinds, protocol_of_ports)
{
    /* From git it is what the API server will fill in; from a cluster it is what stands there. */
#define PORTS(name) "apiVersion: v1\nkind: Pod\nmetadata: {name: " name "}\nspec: {containers: [{name: m, ports: [{containerPort: 80, hostPort: 80}]}]}\n"
    test_world_read_clean(&world, PORTS("a") "---\n" PORTS("b") "status: {phase: Running}\n");
    cr_expect_eq(world.objects.pods.items[0].spec->containers[0].host_ports[0].protocol, KERF_PROTOCOL_TCP);
    cr_expect_eq(world.objects.pods.items[1].spec->containers[0].host_ports[0].protocol, KERF_PROTOCOL_UNSET);
}
