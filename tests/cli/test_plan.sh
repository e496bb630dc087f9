# kerf plan: answers for people and programs, exit codes, messages

cat >pool.yaml <<'END'
apiVersion: karpenter.k8s.aws/v1
kind: EC2NodeClass
metadata: {name: default}
spec: {amiSelectorTerms: [{alias: al2023@latest}], role: nodes}
---
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: main}
spec:
  limits: {cpu: 16}
  template:
    spec:
      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
      requirements:
      - {key: karpenter.k8s.aws/instance-family, operator: In, values: [m5, m6i]}
      - {key: karpenter.sh/capacity-type, operator: In, values: [on-demand]}
      - {key: karpenter.k8s.aws/instance-cpu, operator: Lt, values: ['5']}
END
cat >web.yaml <<'END'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        resources: {requests: {cpu: 900m, memory: 2Gi}}
END

run plan -f pool.yaml -f web.yaml
exits 0
says '3 pods: 1 new node'
says 'NodePool main: cheapest launch m5.xlarge, on-demand, us-east-1a'
says 'requests  cpu 2700m, memory 6Gi, pods 3'

run plan -f pool.yaml -f web.yaml --format json
exits 0
json 'a["schema"]' kerf.plan/v1
json 'len(a["nodeClaims"])' 1
json 'a["nodeClaims"][0]["requests"]' "{'cpu': '2700m', 'memory': '6Gi', 'pods': '3'}"
json 'a["nodeClaims"][0]["instanceTypes"]' "['m5.xlarge', 'm6i.xlarge']"
json 'sorted(a["nodeClaims"][0]["launch"])' "['capacityType', 'instanceType', 'priceUsdPerHour', 'zone']"
json '[r["operator"] for r in a["nodeClaims"][0]["requirements"] if r["key"].endswith("instance-cpu")]' "['Lte']"
json '[r["key"] for r in a["nodeClaims"][0]["requirements"]] == sorted(r["key"] for r in a["nodeClaims"][0]["requirements"])' True
json 'a["unschedulable"]' '[]'
cp stdout first
cat web.yaml pool.yaml | sed 's/^apiVersion: karpenter.k8s.aws/---\n&/' >all.yaml
run_with all.yaml plan -f - --format json
cmp -s first stdout || fail "another order of the objects gives another answer"

# the other engine: the same bytes
run plan -f pool.yaml -f web.yaml --format json --engine plain
exits 0
cmp -s first stdout || fail "the engines answer differently"
run plan -f pool.yaml -f web.yaml --engine slow
exits 2

# out of capacity: the other type
run plan -f pool.yaml -f web.yaml --format json --unavailable 'on-demand:m5.xlarge:*'
exits 0
json 'a["nodeClaims"][0]["instanceTypes"]' "['m6i.xlarge']"

# pods left over: exit 1, and why
sed 's/replicas: 3/replicas: 30/' web.yaml >many.yaml
run plan -f pool.yaml -f many.yaml --format json
exits 1
json 'len(a["nodeClaims"])' 4
json 'set(u["reason"] for u in a["unschedulable"])' "{'all available instance types exceed limits for nodepool (NodePool=main)'}"
run plan -f pool.yaml -f many.yaml
exits 1
says 'Pods left, and why'

# why, and what would let them in: as text, as JSON, of one pod
run plan -f pool.yaml -f many.yaml --explain
exits 1
says '14 pods such as default/web-'
says 'limits.cpu 16 leaves 0, and m5.large, the smallest type that would do, has 2'
says 'NodePool main with the limit cpu 30 instead of cpu 16: all have a place'
run plan -f pool.yaml -f many.yaml --explain --format json
exits 1
json '[len(e["pods"]) for e in a["explanations"]]' '[14]'
json 'a["explanations"][0]["nodePools"][0]["rule"]' limits
json 'a["explanations"][0]["nodePools"][0]["resources"]' "[{'resource': 'cpu', 'wanted': '2', 'besides': '0', 'offered': '0'}]"
json '[(r["count"], r["rule"]) for r in a["explanations"][0]["newNodes"]]' "[(4, 'resources')]"
json '[(c["steps"][0]["value"], c["places"]) for c in a["explanations"][0]["changes"]]' "[('cpu 18', 2), ('cpu 30', 14)]"
json 'len(a["unschedulable"])' 14
cp stdout first
run plan -f pool.yaml -f many.yaml --explain --format json --engine plain
cmp -s first stdout || fail "the engines explain differently"
name=$(python3 -c 'import json; a = json.load(open("first")); print(a["nodeClaims"][1]["pods"][0])')
run plan -f pool.yaml -f many.yaml --explain "$name"
exits 1
says 'goes to             new node 2, of NodePool main'
says 'so this one was opened'
run plan -f pool.yaml -f many.yaml --explain "$name" --planner packed
says 'why                 the packed plan has it there'
run plan -f pool.yaml -f many.yaml --explain nobody
exits 3
complains 'there is no pod "nobody"'
run plan -f pool.yaml -f many.yaml nobody
exits 2
complains 'a POD goes with --explain'
# the change that is told holds when the manifest is changed so
sed 's/limits: {cpu: 16}/limits: {cpu: 30}/' pool.yaml >wider.yaml
run plan -f wider.yaml -f many.yaml
exits 0
sed 's/limits: {cpu: 16}/limits: {cpu: 29}/' pool.yaml >wider.yaml
run plan -f wider.yaml -f many.yaml
exits 1

