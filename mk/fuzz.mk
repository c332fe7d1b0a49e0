# Fuzzers: everything again with clang and its sanitizers, in a directory of its own.
FUZZ_SECONDS ?= 60
FUZZ ?= $(basename $(notdir $(wildcard tests/fuzz/*.c)))
FUZZ_DIR := $(O)/fuzz
FUZZ_SAN := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

fuzz:
	@$(MAKE) --no-print-directory O=$(FUZZ_DIR) CC=clang SAN=2 SANFLAGS="$(FUZZ_SAN)" CFLAGS="-O1 -g" \
	  $(FUZZ:%=$(FUZZ_DIR)/bin/%)
	@for f in $(FUZZ); do \
	  c=$(FUZZ_DIR)/corpus/$$f; s=tests/fuzz/seeds/$$f; mkdir -p $$c; [ -d $$s ] || s=; \
	  [ ! -x tests/fuzz/$$f.seeds ] || tests/fuzz/$$f.seeds $$c || exit 1; \
	  echo "fuzz $$f"; \
	  $(FUZZ_DIR)/bin/$$f -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=4096 -close_fd_mask=1 -len_control=0 \
	    -print_final_stats=1 -artifact_prefix=$$c/ $$c $$s >$$c.log 2>&1 \
	    && grep -h number_of_executed $$c.log || { tail -40 $$c.log; exit 1; }; \
	done

# Included .c files take the place of their objects.
$(O)/bin/%: tests/fuzz/%.c tests/fuzz/fuzz.h $(OBJS)
	@mkdir -p $(@D)
	@echo "  FUZZ  $@"
	$(Q)$(CC) $(ALL_CFLAGS) -Wno-unused-function -fsanitize=fuzzer -o $@ $< \
	  $(filter-out $(if $(filter options,$*),$(O)/runsc-cli/main.o,$(O)/runsc-cli/%) $(patsubst %.c,$(O)/%.o,$(shell sed -n 's/^#include "\(.*\.c\)"/\1/p' $<)),$(OBJS)) \
	  $(LIBS)

.PHONY: fuzz
