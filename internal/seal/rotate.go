package seal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"halsocoach"
)

// Rotation is how an operator changes the outer key while nodes run: Add makes a
// new one in the key file, Use lets it wrap once every node knows it, Rewrap
// wraps all that the older ones do, Retire takes these out of the file. Each
// step may be broken off and repeated, at any time everything opens.
type Rotation struct{ s *Sealer }

// Rotation is that of this key store.
func (s *Sealer) Rotation() Rotation { return Rotation{s} }

// OuterKey is what an operator sees of an outer key.
type OuterKey struct {
	ID      string
	Made    time.Time // zero for the file's first
	Since   time.Time // when it began to wrap; zero: not yet
	Retired time.Time // zero: not yet
	Current bool      // it wraps what is new
	InFile  bool
	Wraps   int // keys in the key store that need it
}

// NodesLag is the error of a step that must wait: these nodes do not know the
// key, or still wrap with another.
type NodesLag struct {
	Key   string
	Nodes []string
	Known bool // they know it and will use it in a moment
}

func (e *NodesLag) Error() string {
	if e.Known {
		return fmt.Sprintf("seal: these nodes do not wrap with the outer key %s yet: %s", e.Key, strings.Join(e.Nodes, ", "))
	}
	return fmt.Sprintf("seal: these nodes do not know the outer key %s, they read their key file every ten seconds: %s", e.Key, strings.Join(e.Nodes, ", "))
}

// List are the outer keys, those that were used first, and those that only the
// file has last.
func (r Rotation) List(ctx context.Context) ([]OuterKey, error) {
	doc, err := r.read(ctx)
	if err != nil {
		return nil, err
	}
	wraps, err := r.count(ctx)
	if err != nil {
		return nil, err
	}
	m := r.s.outer.file()
	var out []OuterKey
	for _, k := range doc.Keys {
		o := OuterKey{ID: k.ID, Since: k.Since, Current: k.ID == doc.current(), InFile: m.has(k.ID), Wraps: wraps[k.ID]}
		if k.Made != nil {
			o.Made = *k.Made
		}
		if k.Retired != nil {
			o.Retired = *k.Retired
		}
		out = append(out, o)
	}
	for _, k := range m.outer {
		if doc.find(k.id) == nil {
			out = append(out, OuterKey{ID: k.id, Made: k.made, InFile: true})
		}
	}
	return out, nil
}

// Add puts a new outer key first in the key file of this machine. After a
// rotation that was broken off it is that rotation's key instead: the file's
// first when it has never been used, also in a file that was given by hand, or
// the current one while others still wrap something.
func (r Rotation) Add(ctx context.Context) (id string, err error) {
	doc, err := r.read(ctx)
	if err != nil {
		return "", err
	}
	first := r.s.outer.file().outer[0].id
	if doc.find(first) == nil {
		return first, nil
	}
	left, err := r.left(ctx, doc.current())
	if err != nil || left > 0 {
		return doc.current(), err
	}
	_, err = changeKeyFile(r.s.outer.file().path, func(m Master) (Master, error) {
		if id = m.outer[0].id; doc.find(id) == nil {
			return m, nil // another command was here first
		}
		k, err := newOuter(r.s.outer.clock())
		id, m.outer = k.id, append([]outerKey{k}, m.outer...)
		return m, err
	})
	if err != nil {
		return "", err
	}
	return id, r.s.outer.look(ctx)
}

// Use makes an outer key the one that wraps. A running node that does not know
// it makes it a NodesLag: nothing has happened then.
func (r Rotation) Use(ctx context.Context, id string) error {
	doc, err := r.read(ctx)
	if err != nil || doc.current() == id {
		return err
	}
	k, ok := r.s.outer.file().find(id)
	if !ok {
		return fmt.Errorf("seal: the key file lacks the outer key %s", id)
	}
	if err := r.lag(ctx, id, func(n nodeDoc) bool { return slices.Contains(n.Knows, id) }); err != nil {
		return err
	}
	_, err = r.s.outer.rings.Update(ctx, ringID, func(d *ringDoc) ([]halsocoach.Event, error) {
		if d.find(id) != nil {
			return nil, nil
		}
		next := outerDoc{ID: id, Since: r.s.outer.clock().UTC()}
		if !k.made.IsZero() {
			next.Made = &k.made
		}
		d.Keys = append(d.Keys, next)
		return nil, nil
	})
	if err != nil {
		return fmt.Errorf("seal: use outer key %s: %w", id, err)
	}
	return r.s.outer.look(ctx)
}

