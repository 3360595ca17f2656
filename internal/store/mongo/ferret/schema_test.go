package ferret_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/store/mongo"
)

// raw is the database as the driver sees it.
func raw(t testing.TB, url string) *driver.Database {
	t.Helper()
	client, err := driver.Connect(options.Client().ApplyURI(url))
	ok(t, err)
	t.Cleanup(func() { _ = client.Disconnect(context.WithoutCancel(t.Context())) })
	return client.Database(path.Base(url))
}

func save(t testing.TB, s store.Store, id, version, body string, events ...halsocoach.Event) string {
	t.Helper()
	v, err := s.Save(t.Context(), "counted", store.Document{ID: id, Version: version, Body: []byte(body)}, events)
	ok(t, err)
	return v
}

var kinds = []store.Kind{countedKind}

func TestADatabaseOfAnotherSchemaIsRefusedInOneLine(t *testing.T) {
	url := server.URL(database(t, ""))
	save(t, openAt(t, url, kinds), "a", "", `{"n":1}`)
	for version, want := range map[int]error{store.SchemaVersion - 1: store.ErrOlder, store.SchemaVersion + 1: store.ErrNewer} {
		res, err := raw(t, url).Collection("_store").UpdateOne(t.Context(), bson.D{{Key: "_id", Value: "schema"}},
			bson.D{{Key: "$set", Value: bson.D{{Key: "version", Value: version}}}})
		if err != nil || res.MatchedCount != 1 {
			t.Fatal(res, err)
		}
		_, err = mongo.Open(t.Context(), url, kinds, testLog(t))
		if !errors.Is(err, want) || !strings.Contains(err.Error(), "made by halsocoach") || strings.Contains(err.Error(), "\n") {
			t.Errorf("schema %d: %v, want %v", version, err, want)
		}
	}
}

func TestADroppedDatabaseIsNoHealthyOne(t *testing.T) {
	url := server.URL(database(t, ""))
	s := openAt(t, url, kinds)
	ok(t, s.Ping(t.Context()))
	ok(t, raw(t, url).Drop(t.Context()))
	if err := s.Ping(t.Context()); err == nil {
		t.Error("the ping is answered")
	}
}

