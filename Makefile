# icejobfs: `make` builds build/icejobfs and build/icejobfs-sim.
#
#   make                    the two programs
#   make check              unit tests, then tests on real mounts
#   make check-unit | check-mounted
#   make check-stress       10,000 changes under readers that never rest, in a few minutes
#   make crash              kill -9 during heavy change: ROUNDS=1000 LANES=6
#   make soak               heavy proofs: soak-latency, -budget, -kill, -studio, -known; SOAK='options', --help tells
#   make bench              docs/performance.md's tables: beside tmpfs and peers, in turns; BENCH='options', --help tells
#   make bench-check        ratios to tmpfs, bare curl and the floor against their targets
#   make check-chokidar     the watcher that Node programs use, from npm
#   make lint               format, layers, clang-tidy, cppcheck, shellcheck, man page
#   make coverage           line and branch coverage of the unit tests
#   make install            PREFIX=/usr/local DESTDIR=
#
# User flags are kept (CFLAGS, LDFLAGS, CPPFLAGS); V=1 shows the commands; SAN=address or SAN=thread builds
# with sanitizers into build/<SAN>; WERROR=1 makes warnings errors.

PREFIX ?= /usr/local
bindir = $(DESTDIR)$(PREFIX)/bin
sbindir = $(DESTDIR)$(PREFIX)/sbin
man1dir = $(DESTDIR)$(PREFIX)/share/man/man1
docdir = $(DESTDIR)$(PREFIX)/share/doc/icejobfs
completiondir = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
VERSION := $(shell cat VERSION)

SAN ?=
B ?= build$(if $(SAN),/$(SAN))
V ?= 0
Q := $(if $(filter 1,$(V)),,@)

PKGS_LIB := fuse3 libcurl openssl libcjson inih sqlite3
PKGS_SIM := libmicrohttpd openssl libcjson
PKGS_TEST := cmocka

CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Wshadow -Wvla -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wwrite-strings -Wpointer-arith -Wcast-align -Wimplicit-fallthrough -Wundef \
	$(if $(WERROR),-Werror)
SAN_address := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_thread := -fsanitize=thread -fno-omit-frame-pointer
HARDEN := -fstack-protector-strong -fPIE $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
HARDEN_LD := -pie -Wl,-z,relro,-z,now

cflags = -std=c11 -D_GNU_SOURCE -Iinclude -I$(B)/gen $(WARN) $(HARDEN) $(SAN_$(SAN)) \
	$(shell pkg-config --cflags $(PKGS_LIB) $(PKGS_SIM) | sed 's/-I/-isystem /g')
ldflags = $(HARDEN_LD) $(SAN_$(SAN)) -pthread
libs_lib = $(shell pkg-config --libs $(PKGS_LIB))
libs_sim = $(shell pkg-config --libs $(PKGS_SIM))
# tests/unit/support/alloc_fail.h, apart.c
WRAP := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup,--wrap=strndup
APART := -Wl,--wrap=_cmocka_run_group_tests,--wrap=_skip
libs_test = $(shell pkg-config --libs $(PKGS_TEST)) $(shell pkg-config --libs libmicrohttpd)
# Asked of pkg-config once, not for every file.
cflags := $(cflags)
libs_lib := $(libs_lib)
libs_sim := $(libs_sim)
libs_test := $(libs_test)

