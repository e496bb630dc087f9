#!/usr/bin/env python3
"""Writes what `kubectl get pods -A -o json` prints of a big cluster, and the rest of it: the same bytes every time.

usage: bench/kubectl_pods.py PODS.json OBJECTS.yaml [MEGABYTES]    (default 60)

60 MB are some ten thousand pods of 200 workloads on 16-vCPU nodes; every eighth waits for a node. To measure the whole command:
    bench/kubectl_pods.py build/pods.json build/objects.yaml
    /usr/bin/time -v build/release/kerf plan -f build/objects.yaml -f build/pods.json --format json >/dev/null
"""
import json, sys

WORKLOADS, PER_NODE, WAITING = 200, 12, 8
ZONES = ('us-east-1a', 'us-east-1b', 'us-east-1c')
CPU = ('100m', '250m', '500m', '1', '2')
MEMORY = ('128Mi', '256Mi', '512Mi', '1Gi', '2Gi', '4Gi')


def uid(kind, number):
    return '%08x-0000-4000-8000-%012x' % (kind, number)


def container(workload, number):
    name = 'c%d' % number
    return {
        'env': [{'name': 'SETTING_%02d' % i, 'value': 'value-%d-%d' % (workload, i)} for i in range(12)]
        + [{'name': 'POD_IP', 'valueFrom': {'fieldRef': {'apiVersion': 'v1', 'fieldPath': 'status.podIP'}}}],
        'image': '111122223333.dkr.ecr.us-east-1.amazonaws.com/team-%d/service-%d:v1.%d' % (workload % 9, workload, number),
        'imagePullPolicy': 'IfNotPresent',
        'livenessProbe': {'failureThreshold': 3, 'httpGet': {'path': '/healthz', 'port': 8080, 'scheme': 'HTTP'}, 'periodSeconds': 10,
                          'successThreshold': 1, 'timeoutSeconds': 1},
        'name': name,
        'ports': [{'containerPort': 8080, 'name': 'http', 'protocol': 'TCP'}],
        'resources': {'limits': {'memory': MEMORY[(workload + number) % 6]},
                      'requests': {'cpu': CPU[(workload * 7 + number) % 5], 'memory': MEMORY[(workload + number) % 6]}},
        'terminationMessagePath': '/dev/termination-log',
        'terminationMessagePolicy': 'File',
        'volumeMounts': [{'mountPath': '/var/run/secrets/kubernetes.io/serviceaccount', 'name': 'kube-api-access', 'readOnly': True},
                         {'mountPath': '/etc/config', 'name': 'config'}],
    }


def spec(workload, node):
    out = {
        'containers': [container(workload, i) for i in range(1 + workload % 2)],
        'dnsPolicy': 'ClusterFirst', 'enableServiceLinks': True, 'preemptionPolicy': 'PreemptLowerPriority', 'priority': 0,
        'restartPolicy': 'Always', 'schedulerName': 'default-scheduler', 'securityContext': {},
        'serviceAccount': 'service-%d' % workload, 'serviceAccountName': 'service-%d' % workload, 'terminationGracePeriodSeconds': 30,
        'tolerations': [{'effect': 'NoExecute', 'key': 'node.kubernetes.io/' + key, 'operator': 'Exists', 'tolerationSeconds': 300}
                        for key in ('not-ready', 'unreachable')],
        'volumes': [{'name': 'kube-api-access', 'projected': {'defaultMode': 420, 'sources': [
                        {'serviceAccountToken': {'expirationSeconds': 3607, 'path': 'token'}},
                        {'configMap': {'items': [{'key': 'ca.crt', 'path': 'ca.crt'}], 'name': 'kube-root-ca.crt'}}]}},
                    {'configMap': {'defaultMode': 420, 'name': 'service-%d' % workload}, 'name': 'config'}],
    }
    if workload % 4 == 0:
        out['topologySpreadConstraints'] = [{'labelSelector': {'matchLabels': {'app': 'service-%d' % workload}}, 'maxSkew': 1,
                                             'topologyKey': 'topology.kubernetes.io/zone', 'whenUnsatisfiable': 'DoNotSchedule'}]
    if node is not None:
        out['nodeName'] = 'node-%05d' % node
    return out


def conditions(running):
    time = '2026-01-01T00:00:00Z'
    if not running:
        return [{'lastProbeTime': None, 'lastTransitionTime': time, 'message': '0/800 nodes are available: 800 Insufficient cpu.',
                 'reason': 'Unschedulable', 'status': 'False', 'type': 'PodScheduled'}]
    return [{'lastProbeTime': None, 'lastTransitionTime': time, 'status': 'True', 'type': type}
            for type in ('PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled')]


