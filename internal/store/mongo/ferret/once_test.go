package ferret_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/store/mongo"
	"halsocoach/internal/store/mongo/ferret"
)

// losing loses the answer of the n-th command from now on that writes; done ends
// it and says whether there was one.
func losing(n int) (done func() bool) {
	var met atomic.Int64
	shaky.Misbehave(func(c ferret.Command) ferret.Fault {
		writes := isWrite(c) || c.Name == "createIndexes" || c.Name == "dropIndexes"
		return ferret.Fault{Lose: writes && met.Add(1) == int64(n)}
	})
	return func() bool {
		shaky.Misbehave(nil)
		return met.Load() >= int64(n) && n > 0
	}
}

// once does the same again and again: first undisturbed, then with the answer of
// its first command lost that writes, then that of its second, and so on. It must
// go well and leave the same each time. prepare begins with a clean sheet, and
// returns what is done and how to see what it left.
func once(t *testing.T, prepare func(t *testing.T, round int) (act func() error, left func() string)) {
	t.Helper()
	want := ""
	for n := 0; ; n++ {
		act, left := prepare(t, n)
		done := losing(n)
		err := act()
		lost := done()
		switch got := left(); {
		case err != nil:
			t.Fatalf("the answer of command %d is lost: %v", n, err)
		case n == 0:
			want = got
		case got != want:
			t.Fatalf("the answer of command %d is lost (%t):\n%s\nwant\n%s", n, lost, got, want)
		}
		if n > 0 && !lost {
			if n == 1 {
				t.Fatal("nothing was written")
			}
			return
		}
	}
}

// stored is a document as the database has it, without its versions.
func stored(t *testing.T, db *driver.Database, id string) string {
	t.Helper()
	var doc struct {
		Body []byte
		Gone bool
		Ev   []struct{ E []byte }
	}
	err := db.Collection("counted").FindOne(t.Context(), bson.D{{Key: "_id", Value: id}}).Decode(&doc)
	if errors.Is(err, driver.ErrNoDocuments) {
		return "nothing"
	}
	ok(t, err)
	out := fmt.Sprintf("%s gone=%t", doc.Body, doc.Gone)
	for _, batch := range doc.Ev {
		var events []halsocoach.Event
		ok(t, json.Unmarshal(batch.E, &events))
		for _, e := range events {
			out += " " + e.ID
		}
	}
	return out
}

// TestAWriteWhoseAnswerIsLostIsDoneOnce: the connection is cut after the server
// has done what it was asked, on a server that does not know a repeated write.
func TestAWriteWhoseAnswerIsLostIsDoneOnce(t *testing.T) {
	h := shake(t, quick)
	db := raw(t, h.url)
	event := func(id string) []halsocoach.Event { return []halsocoach.Event{{ID: id, Type: "test.happened"}} }
	write := func(id, version, body string, events []halsocoach.Event) (string, error) {
		return h.s.Save(t.Context(), "counted", store.Document{ID: id, Version: version, Body: []byte(body)}, events)
	}
	remove := func(id, version string, events []halsocoach.Event) error {
		return h.s.Delete(t.Context(), "counted", id, version, events)
	}
	increment := func(id string) error {
		_, err := h.c.Upsert(t.Context(), id, func(v *counted) ([]halsocoach.Event, error) { v.N++; return event("counted"), nil })
		return err
	}
	relay := func(id string) error {
		for {
			batches, err := h.s.Pending(t.Context(), 1000)
			if err != nil {
				return err
			}
			batches = slices.DeleteFunc(batches, func(b store.Batch) bool { return !strings.HasSuffix(b.Ref, " "+id) })
			if err := h.s.Relayed(t.Context(), batches...); err != nil || len(batches) == 0 {
				return err
			}
		}
	}
	for name, prepare := range map[string]func(id string) (act func() error){
		"insert": func(id string) func() error {
			return func() error { _, err := write(id, "", `{"n":1}`, event("new")); return err }
		},
		"insert without events": func(id string) func() error {
			return func() error { _, err := write(id, "", `{"n":1}`, nil); return err }
		},
		"insert what is gone": func(id string) func() error {
			ok(t, remove(id, save(t, h.s, id, "", `{}`, event("old")...), event("gone")))
			return func() error { _, err := write(id, "", `{"n":1}`, event("new")); return err }
		},
		"replace": func(id string) func() error {
			v := save(t, h.s, id, "", `{}`, event("old")...)
			return func() error { _, err := write(id, v, `{"n":2}`, event("new")); return err }
		},
		"replace without events": func(id string) func() error {
			v := save(t, h.s, id, "", `{}`)
			return func() error { _, err := write(id, v, `{"n":2}`, nil); return err }
		},
		"delete": func(id string) func() error {
			v := save(t, h.s, id, "", `{}`, event("old")...)
			return func() error { return remove(id, v, event("gone")) }
		},
		"delete without events": func(id string) func() error {
			v := save(t, h.s, id, "", `{}`)
			return func() error { return remove(id, v, nil) }
		},
		"delete without events what events wait of": func(id string) func() error {
			v := save(t, h.s, id, "", `{}`, event("old")...)
			return func() error { return remove(id, v, nil) }
		},
		"upsert what is not there": func(id string) func() error { return func() error { return increment(id) } },
		"upsert": func(id string) func() error {
			save(t, h.s, id, "", `{"n":7}`)
			return func() error { return increment(id) }
		},
		"relay the only batch": func(id string) func() error {
			save(t, h.s, id, "", `{}`, event("only")...)
			return func() error { return relay(id) }
		},
		"relay several batches": func(id string) func() error {
			v := save(t, h.s, id, "", `{}`, event("first")...)
			if _, err := write(id, v, `{"n":1}`, event("second")); err != nil {
				t.Fatal(err)
			}
			return func() error { return relay(id) }
		},
		"relay the first of several batches": func(id string) func() error {
			v := save(t, h.s, id, "", `{}`, event("first")...)
			if _, err := write(id, v, `{"n":1}`, event("second")); err != nil {
				t.Fatal(err)
			}
			batches, err := h.s.Pending(t.Context(), 1000)
			ok(t, err)
			i := slices.IndexFunc(batches, func(b store.Batch) bool { return strings.HasSuffix(b.Ref, " "+id) })
			return func() error { return h.s.Relayed(t.Context(), batches[i]) }
		},
		"relay the last batch of what is gone": func(id string) func() error {
			ok(t, remove(id, save(t, h.s, id, "", `{}`), event("gone")))
			return func() error { return relay(id) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			once(t, func(t *testing.T, round int) (func() error, func() string) {
				id := fmt.Sprint(strings.ReplaceAll(name, " ", "-"), "/", round)
				return prepare(id), func() string { return stored(t, db, id) }
			})
		})
	}
	t.Run("ping", func(t *testing.T) {
		once(t, func(t *testing.T, _ int) (func() error, func() string) {
			return func() error { return h.s.Ping(t.Context()) }, func() string { return "" }
		})
	})
	if n := len(h.log.of("level=ERROR")); n != 0 {
		t.Errorf("%d lines of error:\n%s", n, strings.Join(h.log.of(""), ""))
	}
}

