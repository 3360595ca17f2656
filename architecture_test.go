package halsocoach_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pkg is what `go list -json` tells of a package.
type pkg struct {
	ImportPath, Dir, Doc string
	Imports              []string
	GoFiles              []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Doc,Imports,GoFiles", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// mayImport says which of the project's own packages a package may import, by their
// paths below the root, which is "".
func mayImport(who, what string) bool {
	in := func(path string, trees ...string) bool {
		return slices.ContainsFunc(trees, func(t string) bool { return path == t || strings.HasPrefix(path, t+"/") })
	}
	domain := []string{"citizen", "referral", "coach", "chat", "groups", "admin"}
	switch {
	case noImports(who):
		return false
	case in(who, "internal/store", "internal/event", "internal/seal"):
		return what == "" || in(what, "internal/store") && !in(what, "internal/store/sqlite", "internal/store/mongo") || in(who, "internal/store") && in(what, "internal/store")
	case in(who, "internal/person"):
		return what == "" || what == "internal/store" || in(what, "internal/event", "internal/seal")
	case in(who, "internal/web"):
		return what == "" || in(what, "static", "internal/web")
	case in(who, "internal/staff", "internal/accesslog"):
		return what == "" || what == "internal/store" || in(what, "internal/event", "internal/seal", "internal/person", "internal/web")
	case in(who, "internal/auth", "internal/notify"):
		own := in(who, "internal/auth") && in(what, "internal/auth") || in(who, "internal/notify") && in(what, "internal/notify")
		return what == "" || own || what == "internal/store" || in(what, "internal/event", "internal/seal", "internal/person", "internal/staff", "internal/web")
	case in(who, "internal/holiday"):
		return what == ""
	case in(who, "internal/testenv"):
		return what == "" || in(what, "internal")
	case in(who, domain...):
		own := in(what, who) && who != "referral" || in(who, what) && !in(who, "admin") || in(who, "referral") && what == "referral/record"
		return what == "" || own || what == "internal/store" || in(what, "internal/event", "internal/seal", "internal/person", "internal/web", "internal/auth", "internal/notify", "internal/holiday")
	case in(who, "cmd"):
		return !in(what, "internal/testenv")
	case in(who, "e2e"):
		return true
	}
	return false
}

// noImports says whether a package imports none of the project's own.
func noImports(who string) bool { return who == "" || who == "static" || who == "deploy" }

// forTests are packages that only tests import.
var forTests = []string{"internal/testenv", "internal/store/storetest", "internal/auth/oidc/oidctest"}

func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	for _, p := range packages(t) {
		who := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, "halsocoach"), "/")
		if !noImports(who) && !mayImport(who, "") {
			t.Errorf("package %q is in no tree of mayImport: a new part is written into domain here and into the picture in docs/architecture.md", who)
			continue
		}
		for _, imp := range p.Imports {
			if imp != "halsocoach" && !strings.HasPrefix(imp, "halsocoach/") {
				continue
			}
			what := strings.TrimPrefix(strings.TrimPrefix(imp, "halsocoach"), "/")
			if slices.Contains(forTests, what) || !mayImport(who, what) {
				t.Errorf("%q may not import %q", cmp.Or(who, "halsocoach"), cmp.Or(what, "halsocoach"))
			}
		}
	}
}

func TestTheRootImportsTheStandardLibraryOnly(t *testing.T) {
	for _, p := range packages(t) {
		for _, imp := range p.Imports {
			if p.ImportPath == "halsocoach" && strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") {
				t.Errorf("the root imports %s", imp)
			}
		}
	}
}

// Libraries with one home each.
var homes = []struct {
	library string
	where   *regexp.Regexp // the file, from the root
}{
	{"go.mongodb.org/", regexp.MustCompile(`^internal/store/mongo/`)},
	{"modernc.org/sqlite", regexp.MustCompile(`^internal/store/sqlite/`)},
	{"github.com/nats-io/", regexp.MustCompile(`^internal/event/`)},
	{"github.com/tink-crypto/", regexp.MustCompile(`^internal/seal/`)},
	{"github.com/golang-jwt/", regexp.MustCompile(`^internal/auth/`)},
	{"github.com/gofiber/", regexp.MustCompile(`^internal/(web|auth|staff|accesslog|testenv)/|(^|/)([a-z]+_)?http\.go$|(^|/)([a-z]+_)?api\.go$|^chat/(socket|upgrade)[a-z_]*\.go$|^internal/notify/|^cmd/`)},
	{"github.com/coreos/go-oidc/", regexp.MustCompile(`^internal/auth/oidc/`)},
	{"golang.org/x/oauth2", regexp.MustCompile(`^internal/auth/oidc/`)},
	{"github.com/go-jose/", regexp.MustCompile(`^internal/auth/oidc/oidctest/`)},
	{"github.com/zitadel/", regexp.MustCompile(`^internal/auth/oidc/oidctest/`)},
	{"github.com/rickar/cal/", regexp.MustCompile(`^internal/holiday/`)},
	{"github.com/wneessen/go-mail", regexp.MustCompile(`^internal/notify/`)},
	{"github.com/samply/golang-fhir-models/", regexp.MustCompile(`^referral/fhir/`)},
	{"github.com/gorilla/websocket", regexp.MustCompile(`^chat/`)},
	{"golang.org/x/text/collate", regexp.MustCompile(`^internal/web/`)},
	{"github.com/arran4/golang-ical", regexp.MustCompile(`^internal/web/ics/`)},
}

