package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Browser is one person at one screen.
type Browser struct {
	t     *testing.T
	ctx   context.Context
	url   string
	name  string // of the person, for the screenshots
	width int
}

// Widths are a phone's and a desk's.
const (
	Phone = 390
	Wide  = 1440
)

func chromium(t *testing.T) string {
	t.Helper()
	// The first is Chromium without the windows and services of a desk: the same
	// pages for half the work.
	for _, name := range []string{"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	t.Fatal("no Chromium; run: make tools")
	return ""
}

// shared is the one Chromium of all tests, which runs from the first that needs
// it. Each person has cookies of their own.
var shared struct {
	sync.Mutex
	ctx  context.Context
	stop func()
}

func window(t *testing.T) context.Context {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.ctx != nil {
		return shared.ctx
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU,
		// One process draws all pages, without a graphics card and without motion.
		chromedp.Flag("in-process-gpu", true), chromedp.Flag("disable-gpu-compositing", true), chromedp.Flag("process-per-site", true),
		chromedp.Flag("disable-features", "SpareRendererForSitePerProcess,Translate"), chromedp.Flag("force-prefers-reduced-motion", true),
		chromedp.Flag("disable-quic", true), chromedp.Flag("no-first-run", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("accept-lang", "sv-SE,sv"))
	alloc, cancelAlloc := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, cancel := chromedp.NewContext(alloc)
	if err := chromedp.Do(ctx); err != nil {
		cancelAlloc()
		t.Fatalf("start Chromium: %v", err)
	}
	shared.ctx, shared.stop = ctx, func() { cancel(); cancelAlloc() }
	return ctx
}

func closeChromium() {
	if shared.stop != nil {
		shared.stop()
	}
}

// Browse opens a window for one person.
func (d *Demo) Browse(t *testing.T, name string, width int) *Browser {
	t.Helper()
	ctx, cancel := chromedp.NewContext(window(t), chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	b := &Browser{t: t, ctx: ctx, url: d.URL, name: name, width: width}
	height := int64(900)
	if width == Phone {
		height = 844
	}
	// The window lives as long as the context of the first thing it does.
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(int64(width), height)); err != nil {
		t.Fatalf("open a window: %v", err)
	}
	return b
}

func (b *Browser) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.fault("%s: %v", what, err)
	}
}

