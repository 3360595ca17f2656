package citizen_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/citizen"
	"halsocoach/internal/testenv"
)

func at(hours float64) time.Time {
	return testenv.Morning().Add(time.Duration(hours * float64(time.Hour)))
}

func TestNobodyGetsTwoFirstTalksOrTwoThingsAtOnce(t *testing.T) {
	first := citizen.Talk{ID: "a", Kind: "first", Starts: at(24), Ends: at(25)}
	for _, c := range []struct {
		name    string
		has     []citizen.Talk
		ended   bool
		wants   citizen.Talk
		changed bool
		err     error
	}{
		{"the first of all", nil, false, first, true, nil},
		{"the same again", []citizen.Talk{first}, false, first, false, nil},
		{"moved to another time", []citizen.Talk{first}, false, citizen.Talk{ID: "a", Kind: "first", Starts: at(24.5), Ends: at(25.5)}, true, nil},
		{"a second first talk", []citizen.Talk{first}, false, citizen.Talk{ID: "b", Kind: "first", Starts: at(48), Ends: at(49)}, false, citizen.ErrFirstTalk},
		{"a first talk when one is over", []citizen.Talk{{ID: "a", Kind: "first", Starts: at(-2), Ends: at(-1)}}, false, citizen.Talk{ID: "b", Kind: "first", Starts: at(48), Ends: at(49)}, true, nil},
		{"at the same time", []citizen.Talk{first}, false, citizen.Talk{ID: "b", Kind: "followup", Starts: at(24.9), Ends: at(26)}, false, citizen.ErrSameTime},
		{"around it", []citizen.Talk{first}, false, citizen.Talk{ID: "b", Kind: "followup", Starts: at(23), Ends: at(26)}, false, citizen.ErrSameTime},
		{"wall to wall", []citizen.Talk{first}, false, citizen.Talk{ID: "b", Kind: "followup", Starts: at(25), Ends: at(26)}, true, nil},
		{"moved onto another", []citizen.Talk{first, {ID: "b", Kind: "followup", Starts: at(30), Ends: at(31)}}, false, citizen.Talk{ID: "a", Kind: "first", Starts: at(30), Ends: at(31)}, false, citizen.ErrSameTime},
		{"after the end", nil, true, first, false, citizen.ErrEnded},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := citizen.Enrolment{Talks: c.has}
			if c.ended {
				e.Ended = &citizen.End{}
			}
			changed, err := e.Claim(c.wants, testenv.Morning())
			if changed != c.changed || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
				t.Fatalf("changed %v, %v; want %v, %v", changed, err, c.changed, c.err)
			}
			if c.err != nil && len(e.Talks) != len(c.has) {
				t.Fatal("a refused claim changed the talks")
			}
		})
	}
}

func TestOldTalksDoNotPileUp(t *testing.T) {
	var e citizen.Enrolment
	for i := range 100 {
		now := at(float64(24 * 7 * i))
		testenv.Must(t, testenv.ErrOf(e.Claim(citizen.Talk{ID: string(rune('a' + i)), Kind: "followup", Starts: now.Add(time.Hour), Ends: now.Add(2 * time.Hour)}, now)))
	}
	if len(e.Talks) > 2 {
		t.Fatalf("%d talks are kept", len(e.Talks))
	}
}

func TestThereIsOneClearNextStepForEachState(t *testing.T) {
	enrolled, met := &citizen.Enrolment{}, &citizen.Enrolment{Started: true}
	talk := &halsocoach.Appointment{}
	said := func(states ...string) (out []citizen.Recommended) {
		for _, s := range states {
			out = append(out, citizen.Recommended{State: s})
		}
		return out
	}
	for _, c := range []struct {
		name        string
		enrolled    *citizen.Enrolment
		coming      *halsocoach.Appointment
		recommended []citizen.Recommended
		want        citizen.NextStep
	}{
		{"nobody knows the person", nil, nil, nil, citizen.StepContact},
		{"recommended", nil, nil, said("mottagen"), citizen.StepWait},
		{"recommended again after a no", nil, nil, said("mottagen", "avvisad"), citizen.StepWait},
		{"declined", nil, nil, said("avvisad"), citizen.StepContact},
		{"forwarded and waiting there", nil, nil, said("mottagen", "vidaresänd"), citizen.StepWait},
		{"accepted just now", nil, nil, said("antagen"), citizen.StepAccepted},
		{"enrolled", enrolled, nil, nil, citizen.StepFirstTalk},
		{"a talk is coming", met, talk, nil, citizen.StepTalk},
		{"has met the coach", met, nil, nil, citizen.StepAgain},
		{"has ended", nil, nil, said("avslutad"), citizen.StepContact},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := citizen.StepFor(c.enrolled, c.coming, c.recommended); got != c.want {
				t.Fatalf("%s, want %s", got, c.want)
			}
		})
	}
}

