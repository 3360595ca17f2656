package web

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/andybalholm/brotli"

	"halsocoach"
	"halsocoach/static"
)

func TestAssetNamesChangeWithTheContent(t *testing.T) {
	one := indexAssets(fstest.MapFS{"js/a.js": {Data: []byte("one")}, "css/00.css": {Data: []byte("a{}")}, "css/10.css": {Data: []byte("b{}")}})
	two := indexAssets(fstest.MapFS{"js/a.js": {Data: []byte("two")}, "css/00.css": {Data: []byte("a{}")}, "css/10.css": {Data: []byte("c{}")}})
	for _, name := range []string{"js/a.js", "css/app.css"} {
		if one[name]().url == two[name]().url {
			t.Errorf("%s keeps its name %s with other content", name, one[name]().url)
		}
	}
	again := indexAssets(fstest.MapFS{"js/a.js": {Data: []byte("one")}})
	if again["js/a.js"]().url != one["js/a.js"]().url {
		t.Error("the same content has two names")
	}
	if got := string(one["css/app.css"]().body.plain); got != "a{}b{}" {
		t.Errorf("the style is put together as %q", got)
	}
}

func TestAssetsAreKeptForEverAndComeCompressed(t *testing.T) {
	a := testApp(t)
	for _, name := range []string{"css/app.css", "js/app.js", "icons/sprite.svg"} {
		plain := ask(t, a, "GET", Asset(name), "")
		if plain.status != 200 || plain.header.Get("Cache-Control") != "public, max-age=31536000, immutable" || plain.header.Get("Content-Encoding") != "" {
			t.Fatalf("%s: %d %v", name, plain.status, plain.header)
		}
		br := ask(t, a, "GET", Asset(name), "", "Accept-Encoding: gzip, deflate, br")
		gz := ask(t, a, "GET", Asset(name), "", "Accept-Encoding: gzip")
		if br.header.Get("Content-Encoding") != "br" || gz.header.Get("Content-Encoding") != "gzip" || br.header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: %v %v", name, br.header, gz.header)
		}
		fromBrotli, err := io.ReadAll(brotli.NewReader(strings.NewReader(br.body)))
		if err != nil || string(fromBrotli) != plain.body {
			t.Errorf("%s: brotli holds something else: %v", name, err)
		}
		r, err := gzip.NewReader(strings.NewReader(gz.body))
		if err != nil {
			t.Fatal(err)
		}
		if fromGzip, err := io.ReadAll(r); err != nil || string(fromGzip) != plain.body {
			t.Errorf("%s: gzip holds something else: %v", name, err)
		}
		if len(br.body) >= len(gz.body) || len(gz.body) >= len(plain.body) {
			t.Errorf("%s: %d plain, %d gzip, %d brotli", name, len(plain.body), len(gz.body), len(br.body))
		}
	}
	for _, path := range []string{"/static/css/app.css", "/static/css/app.AAAAAAAAAAAA.css", "/static/lang/en/web.json", "/static/../go.mod", "/static/"} {
		if got := ask(t, a, "GET", path, ""); got.status != 404 {
			t.Errorf("%s: %d", path, got.status)
		}
	}
}

var linked = regexp.MustCompile(`(?:href|src)="(/static/[^"#]+)`)

func TestTheFirstPageIsBelow60kB(t *testing.T) {
	a := testApp(t)
	page := ask(t, a, "GET", "/", "", "Accept-Encoding: br")
	total := len(page.body)
	plain := ask(t, a, "GET", "/", "").body
	seen := map[string]bool{}
	for _, m := range linked.FindAllStringSubmatch(plain, -1) {
		if seen[m[1]] {
			continue
		}
		seen[m[1]] = true
		file := ask(t, a, "GET", m[1], "", "Accept-Encoding: br")
		if file.status != 200 {
			t.Errorf("%s: %d", m[1], file.status)
		}
		total += len(file.body)
	}
	if len(seen) < 4 {
		t.Fatalf("the page links to %v only", seen)
	}
	t.Logf("the first page: %d bytes of HTML, %d bytes in all with %d files", len(page.body), total, len(seen))
	if total >= 60<<10 {
		t.Errorf("%d bytes", total)
	}
}

// TestEveryIconIsDrawnAndNamed walks the project for the icons that pages name.
func TestEveryIconIsDrawnAndNamed(t *testing.T) {
	named := regexp.MustCompile(`(?:\bIcon\(|MetaFact\(|Icon:\s*)"([a-z-]+)"`)
	src := walkSources(t, func(name, src string) {
		for _, m := range named.FindAllStringSubmatch(src, -1) {
			if !slices.Contains(iconNames(), m[1]) {
				t.Errorf("%s names the icon %q, which is not in static/icons/sprite.svg", name, m[1])
			}
		}
	})
	for _, name := range iconNames() {
		if !strings.Contains(src, `"`+name+`"`) {
			t.Errorf("nobody draws the icon %q", name)
		}
	}
	for _, topic := range halsocoach.Topics {
		if !slices.Contains(iconNames(), TopicIcon(topic)) {
			t.Errorf("topic %s has no icon", topic)
		}
	}
}

