package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/auth/signing"
)

// SigningKeys are all that verify, those that began first first.
func (s *Service) SigningKeys(ctx context.Context) ([]signing.Key, error) {
	return s.tokens.keys.List(ctx)
}

// AddSigningKey makes a new signing key, which nodes begin to use in two minutes,
// when all of them have read it. Nobody is signed out: those before it verify
// until the last session that they have signed is over.
func (s *Service) AddSigningKey(ctx context.Context) (signing.Key, error) {
	return s.tokens.keys.Add(ctx)
}

// ErrNoSigningKey: there is none of that id.
var ErrNoSigningKey = errors.New("auth: there is no signing key of that id")

// nearby is how far apart the clocks of nodes may be: sessions that began this
// long before or after the key's time are ended too.
const nearby = 5 * time.Minute

// RevokeSigningKey removes a key that somebody else may have, and ends every
// session that began while it signed: within five seconds on all nodes, open
// sockets too. When it was the one that signs, a new one does so at once. It
// says how many sessions it ended, and may be repeated if it fails.
func (s *Service) RevokeSigningKey(ctx context.Context, kid string) (ended int, err error) {
	keys, err := s.SigningKeys(ctx)
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(keys, func(k signing.Key) bool { return k.ID == kid })
	if i < 0 {
		return 0, ErrNoSigningKey
	}
	from, until := keys[i].From.Add(-nearby), s.cfg.Clock().Add(nearby)
	if i+1 < len(keys) {
		until = keys[i+1].From.Add(nearby)
	}
	if keys[i].Signs {
		if _, err := s.tokens.keys.AddNow(ctx); err != nil {
			return 0, err
		}
	}
	// Again when the key is gone: a node may have signed with it meanwhile.
	for range 2 {
		n, err := s.endBegun(ctx, from, until)
		if ended += n; err != nil {
			return ended, fmt.Errorf("end the sessions of signing key %s: %w", kid, err)
		}
		if err := s.tokens.keys.Drop(ctx, kid); err != nil {
			return ended, err
		}
	}
	return ended, nil
}

// endBegun ends the sessions that began from one time to another. The nodes see
// it when they look after their sessions.
func (s *Service) endBegun(ctx context.Context, from, until time.Time) (n int, err error) {
	err = s.sessions.Each(ctx, func(id string, d session) error {
		if d.Began.Before(from) || d.Began.After(until) {
			return nil
		}
		err := s.sessions.Delete(ctx, id, nil)
		if halsocoach.KindOf(err) == halsocoach.KindNotFound {
			return nil
		}
		if err == nil {
			n++
			s.cache.drop(id)
			s.watchers.endSession(id)
		}
		return err
	})
	return n, err
}
