# the program itself: its commands and what they share

run --version
exits 0
says 'kerf '
run --help
exits 0
says 'Usage: kerf COMMAND'
says 'pack'
has_no_complaint
run
exits 2
complains 'a command is missing'
run frobnicate
exits 2
complains 'unknown command "frobnicate"'
run --frobnicate
exits 2
complains 'unknown option --frobnicate'

# every command that is listed has its own help
"$KERF" --help | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p' >commands
[ -s commands ] || fail 'no command is listed'
while read -r command; do
    run "$command" --help
    exits 0
    says "Usage: kerf $command"
    run "$command" --no-such-option
    exits 2
done <commands

# an empty path is no folder, least of all the root
for command in 'plan -f' 'check' 'run'; do
    run $command "$ROOT/scenarios/dev_nightly.yaml" --catalog ''
    exits 3
    complains 'catalog: the path is empty'
done
run catalog list --catalog ''
exits 3
