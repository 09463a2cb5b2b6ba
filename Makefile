# Offramp: what a developer runs. CI runs `make test` (.ci/run).
TAGS    = sqlite_omit_load_extension,osusergo,netgo
VERSION = $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS = -s -w -X main.version=$(VERSION)
GOTEST  = go test -race -shuffle=on -timeout 18m
# The tools have a go.mod of their own: the program must not depend on them.
STATICCHECK = go tool -modfile=.ci/tools.mod staticcheck
FUZZTIME ?= 60s

# Checks pages for accessibility; .ci/deps puts it there.
AXE_CORE ?= $(HOME)/.cache/offramp-tests/node_modules/axe-core/axe.min.js

export AXE_CORE
export CGO_ENABLED = 1
export GOFLAGS = -tags=$(TAGS)

.PHONY: build demo test deps lint fuzz torture bench clean

build: ## bin/offramp
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/offramp ./cmd/offramp

demo: build ## the main job, on loopback, with nothing configured
	./bin/offramp demo $(ARGS)

test: deps ## everything a change must pass
	@test -z "$$(gofmt -l cmd gateway listunsub store testdata)" || { gofmt -l cmd gateway listunsub store testdata; echo "gofmt: run gofmt -w on the files above" >&2; exit 1; }
	@echo "vet and staticcheck: a first build compiles SQLite and the checkers, which takes minutes" >&2
	go vet ./...
	$(STATICCHECK) ./...
	@echo "tests: a first build compiles SQLite again for -race; a package is printed when it and all before it are done" >&2
	@echo '$(GOTEST) ./...'
	@.ci/progress $(GOTEST) ./...

deps: ## Debian packages that the tests use as peers and oracles
	@.ci/deps

lint: ## what make test checks without running anything, and govulncheck
	go vet ./...
	$(STATICCHECK) ./...
	go tool -modfile=.ci/tools.mod govulncheck ./... || echo "govulncheck: found something, or its database cannot be reached from here" >&2

fuzz: ## every fuzz target in turn, FUZZTIME each
	@go list ./... | while read -r p; do \
	  go test -list '^Fuzz' "$$p" | grep '^Fuzz' | while read -r f; do \
	    echo "== $$p $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) "$$p" || exit 1; \
	  done || exit 1; done

torture: deps ## kill, error, power-loss and race trials at full length (some hours), see docs/proof.md
	go test -timeout 240m -count=1 -v -run 'Torture' ./store/sqlite ./gateway/webhook ./gateway/jobs ./cmd/offramp/trial -torture

bench: ## Go benchmarks of the hot paths
	go test -run '^$$' -bench . -benchmem ./listunsub ./gateway/... ./store/...

clean:
	rm -rf bin
