package inbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
	"halsocoach/referral"
	"halsocoach/referral/inbox"
)

// hooked is a store that tells of each write, before and after it. A fault from
// either ends the write for whoever made it.
type hooked struct {
	store.Store
	before, after func(op, kind, id string) error
}

func (h *hooked) Save(ctx context.Context, kind string, doc store.Document, events []halsocoach.Event) (string, error) {
	if err := h.before("save", kind, doc.ID); err != nil {
		return "", err
	}
	v, err := h.Store.Save(ctx, kind, doc, events)
	return v, errors.Join(err, h.after("save", kind, doc.ID))
}

func (h *hooked) Delete(ctx context.Context, kind, id, version string, events []halsocoach.Event) error {
	if err := h.before("delete", kind, id); err != nil {
		return err
	}
	return errors.Join(h.Store.Delete(ctx, kind, id, version, events), h.after("delete", kind, id))
}

func quiet(string, string, string) error { return nil }

// nodes is the inbox on two nodes without consumers, so that a test says what is done
// when. What the first writes goes by way of a hook.
type nodes struct {
	ground
	hook  *hooked
	other *inbox.Service
	node  func(store.Store) (*referral.Service, *inbox.Service) // one more
	round int
}

func openNodes(t testing.TB) *nodes {
	t.Helper()
	env := testenv.New(t, referral.Kinds(), inbox.Kinds())
	n := &nodes{ground: ground{Env: env, holders: holders{}, out: &logins{}}, hook: &hooked{env.Store, quiet, quiet}}
	n.node = func(st store.Store) (*referral.Service, *inbox.Service) {
		refs := referral.New(referral.Config{Store: st, Seal: env.Seal, Clock: env.Clock.Now, Settings: env.Terms,
			Registers: env.Registers, Staff: colleagues{env.Staff}, AccessLog: env.AccessLog})
		return refs, inbox.New(inbox.Config{Referrals: refs, Holders: []inbox.Holder{n.holders}, Logins: n.out, Log: env.Log})
	}
	n.refs, n.other = n.node(env.Store)
	_, n.svc = n.node(n.hook)
	return n
}

// pair is a person who stays and one who goes, each with a recommendation that waits.
type pair struct {
	*nodes
	a, b           string // the recommendations; a's person stays
	person, absent string
	merge          string
}

// pair makes two who are alike and like nobody else.
func (n *nodes) pair() pair {
	n.T.Helper()
	n.round++
	n.hook.before, n.hook.after = quiet, quiet
	w := nameless("Elsa Berg")
	w.Phone = fmt.Sprintf("070-174 %05d", n.round)
	p := pair{nodes: n}
	p.a = n.sent(n.People.Vardcentral, fmt.Sprint("a", n.round), w)
	n.Clock.Add(time.Minute)
	p.b = n.sent(n.People.Forening, fmt.Sprint("b", n.round), w)
	n.Clock.Add(time.Minute)
	p.person, p.absent = n.stored(p.a).Person, n.stored(p.b).Person
	p.merge = inbox.MergeOf(p.absent)
	for _, id := range []string{p.a, p.b} {
		n.ok(n.other.Heard(n.Ctx(), halsocoach.Event{Type: referral.EventReceived, Subject: id}))
	}
	return p
}

func (n *nodes) ok(err error) {
	n.T.Helper()
	if err != nil {
		n.T.Fatal(err)
	}
}

func (p pair) join() error {
	_, err := p.svc.Join(p.Ctx(), p.People.Maria, p.b, p.a)
	return err
}

// undo is a coach at the other node who says that they are two.
func (p pair) undo() error {
	id := p.a
	if _, err := p.refs.Stored(p.Ctx(), p.People.Maria, id); err != nil {
		id = p.b
	}
	return p.other.Part(p.Ctx(), p.People.Maria, id, p.merge)
}

// once has do done at the first write of op to the document of kind, before or after
// it.
func (p pair) once(when, op, kind, id string, do func()) {
	var first sync.Once
	hook := func(o, k, i string) error {
		if o == op && k == kind && i == id {
			first.Do(do)
		}
		return nil
	}
	if when == "before" {
		p.hook.before = hook
	} else {
		p.hook.after = hook
	}
}

// found is where a sending lies: forwarded ones are left out.
func (p pair) found(sending string) referral.Referral {
	p.T.Helper()
	var all []referral.Referral
	err := p.Store.Each(p.Ctx(), "referrals", func(d store.Document) error {
		var r referral.Referral
		if err := json.Unmarshal(d.Body, &r); err != nil {
			return err
		}
		if r.State != referral.Forwarded && slices.ContainsFunc(r.Sendings, func(x referral.Sending) bool { return x.ID == sending }) {
			all = append(all, r)
		}
		return nil
	})
	if err != nil || len(all) != 1 {
		p.T.Fatalf("a sending lies in %d recommendations, %v: %+v", len(all), err, all)
	}
	said, err := p.refs.Said(p.Ctx(), all[0])
	if err != nil {
		p.T.Fatal("what was said can not be read: ", err)
	}
	for _, w := range said {
		if w.Name != "Elsa Berg" {
			p.T.Fatalf("what was said can not be read: %+v", w)
		}
	}
	return all[0]
}

func (p pair) sending(id string) referral.Sending {
	p.T.Helper()
	r := p.found(id)
	return r.Sendings[slices.IndexFunc(r.Sendings, func(x referral.Sending) bool { return x.ID == id })]
}

// oneNow says that the two are one and nothing is left.
func (p pair) oneNow() {
	p.T.Helper()
	for _, id := range []string{p.a, p.b} {
		if r := p.found(id); r.Person != p.person {
			p.T.Fatalf("%s is not the staying one's: %+v", id, r)
		}
	}
	if about, err := p.refs.About(p.Ctx(), p.absent); err != nil || len(about) > 0 {
		p.T.Fatalf("something is left: %+v, %v", about, err)
	}
	m, err := p.other.Merge(p.Ctx(), p.merge)
	if err != nil || m.Undone != nil || slices.ContainsFunc(m.Moved, func(x inbox.Moved) bool { return x.Doc != nil && !x.Done }) {
		p.T.Fatalf("%+v, %v", m, err)
	}
}

// twoNow says that they are two, each with what is theirs.
func (p pair) twoNow() {
	p.T.Helper()
	if a, b := p.found(p.a), p.found(p.b); a.Person != p.person || b.Person != p.absent || a.ID == b.ID {
		p.T.Fatalf("%+v and %+v", a, b)
	}
	if m, err := p.other.Merge(p.Ctx(), p.merge); err != nil || m.Undone == nil || slices.ContainsFunc(m.Moved, func(x inbox.Moved) bool { return !x.Back }) {
		p.T.Fatalf("%+v, %v", m, err)
	}
}
