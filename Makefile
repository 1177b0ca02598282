# SPDX-License-Identifier: GPL-2.0
#
# Targets for everything here that is not kernel source. 'make help' lists them.

S := scripts/mseal

GUEST  ?= um
KERNEL ?= patched
export GUEST KERNEL

# make passes the variables of its command line (BUILD=, BASE_VERSION=, KERNEL_SRC=,
# CONFIG=, ARCH=, RUN=, ARGS=, FILES=, FORCE=) to the scripts through the environment.

ifneq ($(words $(GUEST)) $(filter um x86_64 arm64 debian,$(GUEST)),1 $(GUEST))
$(error GUEST=$(GUEST): there is no such guest; it is one of: um x86_64 arm64 debian)
endif
ifneq ($(words $(KERNEL)) $(filter patched pristine,$(KERNEL)),1 $(KERNEL))
$(error KERNEL=$(KERNEL): there is no such kernel; it is one of: patched pristine)
endif

# Each step takes its own lock and uses all CPUs by itself.
.NOTPARALLEL:

.PHONY: help deps tree status export patch kernel guest guest-debian-test deb distro run test test-list \
	test-overlay kunit builds selftests-mm example htmldocs \
	attacks differential sysmap bench stress fuzz coverage mutants clean distclean

help:
	@echo 'make run             all of the set-up, then a demonstration in a booted UML guest'
	@echo 'make test            all of the set-up, then all tests (what .ci/run calls)'
	@echo '                     [SUITES="um kunit ...": only these; make test-list lists them]'
	@echo ''
	@echo 'make guest RUN=prog  run static programs in a guest; passes on output and exit status'
	@echo '                     [ARGS="..."] [GUEST=um|x86_64|arm64] [KERNEL=patched|pristine];'
	@echo '                     GUEST=debian: any program, also gdb, perf, bpftrace [FILES=host:guest]'
	@echo 'make kunit           KUnit tests by kunit.py [ARCH=um|x86_64|arm64] [CONFIG="kasan lockdep"]'
	@echo 'make attacks         attacks and forced writes, on the pristine kernel and on ours [GUEST=]'
	@echo 'make differential    random calls on both kernels, a million; continues where it was'
	@echo '                     stopped [CASES=] [SEED=] [GUEST=um|x86_64]'
	@echo 'make sysmap          only sealed system mappings, in the x86_64 guest [ARCH=arm64]'
	@echo 'make bench           instructions per system call, ours over pristine, exact [TWICE=1];'
	@echo '                     what the trace events cost [EVENTS=1]'
	@echo 'make stress          races with mseal(), Yama and SELinux, with KASAN and lockdep [ROUNDS=]'
	@echo 'make builds          compile what is touched for 18 configurations, 6 architectures and'
	@echo '                     clang, without linking it [ONLY="arm64 ..."]'
	@echo 'make selftests-mm    mainline selftests (mm, proc, ptrace, exec, x86 ...), on the pristine'
	@echo '                     kernel and on ours: the same results? [TESTS="proc mm:ksft_cow.sh"]'
	@echo 'make example         the worked example of Documentation/mm, with KUnit and a guest'
	@echo 'make htmldocs        our documentation by the kernel'\''s sphinx: no warning about it?'
	@echo 'make fuzz            the lock against its reference model, by libFuzzer [SECONDS=] [KEEP=1]'
	@echo 'make coverage        which of our lines KUnit and the userland harness run'
	@echo 'make mutants         plant faults in the lock one by one: do the tests notice? [ONLY= JOBS=]'
	@echo 'make guest-debian-test  gdb, perf, bpftrace, reference policy, run_kselftest.sh in that guest'
	@echo 'make deb             Debian packages in build/deb: the kernel [CONFIG_FILE=/boot/config-...],'
	@echo '                     and mseal-tools: sealmap, sealrun, sysmap-movable, forced_write'
	@echo 'make distro          install these in a Debian system with systemd, and run real programs'
	@echo '                     under each setting [SETTINGS="P A B C"] [AGAIN=1]'
	@echo 'make test-overlay    tests of the tree tooling (seconds, no kernel needed)'
	@echo ''
	@echo 'make tree            build/pristine, and build/linux with this repository applied; the base'
	@echo '                     is the newest patch level of Linux 7.3 that fits'
	@echo '                     [BASE_VERSION=7.3.4] [KERNEL_SRC=/dir|tarball] [FORCE=1: discard edits]'
	@echo 'make export          write edits made in build/linux into this repository'
	@echo 'make status          list edits in build/linux that the repository lacks'
	@echo 'make patch           write build/mseal-attr.patch, all of this repository for git apply'
	@echo 'make kernel          build a kernel [GUEST=] [KERNEL=] [CONFIG="kasan ..."]'
	@echo 'make deps            install the Debian packages that are missing'
	@echo ''
	@echo 'make clean           remove what was built, keep the trees'
	@echo 'make distclean       remove build/ [FORCE=1: with edits not exported]'
	@echo ''
	@echo 'BUILD=dir            build there instead of in build/'
	@echo 'A target runs the steps that it needs; a step that is done is not repeated.'

