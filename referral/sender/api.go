package sender

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"halsocoach"
	"halsocoach/internal/web"
	"halsocoach/referral/record"
)

func ownJSON(o record.SenderView) record.JSON {
	return record.JSON{ID: o.ID, State: o.State, Centre: o.Centre, Received: record.Local(o.Received), Due: record.Local(o.Due), Name: o.Name,
		Topics: o.Topics, Reason: o.Reason, Ended: o.Ended, FirstTalk: o.First, ConsentOn: o.Consent.On, Scope: o.Consent.Scope}
}

type recommendInput struct {
	web.Keyed
	Body struct {
		Personnummer string   `json:"personnummer,omitempty" doc:"Personnummer or samordningsnummer, 10 or 12 digits; may be empty"`
		Name         string   `json:"name,omitempty"`
		Phone        string   `json:"phone,omitempty" doc:"Phone or email must be there"`
		Email        string   `json:"email,omitempty"`
		Topics       []string `json:"topics,omitempty" doc:"What the person wants to work with: mat, sömn, återhämtning, fysisk aktivitet, stresshantering, kultur och fritid"`
		Centre       string   `json:"centre,omitempty"`
		Kommun       string   `json:"kommun,omitempty" doc:"Code of the kommun where the person lives; the centre must then be open to them"`
		Consent      bool     `json:"consent,omitempty" doc:"The person was asked and has said yes"`
		ConsentOn    string   `json:"consentOn,omitempty" doc:"The day of the yes; today if absent"`
		Scope        string   `json:"consentScope,omitempty" doc:"What the person lets the sender see: state (default) or talks"`
		Language     string   `json:"language,omitempty" doc:"BCP 47; Swedish if absent"`
		Interpreter  bool     `json:"interpreter,omitempty"`
		Protected    bool     `json:"protected,omitempty" doc:"The person has protected identity"`
		Wants        string   `json:"wants,omitempty" doc:"What the person wants, in their own words"`
		Note         string   `json:"note,omitempty"`
	}
}

type oneInput struct {
	ID string `path:"id"`
}

type withdrawInput struct {
	web.Keyed
	ID string `path:"id"`
}

type referralOutput struct {
	Status int
	Body   record.JSON
}

type listInput struct {
	Centre string `query:"centre" doc:"For a coach: the own centre"`
	State  string `query:"state" doc:"One of the states; without it a coach gets those that wait, a sender all"`
	After  string `query:"after"`
}

type listOutput struct {
	Body struct {
		Items []record.JSON `json:"items" nullable:"false"`
		Next  string        `json:"next,omitempty"`
	}
}

// API puts the JSON twins on the door.
func (s *Service) API(api huma.API) {
	tags := []string{"Rekommendationer"}
	web.Handle(api, huma.Operation{Method: http.MethodPost, Path: "/referrals", DefaultStatus: http.StatusCreated, Tags: tags, Summary: "Recommend a person to a centre"}, s.postReferral)
	web.Handle(api, huma.Operation{Method: http.MethodGet, Path: "/referrals", Tags: tags, Summary: "A coach's inbox, or the sender's own"}, s.getReferrals)
	web.Handle(api, huma.Operation{Method: http.MethodGet, Path: "/referrals/{id}", Tags: tags, Summary: "One of the sender's own"}, s.getReferral)
	web.Handle(api, huma.Operation{Method: http.MethodPost, Path: "/referrals/{id}/withdrawal", DefaultStatus: http.StatusOK, Tags: tags, Summary: "Call it back while nobody has decided; decided already: 409"}, s.postWithdrawal)
}

func (s *Service) postReferral(ctx context.Context, who halsocoach.Actor, in *recommendInput) (*referralOutput, error) {
	b := in.Body
	n := record.NewReferral{Personnummer: b.Personnummer, Name: b.Name, Phone: b.Phone, Email: b.Email, Centre: b.Centre, Consent: b.Consent, Protected: b.Protected, Note: b.Note,
		Kommun: b.Kommun, ConsentOn: halsocoach.Day(b.ConsentOn), Scope: record.Scope(b.Scope), Language: b.Language, Interpreter: b.Interpreter, Wants: b.Wants}
	for _, t := range b.Topics {
		n.Topics = append(n.Topics, halsocoach.Topic(t))
	}
	own, made, err := s.Recommend(ctx, who, in.Request(), n)
	if err != nil {
		return nil, err
	}
	return &referralOutput{Status: web.Made(made), Body: ownJSON(own)}, nil
}

func (s *Service) getReferrals(ctx context.Context, who halsocoach.Actor, in *listInput) (*listOutput, error) {
	out := &listOutput{}
	out.Body.Items = []record.JSON{}
	if who.Is(record.Senders...) {
		items, next, err := s.Sent(ctx, who, record.State(in.State), in.After)
		if err != nil {
			return nil, err
		}
		for _, o := range items {
			out.Body.Items = append(out.Body.Items, ownJSON(o))
		}
		out.Body.Next = next
		return out, nil
	}
	items, next, err := s.Inbox.Inbox(ctx, who, in.Centre, record.State(in.State), in.After)
	if err != nil {
		return nil, err
	}
	out.Body.Items, out.Body.Next = append(out.Body.Items, items...), next
	return out, nil
}

func (s *Service) getReferral(ctx context.Context, who halsocoach.Actor, in *oneInput) (*referralOutput, error) {
	own, err := s.SentOne(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	return &referralOutput{Status: http.StatusOK, Body: ownJSON(own)}, nil
}

func (s *Service) postWithdrawal(ctx context.Context, who halsocoach.Actor, in *withdrawInput) (*referralOutput, error) {
	own, err := s.Withdraw(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	return &referralOutput{Status: http.StatusOK, Body: ownJSON(own)}, nil
}
