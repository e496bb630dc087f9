# kerf check: findings, where, and exit codes

cat >pool.yaml <<'END'
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: { name: default }
spec:
  template:
    spec:
      nodeClassRef: { group: karpenter.k8s.aws, kind: EC2NodeClass, name: nodes }
      requirements:
        - { key: topology.kubernetes.io/zone, operator: In, values: [us-east-1a, us-east-1b] }
        - { key: karpenter.k8s.aws/instance-cpu, operator: Lt, values: ["17"] }
---
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: { name: other }
spec:
  template:
    spec:
      nodeClassRef: { group: karpenter.k8s.aws, kind: EC2NodeClass, name: nodes }
      taints: [{ key: a, effect: NoSchedule }]
      requirements: [{ key: kubernetes.io/arch, operator: In, values: [arm64] }]
---
apiVersion: karpenter.k8s.aws/v1
kind: EC2NodeClass
metadata: { name: nodes }
spec:
  amiSelectorTerms: [{ alias: al2023@latest }]
  role: nodes
  subnetSelectorTerms: [{ tags: { a: b } }]
  securityGroupSelectorTerms: [{ tags: { a: b } }]
END
run check pool.yaml
exits 0
says 'nothing found'
has_no_complaint

cat >apps.yaml <<'END'
apiVersion: apps/v1
kind: Deployment
metadata: { name: huge }
spec:
  selector: { matchLabels: { app: huge } }
  template:
    metadata: { labels: { app: huge } }
    spec: { containers: [{ name: c, image: x, resources: { requests: { cpu: 20 } } }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: single }
spec:
  selector: { matchLabels: { app: single } }
  template:
    metadata: { labels: { app: single } }
    spec:
      nodeSelector: { karpenter.sh/capacity-type: spot }
      containers: [{ name: c, image: x, resources: { requests: { cpu: 100m } } }]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: single }
spec: { minAvailable: 1, selector: { matchLabels: { app: single } } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: spread }
spec:
  replicas: 6
  selector: { matchLabels: { app: spread } }
  template:
    metadata: { labels: { app: spread } }
    spec:
      topologySpreadConstraints:
        - { maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule, labelSelector: { matchLabels: { app: spread } } }
      containers: [{ name: c, image: x, resources: { requests: { cpu: 100m } } }]
END
run check pool.yaml apps.yaml
exits 1
says '0 errors, 4 warnings'
complains 'warning: apps.yaml:1:1: pod "default/huge-'
complains 'can never run: '
complains 'warning: apps.yaml:10:1: Deployment "single" has one replica and asks for Spot'
complains 'warning: apps.yaml:21:1: PodDisruptionBudget "single" never allows a disruption: minAvailable 1 with at most 1 pod'
complains 'warning: apps.yaml:26:1: Deployment "spread" spreads hard over zones, but the pools that take it offer 2 of the 3 zones'

# a NodePool that no instance type meets, and one without its class
sed 's/\[arm64\]/[arm46]/' pool.yaml >odd.yaml
run check odd.yaml
exits 1
complains 'odd.yaml:12:1: NodePool "other" can never launch a node: its requirement on kubernetes.io/arch leaves no instance type'
sed '/^---/,$d' pool.yaml >alone.yaml
run check alone.yaml
exits 1
complains 'alone.yaml:1:1: NodePool "default" refers to EC2NodeClass "nodes", which the input lacks'

# a scenario: its own errors; findings of its designs; a node group takes what no pool does
cat >good.yaml <<'END'
apiVersion: kerf/v1alpha1
kind: Scenario
manifests: [pool.yaml, apps.yaml]
cni: { WARM_IP_TARGET: 2, WARM_PREFIX_TARGET: 1 }
designs:
  - name: small
  - name: big
    nodeGroups: [{ name: big, instanceTypes: [m5.8xlarge] }]
END
run check good.yaml
exits 1
complains 'good.yaml:4:47: cni.WARM_PREFIX_TARGET: has no effect without ENABLE_PREFIX_DELEGATION'
complains 'in design "small", pod "default/huge-'
grep -q 'in design "big"' stderr && fail "the node group of design big takes the pod"
echo 'horizn: 3h' >>good.yaml
run check good.yaml pool.yaml
exits 3
complains 'good.yaml:9:1: horizn: unknown key; did you mean "horizon"?'
run_with good.yaml check -
exits 3
complains '<stdin>:9:1: horizn: unknown key'
run_with pool.yaml check -f -
exits 0

