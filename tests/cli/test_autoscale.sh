# kerf autoscale: answers, exit codes, messages

cat >up.yaml <<'END'
apiVersion: kerf.dev/v1
kind: Autoscale
action: scale-up
at: '2026-01-01T00:00:00Z'
flags: {expander: 'most-pods,least-waste', balance-similar-node-groups: true}
nodeGroups:
- name: large
  min: 0
  max: 5
  size: 0
  template:
    labels: {kubernetes.io/os: linux, node.kubernetes.io/instance-type: m5.xlarge}
    capacity: {cpu: 4, memory: 16Gi, pods: 58}
    allocatable: {cpu: 3920m, memory: 14Gi, pods: 58}
- name: small
  min: 0
  max: 2
  size: 0
  template:
    capacity: {cpu: 2, memory: 8Gi, pods: 29}
    allocatable: {cpu: 1930m, memory: 6903Mi, pods: 29}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: unread}
spec: {replicas: 3, selector: {matchLabels: {app: x}}, template: {metadata: {labels: {app: x}}, spec: {containers: [{name: c}]}}}
END
pod() {
    printf -- '---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: %s\n' "$1"
    printf '  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: w, uid: w, controller: true}]\n'
    printf 'spec: {containers: [{name: c, resources: {requests: {cpu: 900m, memory: 1Gi}}}]}\n'
}
for i in 1 2 3 4 5 6; do pod p$i; done >>up.yaml

run autoscale -f up.yaml
exits 0
has_no_complaint
says 'option large: 2 nodes for 6 pods, taken'
says 'option small: 2 nodes for 4 pods'
says 'large grows from 0 to 2.'

run autoscale -f up.yaml --format json
exits 0
json 'a["schema"]' kerf.autoscale/v1
json 'a["scaleUp"]["sizes"]' "[{'group': 'large', 'from': 0, 'to': 2}]"
json 'len(a["scaleUp"]["triggered"])' 6 # not the Deployment's pods: a moment has the pods that were read

sed 's/scale-up$/scale-down/' up.yaml >down.yaml
run autoscale -f down.yaml
exits 1
says '0 nodes removed after 610 s'

# the groups of an eksctl ClusterConfig, and manifests as people have them
cat >cluster.yaml <<'END'
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: c, region: us-east-1}
managedNodeGroups:
- {name: workers, instanceType: m5.large, minSize: 1, desiredCapacity: 1, maxSize: 10}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 5
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, resources: {requests: {cpu: 900m}}}]}}
END
run autoscale -f cluster.yaml
exits 0
says '2 pending pods fit nodes that are there or on their way.'
says 'workers grows from 1 to 3.'

# what is wrong
sed 's/max: 5/max: -1/; s/expander: .most-pods,least-waste./expander: cheapest, max-node-total: 3/' up.yaml >wrong.yaml
run autoscale -f wrong.yaml
exits 3
complains 'flags.expander: "cheapest" is not least-waste'
complains 'did you mean max-nodes-total?'
complains 'nodeGroups[0].max'
run autoscale
exits 2

finish
