# kerf vpc subnets: the answer, exit codes, messages

run vpc subnets --subnet 10.0.0.0/24@a --subnet 10.0.1.0/24@b --subnet 10.0.2.0/24@c --instance-type m5.xlarge --nodes 30 --pods-per-node 14 \
    --days 1 --replications 3
exits 1
says 'None of them hold'
says 'The first to run out is a, on day 0.00: InsufficientFreeAddressesInSubnet at an interface or address for pods.'
says 'Smallest: secondary addresses, WARM_IP_TARGET=5 MINIMUM_IP_TARGET=14, 768 addresses in all: a /24 in a, a /24 in b, a /24 in c.'
says 'Nodes of 14 pods that fit one after another: 24 (median 24)'
says '################'
has_no_complaint

run vpc subnets --subnet 10.0.0.0/24@a --subnet 10.0.1.0/24@b --subnet 10.0.2.0/24@c --instance-type m5.xlarge --nodes 30 --pods-per-node 14 \
    --days 1 --replications 3 --format json
exits 1
json 'a["schema"]' kerf.vpc.subnets/v1
json 'a["nodesThatFit"]["least"]' 24
json 'a["holds"]["share"]' 0
json '[p["zones"][0]["prefixLength"] for p in a["plans"] if not p["reserved"]]' '[23, 24, 23, 23]'
json 'a["plans"][a["smallest"]]["addresses"]' 768
json '[z["exhaustion"][0]["cause"] for z in a["zones"]]' "['address', 'address', 'address']"
json 'len(a["subnets"][0]["map"])' 16

# a fleet that fits; the same bytes again
run vpc subnets --subnet 10.0.0.0/22@a --group m5.large:4:5 --group c5.4xlarge:2:20 --churn 500 --node-churn 2 --days 2 --replications 4 --given-only
exits 0
says 'All of them hold'
cp stdout first
run vpc subnets --subnet 10.0.0.0/22@a --group m5.large:4:5 --group c5.4xlarge:2:20 --churn 500 --node-churn 2 --days 2 --replications 4 --given-only
cmp -s stdout first || fail "another answer the second time"

# growth runs out on a day; prefixes for want of a block
run vpc subnets --subnet 10.0.0.0/25@a --instance-type m5.large --nodes 2 --pods-per-node 5 --grow 2 --days 4 --replications 2 --given-only --format json
exits 1
json 'a["zones"][0]["exhaustion"][0]["firstDay"] > 1' True
json 'a["zones"][0]["nodesAtExhaustion"]' 6
run vpc subnets --subnet 10.0.0.0/24@a --env ENABLE_PREFIX_DELEGATION=true --taken 100 --instance-type m5.large --nodes 6 --pods-per-node 5 --days 1 \
    --replications 2 --given-only --format json
exits 1
json 'a["zones"][0]["exhaustion"][0]["error"]' InsufficientCidrBlocks
run vpc subnets --subnet 10.0.0.0/24@a --reserve 10.0.0.128/25 --env ENABLE_PREFIX_DELEGATION=true --taken 100 --instance-type m5.large --nodes 3 \
    --pods-per-node 5 --days 1 --replications 2 --given-only
exits 0

# a probability takes replications
run vpc subnets --subnet 10.0.0.0/24@a --instance-type m5.large --nodes 2 --pods-per-node 5 --days 1 --holds 0.95 --replications 20
exits 2
complains 'at least 73'
run vpc subnets --subnet 10.0.0.0/24@a --instance-type m5.large --nodes 2 --pods-per-node 5 --days 1 --holds 0.9 --given-only --format json
exits 0
json 'a["replications"]' 35

# custom networking and IPv6
run vpc subnets --subnet 10.0.0.0/27@a:nodes --subnet 100.64.0.0/22@a:pods --env AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG=true --instance-type m5.large \
    --nodes 20 --pods-per-node 8 --days 1 --replications 2 --given-only --format json
