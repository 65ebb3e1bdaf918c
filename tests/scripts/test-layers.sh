#!/bin/bash
# A check that cannot fail is no check: scripts/layers accepts a small clean tree, and refuses it with
# one violation of each kind, naming the file.
set -u
layers=$(readlink -f "$(dirname "$0")/../../scripts/layers")
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0

clean_tree() {
	rm -rf "$dir/src" "$dir/include"
	mkdir -p "$dir"/{src,include}/{base,api,job,cache,live,fs,cli,sim,attic}
	printf '#include <stddef.h>\nint buf_add(void);\n' >"$dir/include/base/buf.h"
	printf '#include "job/job.h"\n#include "base/buf.h"\n#include <cjson/cJSON.h>\n' >"$dir/src/job/job.c"
	printf '#include "base/buf.h"\n' >"$dir/include/job/job.h"
	printf '#include "base/buf.h"\n#include <microhttpd.h>\n' >"$dir/src/sim/server.c"
	printf '#include "fs/ops_priv.h"\n/* strcpy( in a comment */\n' >"$dir/src/fs/ops.c"
	printf '#include <fuse_lowlevel.h>\n' >"$dir/include/fs/ops_priv.h"
}

result() {
	if [ "$1" = ok ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "test-layers: $2"
	fi
}

# refused FILE TEXT: the clean tree with TEXT added to FILE is refused, and FILE is named.
refused() {
	clean_tree
	printf '%s\n' "$2" >>"$dir/$1"
	local out
	if out=$("$layers" "$dir"); then
		result bad "accepted in $1: $2"
	elif grep -q "^$1:" <<<"$out"; then
		result ok
	else
		result bad "refused, but $1 is not named: $2"
	fi
}

clean_tree
if "$layers" "$dir"; then
	result ok
else
	result bad "refused a clean tree"
fi

refused src/job/job.c '#include "cache/cache.h"'
refused src/base/buf.c '#include "api/http.h"'
refused include/cache/cache.h '  #  include "live/live.h"'
refused src/api/ice.c '#include "sim/sim.h"'
refused src/sim/server.c '#include "api/acs3.h"'
refused src/cli/main.c '#include "fs/ops_priv.h"'
refused src/cache/cache.c '#include <fuse_lowlevel.h>'
refused src/api/ice.c '#include <curl/curl.h>'
refused src/cache/cache.c '#include <cjson/cJSON.h>'
refused src/fs/ops.c '#include <openssl/evp.h>'
refused src/fs/ops.c '#include <ini.h>'
refused src/api/ice.c '#include <microhttpd.h>'
refused include/job/job.h '#include <cjson/cJSON.h>'
refused src/base/buf.c '#include <glib.h>'
refused src/base/buf.c '#include "buf.h"'
refused src/attic/old.c '#include <stdio.h>'
refused src/fs/ops.c '	strcpy(to, from);'
refused src/fs/ops.c '	n = sprintf (to, "%s", from);'
refused src/fs/ops.c '	t = localtime(&now);'
refused src/fs/ops.c '	return atoi(text);'

echo "script tests: $passed passed, $failed failed"
[ -z "${TALLY-}" ] || echo "$passed $failed" >>"$TALLY"
[ "$failed" -eq 0 ]
