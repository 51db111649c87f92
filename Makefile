# The front door. Every target installs the Debian packages that it lacks (or says which line to run), works from a fresh clone,
# asks nothing, and exits non-zero when something falls short. Once the packages are there nothing touches the network.

ROWS = 100000
CRASH_N = 500
FUZZ_SECONDS = 60
TARGETS =
VECTORS = $(or $(BULLA_SHARED),../shared)/vectors
PREFIX = /usr/local
DESTDIR =

.NOTPARALLEL:
.PHONY: all help demo check check-vectors check-sanitize check-crash check-clients fuzz coverage bench install format lint clean

all: ## build/bulla, build/libbulla.so, build/libbulla.a
	@tools/install-packages build
	@tools/build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1: /p' $(firstword $(MAKEFILE_LIST))

demo: ## the main job on a fresh SQLite database, ROWS=N people; leaves demo/
	@tools/install-packages build demo
	@tools/build
	@ROWS=$(ROWS) tools/demo

check: ## all tests; the last line is "N passed, N failed, N skipped"
	@tools/install-packages build check
	@tools/build
	@tools/check

check-vectors: ## one test per vector in VECTORS=DIR/wycheproof and DIR/ruby
	@tools/install-packages build check
	@tools/build
	@build/tests/vectors/check_vectors '$(VECTORS)'

check-sanitize: ## all tests under ASan and UBSan, those with threads under TSan
	@tools/install-packages build check sanitize
	@tools/check-sanitize

check-crash: ## jobs killed at CRASH_N random moments, and failed at every call to the disk
	@tools/install-packages build check
	@tools/build
	@CRASH_N=$(CRASH_N) /usr/bin/python3 tests/functional/test_crash.py build
	@CRASH_N=$(CRASH_N) /usr/bin/python3 tests/functional/test_serve_faults.py build Killed
	@DISK_N=0 /usr/bin/python3 tests/functional/test_disk.py build

check-clients: ## AWS's JavaScript clients against the key server; the first time npm fetches them
	@tools/install-packages build clients
	@tools/build
	@tests/clients/check build

fuzz: ## libFuzzer on every parser, FUZZ_SECONDS each, two at a time; TARGETS="yaml json" chooses
	@tools/install-packages build fuzz
	@tools/fuzz --seconds $(FUZZ_SECONDS) $(TARGETS)

coverage: ## all tests, and the share of lines that ran, by room
	@tools/install-packages build check coverage
	@tools/coverage

bench: ## one line a figure, "N met, N short" at the end, the same as JSON in build/
	@tools/install-packages build bench
	@tools/build
	@build/bench/bench build/bench.json

install: ## into PREFIX, below DESTDIR
	@tools/install-packages build
	@tools/build
	@meson configure build -Dprefix='$(PREFIX)'
	@DESTDIR='$(DESTDIR)' meson install -C build
	@[ -n '$(DESTDIR)' ] || [ "$$(id -u)" != 0 ] || ldconfig

format: ## clang-format over the tree
	@tools/install-packages lint
	@tools/sources | xargs clang-format -i

lint: ## format, layers, clang-tidy, cppcheck, man pages
	@tools/install-packages build lint
	@tools/build
	@tools/lint

clean: ## everything that was built
	rm -rf build build-* demo
