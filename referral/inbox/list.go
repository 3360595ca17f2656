package inbox

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/seal"
	"halsocoach/referral/record"
)

// Item is a person in a centre's inbox: one recommendation, or those that stand
// together. Name is "" when it is not shown.
type Item struct {
	ID        string // of the recommendation that is due first
	Name      string
	Topics    []halsocoach.Topic
	Source    halsocoach.Source
	Centre    string
	State     record.State
	Received  time.Time
	Due       time.Time
	Late      bool // the promise has passed while nobody has decided or reached the person
	Senders   int
	Protected bool
	Language  string // "" for Swedish
	Interpret bool
	CallMe    bool   // a caller whom nobody has asked yet what they want
	TakenBy   string // staff id of the coach who has it, while it is undecided
	TakenAt   time.Time
}

// itemOf is the row of recommendations that stand together, the first of which it is
// known by, without the name.
func itemOf(all []record.Referral, protected bool, now time.Time) Item {
	r := all[0]
	i := Item{ID: r.ID, Source: r.Holding()[0].Source, Centre: r.Centre, State: r.State, Received: r.Received, Due: r.Due, Late: r.Late(now), Protected: protected,
		CallMe: true}
	for _, o := range all {
		i.Senders += len(o.Holding())
		i.CallMe = i.CallMe && o.CallMe != ""
		if language, interpreter := o.Language(); language != "" || interpreter {
			i.Language, i.Interpret = cmp.Or(language, i.Language), i.Interpret || interpreter
		}
		if o.Received.Before(i.Received) {
			i.Received = o.Received
		}
		if o.Taken != nil && i.TakenBy == "" {
			i.TakenBy, i.TakenAt, i.State = o.Taken.By, o.Taken.At, o.State
		}
	}
	i.Topics = record.TopicsOf(all...)
	return i
}

// List is a page of the inbox.
type List struct {
	Items     []Item
	Names     map[string]string // of colleagues, by staff id
	Next      string
	Untouched int // at the centre, of those that nobody has taken though the promise has passed
}

// List is a page of the inbox of the coach's centre.
func (s *Service) List(ctx context.Context, who halsocoach.Actor, q record.InboxQuery) (List, error) {
	items, found, next, err := s.items(ctx, who, q)
	if err != nil {
		return List{}, err
	}
	l := List{Items: items, Next: next, Names: map[string]string{}}
	for _, i := range items {
		if i.TakenBy == "" || l.Names[i.TakenBy] != "" {
			continue
		}
		if l.Names[i.TakenBy], err = s.Records.Colleague(ctx, i.TakenBy); err != nil {
			return List{}, err
		}
	}
	if l.Untouched, err = s.untouched(ctx, who.Centre, q, found, next); err != nil {
		return List{}, fmt.Errorf("untouched at %s: %w", who.Centre, err)
	}
	return l, nil
}

// untouched is how many at a centre nobody has taken though the promise has passed.
// The first page of all that waits says so itself, unless it is full of those: they
// come first.
func (s *Service) untouched(ctx context.Context, centre string, q record.InboxQuery, found []record.Referral, next string) (n int, err error) {
	over := record.Over(s.now())
	if q != (record.InboxQuery{}) || next != "" && found[len(found)-1].Due.Before(over) {
		return s.Records.Untouched(ctx, centre)
	}
	for i := range found {
		if found[i].Taken == nil && found[i].Due.Before(over) {
			n++
		}
	}
	return n, nil
}

// items are the rows of a page, and the documents they are made from. The documents, the persons and the names are one
// question each, and the log gets one row.
func (s *Service) items(ctx context.Context, who halsocoach.Actor, q record.InboxQuery) (items []Item, found []record.Referral, next string, err error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return nil, nil, "", err
	}
	if who.Centre == "" {
		return nil, nil, "", halsocoach.ErrNotFound
	}
	if q.State != "" && !q.State.Known() {
		return nil, nil, "", halsocoach.Invalid(halsocoach.Field{Name: "state", Text: "Tillståndet finns inte."})
	}
	found, next, err = s.Records.Inbox(ctx, who.Centre, q)
	if err != nil {
		return nil, nil, "", fmt.Errorf("inbox of %s: %w", who.Centre, err)
	}
	persons, err := s.Records.Identities(ctx, found...)
	if err != nil {
		return nil, nil, "", fmt.Errorf("inbox of %s: %w", who.Centre, err)
	}
	now := s.now()
	items = make([]Item, 0, len(found))
	boxes, shown := make([]seal.Box, 0, len(found)), make([]record.Referral, 0, len(found))
	for _, r := range found {
		one := persons[r.Person]
		if !r.MayOpen(who, one.Protected) || q.Late && r.Reached() {
			continue
		}
		all := []record.Referral{r}
		if len(one.IDs) > 1 && r.State.Open() {
			if all, err = s.Records.Together(ctx, r); err != nil {
				return nil, nil, "", err
			}
			if all = headed(all, q, now); len(all) == 0 || all[0].ID != r.ID {
				continue // it stands with another one, or was decided since
			}
		}
		var box seal.Box
		if slices.ContainsFunc(all, func(o record.Referral) bool { return o.ShowsPerson(who, one.Protected) }) {
			box = r.NameBox()
		}
		items, boxes, shown = append(items, itemOf(all, one.Protected, now)), append(boxes, box), append(shown, all...)
	}
	if err := s.Records.Saw(ctx, who, halsocoach.ActReadInbox, shown...); err != nil {
		return nil, nil, "", err
	}
	names, err := s.Records.Seal.OpenMany(ctx, boxes)
	if err != nil {
		return nil, nil, "", fmt.Errorf("open names: %w", err)
	}
	for i := range items {
		items[i].Name = names[i]
	}
	return items, found, next, nil
}

// headed puts the one first that the others stand with in a list: of those that fit
// the question the one that is due first.
func headed(all []record.Referral, q record.InboxQuery, now time.Time) []record.Referral {
	slices.SortFunc(all, func(a, b record.Referral) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID)) })
	i := slices.IndexFunc(all, func(r record.Referral) bool { return q.Fits(r, now) })
	if i > 0 {
		all[0], all[i] = all[i], all[0]
	}
	return all
}

// Waiting is how many recommendations wait for a decision at the coach's centre,
// at most 100, and when the first of them is promised a contact; for the desk.
func (s *Service) Waiting(ctx context.Context, who halsocoach.Actor) (n int, firstDue time.Time, err error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return 0, time.Time{}, err
	}
	if who.Centre == "" {
		return 0, time.Time{}, nil
	}
	return s.Records.Waiting(ctx, who.Centre)
}