deps:
	@$S/deps

tree: deps
	@$S/overlay tree

# "export" cannot come first: there it is a directive of make.
status export:
	@$S/overlay $@

patch: tree
	@$S/overlay diff

kernel: tree
	@$(if $(filter arm64,$(GUEST)),$S/deps arm64)
	@$S/build

guest: kernel
	@$(if $(filter debian,$(GUEST)),$S/deps debian && $S/debian >/dev/null)
	@$S/guest $(if $(CONFIG),--config "$(CONFIG)") $(addprefix --file ,$(FILES)) -- $(or $(RUN),$(error RUN= is missing: name a static program, as in 'make guest RUN=path/to/program'))$(if $(ARGS), $(ARGS))

deb: tree
	@$S/deps deb
	@$S/deb

distro: tree
	@$S/deps debian deb
	@$S/debian distro >/dev/null
	@KERNEL=pristine GUEST=debian $S/build >/dev/null
	@CONFIG_FILE= $S/deb >/dev/null
	@$S/distro $(if $(AGAIN),--again) $(SETTINGS)

run: tree
	@KERNEL=patched GUEST=um $S/build >/dev/null
	@KERNEL=pristine GUEST=um $S/build >/dev/null
	@$S/demo

test: tree
	@$S/run-tests $(SUITES)

test-list:
	@$S/run-tests --list

htmldocs: tree
	@$S/deps htmldocs
	@$S/htmldocs

example: tree
	@$S/tests/example --boot

attacks: tree
	@KERNEL=pristine $S/build >/dev/null
	@KERNEL=patched $S/build >/dev/null
	@$S/tests/attacks $(GUEST)
	@$S/tests/forced-writes $(GUEST)

differential: tree
	@KERNEL=pristine $S/build >/dev/null
	@KERNEL=patched $S/build >/dev/null
	@mkdir -p "$${BUILD:-build}/log"
	@$S/tests/differential $(GUEST) --cases $(or $(CASES),1000000) $(if $(SEED),--seed $(SEED)) \
		--state "$${BUILD:-build}/log/differential-$(GUEST).json"

# For arm64 one kernel is enough: a cross compiler builds it, which takes minutes.
sysmap: tree
	@$S/deps $(filter arm64,$(ARCH))
	@KERNEL=patched GUEST=$(or $(ARCH),x86_64) $S/build >/dev/null
	@test -n '$(filter arm64,$(ARCH))' || KERNEL=pristine GUEST=x86_64 $S/build >/dev/null
	@$S/tests/sysmap $(or $(ARCH),x86_64)

bench: tree
	@KERNEL=pristine GUEST=x86_64 CONFIG=bench $S/build >/dev/null
	@KERNEL=patched GUEST=x86_64 CONFIG=bench $S/build >/dev/null
	@$S/bench $(if $(TWICE),--twice) $(if $(EVENTS),--events)

# A guest that times out or whose kernel warns fails; ROUNDS limits the time.
stress: tree
	@KERNEL=patched GUEST=x86_64 CONFIG=kasan $S/build >/dev/null
	@$S/selftests >/dev/null
	@$S/guest --guest x86_64 --kernel patched --config kasan --cpus 2 --timeout 1800 \
		-- "$${BUILD:-build}/selftests/mseal_stress_test" $(or $(ROUNDS),40) \
		--- "$${BUILD:-build}/selftests/forced_write_test" \
		--- "$${BUILD:-build}/selftests/forced_write_test" --yama --quick
	@$S/tests/selinux x86_64 --config kasan

kunit: tree
	@$S/deps $(filter arm64,$(ARCH))
	@$S/kunit

# A compiler that cannot be installed is a skip there.
builds: tree
	@$S/deps arm64 builds || true
	@$S/builds $(ONLY)

selftests-mm: tree
	@$S/deps selftests-mm debian
	@KERNEL=pristine GUEST=debian CONFIG=kselftest $S/build >/dev/null
	@KERNEL=patched GUEST=debian CONFIG=kselftest $S/build >/dev/null
	@$S/debian >/dev/null
	@$S/selftests-mm $(TESTS)

fuzz: tree
	@$S/deps fuzz
	@$S/fuzz $(if $(KEEP),--keep) $(SECONDS)

coverage: tree
	@$S/deps coverage
	@$S/coverage

mutants: tree
	@$S/mutants $(if $(JOBS),--jobs $(JOBS)) $(ONLY)

guest-debian-test: override GUEST := debian
guest-debian-test: tree
	@$S/deps debian selftests-mm
	@$S/debian >/dev/null
	@KERNEL=pristine $S/build >/dev/null
	@KERNEL=patched $S/build >/dev/null
	@$S/selftests >/dev/null
	@$S/tests/debian

test-overlay: deps
	@$S/tests/overlay

clean:
	rm -rf "$${BUILD:-build}/out" "$${BUILD:-build}/log" "$${BUILD:-build}/guest" \
		"$${BUILD:-build}/mutants" "$${BUILD:-build}/coverage" "$${BUILD:-build}/fuzz"

distclean:
	@$S/overlay clean