exits 0
json 'a["nodesThatFit"]["least"], a["nodesThatFit"]["cause"]' "(27, 'launch')"
run vpc subnets --subnet 10.0.0.0/26@a --env ENABLE_IPv4=false --env ENABLE_IPv6=true --env ENABLE_PREFIX_DELEGATION=true --instance-type m5.large \
    --nodes 20 --pods-per-node 30 --days 1 --replications 2 --given-only --format json
exits 0
json 'a["zones"][0]["neededPeak"]' 20

# what is no question
run vpc subnets
exits 2
run vpc subnets --subnet 10.0.0.0/24 --instance-type m5.large --nodes 1 --pods-per-node 1
exits 2
complains 'is not CIDR@ZONE'
run vpc subnets --subnet 10.0.0.0/24@a --subnet 10.0.0.128/25@b --instance-type m5.large --nodes 1 --pods-per-node 1
exits 2
complains 'overlaps another subnet'
run vpc subnets --subnet 10.0.0.0/24@a:pods --instance-type m5.large --nodes 1 --pods-per-node 1
exits 2
complains 'no subnet for nodes'
run vpc subnets --subnet 10.0.0.0/24@a --nodes 1
exits 2
run vpc subnets --subnet 10.0.0.0/24@a --instance-type m5.lrage --nodes 1 --pods-per-node 1
exits 3
complains 'm5.large'
run vpc subnets --subnet 10.0.0.0/24@a --env IP_COOLDOWN_PERIOD=-1 --instance-type m5.large --nodes 1 --pods-per-node 1
exits 1
says 'refuses to start'
run vpc subnets "$ROOT/scenarios/subnet_sizing.yaml" --nodes 3
exits 2

# of a scenario
run vpc subnets "$ROOT/scenarios/subnet_sizing.yaml" --design net24-targets --replications 1 --given-only --format json
exits 1
json 'a["nodesThatFit"]["least"]' 39

# a prefix reservation over blocks that give no prefix: the open ones are shared by prefixes and interfaces' own addresses
run vpc subnets --subnet 10.0.0.0/24@a:nodes --subnet 10.1.0.0/26@a:pods --reserve 10.1.0.0/28 --reserve 10.1.0.48/28 \
    --env AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG=true --env ENABLE_PREFIX_DELEGATION=true --env WARM_PREFIX_TARGET=2 --instance-type m5.large \
    --nodes 1 --pods-per-node 1 --days 1 --replications 2 --given-only
exits 1
says 'InsufficientCidrBlocks'

# where EC2 places single addresses: in order they break the fewest blocks
run vpc subnets --subnet 10.0.0.0/24@a --env ENABLE_PREFIX_DELEGATION=true --instance-type m5.large --nodes 6 --pods-per-node 5 --days 1 \
    --replications 2 --given-only --placement lowest --format json
exits 0
json 'a["nodesThatFit"]["least"]' 7
run vpc subnets --subnet 10.0.0.0/24@a --env ENABLE_PREFIX_DELEGATION=true --instance-type m5.large --nodes 6 --pods-per-node 5 --days 1 \
    --replications 2 --given-only --placement highest
exits 2
complains 'random, lowest'

# what would be passed over is refused
fleet='--subnet 10.0.0.0/24@a --group m5.large:4:5 --days 1 --replications 2 --given-only'
for option in '--group m5.large' '--group m5.large:0:1' '--group m5.large:1:1:1' '--instance-type m5.large' '--enis 3' '--design a' '--region us-east-1' \
    '--churn 0x10' '--churn 1e7 --days 3650' '--grow 1e4 --days 3650' '--churn nan' '--grow 1e999' '--days -1' '--days 0' '--seed 18446744073709551616' '--seed 0x1' '--nodes 3'; do
    run vpc subnets $fleet $option
    exits 2
    is_silent
done
run vpc subnets $fleet --group m9.huge:1:1
exits 3
for option in '--taken 5' '--reserve 10.0.0.0/28' '--instance-type m5.large' '--pods-room 5' '--max-pods 5' '--churn 1' '--grow 1' '--days 3'; do
    run vpc subnets "$ROOT/scenarios/subnet_sizing.yaml" $option
    exits 2
    complains 'a scenario has its own'
done
