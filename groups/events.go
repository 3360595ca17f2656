package groups

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/event"
	"halsocoach/internal/store"
)

// The events of this package. The subject is the occasion.
const (
	EventPublished      = "groups.published"
	EventPlaceBooked    = "groups.place_booked"   // with BookingData
	EventReserveJoined  = "groups.reserve_joined" // with BookingData
	EventPlaceCancelled = "groups.place_cancelled"
	EventCancelled      = "groups.occasion_cancelled"
	EventAttendance     = "groups.attendance_noted"
	EventChanged        = "groups.occasion_changed"
)

// BookingData goes with events about one booking. Promoted says that the place
// came to the person from the reserve list, without a deed of their own.
type BookingData struct {
	Booking  string `json:"booking"`
	Promoted bool   `json:"promoted,omitempty"`
}

func bookedEvent(now time.Time, o Occasion, b Booking, promoted bool) halsocoach.Event {
	typ := EventPlaceBooked
	if b.Status == OnReserve {
		typ = EventReserveJoined
	}
	return halsocoach.Happened(typ, now, o.Kommun, o.ID, BookingData{Booking: b.ID, Promoted: promoted})
}

const (
	nudgeOccasion = "groups.occasion" // body: the occasion's id
	nudgeLeaders  = "groups.leaders"

	refreshEvery = time.Minute // the programme, should a nudge be lost
	sweepEvery   = 10 * time.Minute
	abandoned    = 2 * time.Minute // a plan that old is nobody's any more
	reloadPause  = 20 * time.Millisecond
)

// Start fills the programme and keeps it fresh until ctx ends: one node takes
// each event up and nudges all of them. What a stop left is mended soon and then
// now and again, on one node at a time.
func (s *Service) Start(ctx context.Context, bus *event.Bus) error {
	if err := s.refresh(ctx); err != nil {
		return err
	}
	leases := store.Leases{Store: s.cfg.Store, Clock: s.clock, Log: s.cfg.Log}
	bus.Go(ctx, func(ctx context.Context) { leases.Every(ctx, "groups.sweep", sweepEvery, s.Sweep) })
	changed := make(chan string, 1024)
	stopOccasions, err := bus.OnNudge(nudgeOccasion, func(body []byte) {
		select {
		case changed <- string(body):
		default: // the refresh will see it
		}
	})
	if err != nil {
		return fmt.Errorf("listen for occasions: %w", err)
	}
	leaders := make(chan struct{}, 1)
	stopLeaders, err := bus.OnNudge(nudgeLeaders, func([]byte) {
		select {
		case leaders <- struct{}{}:
		default:
		}
	})
	if err != nil {
		stopOccasions()
		return fmt.Errorf("listen for leaders: %w", err)
	}
	go func() {
		defer stopOccasions()
		defer stopLeaders()
		s.keepFresh(ctx, changed, leaders)
	}()
	begun := s.clock().Add(-refreshEvery)
	types := []string{EventPublished, EventPlaceBooked, EventReserveJoined, EventPlaceCancelled, EventCancelled, EventChanged, "auth.staff_changed"}
	return bus.Consume(ctx, "groups-programme", types, func(_ context.Context, e halsocoach.Event) error {
		switch {
		case e.At.Before(begun): // the start has read what that led to
		case e.Type == "auth.staff_changed":
			bus.Nudge(nudgeLeaders, nil)
		default:
			bus.Nudge(nudgeOccasion, []byte(e.Subject))
		}
		return nil
	})
}

func (s *Service) keepFresh(ctx context.Context, changed <-chan string, leaders <-chan struct{}) {
	refresh := time.NewTicker(refreshEvery)
	defer refresh.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case id := <-changed:
			err = s.reload(ctx, gather(ctx, id, changed))
		case <-leaders:
			err = s.refresh(ctx)
		case <-refresh.C:
			err = s.refresh(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.cfg.Log.Warn("programme is not fresh", slog.Any("err", err))
		}
	}
}

// gather takes what comes within a short while, so that a hundred bookings of
// an occasion are one question to the store.
func gather(ctx context.Context, first string, changed <-chan string) []string {
	ids := []string{first}
	pause := time.NewTimer(reloadPause)
	defer pause.Stop()
	for len(ids) < 500 {
		select {
		case <-ctx.Done():
			return ids
		case id := <-changed:
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		case <-pause.C:
			return ids
		}
	}
	return ids
}

// Sweep mends what a stop in the middle left: plans that were begun are carried
// on if the leader's time is held and else taken back, and the time of cancelled
// occasions is freed.
func (s *Service) Sweep(ctx context.Context) error {
	before := s.clock().Add(-abandoned)
	pending, _, err := s.activities.Find(ctx, store.Query{Index: "pending", Before: before, Limit: 100})
	if err != nil {
		return fmt.Errorf("find abandoned plans: %w", err)
	}
	for _, a := range pending {
		if a.Pending.Held {
			_, err = s.write(ctx, a)
		} else {
			err = s.takeBack(ctx, a)
		}
		if err != nil {
			s.cfg.Log.Warn("plan is not mended", "activity", a.ID, "err", err)
		}
	}
	loose, _, err := s.occasions.Find(ctx, store.Query{Index: "loose", Equal: []any{"span"}, Limit: 100})
	if err != nil {
		return fmt.Errorf("find spans to free: %w", err)
	}
	for _, o := range loose {
		if err := s.free(ctx, o); err != nil {
			s.cfg.Log.Warn("span is not freed", "occasion", o.ID, "err", err)
		}
	}
	return nil
}