# without a NodePool
run plan -f web.yaml --explain
exits 1
says 'the pod itself      there is no NodePool, and without one Karpenter places nothing'

# nothing to do
run plan -f pool.yaml --format json
exits 0
json 'a' "{'schema': 'kerf.plan/v1', 'nodeClaims': [], 'existingNodes': [], 'unschedulable': []}"

run plan
exits 2
is_silent
run plan -f absent.yaml
exits 3
complains 'absent.yaml'
run plan -f pool.yaml -f web.yaml --preference-policy Maybe
exits 3
complains 'Maybe'

# how far from the cheapest, and what restrictions cost
cat >open.yaml <<'EOF'
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: open}
spec:
  limits: {cpu: 500}
  template:
    spec:
      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
      requirements:
      - {key: karpenter.k8s.aws/instance-category, operator: In, values: [c, m, r]}
      - {key: karpenter.k8s.aws/instance-generation, operator: Gt, values: ['5']}
      - {key: karpenter.sh/capacity-type, operator: In, values: [on-demand]}
---
apiVersion: karpenter.k8s.aws/v1
kind: EC2NodeClass
metadata: {name: default}
spec: {amiSelectorTerms: [{alias: al2023@latest}], role: nodes}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: agent, resources: {requests: {cpu: 200m, memory: 256Mi}}}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: lean}
spec:
  replicas: 40
  selector: {matchLabels: {app: lean}}
  template:
    metadata: {labels: {app: lean}}
    spec:
      topologySpreadConstraints:
      - {maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: lean}}}
      containers: [{name: main, resources: {requests: {cpu: 700m, memory: 800Mi}}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: fat}
spec:
  replicas: 20
  selector: {matchLabels: {app: fat}}
  template:
    metadata: {labels: {app: fat}}
    spec: {containers: [{name: main, resources: {requests: {cpu: 500m, memory: 7Gi}}}]}
EOF
run plan -f open.yaml --bound --format json
exits 0
json 'a["bound"]["pods"]' 60
json 'a["bound"]["usdPerHour"] <= a["bound"]["packed"]["usdPerHour"] < a["bound"]["karpenter"]["usdPerHour"]' True
json 'a["bound"]["packed"]["gapPercent"] < 15' True
json 'abs(a["bound"]["karpenter"]["usdPerHour"] - sum(n["launch"]["priceUsdPerHour"] for n in a["nodeClaims"])) < 1e-9' True
json '[r["without"] for r in a["bound"]["restrictions"]]' "['topologySpread', 'limits', 'daemonSets']"
json 'a["bound"]["restrictions"][2]["priceUsdPerHour"] > 0' True
json 'all(r["usdPerHour"] <= r["packed"]["usdPerHour"] for r in a["bound"]["restrictions"])' True
run plan -f open.yaml --bound
exits 0
says 'an hour for the 60 pods placed: proved, no plan under these NodePools costs less'
says 'topology spread constraints  $'

# the packed plan itself: what the bound was compared with, each zone with its share
run plan -f open.yaml --planner packed --format json
exits 0
json 'sum(len(n["pods"]) for n in a["nodeClaims"])' 60
json 'sorted(sum(p.startswith("default/lean") for n in a["nodeClaims"] if z in [v for r in n["requirements"] if r["key"] == "topology.kubernetes.io/zone" for v in r["values"]] for p in n["pods"]) for z in ["us-east-1a", "us-east-1b", "us-east-1c"])' '[13, 13, 14]'
run plan -f open.yaml --planner luck
exits 2
