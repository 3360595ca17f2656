package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

var errStuck = errors.New("stuck")

type plan struct {
	Kind  string     `json:"kind"`
	Since *time.Time `json:"since,omitempty"`
	Stuck bool       `json:"stuck,omitempty"`
}

// planned is a store with unfinished plans, and the log of their rounds.
type planned struct {
	*testing.T
	docs store.Collection[plan]
	f    store.Finisher
	hand *hand
	log  bytes.Buffer
}

func plans(t *testing.T) *planned {
	t.Helper()
	kind := store.Kind{Name: "plan", NoPerson: true, Indexes: []store.Index{{Name: "since", Fields: []store.Field{store.T("kind"), store.D("since")}}}}
	s := openStore(t, kind)
	p := &planned{T: t, docs: store.In[plan](s, kind), hand: atNine()}
	p.f = store.Finisher{Clock: p.hand.time, Log: slog.New(slog.NewTextHandler(&p.log, nil)), Unfinished: store.Unfinished{
		Name: "plans", Patience: time.Minute, Find: p.docs.Since("since", "mine"), Finish: p.finish,
	}}
	return p
}

func (p *planned) finish(ctx context.Context, id string) error {
	_, err := p.docs.Update(ctx, id, func(v *plan) ([]halsocoach.Event, error) {
		if v.Stuck {
			return nil, errStuck
		}
		v.Since = nil
		return nil, nil
	})
	return err
}

func (p *planned) begin(id string, v plan) {
	p.Helper()
	now := p.hand.time()
	v.Since = &now
	if err := p.docs.Insert(p.Context(), id, v); err != nil {
		p.Fatal(err)
	}
}

// does runs a round and says how many were finished and what was logged.
func (p *planned) does(what string, round func(context.Context) (int, error), finished, warned, given int) {
	p.Helper()
	p.log.Reset()
	n, err := round(p.Context())
	if err != nil {
		p.Fatalf("%s: %v", what, err)
	}
	w, e := strings.Count(p.log.String(), "level=WARN"), strings.Count(p.log.String(), "level=ERROR")
	if n != finished || w != warned || e != given {
		p.Errorf("%s: %d finished, %d warnings, %d given up; want %d, %d, %d\n%s", what, n, w, e, finished, warned, given, &p.log)
	}
}

func TestWhatIsUnfinishedIsFinishedWhenItsOwnerCanNoLongerBeAtIt(t *testing.T) {
	p := plans(t)
	p.begin("a", plan{Kind: "mine"})
	p.begin("other", plan{Kind: "other"})
	p.hand.add(59 * time.Second)
	p.does("at once", p.f.Round, 0, 0, 0)
	p.hand.add(2 * time.Second)
	p.does("later", p.f.Round, 1, 0, 0)
	p.does("again", p.f.Round, 0, 0, 0)
	if v, err := p.docs.Get(t.Context(), "other"); err != nil || v.Since == nil {
		t.Errorf("another work's document: %+v (%v)", v, err)
	}
}

func TestWhatCanNotBeFinishedHoldsUpNoOtherAndIsGivenUpAfterADay(t *testing.T) {
	p := plans(t)
	p.begin("stuck", plan{Kind: "mine", Stuck: true})
	p.begin("well", plan{Kind: "mine"})
	p.hand.add(2 * time.Minute)
	p.does("first", p.f.Round, 1, 1, 0)
	p.does("second", p.f.Round, 0, 0, 0)
	p.does("not old yet", p.f.Old, 0, 0, 0)
	p.hand.add(24 * time.Hour)
	p.does("no more", p.f.Round, 0, 0, 0)
	p.does("given up", p.f.Old, 0, 0, 1)
	if !strings.Contains(p.log.String(), "id=stuck") {
		t.Errorf("the fault does not name the document: %s", &p.log)
	}
	if _, err := p.docs.Update(t.Context(), "stuck", func(v *plan) ([]halsocoach.Event, error) { v.Stuck = false; return nil, nil }); err != nil {
		t.Fatal(err)
	}
	p.does("mended", p.f.Old, 1, 0, 0)
}

func TestARoundGoesOnWhereTheOneBeforeStopped(t *testing.T) {
	p := plans(t)
	const stuck = 1000 // as many as a round takes
	for i := range stuck {
		p.begin(fmt.Sprintf("s%04d", i), plan{Kind: "mine", Stuck: true})
	}
	p.begin("t", plan{Kind: "mine"})
	p.hand.add(2 * time.Minute)
	p.does("first", p.f.Round, 0, stuck, 0)
	p.does("second", p.f.Round, 1, 0, 0)
	p.does("from the beginning", p.f.Round, 0, 0, 0)
}

func TestAPanicIsAFaultLikeAnother(t *testing.T) {
	p := plans(t)
	p.begin("a", plan{Kind: "mine"})
	p.begin("b", plan{Kind: "mine"})
	p.f.Finish = func(ctx context.Context, id string) error {
		if id == "a" {
			panic(id)
		}
		return p.finish(ctx, id)
	}
	p.hand.add(2 * time.Minute)
	p.does("round", p.f.Round, 1, 1, 1)
}