// TestEveryClassOfTheStyleIsWritten: what the style sheets draw is on some page,
// or is made by a script.
func TestEveryClassOfTheStyleIsWritten(t *testing.T) {
	rules := regexp.MustCompile(`\{[^{}]*\}|/\*[\s\S]*?\*/`).ReplaceAllString(string(assets()[bundle]().body.plain), "")
	class := regexp.MustCompile(`\.([a-zA-Z][\w-]*)`)
	written := map[string]bool{}
	for _, word := range regexp.MustCompile(`[\w-]+`).FindAllString(walkSources(t, nil), -1) {
		written[word] = true
	}
	for _, m := range class.FindAllStringSubmatch(rules, -1) {
		if !written[m[1]] {
			t.Errorf("no page has the class %q", m[1])
		}
	}
}

// walkSources gives the project's code, pages and scripts in one, without tests,
// comments and what is generated.
func walkSources(t *testing.T, each func(name, src string)) string {
	t.Helper()
	var all strings.Builder
	comment := regexp.MustCompile(`(?m)^\s*//.*$`)
	err := filepath.WalkDir(filepath.Join("..", ".."), func(name string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if err != nil || d.IsDir() || !slices.Contains([]string{".templ", ".go", ".js"}, filepath.Ext(name)) || strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "_templ.go") {
			return err
		}
		body, err := os.ReadFile(name)
		src := comment.ReplaceAllString(string(body), "")
		if each != nil {
			each(name, src)
		}
		all.WriteString(src)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// pairs are the colours that meet, with the least contrast between them: 4.5
// for text and 3 for what one must see to use the page (WCAG 1.4.3, 1.4.11).
var pairs = []struct {
	front, back string
	least       float64
}{
	{"ink", "paper", 7}, {"ink", "raised", 7}, {"ink", "green-tint", 7}, {"ink", "warm-tint", 7}, {"ink", "red-tint", 7},
	{"muted", "paper", 4.5}, {"muted", "raised", 4.5}, {"muted", "green-tint", 4.5},
	{"green", "paper", 4.5}, {"green", "raised", 4.5}, {"green", "green-tint", 4.5}, {"green", "warm-tint", 4.5}, {"green", "red-tint", 4.5},
	{"green-press", "paper", 4.5}, {"on-green", "green-strong", 4.5}, {"on-green", "green-press", 4.5},
	{"warm", "paper", 4.5}, {"warm", "warm-tint", 4.5}, {"warm", "green-tint", 4.5}, {"paper", "warm", 4.5},
	{"red", "paper", 4.5}, {"red", "raised", 4.5}, {"red", "red-tint", 4.5},
	{"edge", "paper", 3}, {"edge", "raised", 3}, {"focus", "paper", 3}, {"focus", "green-tint", 3}, {"focus", "raised", 3},
	{"green-strong", "paper", 3}, {"green-strong", "line", 3}, {"warm", "line", 3},
}

func TestColoursMeetTheContrastOfWCAG(t *testing.T) {
	light, dark := tokens(t)
	for look, colours := range map[string]map[string]string{"light": light, "dark": dark} {
		for _, p := range pairs {
			if got := contrast(t, colours[p.front], colours[p.back]); got < p.least {
				t.Errorf("%s: %s on %s is %.2f, want %.1f", look, p.front, p.back, got, p.least)
			}
		}
	}
}

// TestColoursStandOnlyInTheTokens, so that the test above sees them all. Paper
// has its own few; a drawing in a url() can not use a token.
func TestColoursStandOnlyInTheTokens(t *testing.T) {
	names, err := filepath.Glob("../../static/css/*.css")
	if err != nil || len(names) < 5 {
		t.Fatal(names, err)
	}
	colour := regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b`)
	for _, name := range names {
		if strings.HasSuffix(name, "00-tokens.css") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		screen, _, _ := strings.Cut(string(src), "@media print")
		for i, line := range strings.Split(screen, "\n") {
			if found := colour.FindString(line); found != "" && !strings.Contains(line, "url(") {
				t.Errorf("%s:%d has the colour %s", name, i+1, found)
			}
		}
	}
}

var colourToken = regexp.MustCompile(`--([a-z-]+):\s*(#[0-9a-f]{6});`)

// tokens are the colours of 00-tokens.css; dark ones come over the light ones.
func tokens(t *testing.T) (light, dark map[string]string) {
	t.Helper()
	src, err := static.Files.ReadFile("css/00-tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	before, after, ok := bytes.Cut(src, []byte("@media (prefers-color-scheme: dark)"))
	if !ok {
		t.Fatal("no dark colours")
	}
	light, dark = map[string]string{}, map[string]string{}
	for _, m := range colourToken.FindAllSubmatch(before, -1) {
		light[string(m[1])], dark[string(m[1])] = string(m[2]), string(m[2])
	}
	for _, m := range colourToken.FindAllSubmatch(after, -1) {
		dark[string(m[1])] = string(m[2])
	}
	return light, dark
}

// contrast is WCAG's: relative luminances with 5 % of stray light.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	la, lb := luminance(t, a), luminance(t, b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	if len(hex) != 7 {
		t.Fatalf("no colour: %q", hex)
	}
	var sum float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func TestContrastIsComputedAsWCAGDoes(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want string
	}{{"#000000", "#ffffff", "21.00"}, {"#777777", "#ffffff", "4.48"}, {"#ffffff", "#ffffff", "1.00"}} {
		if got := fmt.Sprintf("%.2f", contrast(t, c.a, c.b)); got != c.want {
			t.Errorf("%s on %s: %s, want %s", c.a, c.b, got, c.want)
		}
	}
}
