# kerf: node provisioning simulator and bin packing engine. `make help` lists the targets.

VERSION := 0.1.0
VARIANT ?= release
CC ?= cc
PREFIX ?= /usr/local
DESTDIR ?=
DEPS ?= yes
BUILD := build/$(VARIANT)

# Debian's packages: what the program is built with, what the tests need beside that, and the rest for `make check`.
BUILD_PACKAGES := gcc libc6-dev pkg-config libyaml-dev libgsl-dev
TEST_PACKAGES := $(BUILD_PACKAGES) libcriterion-dev libcjson-dev python3
CHECK_PACKAGES := $(TEST_PACKAGES) clang libclang-rt-14-dev
LIBRARIES := yaml-0.1 gsl
TEST_LIBRARIES := libcjson

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual \
            -Wwrite-strings -Wundef -Wformat=2 -Wno-sign-conversion -Wvla
CFLAGS_release := -O2 -g
CFLAGS_debug := -O0 -g -DKERF_CHECKED
CFLAGS_asan := -O1 -g -DKERF_CHECKED -fsanitize=address -fno-omit-frame-pointer -DARENA_PASSTHROUGH
CFLAGS_ubsan := -O1 -g -DKERF_CHECKED -fsanitize=undefined -fno-sanitize-recover=all
CFLAGS_fuzz := -O1 -g -DKERF_CHECKED -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -DARENA_PASSTHROUGH
LDFLAGS_asan := -fsanitize=address
LDFLAGS_fuzz := -fsanitize=address,undefined
LDFLAGS_ubsan := -fsanitize=undefined
ifeq ($(CFLAGS_$(VARIANT)),)
$(error VARIANT is release, debug, asan, ubsan or fuzz (with CC=clang), not "$(VARIANT)")
endif
# -ffp-contract=off: a fused multiply-add would give other last digits on another machine or compiler.
# -fexcess-precision is not an issue on amd64 and arm64. -pthread: replications run on threads.
CFLAGS += -std=c17 -D_GNU_SOURCE -DKERF_VERSION='"$(VERSION)"' -ffp-contract=off -pthread $(WARNINGS) $(CFLAGS_$(VARIANT)) $(WERROR)
CPPFLAGS += -Iinclude -Isrc -I$(BUILD)/gen
LDFLAGS += -pthread $(LDFLAGS_$(VARIANT))
LIBS = $(shell pkg-config --libs $(LIBRARIES) 2>/dev/null) -lm
CJSON_LIBS = $(shell pkg-config --libs $(TEST_LIBRARIES) 2>/dev/null)
TEST_LIBS = -lcriterion $(CJSON_LIBS)

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

.PHONY: all deps demo test run-tests check engines bench fuzz replay golden format tidy coverage install clean help
.DELETE_ON_ERROR:
.SECONDARY:

all: $(KERF) $(LIBBINPACK) $(LIBKERF) ## all: the program and both libraries

deps: ## deps: install the Debian packages that are missing (DEPS=no: only name them)
	@DEPS=$(DEPS) tools/deps $(CHECK_PACKAGES)

# What must be installed comes before anything is compiled, so the work itself is a make of its own.
demo: ## demo: the main job, on a machine with git and make alone: three designs of one cluster, side by side
	@DEPS=$(DEPS) tools/deps $(BUILD_PACKAGES)
	@$(MAKE) --no-print-directory $(KERF)
	$(KERF) compare scenarios/prod_tiers.yaml

test: ## test: the fast tests
	@DEPS=$(DEPS) tools/deps $(TEST_PACKAGES)
	@$(MAKE) --no-print-directory run-tests

run-tests: $(TEST_PROGRAMS) $(KERF)
	@tests/run $(BUILD) $(TEST_PROGRAMS)
	@tests/recorded/check $(KERF)

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
	$(CC) $(LDFLAGS) -o $$@ $$^ $(LIBS) $(TEST_LIBS)
endef
$(foreach folder,$(TEST_FOLDERS),$(eval $(call test_program_rule,$(folder))))

$(BUILD)/bench/%: $(BUILD)/bench/%.o $(LIBKERF) $(LIBBINPACK)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

