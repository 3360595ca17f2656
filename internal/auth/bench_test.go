package auth

import (
	"testing"

	"halsocoach/internal/staff"
	"halsocoach/internal/testenv"
)

// BenchmarkWhoAsks is what every signed-in request pays to know who asks, in
// memory, and what it pays for the signature the first time.
func BenchmarkWhoAsks(b *testing.B) {
	e := testenv.New(b, Kinds())
	cfg := config(e)
	cfg.Staff = staff.New(staff.Config{Store: e.Store, Clock: e.Clock.Now})
	s, err := New(cfg)
	testenv.Must(b, err)
	signed, err := s.SignInAs(e.Ctx(), Identity{Person: e.People.Anna.ID, Name: "Anna Lind"})
	testenv.Must(b, err)
	b.Run("known", func(b *testing.B) {
		for b.Loop() {
			testenv.Must(b, testenv.ErrOf(s.ActorOf(e.Ctx(), signed.Token)))
		}
	})
	b.Run("first time", func(b *testing.B) {
		for b.Loop() {
			clear(s.tokens.seen)
			s.cache.drop(signed.Actor.Session)
			testenv.Must(b, testenv.ErrOf(s.ActorOf(e.Ctx(), signed.Token)))
		}
	})
}