// ErrTooSoon: the newest outer key has wrapped for less than retireAfter, and
// somebody may still be about to save what an older one has wrapped.
var ErrTooSoon = errors.New("seal: the newest outer key is only just in use; try again in some minutes")

const retireAfter = 2 * time.Minute

// Retire takes the outer keys out of the file that wrap nothing any more, and
// says which. One that a document or a running node still needs makes it fail
// with nothing done. A copy of the key store of before does not open any more.
func (r Rotation) Retire(ctx context.Context) ([]string, error) {
	doc, err := r.read(ctx)
	if err != nil {
		return nil, err
	}
	current := doc.Keys[len(doc.Keys)-1]
	now := r.s.outer.clock().UTC()
	if len(doc.Keys) > 1 && now.Sub(current.Since) < retireAfter {
		return nil, ErrTooSoon
	}
	if err := r.lag(ctx, current.ID, func(n nodeDoc) bool { return n.Uses == current.ID }); err != nil {
		return nil, err
	}
	left, err := r.left(ctx, current.ID)
	if err != nil {
		return nil, err
	}
	if left > 0 {
		return nil, fmt.Errorf("seal: %d keys are still wrapped by older outer keys; wrap them anew first", left)
	}
	_, err = r.s.outer.rings.Update(ctx, ringID, func(d *ringDoc) ([]halsocoach.Event, error) {
		for i := range d.Keys {
			if d.Keys[i].ID != current.ID && d.Keys[i].Retired == nil {
				d.Keys[i].Retired = &now
			}
		}
		doc = *d
		return nil, nil
	})
	if err != nil {
		return nil, fmt.Errorf("seal: retire outer keys: %w", err)
	}
	return r.prune(ctx, doc)
}

// prune takes the retired keys out of the file.
func (r Rotation) prune(ctx context.Context, doc ringDoc) (gone []string, err error) {
	retired := func(id string) bool { k := doc.find(id); return k != nil && k.Retired != nil }
	for _, id := range r.s.outer.file().ids() {
		if retired(id) {
			gone = append(gone, id)
		}
	}
	if len(gone) == 0 {
		return nil, nil
	}
	_, err = changeKeyFile(r.s.outer.file().path, func(m Master) (Master, error) {
		kept := Master{path: m.path}
		for _, k := range m.outer {
			if !retired(k.id) {
				kept.outer = append(kept.outer, k)
			}
		}
		return kept, nil
	})
	if err != nil {
		return nil, err
	}
	return gone, r.s.outer.look(ctx)
}

func (r Rotation) read(ctx context.Context) (ringDoc, error) {
	if err := r.s.outer.look(ctx); err != nil {
		return ringDoc{}, err
	}
	doc, err := r.s.outer.rings.Get(ctx, ringID)
	if err != nil {
		return ringDoc{}, fmt.Errorf("seal: read the outer keys: %w", err)
	}
	return doc, nil
}

// count says how many keys and secrets each outer key wraps.
func (r Rotation) count(ctx context.Context) (map[string]int, error) {
	wraps := map[string]int{}
	err := r.s.secrets.Each(ctx, func(_ string, d secretDoc) error { wraps[d.Outer]++; return nil })
	if err == nil {
		err = r.s.keys.Each(ctx, func(_ string, d keyDoc) error {
			if len(d.Key) > 0 {
				wraps[d.Outer]++
			}
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("seal: count keys: %w", err)
	}
	return wraps, nil
}

// lag is a NodesLag of the running nodes that are not up to it, or nil.
func (r Rotation) lag(ctx context.Context, id string, up func(nodeDoc) bool) error {
	live, err := r.s.live(ctx)
	if err != nil {
		return err
	}
	e := &NodesLag{Key: id, Known: true}
	for _, n := range live {
		if !up(n) {
			e.Nodes = append(e.Nodes, n.Name)
			e.Known = e.Known && slices.Contains(n.Knows, id)
		}
	}
	if len(e.Nodes) == 0 {
		return nil
	}
	return e
}
