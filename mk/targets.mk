# What a person types.
DEPS := gcc make libseccomp-dev libjansson-dev libmicrohttpd-dev check libssl-dev libzstd-dev liblz4-dev pkg-config
TEST_DEPS := libcapstone-dev erofs-utils busybox-static musl-tools curl git python3 procps openssl strace gdb bubblewrap \
   acl attr rsync inotify-tools lsof psmisc iproute2 htop skopeo
# What tests/programs runs; whole programs, too long for check.
PROGRAM_DEPS := perl ruby php-cli openjdk-17-jdk-headless golang-go rustc redis-server postgresql nginx-light curl \
  git vim tmux bsdextrautils apt dpkg stress-ng
BENCH_DEPS := wrk sqlite3 git python3
PLOT_DEPS := gnuplot-nox python3
LINT_DEPS := clang-tidy cppcheck
PLATFORMS ?= trap $(if $(filter 1,$(SAN)),,ptrace)
NV := $(O)/nv
# What one conformance program or integration case may take, in seconds: longer with sanitizers.
CONFORM_SECONDS := $(if $(filter 1,$(SAN)),120,20)
export CASE_TIMEOUT ?= $(if $(filter 1,$(SAN)),240,60)
# Compilers at a time; tests run one by one.
JOBS ?= $(shell nproc)

help:
	@echo "make             build $(O)/nv (SAN=1: with ASan and UBSan)"
	@echo "make demo        install what is missing, build, run a Node function in the sandbox"
	@echo "make check       install what is missing, build, run all tests"
	@echo "make fuzz        each fuzzer for FUZZ_SECONDS (60); make hostile, idle, conformance...: parts of check"
	@echo "make programs    databases, servers, compilers, editors in the sandbox, compared with native runs"
	@echo "make fuzz-syscalls PLATFORM=trap SECONDS=60: random programs in the sandbox"
	@echo "make bench       the micro benchmark natively and in the sandbox (BENCH=nvmicro.c)"
	@echo "make bench-plot  charts of its figures in tests/bench/charts"
	@echo "make SAN=1 check the same with ASan and UBSan, on the trap platform unless PLATFORMS says otherwise"
	@echo "make lint        clang-tidy and cppcheck;  make format: clang-format"
	@echo "make install     to $(PREFIX)/bin"

# Packages are Debian's; installed only when missing, as root. $(call install,PACKAGES)
define install
	@missing=$$(dpkg-query -W -f='$${Package} $${db:Status-Abbrev}\n' $(1) 2>&1 | \
	  awk '/no packages found/{print $$NF} $$2!="ii" && !/no packages/{print $$1}'); \
	if [ -n "$$missing" ]; then \
	  echo "installing: $$missing"; \
	  (apt-get install -y -q $$missing || (apt-get update -q && apt-get install -y -q $$missing)) >/dev/null || exit 1; \
	fi
endef

deps:
	$(call install,$(DEPS) $(TEST_DEPS))
	@command -v node >/dev/null || apt-get install -y -q nodejs npm >/dev/null

demo: deps
	@$(MAKE) --no-print-directory -j$(JOBS) all
	$(NV) run examples/hello.js --event '{"name": "world"}'

UNIT_SRCS := $(wildcard tests/unit/test_*.c)
UNIT_BINS := $(UNIT_SRCS:tests/unit/%.c=$(O)/unit/%)
LIB_OBJS = $(filter-out $(O)/runsc-cli/%,$(OBJS))

