# kerf schedule: what one pod's attempt does to the next

cat >world.yaml <<'END'
apiVersion: v1
kind: Node
metadata: {name: n1, labels: {kubernetes.io/hostname: n1}}
status: {allocatable: {cpu: '4', memory: 8Gi, pods: '110'}}
---
apiVersion: v1
kind: Pod
metadata: {name: victim}
spec: {nodeName: n1, priority: 0, containers: [{name: c, resources: {requests: {cpu: 4}}}]}
status: {phase: Running}
---
apiVersion: v1
kind: Pod
metadata: {name: high}
spec: {priority: 1000, containers: [{name: c, resources: {requests: {cpu: 1}}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: third}
spec: {priority: 0, containers: [{name: c, resources: {requests: {cpu: 3}}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: hopeful}
spec: {priority: 5, containers: [{name: c, resources: {requests: {cpu: 3}}}], preemptionPolicy: Never}
status: {phase: Pending, nominatedNodeName: n1, conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable}]}
END

# a preemption takes the hope from lower pods that were nominated to the node: the third pod may have the room
run schedule -f world.yaml --format json
exits 1
json '[(p["pod"], p["node"], p["victims"]) for p in a["pods"]]' "[('default/high', 'n1', ['default/victim']), ('default/third', 'n1', []), ('default/hopeful', None, [])]"
