# kerf vpc node: the table, its notes, interfaces of others, messages

run vpc node --instance-type m5.large --pods 0,10,27,0
exits 0
says '      10        10         0      3          27          30      7.5s  9 9 9'
says '       0         0         0      1           9          10     39.5s  9'
has_no_complaint
grep -q Note stdout && fail "nothing to note about the defaults"

run vpc node --instance-type m5.large --env MINIMUM_IP_TARGET=10 --pods 0,15
says 'Note: MINIMUM_IP_TARGET=10 without WARM_IP_TARGET is a ceiling'
run vpc node --instance-type m4.large --env ENABLE_PREFIX_DELEGATION=true --pods 3
says 'Note: m4.large cannot take prefixes: it silently hands out secondary addresses'
run vpc node --instance-type m5.large --env ENABLE_POD_ENI=true --pods 20
says 'Note: an interface is kept for the trunk of security groups for pods'
run vpc node --instance-type m5.large --env WARM_IP_TARGET=many --pods 3
exits 0
complains 'WARM_IP_TARGET: aws-node takes its default, since it cannot use "many"'

run vpc node --instance-type m5.large --unmanaged-enis 1 --pods 0,27 --format json
exits 0
json '[s["slots"] for s in a["steps"]], a["steps"][1]["podsPending"]' '([[9], [9, 9]], 9)'
run vpc node --instance-type m5.large --unmanaged-enis 1 --pods 0
says 'Note: 1 interface of m5.large is not the CNI'
run vpc node --instance-type m5.large --unmanaged-enis 3 --pods 0
exits 2
complains 'its primary interface is always managed'
