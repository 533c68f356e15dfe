# Two commands matter to a newcomer: `make run` and `make test`.

GO    ?= go
BUILD := $(GO) build -trimpath
BIN   := bin/landwaiter

.PHONY: run build test check tools bench microbench fuzz roxctl-check screenshots clean

run: build ## Start the server with sample data on http://127.0.0.1:8080
	$(BIN) serve --demo --data .demo --listen 127.0.0.1:8080

build: ## Build bin/landwaiter, without cgo
	CGO_ENABLED=0 $(BUILD) -ldflags '-s -w' -o $(BIN) ./cmd/landwaiter

test: tools check ## Run every test; installs what the tests need
	$(GO) test -race -timeout 20m ./...

check: ## Formatting and vet
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...

tools: ## Install what the tests need: PostgreSQL
	@test/install-tools

BENCH_IMAGES ?= debian webapp fix big bomb
BENCH_ROUNDS ?= 3
BENCH_FLAGS  ?=
bench: build ## Scan real images against the floor and other scanners (see docs/scanning.md); the first run builds the images
	@test/bench/install-tools
	$(GO) build -o bin/bench ./test/bench
	bin/bench -landwaiter $(BIN) -images '$(BENCH_IMAGES)' -rounds $(BENCH_ROUNDS) $(BENCH_FLAGS)

microbench: ## Go's benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

# Scans start goroutines, so their coverage differs from run to run, and making an input smaller would take all the time.
FUZZTIME ?= 20s
fuzz: ## Fuzz every parser of outside data for FUZZTIME each
	@for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$pkg || exit 1; \
	  done; \
	done

roxctl-check: build ## Run the real roxctl, whose path is ROXCTL, against the demo
	@test/roxctl $(BIN) $(ROXCTL)

screenshots: build ## Take the screenshots of the README anew (needs Debian's chromium)
	@test/screenshots $(BIN)

clean:
	rm -rf bin .demo .bench