var importLine = regexp.MustCompile(`(?m)^\s*(?:import\s+)?(?:[\w.]+\s+)?"([^"]+)"$`)

func TestLibrariesStayAtHome(t *testing.T) {
	for _, p := range packages(t) {
		for _, f := range p.GoFiles {
			path := filepath.Join(p.Dir, f)
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			rel, _ := filepath.Rel(root(t), path)
			head, _, _ := strings.Cut(string(src), "\nfunc ")
			for _, m := range importLine.FindAllStringSubmatch(head, -1) {
				for _, h := range homes {
					if strings.HasPrefix(m[1], h.library) && !h.where.MatchString(filepath.ToSlash(rel)) {
						t.Errorf("%s imports %s, whose home is %s", rel, m[1], h.where)
					}
				}
			}
		}
	}
}

func TestEveryPackageHasADocComment(t *testing.T) {
	for _, p := range packages(t) {
		if p.Doc == "" && len(p.GoFiles) > 0 {
			t.Errorf("%s has no doc comment", p.ImportPath)
		}
	}
}

func TestGeneratedPagesAreFresh(t *testing.T) {
	tmp := t.TempDir()
	var pages []string
	walk(t, func(path string) {
		if strings.HasSuffix(path, ".templ") {
			pages = append(pages, path)
		}
	})
	if len(pages) == 0 {
		t.Fatal("no pages")
	}
	for _, path := range pages {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(tmp, filepath.Dir(path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(tmp, path), src, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("go", "tool", "templ", "generate", "-path", tmp).CombinedOutput(); err != nil {
		t.Fatalf("templ generate: %v\n%s", err, out)
	}
	for _, path := range pages {
		name := strings.TrimSuffix(path, ".templ") + "_templ.go"
		want, err := os.ReadFile(filepath.Join(tmp, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Errorf("%s has no generated file; run: make generate", path)
			continue
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is stale; run: make generate", name)
		}
	}
}

// What the project must not hold: words of unfinished work, and skipped tests.
var unfinished = regexp.MustCompile(`\b(` + `TO` + `DO|FIX` + `ME|XX` + `X)\b|[tb]\.Sk` + `ip`)

func TestNothingIsLeftUnfinished(t *testing.T) {
	walk(t, func(path string) {
		switch filepath.Ext(path) {
		case ".go", ".templ", ".js", ".css", ".md":
		default:
			return
		}
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(src), "\n") {
			if m := unfinished.FindString(line); m != "" {
				t.Errorf("%s:%d holds %q", path, i+1, m)
			}
		}
	})
}

// TestTheGlossaryIsTheWordsOfTheCode: every domain word of the glossary names
// something in the code, so that the page does not drift from it.
func TestTheGlossaryIsTheWordsOfTheCode(t *testing.T) {
	src, err := os.ReadFile("docs/glossary.md")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	walk(t, func(path string) {
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			code.Write(b)
		}
	})
	rows := regexp.MustCompile("(?m)^\\| ([^|]+) \\| `([A-Za-z.]+)` \\|").FindAllStringSubmatch(string(src), -1)
	if len(rows) < 20 {
		t.Fatalf("the glossary has %d words", len(rows))
	}
	for _, r := range rows {
		word := r[2][strings.LastIndex(r[2], ".")+1:]
		if !regexp.MustCompile(`\b\w*` + word + `\w*\b`).MatchString(code.String()) {
			t.Errorf("the glossary has %s as %s, which the code does not know", r[1], r[2])
		}
	}
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func walk(t *testing.T, f func(path string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if !d.IsDir() {
			f(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
