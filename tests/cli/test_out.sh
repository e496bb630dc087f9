# --out: results are there whole or not at all, and a place that takes none is refused before the first replication

scenario="$ROOT/tests/golden/same_bytes/scenario.yaml"

for place in '' file file/below; do
    : >file
    run compare "$scenario" --horizon 4h --replications 2 --out "$place"
    exits 4
    is_silent
    complains 'cannot hold results: '
    [ ! -s file ] || fail "the file was written to"
done

run compare "$scenario" --horizon 4h --replications 2 --out deep/er
exits 0
[ "$(find deep -type f | wc -l)" = 13 ] || fail "expected 13 files: $(find deep -type f)"
[ -z "$(find deep -name '*.part')" ] || fail "there are parts: $(find deep -name '*.part')"

# a second run into the same place puts its files where the old ones were
find deep -type f -exec cksum {} + | sort >before
run compare "$scenario" --horizon 4h --replications 2 --out deep/er
exits 0
find deep -type f -exec cksum {} + | sort | cmp -s before - || fail "the same run wrote other files"

# no room for all of it: the small files are there whole, the large ones and the summary are not there
run_short() (
    failures=0
    trap '' XFSZ
    ulimit -f 4
    run "$@"
    exits 4
    complains 'events.csv could not be written: '
    finish
)
run_short compare "$scenario" --horizon 6h --replications 2 --out short || fail "without room"
[ -z "$(find short -name events.csv)" ] || fail "half an events.csv is left"
[ ! -e short/summary.json ] || fail "there is a summary of files that are not there"
[ -z "$(find short -name '*.part')" ] || fail "there are parts: $(find short -name '*.part')"

# an end in the middle: an old summary does not stand for what is new, and what is there is whole
"$KERF" compare "$scenario" --horizon 8000h --replications 50 --out deep/er >/dev/null 2>&1 &
ended=$!
while [ -e deep/er/summary.json ] && kill -0 $ended 2>/dev/null; do sleep 0.05; done
sleep 0.3
kill -TERM $ended
wait $ended 2>/dev/null
[ $? = 143 ] || fail "the long run had ended on its own"
[ ! -e deep/er/summary.json ] || fail "the summary of the earlier run is still there"
[ -z "$(find deep -name '*.part')" ] || fail "there are parts: $(find deep -name '*.part')"
for events in deep/er/*/*/events.csv; do
    [ "$(tail -c 1 "$events" | od -An -c | tr -d ' ')" = '\n' ] || fail "$events has no end"
done

# the answer itself
"$KERF" compare "$scenario" --horizon 4h --replications 2 >/dev/full 2>stderr </dev/null
[ $? = 4 ] || fail "expected exit 4 of a full standard output"
complains 'standard output could not be written'

# a scenario may be called anything: its results stay in their folder
cat >pods.yaml <<'END'
apiVersion: v1
kind: Namespace
metadata: {name: a}
END
for file in one two; do
    printf 'apiVersion: kerf/v1alpha1\nkind: Scenario\nmetadata: {name: ../../away}\nmanifests: [pods.yaml]\nhorizon: 1h\nwarmUp: 0s\nreplications: 1\ndesigns: [{name: a}]\n' >$file.yaml
done
run compare one.yaml two.yaml --out in/here
exits 0
[ "$(find in -type f | wc -l)" = 7 ] || fail "expected 7 files below in/here: $(find . -name '*.csv')"
