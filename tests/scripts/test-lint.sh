#!/bin/bash
# A check that cannot fail is no check: each part of scripts/lint that reads C refuses a file made for it and
# accepts a clean one; so do the shell and unit-test runners.
set -u
cd "$(dirname "$0")/../.." || exit 1
mkdir -p build
dir=$(mktemp -d build/test-lint.XXXXXX) || exit 1 # in the tree, where .clang-tidy and .clang-format are found
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0

result() {
	if [ "$1" = ok ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "test-lint: $2"
	fi
}

# lint NAME FILE STATUS: scripts/lint NAME of FILE ends with STATUS.
lint() {
	local status
	TALLY='' LINT_FILES=$dir/$2 scripts/lint "$1" >"$dir/out" 2>&1
	status=$?
	if [ $status -eq "$3" ]; then
		result ok
	else
		result bad "lint $1 of $2 ended with $status: $(cat "$dir/out")"
	fi
}

cat >"$dir/clean.c" <<'C'
#include "base/attr.h"
#include <string.h>

int clean(const char *text);

int clean(const char *text)
{
    CLEANUP_FREE char *copy = strdup(text);
    return copy ? (int)strlen(copy) : -1;
}
C
cat >"$dir/after_free.c" <<'C'
#include <stdlib.h>

int after_free(char *p);

int after_free(char *p)
{
    free(p);
    return p[0];
}
C
cat >"$dir/outside.c" <<'C'
int outside(void);

int outside(void)
{
    int a[3] = {0};
    return a[3];
}
C
printf 'int  f( void );\n' >"$dir/format.c"

for name in format tidy cppcheck; do
	lint $name clean.c 0
done
lint format format.c 1
lint tidy after_free.c 1
lint cppcheck outside.c 1

# runner STATUS WORDS SCRIPT: a unit test program made of SCRIPT; run-unit-tests says WORDS.
runner() {
	printf '#!/bin/bash\n%s\n' "$3" >"$dir/test_it"
	chmod +x "$dir/test_it"
	if out=$(TALLY='' UNIT_TIMEOUT=1 scripts/run-unit-tests "$dir/test_it" 2>&1); then status=0; else status=1; fi
	if [ $status -eq "$1" ] && grep -q "unit tests: $2" <<<"$out"; then
		result ok
	else
		result bad "run-unit-tests ended with $status, not $1 and '$2': $out"
	fi
}

runner 0 '2 passed, 0 failed' 'echo "[       OK ] a"; echo "[       OK ] b"'
runner 1 '1 passed, 1 failed' 'echo "[       OK ] a"; echo "[  FAILED  ] tests: 1 test(s), listed below:"; exit 1'
runner 1 '1 passed, 1 failed' 'echo "[       OK ] a"; kill -SEGV $$'
runner 1 '0 passed, 1 failed' 'sleep 30'
runner 1 '0 passed, 1 failed' 'exit 0'

echo "script tests: $passed passed, $failed failed"
[ -z "${TALLY-}" ] || echo "$passed $failed" >>"$TALLY"
[ "$failed" -eq 0 ]
