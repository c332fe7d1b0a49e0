# The system call fuzzer: make fuzz-syscalls PLATFORM=trap SECONDS=3600 [SEED=N] [SAN=1].
PLATFORM ?= trap
SECONDS ?= 60
SEED ?= 1
SYSFUZZ_GUEST := $(O)/fuzz/guest

SYSFUZZ_SRCS := $(wildcard tests/fuzz/syscalls/*.c)

$(SYSFUZZ_GUEST): $(SYSFUZZ_SRCS) $(wildcard tests/fuzz/syscalls/*.h) sentry/syscalls.def sentry/argkinds.h
	@mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE -std=gnu17 -O1 -g -static -pthread $(WARN) -I. -o $@ $(SYSFUZZ_SRCS)

fuzz-syscalls: $(O)/nv $(SYSFUZZ_GUEST)
	tests/fuzz/syscalls/run.py $(O)/nv $(PLATFORM) $(SYSFUZZ_GUEST) $(SECONDS) $(O)/fuzz/syscalls --seed $(SEED)

.PHONY: fuzz-syscalls
