package groups

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"halsocoach"
	"halsocoach/internal/web"
)

type activitiesIn struct {
	Kommun string `query:"kommun" doc:"Code of the kommun; all without it"`
	Topic  string `query:"topic" doc:"One of the six topics; all without it"`
	From   string `query:"from" doc:"First day, 2006-01-02; today without it"`
	To     string `query:"to" doc:"Last day; four weeks on without it"`
	After  string `query:"after" doc:"next of the page before"`
}

type activitiesOut struct {
	Body struct {
		Items []activityItem `json:"items" nullable:"false"`
		Next  string         `json:"next,omitempty"`
	}
}

type activityItem struct {
	ID        string           `json:"id"`
	Title     string           `json:"title"`
	Topic     halsocoach.Topic `json:"topic"`
	Kommun    string           `json:"kommun"`
	Form      Form             `json:"form" enum:"på plats,online"`
	Leader    string           `json:"leader"`
	Price     int              `json:"price" doc:"Kronor a time; 0 whenever a coach leads"`
	Occasions []occasionItem   `json:"occasions" nullable:"false"`
}

type occasionItem struct {
	ID       string    `json:"id"`
	Starts   time.Time `json:"starts"`
	Ends     time.Time `json:"ends"`
	Capacity int       `json:"capacity"`
	Booked   int       `json:"booked"`
	Reserve  int       `json:"reserve"`
	State    State     `json:"state" enum:"open,full,restricted,closed,cancelled,past"`
}

type bookIn struct {
	web.Keyed
	ID   string `path:"id"`
	Body *bookBody
}

type bookBody struct {
	Reserve bool `json:"reserve,omitempty" doc:"Take a turn on the reserve list if the occasion is full"`
}

type bookOut struct {
	Status int
	Body   bookingItem
}

type bookingItem struct {
	ID       string `json:"id"`
	Occasion string `json:"occasion"`
	Status   Status `json:"status" enum:"booked,reserve"`
	Position int    `json:"position" doc:"On the reserve list, from 1; 0 with a place"`
}

type bookingIn struct {
	ID string `path:"id"`
}

type bookingsOut struct {
	Body struct {
		Items []bookingItem `json:"items" nullable:"false"`
	}
}

// API is the same service as JSON.
func (s *Service) API(api huma.API) {
	web.Handle(api, huma.Operation{Method: http.MethodGet, Path: "/activities", Summary: "The programme", Tags: []string{"groups"}}, s.apiActivities)
	web.Handle(api, huma.Operation{Method: http.MethodGet, Path: "/bookings", Summary: "One's own coming bookings", Tags: []string{"groups"}}, s.apiBookings)
	web.Handle(api, huma.Operation{
		Method: http.MethodPost, Path: "/occasions/{id}/bookings", Summary: "Book a place, or a turn on the reserve list", Tags: []string{"groups"},
		DefaultStatus: http.StatusCreated,
	}, s.apiBook)
	web.Handle(api, huma.Operation{
		Method: http.MethodDelete, Path: "/bookings/{id}", Summary: "Give back a booking", Tags: []string{"groups"}, DefaultStatus: http.StatusNoContent,
	}, s.apiCancel)
}

func (s *Service) apiActivities(ctx context.Context, who halsocoach.Actor, in *activitiesIn) (*activitiesOut, error) {
	items, next, err := s.Programme(ctx, Filter{
		Kommun: in.Kommun, Topic: halsocoach.Topic(in.Topic), From: halsocoach.Day(in.From), To: halsocoach.Day(in.To), After: in.After,
	})
	if err != nil {
		return nil, err
	}
	out, now := &activitiesOut{}, s.clock()
	out.Body.Next, out.Body.Items = next, make([]activityItem, len(items))
	for i, o := range items {
		a := o.Activity
		item := activityItem{ID: a.ID, Title: a.Title, Topic: a.Topic, Kommun: a.Kommun, Form: a.Form, Leader: o.Leader, Price: a.Price}
		item.Occasions = make([]occasionItem, len(o.Occasions))
		for j, b := range o.Occasions {
			item.Occasions[j] = occasionItem{
				ID: b.ID, Starts: b.Starts.In(halsocoach.Stockholm()), Ends: b.Ends.In(halsocoach.Stockholm()),
				Capacity: b.Capacity, Booked: b.Booked, Reserve: b.Waiting, State: b.State(now, who),
			}
		}
		out.Body.Items[i] = item
	}
	return out, nil
}

func (s *Service) apiBook(ctx context.Context, who halsocoach.Actor, in *bookIn) (*bookOut, error) {
	b, fresh, err := s.Book(ctx, who, in.Request(), BookRequest{in.ID, in.Body != nil && in.Body.Reserve})
	if err != nil {
		return nil, err
	}
	out := &bookOut{Status: http.StatusOK, Body: bookingItem(b)}
	if fresh {
		out.Status = http.StatusCreated
	}
	return out, nil
}

func (s *Service) apiCancel(ctx context.Context, who halsocoach.Actor, in *bookingIn) (*struct{}, error) {
	return nil, s.Cancel(ctx, who, in.ID)
}

func (s *Service) apiBookings(ctx context.Context, who halsocoach.Actor, _ *struct{}) (*bookingsOut, error) {
	mine, err := s.Bookings(ctx, who)
	if err != nil {
		return nil, err
	}
	out := &bookingsOut{}
	out.Body.Items = make([]bookingItem, len(mine))
	for i, m := range mine {
		out.Body.Items[i] = bookingItem(m.Booking)
	}
	return out, nil
}
