package halsocoach_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"halsocoach"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestNumbersAreReadAsPeopleWriteThem(t *testing.T) {
	for _, c := range []struct {
		name, in, want string
		err            error
	}{
		{"twelve digits", "196101182803", "196101182803", nil},
		{"twelve with dash", "19610118-2803", "196101182803", nil},
		{"ten digits", "6101182803", "196101182803", nil},
		{"ten with dash and spaces", " 610118 - 2803 ", "196101182803", nil},
		{"born this century", "0302022389", "200302022389", nil},
		{"a hundred with plus", "960202+9812", "", nil},
		{"coordination number of SKVM 2010:3", "701063-2391", "197010632391", nil},
		{"protected registration", "189602029812", "189602029812", nil},
		{"plus on a younger person", "19610118+2803", "", halsocoach.ErrNumberShape},
		{"wrong check digit", "196101182804", "", halsocoach.ErrNumberCheck},
		{"day 00", "196101002803", "", halsocoach.ErrNumberDate},
		{"coordination day 60", "701060-2391", "", halsocoach.ErrNumberDate},
		{"day 32", "196101322803", "", halsocoach.ErrNumberDate},
		{"coordination day 92", "196101922803", "", halsocoach.ErrNumberDate},
		{"30 February", "196102302803", "", halsocoach.ErrNumberDate},
		{"month 13", "196113182803", "", halsocoach.ErrNumberDate},
		{"not yet born", "202701012389", "", halsocoach.ErrNumberDate},
		{"interim letter", "19610118T803", "", halsocoach.ErrNumberShape},
		{"too short", "610118", "", halsocoach.ErrNumberShape},
		{"empty", "", "", halsocoach.ErrNumberShape},
		{"other digits", "１９６１０１１８２８０３", "", halsocoach.ErrNumberShape},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := halsocoach.ParseNumber(c.in, now)
			if c.name == "a hundred with plus" { // 1896: the plus and the century give 12 digits
				if err != nil || got.Digits() != "189602029812" {
					t.Fatalf("got %q, %v", got.Digits(), err)
				}
				return
			}
			if !errors.Is(err, c.err) || got.Digits() != c.want {
				t.Fatalf("ParseNumber(%q) = %q, %v; want %q, %v", c.in, got.Digits(), err, c.want, c.err)
			}
		})
	}
}

func TestANumberDoesNotSlipOut(t *testing.T) {
	n, _ := halsocoach.ParseNumber("196101182803", now)
	for _, s := range []string{n.String(), fmt.Sprint(n), fmt.Sprintf("%v", n), n.LogValue().String()} {
		if strings.Contains(s, "2803") {
			t.Fatalf("the number shows in %q", s)
		}
	}
	if _, err := json.Marshal(n); err == nil {
		t.Fatal("the number can be marshalled")
	}
	if n.Sex() != "kvinna" || n.Age("2026-01-17") != 64 || n.Age("2026-01-18") != 65 {
		t.Fatalf("sex %s, age %d", n.Sex(), n.Age("2026-01-18"))
	}
	c, _ := halsocoach.ParseNumber("701063-2391", now)
	if !c.Coordination() || c.Sex() != "man" || c.Age("2026-10-02") != 55 || c.Age("2026-10-03") != 56 {
		t.Fatalf("coordination %v, sex %s, age %d", c.Coordination(), c.Sex(), c.Age("2026-10-02"))
	}
}

func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{"196101182803", "701063-2391", "960202+9812", "", "19610118T803", "000000-0000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := halsocoach.ParseNumber(s, now)
		if err != nil {
			return
		}
		again, err := halsocoach.ParseNumber(n.Digits(), now)
		if err != nil || again != n {
			t.Fatalf("%q gave %q, which reads as %q, %v", s, n.Digits(), again.Digits(), err)
		}
	})
}

