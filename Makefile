# NanoVisor. `make` builds build/nv; `make help` lists the targets.
CC ?= gcc
O ?= build
PREFIX ?= /usr/local
V ?= 0
Q := $(if $(filter 0,$(V)),@)

ifeq ($(SAN),1)
O := build-san
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
endif

# One spelling, so that the dependency files of an earlier run hold.
override O := $(O:$(CURDIR)/%=%)

WARN := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wno-unused-parameter
HARDEN := -fPIE -fstack-protector-strong $(if $(SAN),,-D_FORTIFY_SOURCE=2) -fno-common
CFLAGS ?= -O2 -g
NV_VERSION := 0.1.0
ALL_CFLAGS := -DNV_VERSION=\"$(NV_VERSION)\" -std=gnu17 -D_GNU_SOURCE -I. -I$(O)/gen $(WARN) $(HARDEN) $(SANFLAGS) $(CFLAGS) \
	-fno-strict-aliasing -MMD -MP
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now,-z,noexecstack $(SANFLAGS) $(LDFLAGS)
# Each shared library takes the dynamic linker longer than the rest of the way to main().
LIBS := -l:libjansson.a -l:liblz4.a -lpthread

SRCS := $(sort $(shell find base platform sentry gofer netstack ckpt runsc-cli -name '*.c' \
	-not -path 'platform/trap/stub/*' -not -path 'runsc-cli/node/*' \
	-not -path 'platform/vdso/guest/*'))
ASMS := $(sort $(shell find base platform sentry runsc-cli -name '*.S' -not -path 'platform/trap/stub/*'))
OBJS := $(SRCS:%.c=$(O)/%.o) $(ASMS:%.S=$(O)/%.o)

all: $(O)/nv

$(O)/nv: $(OBJS)
	@echo "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(OBJS) $(LIBS)

# Seccomp filters as arrays: sandboxes start with programs that are ready.
FILTERS := $(foreach f,sentry gofer stub,$(O)/gen/$(f)_filter.h)
$(O)/gen/filters: mk/filters.c platform/trap/layout.h base/sanitize.h base/sanitize.def \
		sentry/hostcalls.def gofer/hostcalls.def platform/trap/hostcalls.def
	@mkdir -p $(@D)
	@echo "  GEN   $@"
	$(Q)$(CC) $(filter-out -MMD -MP,$(ALL_CFLAGS)) $(LDFLAGS_ALL) -o $@ $< -lseccomp
$(O)/gen/%_filter.h: $(O)/gen/filters
	$(Q)$< $* >$@.tmp && mv $@.tmp $@
$(OBJS): | $(FILTERS)

$(O)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(O)/%.o: %.S
	@mkdir -p $(@D)
	@echo "  AS    $<"
	$(Q)$(CC) -I. -DSTUB_ELF='"$(O)/stub.elf"' -DRESEED_MODULE='"$(O)/reseed.node"' -DVDSO_ELF='"$(O)/vdso.elf"' -MMD -MP -g -c -o $@ $<

# The stub runs inside guest address spaces: no libc, no vector registers, no stack protector.
STUB_SRCS := $(wildcard platform/trap/stub/*.c) $(wildcard platform/trap/stub/*.S)
STUB_CFLAGS := -std=gnu17 -D_GNU_SOURCE -I. $(WARN) -O2 -g -ffreestanding -nostdlib -fno-pic -fno-pie -static \
	-fno-stack-protector -mgeneral-regs-only -mno-red-zone -fcf-protection=none -mcmodel=large \
	-fno-asynchronous-unwind-tables -fno-builtin -fno-strict-aliasing
$(O)/stub.elf: $(STUB_SRCS) $(wildcard platform/trap/*.h platform/trap/stub/*.h) platform/vdso/vdso.h platform/trap/stub/stub.ld \
		sentry/syscalls.def
	@mkdir -p $(@D)
	@echo "  STUB  $@"
	$(Q)$(CC) $(STUB_CFLAGS) -Wl,-T,platform/trap/stub/stub.ld -Wl,--build-id=sha1 -Wl,-z,noexecstack \
		-Wl,-z,max-page-size=4096 -o $@ $(STUB_SRCS)
$(O)/platform/trap/stub_image.o: $(O)/stub.elf

# A module that Node loads in the guest; its calls are found in Node.
$(O)/reseed.node: runsc-cli/node/reseed.c
	@mkdir -p $(@D)
	@echo "  NODE  $@"
	$(Q)$(CC) -std=gnu17 $(WARN) -O2 -fPIC -shared -nostdlib -s -Wl,-z,noseparate-code -o $@ $<
$(O)/runsc-cli/node_images.o: $(O)/reseed.node runsc-cli/node/runner.js

# The guest's vDSO: no libc, no relocations, unwind tables.
VDSO_CFLAGS := -std=gnu17 -D_GNU_SOURCE -I. $(WARN) -O2 -ffreestanding -nostdlib -shared -fPIC -fvisibility=hidden \
	-fno-stack-protector -mgeneral-regs-only -fcf-protection=none -fasynchronous-unwind-tables -fno-builtin
$(O)/vdso.elf: platform/vdso/guest/vdso.c platform/vdso/guest/vdso.ld platform/vdso/vdso.h
	@mkdir -p $(@D)
	@echo "  VDSO  $@"
	$(Q)$(CC) $(VDSO_CFLAGS) -Wl,-T,platform/vdso/guest/vdso.ld -Wl,-soname=linux-vdso.so.1 -Wl,--hash-style=both \
		-Wl,--eh-frame-hdr -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -Wl,-s -o $@ $<
$(O)/platform/vdso/vdso_image.o: $(O)/vdso.elf

-include $(OBJS:.o=.d)
-include mk/*.mk

clean:
	rm -rf build build-san

.PHONY: all clean
.DEFAULT_GOAL := all