func TestTheDatabaseLooksAsItIsDescribed(t *testing.T) {
	url := server.URL(database(t, ""))
	s := openAt(t, url, kinds)
	fields := func() string {
		t.Helper()
		doc, err := raw(t, url).Collection("counted").FindOne(t.Context(), bson.D{{Key: "_id", Value: "a"}}).Raw()
		if errors.Is(err, driver.ErrNoDocuments) {
			return "nothing"
		}
		ok(t, err)
		all, _ := doc.Elements()
		var keys []string
		for _, e := range all {
			keys = append(keys, e.Key())
		}
		slices.Sort(keys)
		return strings.Join(keys, " ")
	}
	is := func(when, want string) {
		t.Helper()
		if got := fields(); got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
	relay := func() {
		t.Helper()
		batches, err := s.Pending(t.Context(), 10)
		if err != nil || len(batches) != 1 {
			t.Fatalf("pending: %v %v", batches, err)
		}
		ok(t, s.Relayed(t.Context(), batches...))
	}
	e := halsocoach.Event{ID: "e", Type: "test.happened"}
	v := save(t, s, "a", "", `{"key":"k"}`)
	is("without events", "_id body ix v")
	v = save(t, s, "a", v, `{"key":"k"}`, e)
	is("with events", "_id body ev ix q v")
	relay()
	is("relayed", "_id body ix v")
	ok(t, s.Delete(t.Context(), "counted", "a", v, []halsocoach.Event{e}))
	is("deleted with events", "_id ev gone q v")
	v = save(t, s, "a", "", `{}`, e)
	is("revived", "_id body ev ix q v")
	relay()
	is("the first relayed", "_id body ev ix q v")
	ok(t, s.Delete(t.Context(), "counted", "a", v, nil))
	is("deleted while events wait", "_id ev gone q v")
	relay()
	is("the last relayed", "nothing")
	v = save(t, s, "a", "", `{}`)
	ok(t, s.Delete(t.Context(), "counted", "a", v, nil))
	is("deleted while nothing waits", "nothing")
	specs, err := raw(t, url).Collection("counted").Indexes().ListSpecifications(t.Context())
	if err != nil || len(specs) != 3 {
		t.Errorf("%d indexes (%v), want _id, events and key", len(specs), err)
	}
}

func TestAnOlderProgramStopsWritingWhenIndexesAreDeclaredAnew(t *testing.T) {
	url := server.URL(database(t, ""))
	set := mongo.Settings{Bound: 500 * time.Millisecond, Watch: 10 * time.Millisecond}
	old, err := set.Open(t.Context(), url, kinds, testLog(t))
	ok(t, err)
	defer old.Close()
	v := save(t, old, "a", "", `{"n":7,"key":"k"}`)
	anew := []store.Kind{{Name: "counted", NoPerson: true, Indexes: []store.Index{countedKind.Indexes[0], {Name: "n", Fields: []store.Field{store.I("n")}}}}}
	young, err := set.Open(t.Context(), url, anew, testLog(t))
	ok(t, err)
	defer young.Close()
	v = save(t, young, "a", v, `{"n":8,"key":"k"}`)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		_, err := old.Save(t.Context(), "counted", store.Document{ID: "a", Version: "stale", Body: []byte(`{}`)}, nil)
		if errors.Is(err, store.ErrNewer) {
			break
		}
		if !errors.Is(err, store.ErrConflict) || time.Now().After(end) {
			t.Fatalf("the older program saves: %v", err)
		}
	}
	if err := old.Delete(t.Context(), "counted", "a", v, nil); !errors.Is(err, store.ErrNewer) {
		t.Errorf("the older program deletes: %v", err)
	}
	if page, err := old.Find(t.Context(), "counted", store.Query{Index: "key"}); err != nil || len(page.Documents) != 1 {
		t.Errorf("an index that stayed: %v %v", page, err)
	}
	if page, err := young.Find(t.Context(), "counted", store.Query{Index: "n", Equal: []any{8}}); err != nil || len(page.Documents) != 1 {
		t.Errorf("the new index: %v %v", page, err)
	}
}

func TestABackupThatIsBrokenIsNotRestored(t *testing.T) {
	s := openAt(t, server.URL(database(t, "")), kinds)
	for i := range 30 {
		save(t, s, fmt.Sprint(i), "", fmt.Sprintf(`{"n":%d}`, i), halsocoach.Event{ID: "e"})
	}
	var whole bytes.Buffer
	ok(t, s.Backup(t.Context(), &whole))
	bent := bytes.Clone(whole.Bytes())
	at := bytes.Index(bent, []byte(`{"n":17}`))
	bent[at+6] = '9'
	for what, b := range map[string][]byte{
		"cut":           whole.Bytes()[:whole.Len()*2/3],
		"bent":          bent,
		"something":     []byte("something else altogether"),
		"empty":         nil,
		"without a end": whole.Bytes()[:whole.Len()-1],
	} {
		t.Run(what, func(t *testing.T) {
			url := server.URL(database(t, ""))
			if err := mongo.Restore(t.Context(), bytes.NewReader(b), url, testLog(t)); err == nil {
				t.Error("restored")
			}
			if what == "cut" || what == "bent" {
				if _, err := mongo.Open(t.Context(), url, kinds, testLog(t)); !errors.Is(err, store.ErrNewer) {
					t.Errorf("what is left can be opened: %v", err)
				}
			}
		})
	}
	if err := mongo.Restore(t.Context(), bytes.NewReader(whole.Bytes()), server.URL(database(t, "")), testLog(t)); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("over a database that is in use: %v", err)
	}
}

func TestAMongoDBWithoutReplicaSetSaysWhatIsNotPromised(t *testing.T) {
	log := &lines{}
	s, err := mongo.Open(t.Context(), server.URL(database(t, "")), kinds, slog.New(slog.NewTextHandler(log, nil)))
	ok(t, err)
	defer s.Close()
	if got := log.of("level=WARN"); len(got) != 1 || !strings.Contains(got[0], "without a replica set") {
		t.Errorf("the log says %q", got)
	}
	save(t, s, "a", "", `{}`)
}
