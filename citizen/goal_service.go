package citizen

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/seal"
)

// GoalView is a goal, opened.
type GoalView struct {
	ID         string
	Habit      halsocoach.Topic
	Words, Why string
	Steps      []string // numbered from 1
	Made       time.Time
	Last       *CheckInView // the latest check-in of all steps
	LastOf     map[int]CheckInView
}

// CheckInView is a check-in, opened. Step 0 is the goal as a whole.
type CheckInView struct {
	ID      string
	Goal    string
	Step    int
	Outcome Outcome
	Words   string
	At      time.Time
}

// SetGoal makes a goal of the citizen's own. made is false for a repeat of the
// same request.
func (s *Service) SetGoal(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, in NewGoal) (v GoalView, made bool, err error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen); err != nil {
		return GoalView{}, false, err
	}
	in = in.trimmed()
	fresh := Goal{ID: req.ID(who, "goals"), Digest: req.Digest(in), Person: who.ID, Habit: in.Habit, Made: s.Clock().UTC()}
	g, made, err := s.goals.InsertOnce(ctx, fresh.ID, func(g Goal) bool { return g.Digest == fresh.Digest }, func() (Goal, []halsocoach.Event, error) {
		g, err := s.sealGoal(ctx, fresh, in)
		return g, nil, err
	})
	if err != nil {
		return GoalView{}, false, fmt.Errorf("set goal: %w", err)
	}
	views, err := s.openGoals(ctx, []Goal{g}, nil)
	if err != nil {
		return GoalView{}, false, err
	}
	return views[0], made, nil
}

// sealGoal is the goal with what was written, if it can be kept.
func (s *Service) sealGoal(ctx context.Context, g Goal, in NewGoal) (Goal, error) {
	if err := in.Validate(); err != nil {
		return g, err
	}
	var err error
	if g.Words, err = s.Seal.Seal(ctx, g.Person, "goal.words", in.Words); err != nil {
		return g, err
	}
	if g.Why, err = s.Seal.Seal(ctx, g.Person, "goal.why", in.Why); err != nil {
		return g, err
	}
	for _, step := range in.Steps {
		box, err := s.Seal.Seal(ctx, g.Person, "goal.step", step)
		if err != nil {
			return g, err
		}
		g.Steps = append(g.Steps, box)
	}
	return g, nil
}

// Goals are the citizen's own, newest first, each with how it went last.
func (s *Service) Goals(ctx context.Context, who halsocoach.Actor, after string) (items []GoalView, next string, err error) {
	self, err := s.Persons.Self(ctx, who)
	if err != nil {
		return nil, "", err
	}
	return s.goalsWithLast(ctx, self, after)
}

func (s *Service) goalsWithLast(ctx context.Context, who person.Identity, after string) ([]GoalView, string, error) {
	found, next, err := s.goalsOf(ctx, who, after)
	if err != nil || len(found) == 0 {
		return nil, "", err
	}
	last, err := s.lately(ctx, who)
	if err != nil {
		return nil, "", fmt.Errorf("check-ins: %w", err)
	}
	said, err := s.openCheckIns(ctx, last)
	if err != nil {
		return nil, "", err
	}
	views, err := s.openGoals(ctx, found, said)
	return views, next, err
}

// goalsOnHome is how many goals the start page shows.
const goalsOnHome = 3

// homeGoals are the person's newest goals in their own words, each with how and
// when it went last: nothing more is opened.
func (s *Service) homeGoals(ctx context.Context, who person.Identity) ([]GoalView, error) {
	found, err := underAll(ctx, s.goals, "person", who, goalsOnHome, func(g Goal) time.Time { return g.Made })
	if err != nil || len(found) == 0 {
		return nil, err
	}
	found = found[:min(goalsOnHome, len(found))]
	last, err := s.lately(ctx, who)
	if err != nil {
		return nil, fmt.Errorf("check-ins: %w", err)
	}
	boxes := make([]seal.Box, len(found))
	for i, g := range found {
		boxes[i] = seal.Box{Person: g.Person, Purpose: "goal.words", Sealed: g.Words}
	}
	plain, err := s.Seal.OpenMany(ctx, boxes)
	if err != nil {
		return nil, fmt.Errorf("open goals: %w", err)
	}
	views := make([]GoalView, len(found))
	for i, g := range found {
		views[i] = GoalView{ID: g.ID, Habit: g.Habit, Words: plain[i], Made: g.Made}
		if at := slices.IndexFunc(last, func(c CheckIn) bool { return c.Goal == g.ID }); at >= 0 {
			views[i].Last = &CheckInView{Goal: g.ID, Outcome: last[at].Outcome, At: last[at].At}
		}
	}
	return views, nil
}

// Goal is one of the citizen's own with a page of its check-ins, newest first.
func (s *Service) Goal(ctx context.Context, who halsocoach.Actor, id, after string) (v GoalView, past []CheckInView, next string, err error) {
	g, err := s.own(ctx, who, id)
	if err != nil {
		return GoalView{}, nil, "", err
	}
	found, next, err := s.checkinsOf(ctx, id, after)
	if err != nil {
		return GoalView{}, nil, "", fmt.Errorf("check-ins of goal %s: %w", id, err)
	}
	views, err := s.openGoals(ctx, []Goal{g}, nil)
	if err != nil {
		return GoalView{}, nil, "", err
	}
	past, err = s.openCheckIns(ctx, found)
	return views[0], past, next, err
}