func TestDaysKeepTheClockOnTheWall(t *testing.T) {
	spring, autumn := halsocoach.Day("2027-03-28"), halsocoach.Day("2026-10-25")
	if h := spring.Plus(1).Start().Sub(spring.Start()).Hours(); h != 23 {
		t.Fatalf("the day of summer time has %v hours", h)
	}
	if h := autumn.Plus(1).Start().Sub(autumn.Start()).Hours(); h != 25 {
		t.Fatalf("the day of winter time has %v hours", h)
	}
	if got := spring.At(10*60 + 30).Format("15:04"); got != "10:30" {
		t.Fatalf("10:30 became %s", got)
	}
	for to, want := range map[halsocoach.Day]int{"2026-03-28": -1, "2026-03-29": 0, "2026-03-30": 1, "2026-10-26": 211} { // over both changes of the clock
		if got := halsocoach.Day("2026-03-29").Until(to); got != want {
			t.Errorf("until %s: %d, want %d", to, got, want)
		}
	}
	if halsocoach.Day("2026-12-31").Plus(1) != "2027-01-01" || halsocoach.Day("2026-02-30").Valid() {
		t.Fatal("the calendar is off")
	}
}

func TestPlainTextHoldsNoControlCharacters(t *testing.T) {
	for in, want := range map[string]string{
		"":                             "",
		"Hej på dig 🌲":                 "Hej på dig 🌲",
		"en\n\ttvå":                    "en\n\ttvå",
		"en\r\ntvå\rtre":               "en\ntvå\ntre",
		"a\x00b\x07c\x1b[31md\x7fe":    "abc[31mde",
		"next\u0085line\u009f":         "nextline",
		"familj 👨\u200d👩, mjukt\u00ad": "familj 👨\u200d👩, mjukt\u00ad",
		"\x00":                         "",
		"bruten \xff":                  "bruten \uFFFD",
	} {
		if got := halsocoach.Plain(in); got != want {
			t.Errorf("Plain(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTheSameWishHasTheSameIDAndNobodyElses(t *testing.T) {
	r := halsocoach.Request{Key: "k"}
	a, b := halsocoach.Actor{ID: "a"}, halsocoach.Actor{ID: "b"}
	again := halsocoach.Request{Key: "k"}
	if r.ID(a, "talks") != again.ID(a, "talks") || r.ID(a, "talks") == r.ID(b, "talks") || r.ID(a, "talks") == r.ID(a, "goals") {
		t.Fatal("ids do not follow actor, route and key")
	}
	if r.Digest("x") == r.Digest("y") || r.Digest("x") == (halsocoach.Request{Key: "l"}).Digest("x") {
		t.Fatal("digests do not follow key and wish")
	}
}

func TestProtectedPeopleAreCountedForTheCountyOnly(t *testing.T) {
	f := halsocoach.Count(halsocoach.CountFirstTalk, now, "0684", true, map[string]string{"sex": "kvinna", "age": "18-29", "source": "förening", "topic": ""})
	if f.Kommun != halsocoach.County || f.Dims["sex"] != "" || f.Dims["age"] != "" || f.Dims["source"] != "förening" || len(f.Dims) != 1 {
		t.Fatalf("%+v", f)
	}
}

func TestErrorsAreKnownByKindAndCode(t *testing.T) {
	full := halsocoach.Conflict("full", "Fullbokat.")
	err := fmt.Errorf("book occasion o1: %w", full)
	if !errors.Is(err, full) || halsocoach.KindOf(err) != halsocoach.KindConflict || halsocoach.KindOf(errors.New("x")) != "" {
		t.Fatal("a wrapped error is not known")
	}
	if halsocoach.Invalid() != nil {
		t.Fatal("no fields is no error")
	}
	if halsocoach.KindOf(halsocoach.Allow(halsocoach.Actor{}, halsocoach.RoleCoach)) != halsocoach.KindSignIn ||
		halsocoach.KindOf(halsocoach.Allow(halsocoach.Actor{ID: "a", Role: halsocoach.RoleCitizen}, halsocoach.RoleCoach)) != halsocoach.KindForbidden {
		t.Fatal("Allow")
	}
}
