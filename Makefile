# Hälsocoach online. `make run` starts the demo, `make test` runs every test.
GO ?= go
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

.PHONY: run build generate test hard lint e2e bench tools vuln

run: ## the demo on http://127.0.0.1:8080
	$(GO) run ./cmd/halsocoach demo

build: ## one static binary in bin/
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags="-s -w" -o bin/halsocoach ./cmd/halsocoach

generate: ## pages.templ → pages_templ.go
	$(GO) tool templ generate

tools: ## what the tests need beside Go: Chromium for the journeys, node for axe-core
	@if [ -z "$(CHROMIUM)" ]; then apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; fi
	@command -v npm >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends npm >/dev/null; }
	@cd e2e && npm ci --silent --no-audit --no-fund

lint: ## format, vet, staticcheck, fresh pages
	@test -z "$$(gofmt -l $$(git ls-files '*.go' | grep -v _templ.go))" || { gofmt -l $$(git ls-files '*.go' | grep -v _templ.go); echo 'not formatted: run gofmt -w'; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

test: tools lint ## every test with short counts
	$(GO) test -race -timeout 14m ./...

hard: tools lint ## the same tests with the long counts
	HALSOCOACH_HARD=1 $(GO) test -race -timeout 90m ./...

e2e: tools ## the journeys in a real Chromium
	$(GO) test -v -count=1 ./e2e/...

bench: ## benchmarks; each prints its ratio to a bare floor of the same run
	$(GO) test -run '^$$' -bench . ./...

vuln: ## known vulnerabilities; needs the internet
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...
