#!/bin/bash
# scripts/demo mounts and tours, twice over; `scripts/demo stop` leaves nothing. Of the programs in BUILD ($1).
set -u
cd "$(dirname "$0")/../.." || exit 1
dir=$(mktemp -d) || exit 1
export B=${1:-build} MNT=$dir/mnt WERROR=1 XDG_RUNTIME_DIR=$dir
trap 'scripts/demo stop >/dev/null 2>&1; rm -rf --one-file-system "$dir"' EXIT
passed=0 failed=0

# expect STATUS WORDS ARGUMENTS...: scripts/demo with these ends so and says this.
expect() {
	local status=$1 words=$2 out got
	shift 2
	out=$(scripts/demo "$@" 2>&1)
	got=$?
	if [ $got -eq "$status" ] && grep -q "$words" <<<"$out"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "test-demo: scripts/demo $* ended with $got; '$words' expected in: $out"
	fi
}

expect 0 '^Mounted the demo'
expect 0 '^The demo is mounted already'
expect 0 '^ *[0-9]* Success'
kill -KILL "$(pgrep -o -f "icejobfs demo $MNT\$")" # a dead mount is repaired
expect 0 '^Mounted the demo'
expect 0 '^Unmounted' stop
expect 0 '^Nothing is mounted' stop
expect 2 '^usage' nonsense
if [ -e "$MNT" ] || pgrep -f "icejobfs demo $MNT\$" >/dev/null; then
	failed=$((failed + 1))
	echo "test-demo: something is left: $(ls -d "$MNT" 2>&1; pgrep -af "icejobfs demo $MNT\$")"
else
	passed=$((passed + 1))
fi

echo "script tests: $passed passed, $failed failed"
[ -z "${TALLY-}" ] || echo "$passed $failed" >>"$TALLY"
[ "$failed" -eq 0 ]
