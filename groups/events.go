package groups

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
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

// promotedEvents tell of bookings that came from the reserve list to a place.
func promotedEvents(now time.Time, o Occasion, bookings []string) (events []halsocoach.Event) {
	for _, id := range bookings {
		events = append(events, bookedEvent(now, o, Booking{ID: id, Status: Booked}, true))
	}
	return events
}

func bookedEvent(now time.Time, o Occasion, b Booking, promoted bool) halsocoach.Event {
	typ := EventPlaceBooked
	if b.Status == OnReserve {
		typ = EventReserveJoined
	}
	return halsocoach.Happened(typ, now, o.Kommun, o.ID, BookingData{Booking: b.ID, Promoted: promoted})
}

const (
	nudgeOccasion = "groups.occasion" // body: the occasion's id and Rev
	nudgeLeaders  = "groups.leaders"

	refreshEvery = time.Minute // the programme, should a nudge be lost
	reloadPause  = 20 * time.Millisecond
)

// announce tells the other nodes that an occasion is in a new state.
func (s *Service) announce(b Brief) {
	s.cfg.Nudges.Nudge(nudgeOccasion, []byte(b.ID+" "+strconv.Itoa(b.Rev)))
}

// Start fills the programme and keeps it fresh until ctx ends: a node that changes
// an occasion nudges the others, and what a lost nudge should have told of is read
// within a minute. What a stop left unfinished is finished on one node at a time.
func (s *Service) Start(ctx context.Context, bus *event.Bus) error {
	if err := s.refresh(ctx); err != nil {
		return err
	}
	leases := store.Leases{Store: s.cfg.Store, Clock: s.clock, Log: s.cfg.Log}
	for _, work := range s.Unfinished() {
		bus.Go(ctx, func(ctx context.Context) { leases.Finish(ctx, work) })
	}
	changed := make(chan string, 1024)
	stopOccasions, err := bus.OnNudge(nudgeOccasion, func(body []byte) {
		id, rev, _ := strings.Cut(string(body), " ")
		if n, err := strconv.Atoi(rev); err != nil || s.programme.knows(id, n) {
			return
		}
		select {
		case changed <- id:
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
	return bus.Consume(ctx, "groups-leaders", []string{"staff.changed"}, func(context.Context, halsocoach.Event) error {
		bus.Nudge(nudgeLeaders, nil)
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

// atWork is how long a request may be at a plan or at a cancelled date before
// another takes it for left.
const atWork = 2 * time.Minute

// Unfinished is what a stop in the middle may leave: plans that were begun, and
// cancelled occasions whose time is still held.
func (s *Service) Unfinished() []store.Unfinished {
	return []store.Unfinished{
		{Name: "groups.plans", Patience: atWork, Find: s.activities.Since("pending"), Finish: s.finishPlan},
		{Name: "groups.spans", Patience: atWork, Find: s.occasions.Since("span_to_release"), Finish: s.finishCallingOff},
	}
}

// finishPlan carries a plan on if the leader's time is held, and else takes it
// back.
func (s *Service) finishPlan(ctx context.Context, activity string) error {
	a, err := s.activities.Get(ctx, activity)
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && a.Pending == nil:
		return nil
	case err != nil:
		return fmt.Errorf("finish the plan of %s: %w", activity, err)
	case a.Pending.Held:
		_, err = s.write(ctx, a)
		return err
	}
	return s.takeBack(ctx, a)
}

// finishCallingOff frees the leader's time.
func (s *Service) finishCallingOff(ctx context.Context, occasion string) error {
	o, err := s.occasions.Get(ctx, occasion)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("finish calling off %s: %w", occasion, err)
	}
	return s.free(ctx, o)
}
