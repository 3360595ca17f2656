package coach

import (
	"context"
	"net/http"
	"time"

	"halsocoach"
	"halsocoach/internal/web"

	"github.com/danielgtaylor/huma/v2"
)

// API is the JSON twin of the pages.
func (s *Service) API(api huma.API) {
	web.Handle(api, huma.Operation{Method: http.MethodGet, Path: "/talks/free", Summary: "Free times at a centre", Tags: []string{"talks"}}, s.apiFree)
	web.Handle(api, huma.Operation{Method: http.MethodGet, Path: "/talks", Summary: "What is ahead for the one who asks", Tags: []string{"talks"}}, s.apiComing)
	web.Handle(api, huma.Operation{Method: http.MethodPost, Path: "/talks", DefaultStatus: http.StatusCreated, Summary: "Book a talk", Tags: []string{"talks"}}, s.apiBook)
	web.Handle(api, huma.Operation{Method: http.MethodPost, Path: "/talks/{id}/move", Summary: "Give a talk another time", Tags: []string{"talks"}}, s.apiMove)
	web.Handle(api, huma.Operation{Method: http.MethodPost, Path: "/talks/{id}/outcome", Summary: "Say how a talk went", Tags: []string{"talks"}}, s.apiOutcome)
	web.Handle(api, huma.Operation{Method: http.MethodDelete, Path: "/talks/{id}", DefaultStatus: http.StatusNoContent, Summary: "Call a talk off", Tags: []string{"talks"}}, s.apiCancel)
}

type freeIn struct {
	Centre string `query:"centre" doc:"Default: the citizen's or the coach's own"`
	From   string `query:"from" doc:"Date, included; default today"`
	To     string `query:"to" doc:"Date, included; default as far ahead as can be booked"`
	After  string `query:"after" doc:"The next of the page before"`
}

type freeOut struct {
	Body struct {
		Items []freeItem `json:"items" nullable:"false"`
		Next  string     `json:"next,omitempty"`
	}
}

type freeItem struct {
	Coach  string    `json:"coach"`
	Starts time.Time `json:"starts"`
	Ends   time.Time `json:"ends"`
	Form   Form      `json:"form"`
	Name   string    `json:"name" doc:"The coach's name"`
}

// freeOnPage is how many free times a page of JSON holds, rounded up to days.
const freeOnPage = 500

func (s *Service) apiFree(ctx context.Context, who halsocoach.Actor, in *freeIn) (*freeOut, error) {
	q := SlotQuery{Centre: in.Centre, From: halsocoach.Day(in.From), To: halsocoach.Day(in.To), Limit: freeOnPage}
	if in.After != "" {
		q.From = halsocoach.Day(in.After)
	}
	o, err := s.Free(ctx, who, q)
	if err != nil {
		return nil, err
	}
	out := &freeOut{}
	out.Body.Items = make([]freeItem, len(o.Slots))
	for i, x := range o.Slots {
		out.Body.Items[i] = freeItem{x.Coach, local(x.Starts), local(x.Ends), x.Form, o.Name(x.Coach)}
	}
	out.Body.Next = string(o.Next)
	return out, nil
}

type comingOut struct {
	Body struct {
		Items []halsocoach.Appointment `json:"items" nullable:"false"`
	}
}

func (s *Service) apiComing(ctx context.Context, who halsocoach.Actor, _ *struct{}) (*comingOut, error) {
	items, err := s.Coming(ctx, who)
	if err != nil {
		return nil, err
	}
	out := &comingOut{}
	out.Body.Items = items
	return out, nil
}

type bookIn struct {
	web.Keyed
	Body struct {
		Coach     string    `json:"coach"`
		Starts    time.Time `json:"starts"`
		Form      string    `json:"form"`
		Enrolment string    `json:"enrolment,omitempty" doc:"For coaches: whom the talk is for"`
		Kind      string    `json:"kind,omitempty" doc:"For coaches: first or followup; default what comes next"`
	}
}

type talkOut struct {
	Status int
	Body   talkItem
}

type talkItem struct {
	ID      string    `json:"id"`
	Kind    Kind      `json:"kind"`
	Starts  time.Time `json:"starts"`
	Ends    time.Time `json:"ends"`
	Coach   string    `json:"coach"`
	Form    Form      `json:"form"`
	Outcome Outcome   `json:"outcome" enum:",held,missed,cancelled" doc:"Empty until it is said"`
}

func talkAnswer(status int, b Booked) *talkOut {
	return &talkOut{status, talkItem{b.ID, b.Kind, local(b.Starts), local(b.Ends), b.Coach, b.Form, b.Outcome}}
}

func (s *Service) apiBook(ctx context.Context, who halsocoach.Actor, in *bookIn) (*talkOut, error) {
	b, made, err := s.Book(ctx, who, in.Request(), BookRequest{
		Coach: in.Body.Coach, Starts: in.Body.Starts, Form: Form(in.Body.Form), Enrolment: in.Body.Enrolment, Kind: Kind(in.Body.Kind),
	})
	if err != nil {
		return nil, err
	}
	if made {
		return talkAnswer(http.StatusCreated, b), nil
	}
	return talkAnswer(http.StatusOK, b), nil
}

type moveIn struct {
	web.Keyed
	ID   string `path:"id"`
	Body struct {
		Coach  string    `json:"coach,omitempty" doc:"Default: the same"`
		Starts time.Time `json:"starts"`
		Form   string    `json:"form,omitempty" doc:"Default: the same"`
	}
}

func (s *Service) apiMove(ctx context.Context, who halsocoach.Actor, in *moveIn) (*talkOut, error) {
	b, err := s.Move(ctx, who, in.Request(), in.ID, NewTime{in.Body.Coach, in.Body.Starts, Form(in.Body.Form)})
	if err != nil {
		return nil, err
	}
	return talkAnswer(http.StatusOK, b), nil
}

type outcomeIn struct {
	web.Keyed
	ID   string `path:"id"`
	Body struct {
		Outcome string `json:"outcome" doc:"held or missed"`
	}
}

func (s *Service) apiOutcome(ctx context.Context, who halsocoach.Actor, in *outcomeIn) (*talkOut, error) {
	b, err := s.Mark(ctx, who, in.ID, Outcome(in.Body.Outcome))
	if err != nil {
		return nil, err
	}
	return talkAnswer(http.StatusOK, b), nil
}

type cancelIn struct {
	ID string `path:"id"`
}

func (s *Service) apiCancel(ctx context.Context, who halsocoach.Actor, in *cancelIn) (*struct{}, error) {
	return nil, s.Cancel(ctx, who, in.ID)
}