# From the lowest floor up; a room uses only rooms before it.
ROOMS ?= base api job cache live fs cli
LIB_SRC := $(filter-out src/cli/main.c,$(wildcard $(foreach r,$(ROOMS),src/$(r)/*.c)))
SIM_SRC := $(filter-out src/sim/main.c,$(wildcard src/sim/*.c))
TEST_SRC := $(wildcard $(foreach r,$(ROOMS) sim,tests/unit/$(r)/test_*.c))
TESTLIB_SRC := $(wildcard tests/unit/support/*.c)
obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
TESTS := $(patsubst tests/unit/%.c,$(B)/tests/%,$(TEST_SRC))
STRESS_SRC := $(wildcard tests/stress/*.c)
BENCH_SRC := $(wildcard tests/bench/*.c)
BENCHES := $(patsubst tests/bench/%.c,$(B)/bench/%,$(BENCH_SRC))
CRASH_SRC := $(wildcard tests/crash/*.c)
ROUNDS ?= 1000
LANES ?= 6

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: FORCE all check check-unit check-mounted check-stress check-chokidar tests stress crash soak lint coverage install \
	uninstall clean

all: $(B)/icejobfs $(B)/icejobfs-sim

$(B)/icejobfs: $(B)/obj/src/cli/main.o $(B)/libicejobfs.a
	@echo "  LINK  $@"
	$(Q)$(CC) $(ldflags) $(LDFLAGS) -o $@ $^ $(libs_lib)

$(B)/icejobfs-sim: $(B)/obj/src/sim/main.o $(B)/libicesim.a $(B)/libicejobfs.a
	@echo "  LINK  $@"
	$(Q)$(CC) $(ldflags) $(LDFLAGS) -o $@ $^ $(libs_sim)

$(B)/libicejobfs.a: $(call obj,$(LIB_SRC))
$(B)/libicesim.a: $(call obj,$(SIM_SRC))
$(B)/libtestsupport.a: $(call obj,$(TESTLIB_SRC))
$(B)/%.a:
	@echo "  AR    $@"
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/obj/%.o: %.c $(B)/flags
	@echo "  CC    $<"
	@mkdir -p $(@D)
	$(Q)$(CC) $(cflags) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The flags are a prerequisite: other flags, other objects.
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(cflags) $(CPPFLAGS) $(CFLAGS) $(ldflags) $(LDFLAGS)' | cmp -s - $@ || \
		echo '$(CC) $(cflags) $(CPPFLAGS) $(CFLAGS) $(ldflags) $(LDFLAGS)' > $@
FORCE:

$(B)/gen/version.h: VERSION
	@mkdir -p $(@D)
	$(Q)printf '#define ICEJOBFS_VERSION "%s"\n' '$(VERSION)' > $@
$(call obj,$(LIB_SRC) $(SIM_SRC) src/cli/main.c src/sim/main.c): | $(B)/gen/version.h

tests: $(TESTS)
$(B)/tests/%: $(B)/obj/tests/unit/%.o $(B)/libicesim.a $(B)/libtestsupport.a $(B)/libicejobfs.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	$(Q)$(CC) $(ldflags) $(WRAP) $(APART) $(LDFLAGS) -o $@ $(filter-out %.a,$^) -Wl,--start-group $(filter %.a,$^) \
		-Wl,--end-group $(libs_lib) $(libs_sim) $(libs_test)
stress: $(B)/stress/torn
$(B)/stress/torn: $(call obj,$(STRESS_SRC)) $(B)/libtestsupport.a $(B)/libicejobfs.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	$(Q)$(CC) $(ldflags) $(WRAP) $(LDFLAGS) -o $@ $(filter-out %.a,$^) -Wl,--start-group $(filter %.a,$^) \
		-Wl,--end-group $(libs_lib) $(libs_test)
$(B)/crash/crash: $(call obj,$(CRASH_SRC)) $(B)/libicejobfs.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	$(Q)$(CC) $(ldflags) $(LDFLAGS) -o $@ $^ $(libs_lib)
$(call obj,$(STRESS_SRC) $(CRASH_SRC)): cflags += -Itests
$(call obj,$(TEST_SRC) $(TESTLIB_SRC) $(STRESS_SRC)): cflags += -Itests/unit -DTEST_DATA='"$(CURDIR)/tests/data"'

$(B)/bench/%: $(B)/obj/tests/bench/%.o $(B)/libicejobfs.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	$(Q)$(CC) $(ldflags) $(LDFLAGS) -o $@ $^ $(libs_lib)

check: check-unit check-mounted
check-unit: all tests
	$(Q)scripts/run-unit-tests $(TESTS)
check-mounted: all
	$(Q)scripts/run-mounted-tests $(B)
check-chokidar: all
	$(Q)scripts/check-chokidar $(B)
check-stress: all stress
	$(Q)scripts/stress $(B)

crash: $(B)/crash/crash
	$(Q)scripts/crash $(B) $(ROUNDS) $(LANES)

bench: all $(BENCHES)
	$(Q)tests/bench/run files --build $(B) $(BENCH)
	$(Q)tests/bench/run api --build $(B)
	$(Q)tests/bench/run scale --build $(B)
	$(Q)tests/bench/run report
bench-check: all $(BENCHES)
	$(Q)tests/bench/run check --build $(B) $(BENCH)

soak: soak-latency soak-budget soak-kill soak-studio soak-known
soak-%: all
	$(Q)tests/soak/run $* --build $(B) $(SOAK)

lint:
	$(Q)scripts/lint

coverage:
	$(Q)scripts/coverage

install: all
	install -d $(bindir) $(sbindir) $(man1dir) $(docdir) $(completiondir)
	install -m 755 $(B)/icejobfs $(B)/icejobfs-sim $(bindir)
	ln -sf $(PREFIX)/bin/icejobfs $(sbindir)/mount.fuse.icejobfs
	install -m 644 docs/icejobfs.1 $(man1dir)
	install -m 644 docs/icejobfs.conf $(docdir)
	install -m 644 docs/completion/icejobfs.bash $(completiondir)/icejobfs

uninstall:
	rm -f $(bindir)/icejobfs $(bindir)/icejobfs-sim $(sbindir)/mount.fuse.icejobfs $(man1dir)/icejobfs.1 \
		$(docdir)/icejobfs.conf $(completiondir)/icejobfs
	-rmdir $(docdir)

clean:
	rm -rf build

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