def status(index, workload, running):
    if not running:
        return {'conditions': conditions(False), 'phase': 'Pending', 'qosClass': 'Burstable'}
    return {
        'conditions': conditions(True),
        'containerStatuses': [{'containerID': 'containerd://%064x' % (index * 7 + i), 'image': 'service-%d' % workload,
                               'imageID': 'sha256:%064x' % workload, 'lastState': {}, 'name': 'c%d' % i, 'ready': True, 'restartCount': 0,
                               'started': True, 'state': {'running': {'startedAt': '2026-01-01T00:00:00Z'}}} for i in range(1 + workload % 2)],
        'hostIP': '10.0.%d.%d' % (index // 250 % 250, index % 250), 'phase': 'Running', 'podIP': '10.1.%d.%d' % (index // 250 % 250, index % 250),
        'podIPs': [{'ip': '10.1.%d.%d' % (index // 250 % 250, index % 250)}], 'qosClass': 'Burstable', 'startTime': '2026-01-01T00:00:00Z',
    }


def pod(index):
    workload = index * 31 % WORKLOADS
    running = index % WAITING != 0
    hash = '%08x' % (workload * 2654435761 % 2**32)
    labels = {'app': 'service-%d' % workload, 'pod-template-hash': hash, 'team': 'team-%d' % (workload % 9)}
    owner = {'apiVersion': 'apps/v1', 'blockOwnerDeletion': True, 'controller': True, 'kind': 'ReplicaSet',
             'name': 'service-%d-%s' % (workload, hash), 'uid': uid(1, workload)}
    return {
        'apiVersion': 'v1', 'kind': 'Pod',
        'metadata': {'annotations': {'prometheus.io/port': '8080', 'prometheus.io/scrape': 'true'}, 'creationTimestamp': '2026-01-01T00:00:00Z',
                     'generateName': 'service-%d-%s-' % (workload, hash), 'labels': labels, 'name': 'service-%d-%s-%05d' % (workload, hash, index),
                     'namespace': 'team-%d' % (workload % 9), 'ownerReferences': [owner], 'resourceVersion': str(100000 + index), 'uid': uid(2, index)},
        'spec': spec(workload, index // PER_NODE if running else None),
        'status': status(index, workload, running),
    }


def node_of(index):
    zone = ZONES[index % 3]
    labels = {'karpenter.sh/nodepool': 'main', 'karpenter.sh/registered': 'true', 'karpenter.sh/initialized': 'true',
              'karpenter.sh/capacity-type': 'on-demand', 'karpenter.k8s.aws/ec2nodeclass': 'default', 'node.kubernetes.io/instance-type': 'm6i.4xlarge',
              'topology.kubernetes.io/zone': zone, 'kubernetes.io/hostname': 'node-%05d' % index, 'kubernetes.io/arch': 'amd64', 'kubernetes.io/os': 'linux'}
    amounts = {'cpu': '15890m', 'memory': '57691Mi', 'pods': '234', 'ephemeral-storage': '17Gi'}
    provider = 'aws:///%s/i-%017x' % (zone, index)
    claim = {'apiVersion': 'karpenter.sh/v1', 'kind': 'NodeClaim', 'metadata': {'name': 'main-%05d' % index, 'labels': labels},
             'spec': {'nodeClassRef': {'group': 'karpenter.k8s.aws', 'kind': 'EC2NodeClass', 'name': 'default'}, 'requirements': []},
             'status': {'providerID': provider, 'nodeName': 'node-%05d' % index, 'allocatable': amounts, 'capacity': amounts,
                        'conditions': [{'type': t, 'status': 'True'} for t in ('Launched', 'Registered', 'Initialized')]}}
    node = {'apiVersion': 'v1', 'kind': 'Node', 'metadata': {'name': 'node-%05d' % index, 'labels': labels}, 'spec': {'providerID': provider},
            'status': {'allocatable': amounts, 'capacity': amounts, 'conditions': [{'type': 'Ready', 'status': 'True'}]}}
    return [claim, node]


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    wanted = float(sys.argv[3] if len(sys.argv) == 4 else 60) * 1e6
    count, written = 0, 0
    with open(sys.argv[1], 'w') as file:
        written += file.write('{\n    "apiVersion": "v1",\n    "items": [\n')
        while written < wanted or count == 0:
            text = json.dumps(pod(count), indent=4, sort_keys=True)
            written += file.write((',\n' if count else '') + '        ' + text.replace('\n', '\n        '))
            count += 1
        file.write('\n    ],\n    "kind": "List",\n    "metadata": {\n        "resourceVersion": ""\n    }\n}\n')
    with open(sys.argv[2], 'w') as file:
        pool = {'apiVersion': 'karpenter.sh/v1', 'kind': 'NodePool', 'metadata': {'name': 'main'}, 'spec': {'template': {'spec': {
            'nodeClassRef': {'group': 'karpenter.k8s.aws', 'kind': 'EC2NodeClass', 'name': 'default'}, 'requirements': [
                {'key': 'karpenter.k8s.aws/instance-category', 'operator': 'In', 'values': ['c', 'm', 'r']}]}}}}
        nodeclass = {'apiVersion': 'karpenter.k8s.aws/v1', 'kind': 'EC2NodeClass', 'metadata': {'name': 'default'},
                     'spec': {'amiSelectorTerms': [{'alias': 'al2023@latest'}], 'role': 'nodes'}}
        for one in [pool, nodeclass] + [o for i in range((count - 1) // PER_NODE + 1) for o in node_of(i)]:
            file.write('---\n%s\n' % json.dumps(one))


main()
