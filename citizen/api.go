package citizen

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"halsocoach"
	"halsocoach/internal/web"
)

type stepJSON struct {
	Step  int    `json:"step" doc:"Number of the step, from 1"`
	Words string `json:"words"`
}

type checkInJSON struct {
	ID      string    `json:"id"`
	Goal    string    `json:"goal"`
	Step    int       `json:"step" doc:"Number of the step; 0 is the goal as a whole"`
	Outcome Outcome   `json:"outcome" enum:"done,partly,notnow"`
	Words   string    `json:"words,omitempty"`
	At      time.Time `json:"at"`
}

type goalJSON struct {
	ID    string           `json:"id"`
	Habit halsocoach.Topic `json:"habit"`
	Words string           `json:"words"`
	Why   string           `json:"why,omitempty"`
	Steps []stepJSON       `json:"steps" nullable:"false"`
	Made  time.Time        `json:"made"`
	Last  *checkInJSON     `json:"last,omitempty" doc:"The latest check-in"`
}

func local(t time.Time) time.Time { return t.In(halsocoach.Stockholm()) }

func checkInOf(c CheckInView) *checkInJSON {
	return &checkInJSON{ID: c.ID, Goal: c.Goal, Step: c.Step, Outcome: c.Outcome, Words: c.Words, At: local(c.At)}
}

func goalOf(v GoalView) goalJSON {
	g := goalJSON{ID: v.ID, Habit: v.Habit, Words: v.Words, Why: v.Why, Steps: []stepJSON{}, Made: local(v.Made)}
	for i, words := range v.Steps {
		g.Steps = append(g.Steps, stepJSON{i + 1, words})
	}
	if v.Last != nil {
		g.Last = checkInOf(*v.Last)
	}
	return g
}

type goalsInput struct {
	After string `query:"after"`
}

type goalsOutput struct {
	Body struct {
		Items []goalJSON `json:"items" nullable:"false"`
		Next  string     `json:"next,omitempty"`
	}
}

type goalInput struct {
	web.Keyed
	Body struct {
		Habit string   `json:"habit,omitempty" doc:"mat, sömn, återhämtning, fysisk aktivitet, stresshantering, kultur och fritid"`
		Words string   `json:"words,omitempty"`
		Why   string   `json:"why,omitempty"`
		Steps []string `json:"steps,omitempty" doc:"At most 10"`
	}
}

type goalOutput struct {
	Status int
	Body   goalJSON
}

// stepMeant is a step as it is said on the wire: its number or its words.
type stepMeant string

// UnmarshalJSON takes a number or a text.
func (s *stepMeant) UnmarshalJSON(body []byte) error {
	if strings.HasPrefix(string(body), `"`) {
		var text string
		err := json.Unmarshal(body, &text)
		*s = stepMeant(strings.TrimSpace(text))
		return err
	}
	if string(body) != "null" {
		*s = stepMeant(body)
	}
	return nil
}

// Schema is that of a number or a text.
func (stepMeant) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Description: "Number of the step from 1, or its words; without it the goal as a whole",
		OneOf: []*huma.Schema{{Type: huma.TypeInteger}, {Type: huma.TypeString}}}
}

type checkInInput struct {
	web.Keyed
	ID   string `path:"id"`
	Body struct {
		Step    stepMeant `json:"step,omitempty"`
		Outcome string    `json:"outcome,omitempty" doc:"done, partly or notnow"`
		Words   string    `json:"words,omitempty"`
	}
}

type checkInOutput struct {
	Status int
	Body   checkInJSON
}

// API puts the JSON twins on the door.
func (s *Service) API(api huma.API) {
	tags := []string{"Mål"}
	web.Handle(api, huma.Operation{Method: http.MethodGet, Path: "/goals", Tags: tags, Summary: "The citizen's own goals, newest first"}, s.getGoals)
	web.Handle(api, huma.Operation{Method: http.MethodPost, Path: "/goals", DefaultStatus: http.StatusCreated, Tags: tags, Summary: "Set a goal"}, s.postGoal)
	web.Handle(api, huma.Operation{Method: http.MethodPost, Path: "/goals/{id}/checkins", DefaultStatus: http.StatusCreated, Tags: tags, Summary: "Say how a step went"}, s.postCheckIn)
}

func statusOf(made bool) int {
	if made {
		return http.StatusCreated
	}
	return http.StatusOK
}

func (s *Service) getGoals(ctx context.Context, who halsocoach.Actor, in *goalsInput) (*goalsOutput, error) {
	items, next, err := s.Goals(ctx, who, in.After)
	if err != nil {
		return nil, err
	}
	out := &goalsOutput{}
	out.Body.Items, out.Body.Next = []goalJSON{}, next
	for _, v := range items {
		out.Body.Items = append(out.Body.Items, goalOf(v))
	}
	return out, nil
}

func (s *Service) postGoal(ctx context.Context, who halsocoach.Actor, in *goalInput) (*goalOutput, error) {
	b := in.Body
	v, made, err := s.SetGoal(ctx, who, in.Request(), NewGoal{Habit: halsocoach.Topic(b.Habit), Words: b.Words, Why: b.Why, Steps: b.Steps})
	if err != nil {
		return nil, err
	}
	return &goalOutput{Status: statusOf(made), Body: goalOf(v)}, nil
}

func (s *Service) postCheckIn(ctx context.Context, who halsocoach.Actor, in *checkInInput) (*checkInOutput, error) {
	step, err := s.StepOf(ctx, who, in.ID, string(in.Body.Step))
	if err != nil {
		return nil, err
	}
	c, made, err := s.CheckIn(ctx, who, in.Request(), in.ID, CheckInInput{Step: step, Outcome: Outcome(in.Body.Outcome), Words: in.Body.Words})
	if err != nil {
		return nil, err
	}
	return &checkInOutput{Status: statusOf(made), Body: *checkInOf(c)}, nil
}
