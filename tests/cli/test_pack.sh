# kerf pack: answers, exit codes, messages

printf 'name\tcpu\tcount\tmem\nweb\t2\t10\t4\ndb\t4\t3\t16\n' >items.tsv
printf 'price\tname\tmem\tcpu\tlimit\n100\tm5\t16\t4\t\n180\tm5x\t32\t8\t\n0\topen\t8\t2\t1\n' >bins.tsv

run pack --items items.tsv --bins bins.tsv
exits 0
has_no_complaint
says 'bound  680'

run pack --items items.tsv --bins bins.tsv --format json
exits 0
json 'a["schema"]' kerf.pack/v1
json 'a["bound"]' 680
json 'a["gapPercent"] == round(100 * (a["cost"] - 680) / 680, 4)' True
json 'sum(b["count"] * b["kerf"] for b in a["bins"]) + a["kerfUnopened"] == a["cost"] - a["bound"]' True
json 'sum(b["count"] * b["items"].get("web", 0) for b in a["bins"])' 10
json 'sum(b["count"] * b["items"].get("db", 0) for b in a["bins"])' 3
json 'sum(b["count"] * {"m5": 100, "m5x": 180, "open": 0}[b["type"]] for b in a["bins"]) == a["cost"]' True
json 'sum(b["count"] for b in a["bins"] if b["type"] == "open") <= 1' True
json 'a["method"] != "" and a["steps"] > 0' True
cp stdout first
for form in --format=json '--form json'; do
    run pack --bins bins.tsv --items=items.tsv $form
    cmp -s first stdout || fail "another order or form of options gives another answer"
done
for method in ffd bfd; do
    run pack --items items.tsv --bins bins.tsv --method $method --format json
    exits 0
    json 'a["method"]' $method
done

# columns that may be absent, and standard input
printf 'cpu\n1\n3\n' >few_items.tsv
printf 'cpu\tprice\n4\t7\n' >few_bins.tsv
run pack --items few_items.tsv --bins few_bins.tsv --format json
exits 0
json 'a["bins"]' "[{'type': 'bin-1', 'count': 1, 'items': {'item-1': 1, 'item-2': 1}, 'kerf': 0}]"
run_with few_items.tsv pack --items - --bins few_bins.tsv
exits 0
run pack --items - --bins -
exits 2

# .vbp
printf '2\n10 10\n2\n5 5 3\n1 9 1\n' >four.vbp
run pack --vbp four.vbp --format json
exits 0
json 'a["cost"], a["bound"]' '(3, 3)'
json 'sum(b["kerf"] for b in a["bins"])' 0

# the answer is no
printf 'cpu\tprice\n2\t7\n' >small_bins.tsv
run pack --items few_items.tsv --bins small_bins.tsv --format json
exits 1
json 'a["unplaced"]' "{'item-2': 1}"
json 'a["gapPercent"]' None
run pack --items few_items.tsv --bins small_bins.tsv
exits 1
says 'left over: 1 items'

# a limit on steps keeps the best so far
run pack --items items.tsv --bins bins.tsv --steps 10
complains 'the step limit ended the search'

# usage
run pack
exits 2
complains '--items and --bins is missing (or --vbp)'
run pack --vbp four.vbp --items items.tsv
exits 2
run pack --vbp four.vbp --method luck
exits 2
complains '"luck" is not a method'
run pack --vbp four.vbp --format yaml
exits 2
complains '"yaml" is not one of text, json'
run pack --vbp four.vbp --steps -1
exits 2
run pack --vbp four.vbp surplus
exits 2
complains 'unexpected operand "surplus"'
run pack --vpb four.vbp
exits 2
complains 'unknown option --vpb'
run pack --vbp
exits 2
complains '--vbp needs a value'
run pack --help
exits 0
says 'best-fit-decreasing'
has_no_complaint

