# kerf: node provisioning simulator and bin packing engine. `make help` lists the targets.

VERSION := 0.1.0
VARIANT ?= release
CC ?= cc
PREFIX ?= /usr/local
DESTDIR ?=
DEPS ?= yes
BUILD := build/$(VARIANT)

PACKAGES := gcc clang libclang-rt-14-dev pkg-config python3 libyaml-dev libcjson-dev libgsl-dev libglpk-dev libcriterion-dev
LIBRARIES := yaml-0.1 libcjson gsl

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual \
            -Wwrite-strings -Wundef -Wformat=2 -Wno-sign-conversion -Wvla
CFLAGS_release := -O2 -g
CFLAGS_debug := -O0 -g -DKERF_CHECKED
CFLAGS_asan := -O1 -g -DKERF_CHECKED -fsanitize=address -fno-omit-frame-pointer -DARENA_PASSTHROUGH
CFLAGS_ubsan := -O1 -g -DKERF_CHECKED -fsanitize=undefined -fno-sanitize-recover=all
LDFLAGS_asan := -fsanitize=address
LDFLAGS_ubsan := -fsanitize=undefined
ifeq ($(CFLAGS_$(VARIANT)),)
$(error VARIANT is release, debug, asan or ubsan, not "$(VARIANT)")
endif
# -ffp-contract=off: a fused multiply-add would give other last digits on another machine or compiler.
# -fexcess-precision is not an issue on amd64 and arm64. -pthread: replications run on threads.
CFLAGS += -std=c17 -D_GNU_SOURCE -DKERF_VERSION='"$(VERSION)"' -ffp-contract=off -pthread $(WARNINGS) $(CFLAGS_$(VARIANT)) $(WERROR)
CPPFLAGS += -Iinclude -Isrc -I$(BUILD)/gen
LDFLAGS += -pthread $(LDFLAGS_$(VARIANT))
LIBS = $(shell pkg-config --libs $(LIBRARIES) 2>/dev/null) -lm

PACKING_SOURCES := $(wildcard src/packing/*.c)
CLI_SOURCES := $(wildcard src/cli/*.c)
KERF_SOURCES := $(filter-out $(PACKING_SOURCES) $(CLI_SOURCES),$(wildcard src/*/*.c))
objects = $(patsubst %.c,$(BUILD)/%.o,$(1))

PACKING_OBJECTS := $(call objects,$(PACKING_SOURCES))
KERF_OBJECTS := $(call objects,$(KERF_SOURCES))
CLI_OBJECTS := $(call objects,$(CLI_SOURCES))
LIBBINPACK := $(BUILD)/libbinpack.a
LIBKERF := $(BUILD)/libkerf.a
KERF := $(BUILD)/kerf

# Criterion tests: one program a folder of tests/unit, and one each for tests/property and tests/facts.
SUPPORT_OBJECTS := $(call objects,$(wildcard tests/support/*.c))
TEST_FOLDERS := $(sort $(dir $(wildcard tests/unit/*/test_*.c tests/property/test_*.c tests/facts/test_*.c)))
test_program = $(BUILD)/tests/$(subst /,_,$(patsubst tests/%/,%,$(1)))_tests
TEST_PROGRAMS := $(foreach folder,$(TEST_FOLDERS),$(call test_program,$(folder)))
BENCH_PROGRAMS := $(patsubst bench/%.c,$(BUILD)/bench/%,$(wildcard bench/bench_*.c))
FUZZ_TARGETS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
EXAMPLES := $(patsubst docs/examples/%.c,$(BUILD)/examples/%,$(wildcard docs/examples/*.c))

.PHONY: all deps demo test check bench fuzz golden format tidy coverage install clean help
.DELETE_ON_ERROR:
.SECONDARY:

all: $(KERF) $(LIBBINPACK) $(LIBKERF) ## all: the program and both libraries

test: $(TEST_PROGRAMS) $(KERF) ## test: the fast tests
	@tests/run $(BUILD) $(TEST_PROGRAMS)

$(KERF): $(CLI_OBJECTS) $(LIBKERF) $(LIBBINPACK)
	$(CC) $(LDFLAGS) -o $@ $(CLI_OBJECTS) $(LIBKERF) $(LIBBINPACK) $(LIBS)

$(LIBKERF): $(KERF_OBJECTS)
	@rm -f $@
	$(AR) rcs $@ $^

$(LIBBINPACK): $(PACKING_OBJECTS)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Data that goes into the program is read by the assembler (.incbin), so it must be rebuilt with the data.
$(BUILD)/src/catalog/builtin.o: $(wildcard instance_catalog/*.csv)

define test_program_rule
$(call test_program,$(1)): $(call objects,$(wildcard $(1)test_*.c)) $(SUPPORT_OBJECTS) $(LIBKERF) $(LIBBINPACK)
	@mkdir -p $$(@D)
	$(CC) $(LDFLAGS) -o $$@ $$^ $(LIBS) -lcriterion
endef
$(foreach folder,$(TEST_FOLDERS),$(eval $(call test_program_rule,$(folder))))

$(BUILD)/bench/%: $(BUILD)/bench/%.o $(LIBKERF) $(LIBBINPACK)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

clean: ## clean: remove everything that was built
	rm -rf build

help: ## help: this list
	@grep -hE '^[a-z]+:.*## ' Makefile | sed 's/^[^#]*## /  /' | sort
