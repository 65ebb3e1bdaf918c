#!/bin/bash
# Unit tests after one that failed run in a fresh process: tests/scripts/test-apart.sh BUILDDIR
set -eu
build=${1:?usage: tests/scripts/test-apart.sh BUILDDIR}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cat >"$dir/poison.c" <<'END'
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
static int poison;
static void healthy(void **state) { (void)state; assert_int_equal(poison, 0); }
static void poisonous(void **state) { (void)state; poison = 1; fail(); }
static void skipped(void **state) { (void)state; skip(); }
static int bad_end(void **state) { (void)state; return -1; }
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(skipped), cmocka_unit_test(healthy), cmocka_unit_test(poisonous), cmocka_unit_test(healthy),
		cmocka_unit_test_teardown(healthy, bad_end), cmocka_unit_test(healthy), cmocka_unit_test(poisonous),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
END

# build NAME FLAGS...
build() {
	local name=$1
	shift
	cc -o "$dir/$name" "$dir/poison.c" "$@" "$build/libtestsupport.a" -lcmocka
}

# expect NAME PASSED FAILED
expect() {
	local tally
	TALLY=$dir/$1.tally scripts/run-unit-tests "$dir/$1" >"$dir/$1.log" 2>&1 && return 1
	tally=$(cat "$dir/$1.tally")
	[ "$tally" = "$2 $3" ] || { cat "$dir/$1.log"; echo "$1: wanted $2 passed $3 failed, got $tally"; exit 1; }
}

build apart -Wl,--wrap=_cmocka_run_group_tests,--wrap=_skip
expect apart 3 3
build together # the twin: without it the healthy ones fail too
expect together 1 4 # cmocka's count leaves out the end that failed