# input: place, what was found, what was expected
printf 'name\tcpu\tcount\tmem\nweb\tx2\t10\t-4\nweb\t4\t\t16\n' >wrong.tsv
run pack --items wrong.tsv --bins bins.tsv
exits 3
is_silent
complains 'wrong.tsv:2:5: cpu: "x2" is not a whole number'
complains 'wrong.tsv:2:11: mem: -4 is out of range; expected 0 to'
complains 'wrong.tsv:3:7: count: the cell is empty'
complains 'wrong.tsv:3:1: name: "web" is the name of line 2 too'
printf 'cpu\tmem\tgpu\tpric\n1\t2\t3\t4\n' >wrong_bins.tsv
run pack --items items.tsv --bins wrong_bins.tsv
exits 3
complains 'column "price" is missing'
complains 'wrong_bins.tsv:1:9: resource "gpu" is no column of the items'
printf '2\n10 10\n2\n5 5 3\n1 9x 1\n' >wrong.vbp
run pack --vbp wrong.vbp
exits 3
complains 'wrong.vbp:5:3: "9x" was found; expected a size of an item'
printf '2\n10 10\n2\n5 5 3\n1 9\n' >short.vbp
run pack --vbp short.vbp
exits 3
complains 'short.vbp:6:1: the file ends; expected the demand of an item'
printf '99\n' >many.vbp
run pack --vbp many.vbp
exits 3
complains 'many.vbp:1:1: "99" was found; expected the number of dimensions, a whole number from 1 to 16'
printf 'a\t9223372036854775808\n' >huge.vbp
for file in missing.vbp . huge.vbp; do
    run pack --vbp "$file"
    exits 3
    is_silent
    complains "$file:" || complains "$file"
done
: >empty.tsv
head -c 3000 "$KERF" >noise.tsv
for file in empty.tsv noise.tsv /dev/null missing.tsv; do
    run pack --items "$file" --bins bins.tsv
    exits 3
    is_silent
    complains "$file:"
done
printf 'cpu\tcount\n1\t9223372036854775807\n1\t1\n' >overflow.tsv
run pack --items overflow.tsv --bins few_bins.tsv
exits 3
complains 'the number of items outgrows 64 bits'
printf 'cpu\tprice\n1\t9223372036854775807\n' >dear_bins.tsv
printf 'cpu\tcount\n1\t2\n' >two_items.tsv
run pack --items two_items.tsv --bins dear_bins.tsv
exits 3
complains 'outgrows 64 bits'

# machine
if [ -e /dev/full ]; then
    ran='pack >/dev/full'
    "$KERF" pack --vbp four.vbp >/dev/full 2>stderr
    status=$?
    exits 4
    complains 'standard output could not be written'
fi

# a certificate is written, and judged apart; a bound beyond what it proves is refused
run pack --items items.tsv --bins bins.tsv --certificate proof.tsv
exits 0
run pack --items items.tsv --bins bins.tsv --certificate proof.tsv --verify
exits 0
says 'verified: the packing holds all items and costs 720; no packing of all items costs less than 680'
sed 's/^bound	680/bound	700/' proof.tsv >bold.tsv
run pack --items items.tsv --bins bins.tsv --certificate bold.tsv --verify
exits 1
says 'not proven:'
sed 's/^cost	720/cost	700/' proof.tsv >cheap.tsv
run pack --items items.tsv --bins bins.tsv --certificate cheap.tsv --verify
exits 1
says 'wrong:'
# what is wrong in a certificate: each line, and never a crash or an endless check
{ printf 'kerf.certificate/v1\nitem\tnobody\t1\t2\nsearch\t9000000000000000000\nsearch\t-1\ncost\tx\n\n'; } >many.tsv
run pack --items items.tsv --bins bins.tsv --certificate many.tsv --verify
exits 3
complains 'many.tsv:2:1: "nobody" is no item or bin'
complains 'many.tsv:3:1: 9000000000000000000 looks'
complains 'many.tsv:4:1: -1 looks'
complains 'many.tsv:5:1: "x" is not a whole number'
complains 'many.tsv:6:1: "" was found'
sed 's/$/\r/' proof.tsv >lines_of_windows.tsv
run pack --items items.tsv --bins bins.tsv --certificate lines_of_windows.tsv --verify
exits 0
for certificate in . missing.tsv /dev/null /dev/zero; do
    run pack --items items.tsv --bins bins.tsv --certificate "$certificate" --verify
    exits 3
    complains "$certificate"
done
printf 'cpu\tprice\n4\t1\n' >one_bin.tsv
printf 'cpu\tcount\tname\n1\t2\t"a\tb"\n' >tab.tsv
run pack --items tab.tsv --bins one_bin.tsv --certificate tab_proof.tsv
exits 3
[ ! -e tab_proof.tsv ] || fail 'a certificate of a name with a tab was written'
printf 'no certificate\n' >none.tsv
run pack --items items.tsv --bins bins.tsv --certificate none.tsv --verify
exits 3
run pack --items items.tsv --bins bins.tsv --verify
exits 2

# the causes of the gap
run pack --items items.tsv --bins bins.tsv --format json
json 'abs(sum(a["causes"]["idle"].values()) + a["causes"]["dearTypes"] + a["causes"]["dearPlaces"] + a["causes"]["boundRounding"] - 40) < 1e-3' True
json 'a["isCheapest"]' True
json 'sorted(a["fairCost"])' "['db', 'web']"
