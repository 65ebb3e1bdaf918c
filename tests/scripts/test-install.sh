#!/bin/bash
# `make install` puts every file in its place, and `make uninstall` takes away exactly those.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${1:-build}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0

expect() {
	if [ "$1" = "$2" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "test-install: $3: $1"
	fi
}

make -s "B=$build" WERROR=1 "DESTDIR=$dir" PREFIX=/usr install >"$dir.log" 2>&1
expect "$?" 0 "make install: $(cat "$dir.log")"
for file in bin/icejobfs bin/icejobfs-sim sbin/mount.fuse.icejobfs share/man/man1/icejobfs.1; do
	expect "$(cd "$dir/usr" && ls "$file" 2>&1)" "$file" "a file is missing"
done
expect "$(readlink "$dir/usr/sbin/mount.fuse.icejobfs")" /usr/bin/icejobfs "the helper of mount(8) leads elsewhere"
expect "$("$dir/usr/bin/icejobfs" --version | grep -c "$(cat VERSION)")" 1 "the version is not VERSION's"
make -s "B=$build" WERROR=1 "DESTDIR=$dir" PREFIX=/usr uninstall >>"$dir.log" 2>&1
expect "$?" 0 "make uninstall: $(cat "$dir.log")"
expect "$(find "$dir" -type f -o -type l)" "" "files are left"
rm -f "$dir.log"

echo "script tests: $passed passed, $failed failed"
[ -z "${TALLY-}" ] || echo "$passed $failed" >>"$TALLY"
[ "$failed" -eq 0 ]
