package inbox

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"halsocoach"
	"halsocoach/internal/web"
	"halsocoach/referral/record"
)

// API puts the JSON twins on the door. The list of what waits has one address with
// that of a sender's own, and is there.
func (s *Service) API(api huma.API) {
	web.Handle(api, huma.Operation{Method: http.MethodPost, Path: "/referrals/{id}/decision", Tags: []string{"Rekommendationer"},
		Summary: "Accept, decline or forward; decided already: 409 that names who"}, s.postDecision)
}

// Inbox are the rows of the coach's centre as JSON: those in one state, or for "" all
// that are undecided, the first promise first. centre may be empty; else it is the
// coach's.
func (s *Service) Inbox(ctx context.Context, who halsocoach.Actor, centre string, state record.State, after string) ([]record.JSON, string, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return nil, "", err
	}
	if centre != "" && centre != who.Centre {
		return nil, "", halsocoach.ErrNotFound
	}
	items, _, next, err := s.items(ctx, who, record.InboxQuery{State: state, After: after})
	out := make([]record.JSON, len(items))
	for i, item := range items {
		out[i] = itemJSON(item)
	}
	return out, next, err
}

func itemJSON(i Item) record.JSON {
	return record.JSON{ID: i.ID, State: i.State, Centre: i.Centre, Received: record.Local(i.Received), Due: record.Local(i.Due), Name: i.Name,
		Topics: i.Topics, Source: i.Source, Protected: i.Protected, Language: i.Language, Interpret: i.Interpret, CallMe: i.CallMe}
}

type decisionOutput struct{ Body record.JSON }

type decisionInput struct {
	web.Keyed
	ID   string `path:"id"`
	Body struct {
		_        struct{} `json:"-" additionalProperties:"true"` // a decided one is told before the body is judged
		Decision string   `json:"decision,omitempty" doc:"accept, decline or forward"`
		Reason   string   `json:"reason,omitempty" doc:"For decline: full, not_target_group, no_contact, not_wanted, other"`
		Centre   string   `json:"centre,omitempty" doc:"For forward: the other centre"`
	}
}

func (s *Service) postDecision(ctx context.Context, who halsocoach.Actor, in *decisionInput) (*decisionOutput, error) {
	item, _, err := s.Decide(ctx, who, in.Request(), in.ID, Ruling{Decision: in.Body.Decision, Reason: in.Body.Reason, Centre: in.Body.Centre})
	if err != nil {
		return nil, err
	}
	return &decisionOutput{itemJSON(item)}, nil
}
