# kerf vpc max-pods: the value, and why the tools don't agree

run vpc max-pods --instance-type m5.large
exits 0
says '29'
run vpc max-pods --instance-type m5.large --prefix-delegation --format json
exits 0
json 'a["maxPods"], a["byTool"]["karpenter"], a["podAddresses"]' '(110, 29, 432)'
json 'any("know no prefixes" in text for text in a["differences"])' True
run vpc max-pods --instance-type m5.large --custom-networking
exits 0
says '9 pods too many, which stay in ContainerCreating, unless RESERVED_ENIS is 1'
run vpc max-pods --instance-type m5.metal --prefix-delegation
says 'hypervisor nitro, which bare metal does not report'
run vpc max-pods --instance-type m5.4xlarge
says 'cap at 110 what the formula gives (234)'
run vpc max-pods --instance-type m4.large --prefix-delegation
says 'Prefixes are not delegated to this type'

# the calculator adds the two pods of the host network even where custom networking leaves no interface
run vpc max-pods --instance-type t3.nano --custom-networking --max-eni 1 --format json
json 'a["byTool"]["calculator"], a["byTool"]["karpenter"], a["podAddresses"]' '(2, 4, 0)'