// fault ends the test with a picture and the words of the page.
func (b *Browser) fault(format string, args ...any) {
	b.t.Helper()
	b.Shot("fault")
	text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.pathname + "\n" + document.body.innerText.slice(0, 2000)`))
	b.t.Fatalf("%s at %d px: %s\non the page %s", b.name, b.width, fmt.Sprintf(format, args...), text)
}

// js evaluates an expression. The browser's own door is used, so it works with
// the page's policy in force and with its scripts turned off.
func js[T any](b *Browser, what, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.fault("%s: %v", what, err)
	}
	return v
}

// until waits for an expression to be true, over page loads.
func (b *Browser) until(what, expression string) {
	b.t.Helper()
	for began, rest := time.Now(), 5*time.Millisecond; ; rest = min(2*rest, 100*time.Millisecond) {
		ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](expression))
		if err == nil && ok {
			return
		}
		if time.Since(began) > patience {
			b.fault("%s: never came about (%v)", what, err)
		}
		time.Sleep(rest)
		b.tryAgain()
	}
}

// tryAgain does what the page of a service that is busy asks for. A form that is
// sent again is taken once.
func (b *Browser) tryAgain() {
	_, _ = chromedp.Run(b.ctx, chromedp.Evaluate[bool](`(() => { const h = document.querySelector("main h1");
	  if (!h || h.innerText.trim() !== "Försök igen om en liten stund") return false; location.reload(); return true })()`))
}

// Open goes to a path.
func (b *Browser) Open(path string) {
	b.t.Helper()
	b.do("open "+path, chromedp.Navigate(b.url+path))
}

// SignIn uses the page of the personas.
func (b *Browser) SignIn(persona string) {
	b.t.Helper()
	b.Open("/logga-in")
	b.Press(fmt.Sprintf(`form[action^="/demo/sign-in"]:has(input[name="persona"][value=%q]) button`, persona))
}

// Press clicks the element and waits for the page that follows.
func (b *Browser) Press(selector string) {
	b.t.Helper()
	b.until("find "+selector, fmt.Sprintf(`!!document.querySelector(%q)`, selector))
	js[bool](b, "press "+selector, fmt.Sprintf(`(() => { const e = document.querySelector(%q);
	  window.__leaving = true; e.scrollIntoView({block: "center"}); e.focus(); e.click(); return true })()`, selector))
	b.until("the page after "+selector, `!window.__leaving && document.readyState === "complete"`)
}

// PressText clicks the button or link that carries the text.
func (b *Browser) PressText(text string) {
	b.t.Helper()
	b.until("find "+text, fmt.Sprintf(`(() => { const want = %q;
	  const all = [...document.querySelectorAll('main button, main a, main summary')].filter(e => e.checkVisibility());
	  const e = all.find(e => e.innerText.trim() === want) || all.find(e => e.innerText.includes(want));
	  document.querySelectorAll('[data-e2e]').forEach(x => x.removeAttribute('data-e2e'));
	  if (!e) return false; e.setAttribute('data-e2e', ''); return true })()`, text))
	b.Press("[data-e2e]")
}

// Fill writes in the field of that name.
func (b *Browser) Fill(name, text string) {
	b.t.Helper()
	sel := fmt.Sprintf(`main [name=%q]`, name)
	b.until("find "+name, fmt.Sprintf(`(() => { const e = document.querySelector(%q); if (!e) return false; e.value = ""; e.focus(); return true })()`, sel))
	b.do("fill "+name, chromedp.SendKeys(chromedp.CSS(sel), text))
}

// Tick chooses a radio or checkbox by its name and value.
func (b *Browser) Tick(name, value string) {
	b.t.Helper()
	b.until("tick "+name, fmt.Sprintf(`(() => { const e = document.querySelector('main input[name="%s"][value="%s"]'); if (!e) return false; e.checked || e.click(); return e.checked })()`, name, value))
}

// See waits until the page says the text.
func (b *Browser) See(text string) {
	b.t.Helper()
	b.until("see "+text, fmt.Sprintf(`document.body.innerText.replace(/\s+/g, " ").toLowerCase().includes(%q.toLowerCase())`, text))
}

// Eventually reloads until the page says the text: for what events bring about.
func (b *Browser) Eventually(path, text string) {
	b.t.Helper()
	for began, rest := time.Now(), 50*time.Millisecond; ; rest = min(2*rest, time.Second) {
		b.Open(path)
		if b.Says(text) {
			return
		}
		if time.Since(began) > patience {
			b.fault("%s never said %q", path, text)
		}
		time.Sleep(rest)
	}
}

// Says is whether the page says the text now.
func (b *Browser) Says(text string) bool {
	b.t.Helper()
	return strings.Contains(strings.ToLower(strings.Join(strings.Fields(b.Text("body")), " ")), strings.ToLower(text))
}

// Text is what an element shows.
func (b *Browser) Text(selector string) string {
	b.t.Helper()
	return js[string](b, "read "+selector, fmt.Sprintf(`(document.querySelector(%q)||{innerText:""}).innerText`, selector))
}

// Path is where the browser is.
func (b *Browser) Path() string {
	b.t.Helper()
	return js[string](b, "where", `location.pathname`)
}

// Shot keeps a picture of the whole page when HALSOCOACH_SHOTS names a folder.
func (b *Browser) Shot(name string) {
	dir := os.Getenv("HALSOCOACH_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%s-%d.png", name, b.name, b.width)), png, 0o600)
	}
	if err != nil {
		b.t.Logf("no picture of %s: %v", name, err)
	}
}

// Dark asks for the dark look.
func (b *Browser) Dark(on bool) {
	b.t.Helper()
	v := "light"
	if on {
		v = "dark"
	}
	b.do("dark", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v}}})
		return err
	}))
}

// NoScript turns the pages' own scripts off.
func (b *Browser) NoScript() {
	b.t.Helper()
	b.do("no script", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
}

// Fits fails when the page is wider than the screen.
func (b *Browser) Fits() {
	b.t.Helper()
	if over := js[int](b, "measure", `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
		b.t.Errorf("%s is %d px wider than the screen of %d (%s)", b.Path(), over, b.width, b.name)
	}
}

var axe = sync.OnceValues(func() (string, error) {
	src, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	return string(src) + ";true", err
})

// Accessible runs axe-core on the page as it stands.
func (b *Browser) Accessible() {
	b.t.Helper()
	src, err := axe()
	if err != nil {
		b.t.Fatalf("axe-core is missing (%v); run: make tools", err)
	}
	js[bool](b, "load axe", src)
	raw := js[string](b, "axe", `axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a","wcag2aa","wcag21a","wcag21aa","best-practice"]}).then(r => JSON.stringify(r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.map(n => n.html.slice(0, 200))}))))`)
	var found []struct {
		ID, Help string
		Nodes    []string
	}
	if err := json.Unmarshal([]byte(raw), &found); err != nil {
		b.t.Fatal(err)
	}
	for _, f := range found {
		b.t.Errorf("%s at %d px: %s (%s): %s", b.Path(), b.width, f.ID, f.Help, strings.Join(f.Nodes, "\n"))
	}
}

// good are the pages that have been looked at, by name and width. The story is
// told more than once, on other ground, where its pages are the same.
var good sync.Map

// Good is what every page of a journey must be: fitting, accessible, pictured.
func (b *Browser) Good(name string) {
	b.t.Helper()
	b.Fits()
	if _, seen := good.LoadOrStore(fmt.Sprint(name, " ", b.width), true); !seen {
		b.Accessible()
	}
	b.Shot(name)
	if os.Getenv("HALSOCOACH_SHOTS") != "" {
		b.Dark(true)
		b.Shot(name + "-dark")
		b.Dark(false)
	}
}

// Send presses the button of a form that need not lead to another page.
func (b *Browser) Send() {
	b.t.Helper()
	b.until("send", `(() => { const e = document.querySelector("main form button[type=submit]"); if (!e) return false; e.click(); return true })()`)
}
