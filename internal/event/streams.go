package event

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"halsocoach"
)

// The streams. A type's dot separates tokens of the subject, so that
// groups.place_booked in Sävsjö is halsocoach.event.0684.groups.place_booked,
// and a consumer asks for halsocoach.event.*.groups.place_booked.
const (
	eventStream  = "HALSOCOACH"
	factStream   = "HALSOCOACH_FACTS"
	countStream  = "HALSOCOACH_COUNTS"
	parkedStream = "HALSOCOACH_PARKED"

	eventSubject  = "halsocoach.event."
	factSubject   = "halsocoach.fact."
	countSubject  = "halsocoach.counts."
	parkedSubject = "halsocoach.parked."
	nudgeSubject  = "halsocoach.nudge."
)

// Events, and those that are parked, are kept for a month; the truth is in the
// store. Facts are kept for ever: counts can be rebuilt from them.
const kept = 30 * 24 * time.Hour

func (b *Bus) streams(ctx context.Context) error {
	for _, s := range []jetstream.StreamConfig{
		{Name: eventStream, Subjects: []string{eventSubject + ">"}, MaxAge: kept, Description: "what has happened"},
		{Name: factStream, Subjects: []string{factSubject + ">"}, Description: "what is counted, nameless"},
		{Name: countStream, Subjects: []string{countSubject + ">"}, MaxMsgsPerSubject: 1, Description: "published counts, the last of each kommun and month"},
		{Name: parkedStream, Subjects: []string{parkedSubject + ">"}, MaxAge: kept, Description: "events that a consumer could not take"},
	} {
		s.Storage = jetstream.FileStorage
		s.Duplicates = b.set.duplicates
		if err := b.stream(ctx, s); err != nil {
			return fmt.Errorf("event: stream %s: %w", s.Name, err)
		}
	}
	return nil
}

// stream makes what is missing and mends what differs. Replicas and placement
// are the operator's: they stay as they are.
func (b *Bus) stream(ctx context.Context, want jetstream.StreamConfig) error {
	got, err := b.js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = b.js.CreateStream(ctx, want)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another node was first
			return nil
		}
		return err
	}
	if err != nil {
		return err
	}
	is := got.CachedInfo().Config
	if slices.Equal(is.Subjects, want.Subjects) && is.MaxAge == want.MaxAge &&
		is.Duplicates == want.Duplicates && max(is.MaxMsgsPerSubject, 0) == want.MaxMsgsPerSubject {
		return nil
	}
	is.Subjects, is.MaxAge, is.Duplicates = want.Subjects, want.MaxAge, want.Duplicates
	if want.MaxMsgsPerSubject > 0 {
		is.MaxMsgsPerSubject = want.MaxMsgsPerSubject
	}
	_, err = b.js.UpdateStream(ctx, is)
	return err
}

var (
	notToken = regexp.MustCompile(`[^A-Za-z0-9_.-]`)
	aName    = regexp.MustCompile(`^[a-z][a-z0-9_.-]{0,60}$`)
	aMonth   = regexp.MustCompile(`^\d{4}-(0[1-9]|1[0-2])$`)
)

// tokens makes text fit to stand in a subject. Other characters than those of
// our types become "_"; the consumer looks at the type itself as well.
func tokens(text string) string {
	text = strings.Trim(notToken.ReplaceAllString(text, "_"), ".")
	for strings.Contains(text, "..") {
		text = strings.ReplaceAll(text, "..", ".")
	}
	if text == "" {
		return "_"
	}
	return text
}

func subjectOf(e halsocoach.Event) string {
	return eventSubject + halsocoach.CountyOr(e.Kommun) + "." + tokens(e.Type)
}

func subjectOfFact(f halsocoach.Fact) string {
	return factSubject + halsocoach.CountyOr(f.Kommun) + "." + tokens(f.Type)
}

// durable is a consumer's name as NATS takes it.
func durable(name string) (string, error) {
	if !aName.MatchString(name) {
		return "", fmt.Errorf("event: %q is not a consumer's name", name)
	}
	return strings.ReplaceAll(name, ".", "-"), nil
}

// PublishCounts publishes a kommun's counts of a month ("2026-11") for other
// systems; the last one is kept. body holds suppressed numbers only.
func (b *Bus) PublishCounts(ctx context.Context, kommun, month string, body []byte) error {
	if halsocoach.CountyOr(kommun) != kommun || !aMonth.MatchString(month) {
		return fmt.Errorf("event: no counts for kommun %q, month %q", kommun, month)
	}
	if _, err := b.js.Publish(ctx, countSubject+kommun+"."+month, body); err != nil {
		return fmt.Errorf("event: publish counts: %w", err)
	}
	return nil
}

// CountsAt moves with every PublishCounts, on any node: while it stands still,
// so do the PublishedCounts.
func (b *Bus) CountsAt(ctx context.Context) (uint64, error) {
	stream, err := b.js.Stream(ctx, countStream)
	if err != nil {
		return 0, fmt.Errorf("event: published counts: %w", err)
	}
	return stream.CachedInfo().State.LastSeq, nil
}

// PublishedCounts is what was last published of a kommun and month; nil for
// nothing.
func (b *Bus) PublishedCounts(ctx context.Context, kommun, month string) ([]byte, error) {
	stream, err := b.js.Stream(ctx, countStream)
	if err != nil {
		return nil, fmt.Errorf("event: published counts: %w", err)
	}
	m, err := stream.GetLastMsgForSubject(ctx, countSubject+kommun+"."+month)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("event: published counts: %w", err)
	}
	return m.Data, nil
}