// TestADeleteThatTheRelayOvertakesLeavesNothing: the last batch is taken while the
// document is deleted.
func TestADeleteThatTheRelayOvertakesLeavesNothing(t *testing.T) {
	h := shake(t, quick)
	v := save(t, h.s, "a", "", `{"n":1}`, halsocoach.Event{ID: "e", Type: "test.happened"})
	batches, err := h.s.Pending(t.Context(), 10)
	ok(t, err)
	var deleting atomic.Bool
	deleting.Store(true)
	h.Misbehave(func(c ferret.Command) ferret.Fault {
		if c.Name == "update" && deleting.CompareAndSwap(true, false) {
			if err := h.s.Relayed(t.Context(), batches...); err != nil {
				t.Error(err)
			}
		}
		return ferret.Fault{}
	})
	ok(t, h.s.Delete(t.Context(), "counted", "a", v, nil))
	if got := stored(t, raw(t, h.url), "a"); got != "nothing" || deleting.Load() {
		t.Errorf("left: %s", got)
	}
}

// indexed is what a database says of itself, and the indexes of its collection.
func indexed(t *testing.T, db *driver.Database) string {
	t.Helper()
	specs, err := db.Collection("counted").Indexes().ListSpecifications(t.Context())
	ok(t, err)
	var names []string
	for _, x := range specs {
		names = append(names, x.Name)
	}
	slices.Sort(names)
	var declared struct{ Body []byte }
	ok(t, db.Collection("_store").FindOne(t.Context(), bson.D{{Key: "_id", Value: "declared"}}).Decode(&declared))
	n, err := db.Collection("_store").CountDocuments(t.Context(), bson.D{})
	ok(t, err)
	return fmt.Sprintf("%v %s %d", names, declared.Body, n)
}

func TestADatabaseIsMadeOnceWhenAnswersAreLost(t *testing.T) {
	once(t, func(t *testing.T, round int) (func() error, func() string) {
		url := shaky.URL(database(t, fmt.Sprint(round)))
		return func() error {
			opened, err := quick.Open(t.Context(), url, kinds, testLog(t))
			if err != nil {
				return err
			}
			return opened.Close()
		}, func() string { return indexed(t, raw(t, url)) }
	})
}