func fieldsOf(err error) map[string]string {
	out := map[string]string{}
	var e *halsocoach.Error
	if errors.As(err, &e) {
		for _, f := range e.Fields {
			out[f.Name] = f.Text
		}
	}
	return out
}

func goalWish() citizen.NewGoal {
	return citizen.NewGoal{Habit: "fysisk aktivitet", Words: "Jag vill orka gå till affären", Why: "För att slippa be om hjälp", Steps: []string{"Gå runt kvarteret", "Gå till bron"}}
}

func TestAGoalIsJudgedKindly(t *testing.T) {
	for _, c := range []struct {
		name, field string
		change      func(*citizen.NewGoal)
	}{
		{"as it should be", "", func(*citizen.NewGoal) {}},
		{"without why and steps", "", func(w *citizen.NewGoal) { w.Why, w.Steps = "", nil }},
		{"no habit", "habit", func(w *citizen.NewGoal) { w.Habit = "" }},
		{"no words", "words", func(w *citizen.NewGoal) { w.Words = "" }},
		{"many words", "words", func(w *citizen.NewGoal) { w.Words = strings.Repeat("å", 501) }},
		{"a long why", "why", func(w *citizen.NewGoal) { w.Why = strings.Repeat("å", 501) }},
		{"eleven steps", "steps", func(w *citizen.NewGoal) { w.Steps = strings.Split(strings.Repeat("s", 11), "") }},
		{"a long step", "steps", func(w *citizen.NewGoal) { w.Steps = []string{strings.Repeat("å", 201)} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := goalWish()
			c.change(&w)
			got := fieldsOf(w.Validate())
			if c.field == "" && len(got) > 0 || c.field != "" && (len(got) != 1 || got[c.field] == "") {
				t.Fatalf("%v, want a fault in %q", got, c.field)
			}
		})
	}
}

func TestACheckInIsJudgedKindly(t *testing.T) {
	for _, c := range []struct {
		name, field string
		wish        citizen.CheckInInput
	}{
		{"the whole goal", "", citizen.CheckInInput{Outcome: "done"}},
		{"the last step", "", citizen.CheckInInput{Step: 2, Outcome: "notnow"}},
		{"a step that is not there", "step", citizen.CheckInInput{Step: 3, Outcome: "done"}},
		{"a step that can not be", "step", citizen.CheckInInput{Step: -1, Outcome: "done"}},
		{"no outcome", "outcome", citizen.CheckInInput{}},
		{"an outcome of our own", "outcome", citizen.CheckInInput{Outcome: "failed"}},
		{"a novel", "words", citizen.CheckInInput{Outcome: "partly", Words: strings.Repeat("å", 1001)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := fieldsOf(c.wish.Validate(2))
			if c.field == "" && len(got) > 0 || c.field != "" && (len(got) != 1 || got[c.field] == "") {
				t.Fatalf("%v, want a fault in %q", got, c.field)
			}
		})
	}
}

func TestAStepIsMeantByNumberOrWords(t *testing.T) {
	v := citizen.GoalView{Steps: []string{"Gå runt kvarteret", "Gå till bron"}}
	for said, want := range map[string]int{"": 0, "0": 0, "1": 1, "Gå till bron": 2, "7": 7, "-3": -1, "hoppa": -1} {
		if got := v.StepNumber(said); got != want {
			t.Errorf("%q is %d, want %d", said, got, want)
		}
	}
}
