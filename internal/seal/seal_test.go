package seal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/store/sqlite"
)

var begin = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// house is a key store with a clock and a count of its reads.
type house struct {
	store.Store
	master Master
	mu     sync.Mutex
	at     time.Time
	reads  int
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(d)
}

func (h *house) Get(ctx context.Context, kind string, ids ...string) ([]store.Document, error) {
	h.mu.Lock()
	h.reads++
	h.mu.Unlock()
	return h.Store.Get(ctx, kind, ids...)
}

func (h *house) asked(do func()) int {
	h.mu.Lock()
	before := h.reads
	h.mu.Unlock()
	do()
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reads - before
}

func newHouse(t testing.TB) *house {
	t.Helper()
	dir := t.TempDir()
	s, err := sqlite.Open(t.Context(), filepath.Join(dir, "keys.db"), Kinds(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	m, err := KeyFile(filepath.Join(dir, "keys", "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	return &house{Store: s, master: m, at: begin}
}

// node is a Sealer with a memory of its own.
func (h *house) node(t testing.TB) *Sealer {
	t.Helper()
	s, err := Open(t.Context(), h, h.master, h.now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func number(t testing.TB, digits string) halsocoach.Number {
	t.Helper()
	n, err := halsocoach.ParseNumber(digits, begin)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestBoxOpensWithItsPersonAndPurpose(t *testing.T) {
	h := newHouse(t)
	s, other := h.node(t), h.node(t)
	p := must[string](t)(s.NewPerson(t.Context()))
	for _, plain := range []string{"Elsa Åkesson", "x", "🌲 hälsa", strings.Repeat("å", 100_000), ""} {
		box := must[Sealed](t)(s.Seal(t.Context(), p, "referral.name", plain))
		if (box == nil) != (plain == "") || strings.Contains(string(box), plain) && plain != "" {
			t.Errorf("a box of %d bytes for %d", len(box), len(plain))
		}
		if got := must[string](t)(other.Open(t.Context(), p, "referral.name", box)); got != plain {
			t.Errorf("opened %d bytes of %d", len(got), len(plain))
		}
	}
	a := must[Sealed](t)(s.Seal(t.Context(), p, "referral.name", "Elsa"))
	b := must[Sealed](t)(s.Seal(t.Context(), p, "referral.name", "Elsa"))
	if string(a) == string(b) {
		t.Error("the same text gives the same box: boxes can be compared")
	}
}

func TestBoxOfAnotherPersonOrPurposeStaysShut(t *testing.T) {
	s := newHouse(t).node(t)
	p, q := must[string](t)(s.NewPerson(t.Context())), must[string](t)(s.NewPerson(t.Context()))
	box := must[Sealed](t)(s.Seal(t.Context(), p, "referral.name", "Elsa"))
	for name, try := range map[string]func() (string, error){
		"other person":  func() (string, error) { return s.Open(t.Context(), q, "referral.name", box) },
		"other purpose": func() (string, error) { return s.Open(t.Context(), p, "referral.phone", box) },
		"cut":           func() (string, error) { return s.Open(t.Context(), p, "referral.name", box[:len(box)-1]) },
		"only version":  func() (string, error) { return s.Open(t.Context(), p, "referral.name", box[:1]) },
		"other version": func() (string, error) {
			return s.Open(t.Context(), p, "referral.name", append(Sealed{9}, box[1:]...))
		},
		"in a list": func() (string, error) {
			_, err := s.OpenMany(t.Context(), []Box{{q, "referral.name", box}})
			return "", err
		},
	} {
		if plain, err := try(); !errors.Is(err, ErrBox) || plain != "" {
			t.Errorf("%s: %q, %v", name, plain, err)
		}
	}
	if _, err := s.Open(t.Context(), "nobody", "referral.name", box); !errors.Is(err, ErrGone) {
		t.Errorf("a person without key: %v", err)
	}
	if _, err := s.Seal(t.Context(), "nobody", "referral.name", "x"); !errors.Is(err, ErrGone) {
		t.Errorf("sealed without a key: %v", err)
	}
	if string(bound("ab", "c")) == string(bound("a", "bc")) {
		t.Error("person and purpose run into each other")
	}
}

func TestSealedIsBase64InJSONAndNullWhenEmpty(t *testing.T) {
	type doc struct{ Name, Phone Sealed }
	body := must[[]byte](t)(json.Marshal(doc{Name: Sealed{1, 2, 3}}))
	var back doc
	if string(body) != `{"Name":"AQID","Phone":null}` || json.Unmarshal(body, &back) != nil || string(back.Name) != "\x01\x02\x03" || back.Phone != nil {
		t.Errorf("%s, %v", body, back)
	}
}

func TestListOpensWithOneQuestion(t *testing.T) {
	h := newHouse(t)
	s := h.node(t)
	var boxes []Box
	for i := range 50 {
		p := must[string](t)(s.NewPerson(t.Context()))
		for _, purpose := range []string{"enrolment.name", "enrolment.phone"} {
			boxes = append(boxes, Box{p, purpose, must[Sealed](t)(s.Seal(t.Context(), p, purpose, fmt.Sprint(purpose, i)))})
		}
		boxes = append(boxes, Box{p, "enrolment.email", nil})
	}
	if err := s.Destroy(t.Context(), boxes[3].Person); err != nil {
		t.Fatal(err)
	}
	boxes = append(boxes, Box{"never", "enrolment.name", boxes[0].Sealed})
	fresh := h.node(t)
	var plain []string
	if n := h.asked(func() { plain = must[[]string](t)(fresh.OpenMany(t.Context(), boxes)) }); n != 1 {
		t.Errorf("%d questions to the key store", n)
	}
	for i, b := range boxes {
		want := fmt.Sprint(b.Purpose, i/3)
		if i/3 == 1 || i%3 == 2 || b.Person == "never" {
			want = ""
		}
		if plain[i] != want {
			t.Errorf("box %d opens to %q, want %q", i, plain[i], want)
		}
	}
	if n := h.asked(func() { _, _ = fresh.OpenMany(t.Context(), boxes[6:9]) }); n != 0 {
		t.Errorf("%d questions for what is in memory", n)
	}
}

func TestOneNumberIsOnePersonHoweverManyAsk(t *testing.T) {
	h := newHouse(t)
	nodes := []*Sealer{h.node(t), h.node(t)}
	for _, digits := range []string{"196101182803", "200302022389", "701063-2391"} {
		n := number(t, digits)
		got := make([]string, 40)
		var wg sync.WaitGroup
		for i := range got {
			wg.Go(func() {
				var err error
				if got[i], err = nodes[i%2].Person(t.Context(), n); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, p := range got {
			if p != got[0] || p == "" {
				t.Fatalf("two persons for one number: %v", got)
			}
		}
		p, found, err := nodes[1].Lookup(t.Context(), n)
		if err != nil || !found || p != got[0] {
			t.Errorf("looked up %q, %v, %v", p, found, err)
		}
	}
	keys := 0
	if err := h.Each(t.Context(), keyKind.Name, func(store.Document) error { keys++; return nil }); err != nil || keys != 3 {
		t.Errorf("%d keys are left for three persons, %v", keys, err)
	}
}

func TestNumberIsNeverWrittenDown(t *testing.T) {
	h := newHouse(t)
	s := h.node(t)
	n := number(t, "200302022389")
	if _, found, err := s.Lookup(t.Context(), n); found || err != nil {
		t.Fatal(found, err)
	}
	p := must[string](t)(s.Person(t.Context(), n))
	if err := s.IndexName(t.Context(), "0684", p, "Elsa Åkesson"); err != nil {
		t.Fatal(err)
	}
	for _, k := range Kinds() {
		if err := h.Each(t.Context(), k.Name, func(d store.Document) error {
			text := strings.ToLower(d.ID + string(d.Body))
			for _, secret := range []string{"20030202", "0302022389", "elsa", "kesson"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s stands in %s", secret, k.Name)
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Person(t.Context(), halsocoach.Number{}); err == nil {
		t.Error("a person without a number was found")
	}
}

func TestNumberIsTiedToOnePerson(t *testing.T) {
	s := newHouse(t).node(t)
	n, later := number(t, "701063-2391"), number(t, "196101182803")
	p := must[string](t)(s.Person(t.Context(), n))
	for range 2 {
		if err := s.Link(t.Context(), p, later); err != nil {
			t.Fatal(err)
		}
	}
	if got := must[string](t)(s.Person(t.Context(), later)); got != p {
		t.Error("a second number leads to another person")
	}
	q := must[string](t)(s.NewPerson(t.Context()))
	if err := s.Link(t.Context(), q, later); !errors.Is(err, ErrTied) || halsocoach.KindOf(err) != halsocoach.KindConflict {
		t.Errorf("tied to two: %v", err)
	}
	if err := s.Destroy(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if err := s.Link(t.Context(), q, later); err != nil {
		t.Errorf("a number whose person is gone: %v", err)
	}
	if err := s.Link(t.Context(), p, n); !errors.Is(err, ErrGone) {
		t.Errorf("tied to who is gone: %v", err)
	}
}

func TestDestroyedIsUnreadableAtOnceHereAndSoonElsewhere(t *testing.T) {
	h := newHouse(t)
	here, there := h.node(t), h.node(t)
	n := number(t, "200302022389")
	p := must[string](t)(here.Person(t.Context(), n))
	box := must[Sealed](t)(here.Seal(t.Context(), p, "referral.name", "Elsa"))
	if err := here.IndexName(t.Context(), "0684", p, "Elsa Åkesson"); err != nil {
		t.Fatal(err)
	}
	must[string](t)(there.Open(t.Context(), p, "referral.name", box))
	for range 2 { // it may be repeated
		if err := here.Destroy(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if plain, err := here.Open(t.Context(), p, "referral.name", box); !errors.Is(err, ErrGone) || plain != "" {
		t.Errorf("here: %q, %v", plain, err)
	}
	h.pass(cacheTime)
	if plain, err := there.Open(t.Context(), p, "referral.name", box); !errors.Is(err, ErrGone) || plain != "" {
		t.Errorf("there, after a minute: %q, %v", plain, err)
	}
	if found := must[[]string](t)(here.SearchName(t.Context(), "0684", "elsa")); len(found) > 0 {
		t.Error("still found by name")
	}
	if _, found, err := here.Lookup(t.Context(), n); found || err != nil {
		t.Errorf("still found by number, %v", err)
	}
	if err := here.IndexName(t.Context(), "0684", p, "Elsa"); !errors.Is(err, ErrGone) {
		t.Errorf("indexed who is gone: %v", err)
	}
	for _, k := range []store.Kind{numberKind, nameKind} {
		_ = h.Each(t.Context(), k.Name, func(d store.Document) error { t.Errorf("%s is left: %s", k.Name, d.Body); return nil })
	}
	if again := must[string](t)(here.Person(t.Context(), n)); again == p {
		t.Error("who comes back is the person who was erased")
	}
	if err := here.Destroy(t.Context(), "nobody"); err != nil {
		t.Error(err)
	}
}

func TestReadUnderWayDoesNotBringADestroyedKeyBack(t *testing.T) {
	h := newHouse(t)
	s := h.node(t)
	p := must[string](t)(s.NewPerson(t.Context()))
	box := must[Sealed](t)(s.Seal(t.Context(), p, "x", "Elsa"))
	key := must[*aead](t)(s.key(t.Context(), p))
	if err := s.Destroy(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	s.cache.put(p, key, h.now()) // as a read that began before
	if _, err := s.Open(t.Context(), p, "x", box); !errors.Is(err, ErrGone) {
		t.Errorf("opened: %v", err)
	}
}

func TestNumberWhosePersonIsGoneIsFreeAlsoAfterACrash(t *testing.T) {
	h := newHouse(t)
	s := h.node(t)
	n := number(t, "200302022389")
	p := must[string](t)(s.Person(t.Context(), n))
	// The key is gone but the power went before the number was forgotten.
	if _, err := s.keys.Update(t.Context(), p, func(d *keyDoc) ([]halsocoach.Event, error) { d.Key = nil; return nil, nil }); err != nil {
		t.Fatal(err)
	}
	s = h.node(t)
	q := must[string](t)(s.Person(t.Context(), n))
	if q == p {
		t.Error("the number still leads to who is gone")
	}
}

func TestKeysStayInMemoryForAMinuteAtMost(t *testing.T) {
	h := newHouse(t)
	s := h.node(t)
	p := must[string](t)(s.NewPerson(t.Context()))
	ask := func() int { return h.asked(func() { must[Sealed](t)(s.Seal(t.Context(), p, "x", "y")) }) }
	if n := ask(); n != 0 {
		t.Errorf("%d questions for a key just made", n)
	}
	h.pass(cacheTime - time.Second)
	if n := ask(); n != 0 {
		t.Errorf("%d questions within the minute", n)
	}
	h.pass(time.Second)
	if n := ask(); n != 1 {
		t.Errorf("%d questions after a minute", n)
	}
	h.pass(-time.Hour)
	if n := ask(); n != 1 {
		t.Errorf("%d questions when the clock went back", n)
	}

	real := newCache(time.Now, 100*time.Millisecond, 10)
	for i := range 100 {
		real.put(fmt.Sprint(i), nil, time.Now())
	}
	real.mu.Lock()
	if n := len(real.young) + len(real.old); n > 10 {
		t.Errorf("%d keys in a memory of 10", n)
	}
	real.mu.Unlock()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		real.mu.Lock()
		n := len(real.young) + len(real.old)
		real.mu.Unlock()
		if n == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d keys are still in memory, with nobody asking", n)
		}
	}
}

func TestNameIsFoundByTheBeginningsOfItsWords(t *testing.T) {
	s := newHouse(t).node(t)
	people := map[string]string{}
	for _, name := range []string{"Åsa Öberg", "Asa Oberg", "Anna-Karin Lindström", "André Ek", "Ann Lind", "Søren Bjørk", "Bo Ek", "Siobhán O’Brien"} {
		p := must[string](t)(s.NewPerson(t.Context()))
		people[p] = name
		if err := s.IndexName(t.Context(), "0684", p, name); err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range map[string]string{
		"åsa": "Åsa Öberg", "asa": "Asa Oberg, Åsa Öberg", "ASA OBE": "Asa Oberg, Åsa Öberg", "Öberg åsa": "Åsa Öberg",
		"ann": "Ann Lind, Anna-Karin Lindström", "anna": "Anna-Karin Lindström", "kar lin": "Anna-Karin Lindström",
		"a\u030asa": "Åsa Öberg", "andre": "André Ek", "ANDRÉ": "André Ek", "ek": "André Ek, Bo Ek", "bo ek": "Bo Ek",
		"sören": "Søren Bjørk", "soren björk": "Søren Bjørk", "siobhan obr": "Siobhán O’Brien", "an": "", "li": "", "lindström ann": "Anna-Karin Lindström",
		"": "", "  - ": "", "indström": "", "%": "", "zzz": "", "ann zzz": "",
	} {
		var names []string
		for _, p := range must[[]string](t)(s.SearchName(t.Context(), "0684", query)) {
			names = append(names, people[p])
		}
		for i := range names { // order is the index's; compare as a set
			for j := range i {
				if names[j] > names[i] {
					names[i], names[j] = names[j], names[i]
				}
			}
		}
		if got := strings.Join(names, ", "); got != want {
			t.Errorf("%q finds %q, want %q", query, got, want)
		}
		if found := must[[]string](t)(s.SearchName(t.Context(), "0680", query)); len(found) > 0 {
			t.Errorf("%q finds %d at another centre", query, len(found))
		}
	}
}

func TestNewNameReplacesTheOldOne(t *testing.T) {
	s := newHouse(t).node(t)
	p := must[string](t)(s.NewPerson(t.Context()))
	for _, name := range []string{"Anna Svensson", "Anna Karlsson"} {
		if err := s.IndexName(t.Context(), "0684", p, name); err != nil {
			t.Fatal(err)
		}
	}
	if found := must[[]string](t)(s.SearchName(t.Context(), "0684", "svensson")); len(found) > 0 {
		t.Error("found by the old name")
	}
	if found := must[[]string](t)(s.SearchName(t.Context(), "0684", "karlsson")); len(found) != 1 {
		t.Error("not found by the new name")
	}
	if err := s.IndexName(t.Context(), "0684", p, ""); err != nil {
		t.Fatal(err)
	}
	if found := must[[]string](t)(s.SearchName(t.Context(), "0684", "anna")); len(found) > 0 {
		t.Error("found after being taken out")
	}
}

func TestTokenServesItsPurposeOnly(t *testing.T) {
	h := newHouse(t)
	a, b := h.node(t).Token("cursor"), h.node(t).Token("state")
	token := a.Encrypt([]byte("42"))
	if plain, err := h.node(t).Token("cursor").Decrypt(token); err != nil || string(plain) != "42" {
		t.Errorf("%q, %v", plain, err)
	}
	if strings.ContainsAny(token, "+/=") {
		t.Error("a token that must be escaped in a URL")
	}
	if _, err := b.Decrypt(token); !errors.Is(err, ErrToken) {
		t.Error(err)
	}
	for _, bad := range []string{"", "x", token[1:], token + "A", "å"} {
		if _, err := a.Decrypt(bad); !errors.Is(err, ErrToken) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestKeyFileIsMadeOnceAndForItsOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "master.key")
	made := make([]Master, 8)
	var wg sync.WaitGroup
	for i := range made {
		wg.Go(func() { made[i] = must[Master](t)(KeyFile(path)) })
	}
	wg.Wait()
	for _, m := range made {
		if m != made[0] || m == (Master{}) {
			t.Fatal("two keys for one file")
		}
	}
	info := must[os.FileInfo](t)(os.Stat(path))
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := KeyFile(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file that others may read: %v", err)
	}
	for _, text := range []string{"", "x", keyFileStart, keyFileStart + "AAAA", keyFileStart + "!"} {
		bad := filepath.Join(t.TempDir(), "bad")
		if err := os.WriteFile(bad, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := KeyFile(bad); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestMasterKeyShowsItselfToNobody(t *testing.T) {
	m := newHouse(t).master
	var b strings.Builder
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "master", m)
	for _, text := range []string{fmt.Sprint(m), fmt.Sprintf("%v", m), fmt.Sprintf("%+v", &m), fmt.Sprintf("%#v", m), fmt.Sprintf("%s", m), fmt.Sprintf("%d", m), fmt.Sprintf("%x", m), b.String()} {
		if !strings.HasSuffix(strings.TrimRight(text, "\"}\n"), "master key") {
			t.Errorf("it shows: %s", text)
		}
	}
	if _, err := json.Marshal(m); err == nil {
		t.Error("it was written down")
	}
}

func TestOtherMasterKeyIsRefusedAtTheStart(t *testing.T) {
	h := newHouse(t)
	h.node(t)
	h.node(t)
	other := must[Master](t)(KeyFile(filepath.Join(t.TempDir(), "other")))
	if _, err := Open(t.Context(), h, other, h.now); !errors.Is(err, ErrOtherMaster) {
		t.Error(err)
	}
	if _, err := Open(t.Context(), h, Master{}, h.now); err == nil {
		t.Error("no master key was taken")
	}
}

func TestKindsKeepTheRulesOfTheStore(t *testing.T) {
	if err := store.CheckKinds(Kinds()); err != nil {
		t.Error(err)
	}
}

func FuzzBoxReader(f *testing.F) {
	h := newHouse(f)
	s := h.node(f)
	p, err := s.NewPerson(context.Background())
	if err != nil {
		f.Fatal(err)
	}
	whole, err := s.Seal(context.Background(), p, "referral.name", "Elsa Åkesson")
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(nil))
	f.Add([]byte(whole))
	f.Add([]byte(whole[:13]))
	f.Add([]byte{boxVersion})
	f.Fuzz(func(t *testing.T, box []byte) {
		plain, err := s.Open(context.Background(), p, "referral.name", box)
		switch {
		case len(box) == 0 || string(box) == string(whole):
			if err != nil {
				t.Error(err)
			}
		case !errors.Is(err, ErrBox) || plain != "":
			t.Errorf("%x opened to %q, %v", box, plain, err)
		}
	})
}

func FuzzNameIndexTakesAnyName(f *testing.F) {
	f.Add("Åsa Öberg", "åsa")
	f.Add("\xff\xfe \u030a", "\u030a")
	f.Fuzz(func(t *testing.T, name, query string) {
		for _, w := range append(foldedWords(name), foldedWords(query)...) {
			if w == "" || len([]rune(w)) > longest || len(beginnings(w)) > longest || strings.ContainsAny(w, " \x00") {
				t.Errorf("%q gives the word %q", name, w)
			}
		}
	})
}

func BenchmarkSealAndOpen(b *testing.B) {
	s := newHouse(b).node(b)
	p, err := s.NewPerson(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		box, err := s.Seal(b.Context(), p, "chat.text", "Hej! Hur gick promenaden i går?")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Open(b.Context(), p, "chat.text", box); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenListOf100OutOfMemory(b *testing.B) {
	h := newHouse(b)
	s := h.node(b)
	var boxes []Box
	for range 100 {
		p, err := s.NewPerson(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		box, err := s.Seal(b.Context(), p, "x", "Elsa Åkesson")
		if err != nil {
			b.Fatal(err)
		}
		boxes = append(boxes, Box{p, "x", box})
	}
	for b.Loop() {
		h.pass(cacheTime)
		if _, err := s.OpenMany(b.Context(), boxes); err != nil {
			b.Fatal(err)
		}
	}
}