$(O)/unit/%: tests/unit/%.c $(wildcard tests/unit/*.h) $(OBJS)
	@mkdir -p $(@D)
	@echo "  UNIT  $@"
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS_ALL) -o $@ $< $(LIB_OBJS) $(LIBS) -lcheck -lsubunit -lcapstone -lm -lrt

unit: $(UNIT_BINS)
	@for t in $(UNIT_BINS); do $$t || exit 1; done

# What Linux does is looked at where a root directory's file system is, as in the sandbox: /tmp may be a tmpfs.
NATIVE := env TMPDIR=/var/tmp

conformance: $(NV)
	@$(MAKE) --no-print-directory -j$(JOBS) -C syscall-conformance O=$(abspath $(O)) CC=$(CC)
	$(O)/conform --timeout $(CONFORM_SECONDS) --known syscall-conformance/known --json $(O)/conformance.json --run "native=$(NATIVE)" \
	  $(foreach p,$(PLATFORMS),--run "$(p)=$(abspath $(NV)) run --io-uring --platform=$(p) --") \
	  $(if $(filter trap,$(PLATFORMS)),--run "eager=$(abspath $(NV)) run --io-uring --platform=trap --patch=eager --") $(O)/conf
	@[ ! -f runsc-cli/verified.def ] || tests/verified.py $(O)/conformance.json syscall-conformance runsc-cli/verified.def --check

# Behaviours of files again in a directory of the host, which the gofer serves.
conformance-mount: $(NV)
	@$(MAKE) --no-print-directory -j$(JOBS) -C syscall-conformance O=$(abspath $(O)) CC=$(CC)
	@rm -rf $(O)/mounted; mkdir -m 1777 $(O)/mounted
	@for s in 'file/*' 'dir/*' 'xattr/*' 'unix/*' 'pipe/fifo*'; do \
	  $(O)/conform --timeout $(CONFORM_SECONDS) --known syscall-conformance/known-mount --run "native=$(NATIVE)" --only "$$s" \
	    $(foreach p,$(PLATFORMS),--run "$(p)=$(abspath $(NV)) run --io-uring --platform=$(p) --mount $(abspath $(O))/mounted:/m --env TMPDIR=/m --") \
	    $(O)/conf || exit 1; \
	done

# The results as the table of nv syscalls --verified, which is committed.
verified: conformance
	tests/verified.py $(O)/conformance.json syscall-conformance runsc-cli/verified.def
	@$(MAKE) --no-print-directory all

integration: $(NV)
	tests/integration/run.sh $(NV) "$(PLATFORMS)"

programs: deps $(NV)
	$(call install,$(PROGRAM_DEPS))
	CASE_TIMEOUT=600 tests/integration/run.sh $(NV) "$(PLATFORMS)" $(wildcard tests/programs/*_*)

hostile: $(NV)
	tests/hostile/run.sh $(NV) "$(PLATFORMS)" $(O)

idle: $(NV)
	tests/integration/idle.sh $(NV) "$(PLATFORMS)"

checkpoint: $(NV)
	tests/checkpoint/run.sh $(NV) "$(PLATFORMS)"
	tests/checkpoint/compat.sh $(NV) "$(PLATFORMS)"

# Each behaviour again, in a program that moves to another sandbox every few calls.
conformance-moved: $(NV)
	@$(MAKE) --no-print-directory -j$(JOBS) -C syscall-conformance O=$(abspath $(O)) CC=$(CC)
	$(O)/conform --timeout $(CONFORM_SECONDS) --known syscall-conformance/known-moved --except generated --run "native=$(NATIVE)" \
	  $(foreach p,$(PLATFORMS),--run "$(p)=$(abspath $(NV)) run --hostname=moved --platform=$(p) --checkpoint-every 20 --") $(O)/conf

checkpoint-soak: $(NV)
	CLONES=1000 KILLS=200 tests/checkpoint/run.sh $(NV) "$(PLATFORMS)"

host: $(NV)
	tests/integration/host.sh $(NV) "$(PLATFORMS)"
	tests/integration/files.sh $(NV) "$(PLATFORMS)"
	tests/integration/attributes.sh $(NV) "$(PLATFORMS)"
	tests/integration/user.sh $(NV) "$(PLATFORMS)"
	tests/integration/erofs.sh $(NV) "$(PLATFORMS)"
	tests/integration/selftest.sh $(NV) "$(PLATFORMS)"
	tests/integration/core.sh $(NV) "$(PLATFORMS)"
	tests/integration/image.sh $(NV)
	tests/integration/image_hostile.py $(NV) "$(PLATFORMS)"
	tests/integration/checkpoint_files.sh $(NV) "$(PLATFORMS)"
	tests/integration/checkpoint_ipc.sh $(NV) "$(PLATFORMS)"
	tests/integration/checkpoint_memory.sh $(NV) "$(PLATFORMS)"
	tests/integration/checkpoint_ns.sh $(NV) "$(PLATFORMS)"

# The page of what each process may ask of the host.
hostcalls:
	mk/hostcalls.py sentry/HOSTCALLS.md

check: deps
	@mk/hostcalls.py sentry/HOSTCALLS.md --check
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@$(MAKE) --no-print-directory -j$(JOBS) unit
	@$(MAKE) --no-print-directory host
	@$(MAKE) --no-print-directory integration
	@$(MAKE) --no-print-directory idle
	@$(MAKE) --no-print-directory checkpoint
	@$(MAKE) --no-print-directory hostile
	@$(MAKE) --no-print-directory conformance
	@$(MAKE) --no-print-directory conformance-mount

# The benchmark program is given by its path; it is not part of this tree.
BENCH ?= ../shared/bench/nvmicro.c
bench: $(NV) $(O)/bench-cost
	$(call install,$(BENCH_DEPS))
	tests/bench/run.sh $(NV) "$(PLATFORMS)" $(BENCH) $(O) $(O)/bench-cost
	tests/bench/programs.sh $(NV) "$(PLATFORMS)" $(O)/bench-cost $(O)/bench-programs.json
	tests/bench/warm.sh $(NV) $(O)/bench-warm.json

# The README's charts, from the last run of bench.
bench-plot:
	$(call install,$(PLOT_DEPS))
	tests/bench/plot.sh $(O) tests/bench/charts

$(O)/bench-cost: tests/bench/cost.c
	@mkdir -p $(@D)
	$(Q)$(CC) -O2 $(WARN) -D_GNU_SOURCE -o $@ $<

format:
	find . -name '*.[ch]' -not -path './build*' | xargs clang-format -i

# .clang-tidy says which checks are left out. One file a process: clang-tidy 14 carries the state of
# one file's analysis to the next.
LINT_DIRS := base platform sentry gofer netstack ckpt runsc-cli tests syscall-conformance
lint: cppcheck clang-tidy
lint-deps:
	$(call install,$(LINT_DEPS))

cppcheck: lint-deps
	cppcheck -q -j2 --enable=warning,portability,performance --error-exitcode=1 --inline-suppr -I. \
	  --suppress=unknownMacro --suppress=nullPointerRedundantCheck $(LINT_DIRS)

clang-tidy: lint-deps $(FILTERS)
	find $(LINT_DIRS) -name '*.c' | xargs -P2 -n1 sh -c 'out=$$(clang-tidy --quiet "$$0" -- -std=gnu17 \
	  -D_GNU_SOURCE -I. -I$(O)/gen -Isyscall-conformance -DNV_VERSION=\"$(NV_VERSION)\" 2>/dev/null) || \
	  { echo "$$out"; exit 1; }'

install: all
	install -D -m 755 $(NV) $(DESTDIR)$(PREFIX)/bin/nv

.PHONY: conformance-mount hostcalls verified checkpoint checkpoint-soak conformance-moved lint-deps cppcheck clang-tidy help deps demo unit programs conformance integration hostile idle host check bench bench-plot format lint install
