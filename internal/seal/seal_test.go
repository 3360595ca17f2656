package seal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"halsocoach/internal/store"
)

func TestBoxOpensWithItsPersonAndPurpose(t *testing.T) {
	h := newHouse(t)
	s, other := h.node(t), h.node(t)
	p := must[string](t)(s.NewPerson(t.Context()))
	for _, plain := range []string{"Elsa Åkesson", "x", "🌲 hälsa", strings.Repeat("å", 100_000), ""} {
		box := must[Sealed](t)(s.Seal(t.Context(), p, "referral.name", plain))
		if (box == nil) != (plain == "") || len(plain) > 4 && strings.Contains(string(box), plain) {
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
	ok(t, s.Destroy(t.Context(), boxes[3].Person))
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

func TestKindsKeepTheRulesOfTheStore(t *testing.T) {
	if err := store.CheckKinds(Kinds()); err != nil {
		t.Error(err)
	}
}

func FuzzBoxReader(f *testing.F) {
	h := newHouse(f)
	s := h.node(f)
	p, err := s.NewPerson(context.Background())
	ok(f, err)
	whole, err := s.Seal(context.Background(), p, "referral.name", "Elsa Åkesson")
	ok(f, err)
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

func BenchmarkSealAndOpen(b *testing.B) {
	s := newHouse(b).node(b)
	p, err := s.NewPerson(b.Context())
	ok(b, err)
	for b.Loop() {
		box, err := s.Seal(b.Context(), p, "chat.text", "Hej! Hur gick promenaden i går?")
		ok(b, err)
		if _, err := s.Open(b.Context(), p, "chat.text", box); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenListOf100OutOfMemory(b *testing.B) {
	h := newHouse(b)
	s := h.node(b)
	boxes := boxed(b, s, 100)
	for b.Loop() {
		h.pass(cacheTime)
		if _, err := s.OpenMany(b.Context(), boxes); err != nil {
			b.Fatal(err)
		}
	}
}