// own is one of the citizen's own goals; somebody else's is ErrNotFound.
func (s *Service) own(ctx context.Context, who halsocoach.Actor, id string) (Goal, error) {
	self, err := s.Persons.Self(ctx, who)
	if err != nil {
		return Goal{}, err
	}
	g, err := s.goals.Get(ctx, id)
	if err != nil {
		return Goal{}, fmt.Errorf("goal %s: %w", id, err)
	}
	if !self.Has(g.Person) {
		return Goal{}, halsocoach.ErrNotFound
	}
	return g, nil
}

// CheckIn notes how it went with a step of the citizen's own goal, or with the
// goal as a whole. made is false for a repeat of the same request.
func (s *Service) CheckIn(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, goal string, in CheckInInput) (v CheckInView, made bool, err error) {
	g, err := s.own(ctx, who, goal)
	if err != nil {
		return CheckInView{}, false, err
	}
	in.Words = plain(in.Words)
	fresh := CheckIn{ID: req.ID(who, "goals/"+goal+"/checkins"), Digest: req.Digest(in), Person: g.Person, Goal: goal, Step: in.Step, Outcome: in.Outcome, At: s.Clock().UTC()}
	c, made, err := s.checkins.InsertOnce(ctx, fresh.ID, func(c CheckIn) bool { return c.Digest == fresh.Digest }, func() (CheckIn, []halsocoach.Event, error) {
		err := in.Validate(len(g.Steps))
		if err == nil {
			fresh.Words, err = s.Seal.Seal(ctx, fresh.Person, "checkin.words", in.Words)
		}
		return fresh, nil, err
	})
	if err != nil {
		return CheckInView{}, false, fmt.Errorf("check in: %w", err)
	}
	views, err := s.openCheckIns(ctx, []CheckIn{c})
	if err != nil {
		return CheckInView{}, false, err
	}
	return views[0], made, nil
}

// StepNumber reads which step is meant: its number from 1, its words, or
// nothing for the goal as a whole. What is none of them is -1.
func (v GoalView) StepNumber(said string) int {
	if said == "" {
		return 0
	}
	for i, words := range v.Steps {
		if words == said {
			return i + 1
		}
	}
	n, err := strconv.Atoi(said)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// openGoals opens goals in one question. said are the person's latest check-ins,
// newest first; nil leaves them out.
func (s *Service) openGoals(ctx context.Context, found []Goal, said []CheckInView) ([]GoalView, error) {
	var boxes []seal.Box
	for _, g := range found {
		boxes = append(boxes, seal.Box{Person: g.Person, Purpose: "goal.words", Sealed: g.Words}, seal.Box{Person: g.Person, Purpose: "goal.why", Sealed: g.Why})
		for _, step := range g.Steps {
			boxes = append(boxes, seal.Box{Person: g.Person, Purpose: "goal.step", Sealed: step})
		}
	}
	plain, err := s.Seal.OpenMany(ctx, boxes)
	if err != nil {
		return nil, fmt.Errorf("open goals: %w", err)
	}
	views := make([]GoalView, len(found))
	for i, g := range found {
		v := GoalView{ID: g.ID, Habit: g.Habit, Words: plain[0], Why: plain[1], Steps: plain[2 : 2+len(g.Steps)], Made: g.Made, LastOf: map[int]CheckInView{}}
		plain = plain[2+len(g.Steps):]
		for _, c := range said {
			if c.Goal != g.ID {
				continue
			}
			if v.Last == nil {
				v.Last = &c
			}
			if _, there := v.LastOf[c.Step]; !there {
				v.LastOf[c.Step] = c
			}
		}
		views[i] = v
	}
	return views, nil
}

func (s *Service) openCheckIns(ctx context.Context, found []CheckIn) ([]CheckInView, error) {
	boxes := make([]seal.Box, len(found))
	for i, c := range found {
		boxes[i] = seal.Box{Person: c.Person, Purpose: "checkin.words", Sealed: c.Words}
	}
	plain, err := s.Seal.OpenMany(ctx, boxes)
	if err != nil {
		return nil, fmt.Errorf("open check-ins: %w", err)
	}
	views := make([]CheckInView, len(found))
	for i, c := range found {
		views[i] = CheckInView{ID: c.ID, Goal: c.Goal, Step: c.Step, Outcome: c.Outcome, Words: plain[i], At: c.At}
	}
	return views, nil
}

// StepOf is the number of the step that is meant in a goal of the citizen's own.
func (s *Service) StepOf(ctx context.Context, who halsocoach.Actor, goal, said string) (int, error) {
	g, err := s.own(ctx, who, goal)
	if err != nil {
		return 0, err
	}
	views, err := s.openGoals(ctx, []Goal{g}, nil)
	if err != nil {
		return 0, err
	}
	return views[0].StepNumber(said), nil
}