# BASELINE names the build folder of another version (build/release of its tree); its programs run in turn with ours.
bench: $(BENCH_PROGRAMS) ## bench: all benchmarks at full size (BASELINE=other/build/release compares)
	@for program in $(notdir $(BENCH_PROGRAMS)); do for build in $(BASELINE) $(BUILD); do \
	    echo "== $$build $$program"; nice $$build/bench/$$program || exit 1; done; done

# ---- fuzzing: a target per reader, and its corpus, which the checks replay without libFuzzer ----

FUZZ_SECONDS ?= 60
TARGET ?= $(FUZZ_TARGETS)

fuzz: ## fuzz: look for new inputs that break a reader (TARGET=fuzz_json FUZZ_SECONDS=60)
	@$(MAKE) --no-print-directory VARIANT=fuzz CC=clang $(patsubst %,fuzz-%,$(TARGET))

fuzz-%: $(BUILD)/fuzz/%
	@mkdir -p $(BUILD)/corpus/$*
	cd $(BUILD) && fuzz/$* -max_total_time=$(FUZZ_SECONDS) -timeout=10 -max_len=8192 -print_final_stats=1 \
	    corpus/$* $(CURDIR)/tests/fuzz/corpus/$*

$(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/%.o $(LIBKERF) $(LIBBINPACK)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS) $(CJSON_LIBS)

$(BUILD)/replay/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/replay.o $(LIBKERF) $(LIBBINPACK)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS) $(CJSON_LIBS)

replay: $(patsubst %,replay-%,$(FUZZ_TARGETS))

replay-%: $(BUILD)/replay/%
	@printf '%s: ' $*; ASAN_OPTIONS=abort_on_error=1 $< tests/fuzz/corpus/$*/*

# ---- check: each step can be run alone (make check-includes); a new one is a line in CHECKS and a rule ----

CHECKS := check-includes check-headers check-packer-alone check-install check-tests check-engines check-cli check-golden check-sanitizers check-bench

.PHONY: $(CHECKS)
check: export WERROR := -Werror
check: ## check: everything that must hold before a change is merged
	@DEPS=$(DEPS) tools/deps $(CHECK_PACKAGES)
	@for check in $(CHECKS); do $(MAKE) --no-print-directory $$check || exit 1; done
	@echo "all checks passed"

check-includes:
	tests/house/check_includes

# Each header compiles alone; those of include/ also without src/.
HEADERS := $(wildcard src/*/*.h)
PUBLIC_HEADERS := $(wildcard include/*/*.h)

check-headers:
	@for header in $(PUBLIC_HEADERS); do $(CC) -Iinclude $(CFLAGS) -Werror -fsyntax-only -x c $$header || exit 1; done
	@for header in $(HEADERS); do $(CC) $(CPPFLAGS) $(CFLAGS) -Werror -fsyntax-only -x c $$header || exit 1; done
	@echo "$(words $(PUBLIC_HEADERS) $(HEADERS)) headers compile alone"

# The packer needs nothing but libc: a program of all its objects links without any library.
check-packer-alone: $(PACKING_OBJECTS) $(LIBBINPACK)
	@mkdir -p $(BUILD)
	@echo 'int main(void) { return 0; }' >$(BUILD)/packer_alone.c
	$(CC) $(LDFLAGS) -Wl,--no-undefined -o $(BUILD)/packer_alone $(BUILD)/packer_alone.c $(PACKING_OBJECTS)
	$(CC) $(LDFLAGS) -std=c17 -Wall -Wextra -Werror -Iinclude -o $(BUILD)/pack_alone docs/examples/pack_alone.c $(LIBBINPACK)
	$(BUILD)/pack_alone | diff docs/examples/pack_alone.out -

# The example of the packer, built and run against what is installed and nothing else.
INSTALLED := $(CURDIR)/$(BUILD)/installed
check-install: all
	@rm -rf $(INSTALLED)
	@$(MAKE) --no-print-directory PREFIX=$(INSTALLED) DESTDIR= install >/dev/null
	cd $(INSTALLED) && export PKG_CONFIG_PATH=$(INSTALLED)/lib/pkgconfig && cp $(CURDIR)/docs/examples/pack_alone.c . && \
	    $(CC) -std=c17 -Wall -Wextra -Werror $$(pkg-config --cflags binpack) -o pack_alone pack_alone.c $$(pkg-config --libs binpack) && \
	    ./pack_alone | diff $(CURDIR)/docs/examples/pack_alone.out - && bin/kerf pack --help >/dev/null

check-tests: export KERF_TEST_EFFORT := large
check-tests: run-tests

check-engines: engines

# Commands: exit codes, messages, answers.
check-cli: $(KERF)
	@tests/cli/run $(KERF)

ENGINE_CASES ?= 10000
ENGINE_FIRST ?= 1
engines: $(call test_program,tests/property/) ## engines: both engines of provisioning on random worlds (ENGINE_CASES=10000 ENGINE_FIRST=1)
	KERF_ENGINE_CASES=$(ENGINE_CASES) KERF_ENGINE_FIRST=$(ENGINE_FIRST) nice $< --filter 'engines/*'

# What is recorded under tests/golden is still what comes out.
check-golden: $(KERF)
	@for script in $(wildcard tests/golden/*.sh); do KERF=$(KERF) $$script || exit 1; done

# One make a variant: two at once would write the same files.
check-sanitizers:
	@$(MAKE) --no-print-directory VARIANT=asan run-tests replay check-cli
	@$(MAKE) --no-print-directory VARIANT=ubsan run-tests replay check-cli

# Benchmarks run small, so that they cannot rot; their figures mean nothing here.
check-bench: $(BENCH_PROGRAMS)
	@for program in $(BENCH_PROGRAMS); do $$program --small >/dev/null || exit 1; done
	@echo "$(words $(BENCH_PROGRAMS)) benchmarks run"

# ---- keeping house, installing ----

SOURCES := $(wildcard src/*/*.[ch] include/*/*.h bench/*.[ch] tests/*/*.[ch] tests/*/*/*.[ch])