# what is no input
run check
exits 2
run check nowhere.yaml
exits 3
complains 'nowhere.yaml'
: >empty.yaml
run check empty.yaml
exits 3
mkdir folder && cp pool.yaml folder
run check folder
exits 0
printf '\377\376\001\200: {' >noise.yaml
run check noise.yaml
exits 3
printf 'apiVersion: kerf/v1alpha1\nkind: Scenario\nmanifests: [' >broken.yaml
run check broken.yaml
exits 3
grep -c 'broken.yaml' stderr | grep -qx 1 || fail "one error, said once"

# what ships has nothing to find but what two designs are about: fragmented subnets, and a PDB that never allows a disruption
for scenario in "$ROOT"/scenarios/*.yaml; do
    run check "$scenario"
    case $scenario in
    */subnet_sizing.yaml)
        exits 1
        complains 'design "net24-prefix-churned", subnet "private-a": prefixes in 10.0.0.0/24, where 24 addresses lie scattered: of its 14 /28 about 2.7'
        grep -qv 'design "net24-prefix-churned", subnet' stderr && fail "something else than the fragmented subnets"
        ;;
    */migration_evening.yaml)
        exits 1
        complains 'budget_blocked.yaml:2:1: PodDisruptionBudget "web" never allows a disruption'
        grep -qv 'budget_blocked.yaml' stderr && fail "something else than the PDB"
        ;;
    *)
        exits 0
        has_no_complaint
        ;;
    esac
done

# an ENIConfig without a subnet, where custom networking would use it
cat >eniconfig.yaml <<'END'
apiVersion: crd.k8s.amazonaws.com/v1alpha1
kind: ENIConfig
metadata: { name: us-east-1a }
spec: { securityGroups: [sg-1] }
END
cat >custom.yaml <<'END'
apiVersion: kerf/v1alpha1
kind: Scenario
manifests: [eniconfig.yaml]
zones: [us-east-1a]
subnets: [{ id: a, zone: us-east-1a, cidr: 10.0.0.0/24 }]
cni: { AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG: true }
END
run check custom.yaml
exits 3
complains 'eniconfig.yaml:4:7: spec: key "subnet" is missing'

# the CNI's settings, in a scenario with subnets and in aws-node's own manifest
cat >network.yaml <<'END'
apiVersion: kerf/v1alpha1
kind: Scenario
manifests: [pool.yaml]
subnets:
  - { id: a, zone: us-east-1a, cidr: 10.0.0.0/24, taken: 60 }
  - { id: b, zone: us-east-1b, cidr: 10.0.1.0/24 }
cni: { ENABLE_PREFIX_DELEGATION: true, WARM_PREFIX_TARGET: 1, MINIMUM_IP_TARGET: 16 }
END
run check network.yaml
exits 1
complains 'subnet "a": prefixes in 10.0.0.0/24, where 60 addresses lie scattered'
complains 'MINIMUM_IP_TARGET=16 without WARM_IP_TARGET is a ceiling'
complains 'WARM_PREFIX_TARGET=1 beside address targets'
complains 'NodePool "default": prefixes with max-pods'
sed -i 's/^cni:.*/cni: { WARM_IP_TARGET: 5, MINIMUM_IP_TARGET: 12, WARM_ENI_TARGET: 1 }/' network.yaml
run check network.yaml
complains 'WARM_ENI_TARGET=1 is ignored beside WARM_IP_TARGET and MINIMUM_IP_TARGET, also when interfaces are released'
cat >aws-node.yaml <<'END'
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: aws-node, namespace: kube-system }
spec:
  selector: { matchLabels: { k8s-app: aws-node } }
  template:
    metadata: { labels: { k8s-app: aws-node } }
    spec:
      hostNetwork: true
      containers:
        - name: aws-node
          image: aws-node
          env:
            - { name: WARM_ENI_TARGET, value: "0" }
            - { name: ENABLE_PREFIX_DELEGATION, value: "false" }
            - { name: MINIMUM_IP_TARGET, value: "ten" }
END
run check aws-node.yaml
exits 1
complains 'aws-node.yaml:14'
complains 'WARM_ENI_TARGET=0: with pods at a multiple'
complains 'aws-node.yaml:16:15: spec.template.spec.containers[0].env[2]: MINIMUM_IP_TARGET: aws-node cannot use "ten" and takes its default silently; expected a whole number from 0 on'