func TestIndexesAreDeclaredAnewOnceWhenAnswersAreLost(t *testing.T) {
	anew := []store.Kind{{Name: "counted", NoPerson: true, Indexes: []store.Index{{Name: "n", Fields: []store.Field{store.I("n")}}}}}
	once(t, func(t *testing.T, round int) (func() error, func() string) {
		url, found := shaky.URL(database(t, fmt.Sprint(round))), ""
		before, err := quick.Open(t.Context(), url, kinds, testLog(t))
		ok(t, err)
		for i := range 3 {
			save(t, before, fmt.Sprint(i), "", fmt.Sprintf(`{"n":%d,"key":"k%d"}`, i, i))
		}
		ok(t, before.Close())
		return func() error {
				after, err := quick.Open(t.Context(), url, anew, testLog(t))
				if err != nil {
					return err
				}
				page, err := after.Find(t.Context(), "counted", store.Query{Index: "n"})
				for _, d := range page.Documents {
					found += d.ID
				}
				return errors.Join(err, after.Close())
			}, func() string {
				return found + " " + indexed(t, raw(t, url))
			}
	})
}

func TestABackupIsRestoredOnceWhenAnswersAreLost(t *testing.T) {
	from, err := quick.Open(t.Context(), shaky.URL(database(t, "from")), kinds, testLog(t))
	ok(t, err)
	for i := range 3 {
		save(t, from, fmt.Sprint(i), "", fmt.Sprintf(`{"n":%d}`, i), halsocoach.Event{ID: "e"})
	}
	var copied bytes.Buffer
	ok(t, errors.Join(from.Backup(t.Context(), &copied), from.Close()))
	once(t, func(t *testing.T, round int) (func() error, func() string) {
		url := shaky.URL(database(t, fmt.Sprint(round)))
		return func() error {
				return mongo.Restore(t.Context(), bytes.NewReader(copied.Bytes()), url, testLog(t))
			},
			func() string {
				db, out := raw(t, url), ""
				for i := range 3 {
					out += stored(t, db, fmt.Sprint(i)) + "; "
				}
				var schema struct{ Version int }
				ok(t, db.Collection("_store").FindOne(t.Context(), bson.D{{Key: "_id", Value: "schema"}}).Decode(&schema))
				return out + fmt.Sprint(schema.Version)
			}
	})
}

// TestADuplicateIsFoundByWhateverCodeItIsRefused: a server may name a duplicate
// otherwise than MongoDB does. The indexes tell; an error of another cause stays
// what it is.
func TestADuplicateIsFoundByWhateverCodeItIsRefused(t *testing.T) {
	h := shake(t, quick)
	v := save(t, h.s, "a", "", `{"n":1,"key":"k"}`)
	w := save(t, h.s, "b", "", `{"n":1,"key":"l"}`)
	h.Misbehave(func(c ferret.Command) ferret.Fault {
		if isWrite(c) {
			return ferret.Fault{Answer: bson.D{{Key: "n", Value: 0}, {Key: "ok", Value: 1.0}, {Key: "writeErrors", Value: bson.A{
				bson.D{{Key: "index", Value: 0}, {Key: "code", Value: 1}, {Key: "errmsg", Value: "duplicate key value violates a constraint"}}}}}}
		}
		return ferret.Fault{}
	})
	for what, c := range map[string]struct {
		doc  store.Document
		want func(error) bool
	}{
		"insert what another holds":     {store.Document{ID: "c", Body: []byte(`{"key":"k"}`)}, func(err error) bool { return store.Duplicate(err, "key") }},
		"replace by what another holds": {store.Document{ID: "b", Version: w, Body: []byte(`{"key":"k"}`)}, func(err error) bool { return store.Duplicate(err, "key") }},
		"insert what is there":          {store.Document{ID: "a", Body: []byte(`{"key":"k"}`)}, func(err error) bool { return errors.Is(err, store.ErrConflict) }},
		"insert for another cause":      {store.Document{ID: "c", Body: []byte(`{"key":"m"}`)}, func(err error) bool { return err != nil && strings.Contains(err.Error(), "violates") }},
		"replace for another cause":     {store.Document{ID: "a", Version: v, Body: []byte(`{"key":"k"}`)}, func(err error) bool { return err != nil && strings.Contains(err.Error(), "violates") }},
	} {
		if _, err := h.s.Save(t.Context(), "counted", c.doc, nil); !c.want(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestAQuestionForOneDocumentHasNoOrder: the relay refuses an empty sort, as some
// servers do.
func TestAQuestionForOneDocumentHasNoOrder(t *testing.T) {
	s := openAt(t, server.URL(database(t, "")), kinds)
	save(t, s, "a", "", `{"key":"k"}`)
	page, err := s.Find(t.Context(), "counted", store.Query{Index: "key", Equal: []any{"k"}})
	if err != nil || len(page.Documents) != 1 {
		t.Errorf("%v %v", page, err)
	}
}