golden: $(KERF) ## golden: rewrite the expected outputs under tests/golden; read the diff before you commit it
	@for script in $(wildcard tests/golden/*.sh); do KERF=$(KERF) $$script --rewrite || exit 1; done

format: ## format: clang-format over all sources
	clang-format -i $(SOURCES)

tidy: ## tidy: clang-tidy over the sources
	clang-tidy --quiet $(wildcard src/*/*.c) -- $(CPPFLAGS) $(CFLAGS)

coverage: ## coverage: lines that the tests run, by file
	@$(MAKE) --no-print-directory BUILD=build/coverage CFLAGS_release='-O0 -g --coverage' LDFLAGS_release=--coverage run-tests
	gcov -r -s . -o build/coverage $$(find build/coverage/src -name '*.gcda') 2>/dev/null | grep -A1 "^File 'src" | paste - - - | sort

install: all ## install: program, libraries, headers, pkg-config files (PREFIX=/usr/local, DESTDIR=)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include/kerf $(DESTDIR)$(PREFIX)/include/binpack
	install -m 755 $(KERF) $(DESTDIR)$(PREFIX)/bin/kerf
	install -m 644 $(LIBKERF) $(LIBBINPACK) $(DESTDIR)$(PREFIX)/lib/
	install -m 644 include/kerf/*.h $(DESTDIR)$(PREFIX)/include/kerf/
	install -m 644 include/binpack/*.h $(DESTDIR)$(PREFIX)/include/binpack/
	install -d $(DESTDIR)$(PREFIX)/share/doc/binpack && install -m 644 src/packing/LICENSE $(DESTDIR)$(PREFIX)/share/doc/binpack/
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' tools/kerf.pc.in >$(DESTDIR)$(PREFIX)/lib/pkgconfig/kerf.pc
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' tools/binpack.pc.in >$(DESTDIR)$(PREFIX)/lib/pkgconfig/binpack.pc

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

clean: ## clean: remove everything that was built
	rm -rf build

help: ## help: this list
	@grep -hE '^[a-z]+:.*## ' Makefile | sed 's/^[^#]*## /  /' | sort
