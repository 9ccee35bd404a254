# Thin: every target calls CMake (CMakePresets.json) or a script of tools/. `make` builds, `make help` explains.
PREFIX  ?= /usr/local
DESTDIR ?=
JOBS    ?= 2
FUZZ_SECONDS ?= 60

CTEST = ctest --output-on-failure --parallel $(JOBS)
# Where the kernel randomises addresses more than the thread sanitizer can bear, run without.
UNRANDOM = $(shell setarch -R true 2>/dev/null && echo setarch -R)

.PHONY: all build test demo bench install fuzz lint asan tsan valgrind setup soak clean help
all: build

build: ## build build/bin/hf, build/bin/hf-serve and build/lib/libhfhub.*
	@tools/setup build
	@cmake --preset release -DHFHUB_BUILD_TESTS=OFF
	@cmake --build build

test: ## build everything and run the whole suite
	@tools/setup test interop
	@cmake --preset release -DHFHUB_BUILD_TESTS=ON
	@cmake --build build
	@$(CTEST) --test-dir build

demo: ## a model comes down from a Hub of one's own, and is opened
	@tools/demo

bench: build ## start-up and transfers measured beside their floors and everybody else; BENCH passes options
	@tools/setup test interop bench
	@bench/startup --build build $$([ -x .venv/bin/hf ] && echo --official .venv)
	@bench/table --build build $$([ -x .venv/bin/hf ] && echo --official .venv) $(BENCH)
	@bench/upload --build build $$([ -x .venv/bin/hf ] && echo --official .venv)
	@bench/commands --build build

install: build ## install below $(DESTDIR)$(PREFIX)
	@DESTDIR="$(DESTDIR)" cmake --install build --prefix "$(PREFIX)"

fuzz: ## run every fuzz target for FUZZ_SECONDS (60) with libFuzzer
	@tools/setup build fuzz
	@tools/fuzz $(FUZZ_SECONDS)

lint: ## the lints of tests/lint alone, clang-format included
	@tools/setup test lint
	@cmake --preset release -DHFHUB_BUILD_TESTS=ON
	@cmake --build build
	@$(CTEST) --test-dir build -R '^lint\.'

asan: ## build with AddressSanitizer and UndefinedBehaviorSanitizer and run the suite
	@tools/setup test interop
	@cmake --preset asan
	@cmake --build build-asan
	@$(CTEST) --test-dir build-asan

tsan: ## build with ThreadSanitizer and run the suite
	@tools/setup test interop
	@cmake --preset tsan
	@cmake --build build-tsan
	@$(UNRANDOM) $(CTEST) --test-dir build-tsan

soak: ## what `make test` has no time for: 300 kills, power cuts, 200 GB, 100,000 files; SOAK names parts (tools/soak)
	@tools/setup test interop
	@cmake --preset release -DHFHUB_BUILD_TESTS=ON
	@cmake --build build
	@tools/soak $(SOAK)

valgrind: build ## a download under Valgrind: no leak, no bad access
	@tools/setup test
	@tools/valgrind

setup: ## install what all of the above needs
	@tools/setup test demo lint fuzz interop

clean: ## remove all build folders (.venv stays)
	@rm -rf build build-debug build-asan build-tsan build-fuzz

help: ## this
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name text; do \
	  printf '  make %-9s %s\n' "$$name" "$$text"; done
