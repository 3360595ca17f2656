package check

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

func newReader(b []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(b)) }

// TestTheDockerfileIsWhatBuildKitTakes: parsed by its own parser, with every
// rule of its own linter on, and an image that holds one program and no root.
func TestTheDockerfileIsWhatBuildKitTakes(t *testing.T) {
	src, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse(bytes.NewReader(src))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range parsed.Warnings {
		t.Errorf("warning: %s", w.Short)
	}
	lint := linter.New(&linter.Config{Warn: func(rule, _, _, msg string, _ []parser.Range) { t.Errorf("%s: %s", rule, msg) }})
	stages, _, err := instructions.Parse(parsed.AST, lint)
	if err != nil {
		t.Fatal(err)
	}
	last := stages[len(stages)-1]
	if last.BaseName != "scratch" {
		t.Errorf("the image is made from %s", last.BaseName)
	}
	var user string
	var health, entry []string
	for _, c := range last.Commands {
		switch c := c.(type) {
		case *instructions.UserCommand:
			user = c.User
		case *instructions.HealthCheckCommand:
			health = c.Health.Test
		case *instructions.EntrypointCommand:
			entry = c.CmdLine
		case *instructions.RunCommand:
			t.Error("the image runs something without a shell to run it")
		}
	}
	if user != "65532:65532" || strings.Join(entry, " ") != "/halsocoach" || strings.Join(health, " ") != "CMD /halsocoach healthcheck" {
		t.Errorf("user %q, entry point %q, health %q", user, entry, health)
	}
}

func project(t *testing.T) *types.Project {
	t.Helper()
	o, err := cli.NewProjectOptions([]string{"../compose.yaml"}, cli.WithEnv([]string{
		"COMPOSE_PROJECT_NAME=halsocoach", "HALSOCOACH_SITE=halsocoach.example.se", "HALSOCOACH_NATS_PASSWORD=a1", "HALSOCOACH_NATS_ROUTE_PASSWORD=b2",
	}))
	if err != nil {
		t.Fatal(err)
	}
	p, err := cli.ProjectFromOptions(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestComposeTakesItsFile reads it with Compose's own loader and schema; without
// passwords it refuses, and says where they are asked for.
func TestComposeTakesItsFile(t *testing.T) {
	p := project(t)
	for name, n := range map[string]int{"node": 2, "mongo": 3, "nats": 3, "caddy": 1} {
		found := 0
		for s := range p.Services {
			if strings.TrimRight(s, "0123456789") == name {
				found++
			}
		}
		if found != n {
			t.Errorf("%d of %s", found, name)
		}
	}
	o, err := cli.NewProjectOptions([]string{"../compose.yaml"}, cli.WithEnv([]string{"COMPOSE_PROJECT_NAME=halsocoach"}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cli.ProjectFromOptions(context.Background(), o); err == nil || !strings.Contains(err.Error(), "compose.env.example") {
		t.Errorf("without passwords: %v", err)
	}
}

// TestNodesInComposeAreBound: read-only, not root, no capability, time to
// stop; and only Caddy can be reached from outside.
func TestNodesInComposeAreBound(t *testing.T) {
	p := project(t)
	for _, s := range p.Services {
		if len(s.Ports) > 0 && s.Name != "caddy" {
			t.Errorf("%s can be reached from outside", s.Name)
		}
		if !strings.HasPrefix(s.Name, "node") {
			continue
		}
		if !s.ReadOnly || s.User != "65532:65532" || len(s.CapDrop) != 1 || s.CapDrop[0] != "ALL" || s.MemLimit == 0 ||
			s.StopGracePeriod == nil || time.Duration(*s.StopGracePeriod) < 12*time.Second {
			t.Errorf("%s: more rights than it needs, or less time to stop", s.Name)
		}
		for name, n := range p.Networks {
			if _, on := s.Networks[name]; on && name == "inner" && !bool(n.Internal) {
				t.Error("the databases' network has a way out")
			}
		}
	}
	for name, s := range p.Services {
		if strings.HasPrefix(name, "mongo") || strings.HasPrefix(name, "nats") {
			if _, on := s.Networks["inner"]; !on || len(s.Networks) != 1 {
				t.Errorf("%s is on other networks than the inner one", name)
			}
		}
	}
}
