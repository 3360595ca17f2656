# Hälsocoach online. `make run` starts the demo, `make test` runs every test.
GO ?= go

.PHONY: run build generate test test-mongo hard lint e2e bench figures tools vuln

run: ## the demo on http://127.0.0.1:8080
	$(GO) run ./cmd/halsocoach demo

build: ## one static binary in bin/
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags="-s -w" -o bin/halsocoach ./cmd/halsocoach

generate: ## pages.templ → pages_templ.go
	$(GO) tool templ generate

# What the tests need beside Go, as command=package of Debian: Chromium and node
# for the journeys, the rest for what deploy/ and docs/operations.md say.
PROGRAMS := chromium-headless-shell=chromium-headless-shell npm=npm caddy=caddy nats-server=nats-server systemd-analyze=systemd curl=curl openssl=openssl strace=strace

tools: ## installs what the tests need
	@missing=""; for p in $(PROGRAMS); do command -v $${p%%=*} >/dev/null || missing="$$missing $${p##*=}"; done; \
	if [ -n "$$missing" ]; then apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; fi
	@cd e2e && npm ci --silent --no-audit --no-fund

# Everything but the tests is compiled in one way, that of build, so that it is
# compiled once: lint needs all of it, and the journeys run the program.
PLAIN := CGO_ENABLED=0 GOFLAGS="$$($(GO) env GOFLAGS) -trimpath"

lint: ## format, vet, staticcheck, fresh pages
	@test -z "$$(gofmt -l $$(git ls-files '*.go' | grep -v _templ.go))" || { gofmt -l $$(git ls-files '*.go' | grep -v _templ.go); echo 'not formatted: run gofmt -w'; exit 1; }
	$(PLAIN) $(GO) vet ./...
	$(PLAIN) $(GO) tool staticcheck ./...
	$(PLAIN) $(GO) -C internal/store/mongo/ferret vet ./...

# The race detector watches everything: code that it leaves out makes it miss what
# is shared through generic types of sync. lint has vetted what is tested.
RACE := -race -vet=off

test: tools lint ## every test with short counts
	$(GO) test $(RACE) -timeout 40m ./...
	$(GO) -C internal/store/mongo/ferret test $(RACE) -timeout 45m ./...

hard: tools lint ## the same tests with the long counts
	HALSOCOACH_HARD=1 $(GO) test $(RACE) -timeout 120m ./...
	HALSOCOACH_HARD=1 $(GO) -C internal/store/mongo/ferret test $(RACE) -timeout 60m ./...

test-mongo: ## the store's suite on a MongoDB of yours: URL=mongodb://host:27017/scratch, whose databases of that name it makes and drops
	HALSOCOACH_MONGO=$(URL) $(GO) test -count=1 -tags mongo -run TestARealServer ./internal/store/mongo

e2e: tools ## the journeys in a real Chromium
	$(GO) test -v -count=1 ./e2e/...

bench: ## benchmarks; each prints its ratio to a bare floor of the same run
	$(GO) test -run '^$$' -bench . ./...

figures: build ## measures all of README's figures and writes its table; BIN=other measures that binary and prints
	$(GO) build -o bin/figures ./cmd/figures
	bin/figures $(if $(BIN),-bin $(BIN) -bench=false,-write README.md)

vuln: ## known vulnerabilities; needs the internet
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...
