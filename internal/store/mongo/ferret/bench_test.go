package ferret_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/store/mongo/ferret"
)

var noteKind = store.Kind{Name: "note", Indexes: []store.Index{
	{Name: "person", Fields: []store.Field{store.T("person")}},
	{Name: "at", Fields: []store.Field{store.D("at")}},
}}

// note is a document of 1 kB.
func note(n int) (body []byte, person string, at time.Time) {
	at = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC).Add(time.Duration(rand.IntN(1e9)) * time.Millisecond)
	person = halsocoach.NewID()
	head := fmt.Sprintf(`{"person":%q,"at":%q,"n":%d,"text":"`, person, at.Format(time.RFC3339Nano), n)
	return []byte(head + strings.Repeat("text av å ", 1024)[:1024-len(head)-2] + `"}`), person, at
}

const savers = 64

// work runs f from many savers at once, each on a document of its own and each
// times, and returns how many a second.
func work(b *testing.B, each int, f func(saver, n int) error) float64 {
	b.Helper()
	var wg sync.WaitGroup
	var done atomic.Int64
	start := time.Now()
	for k := range savers {
		wg.Go(func() {
			for n := range each {
				if err := f(k, n); err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(done.Load()) / time.Since(start).Seconds()
}

// BenchmarkSavesAgainstABareDriver: 64 savers that update documents, each with an
// event, against a loop over the driver that does the same updates of documents
// of the same shape on the same server, by turns. To be at least 0.6.
func BenchmarkSavesAgainstABareDriver(b *testing.B) { against(b, 12, nil) }

// BenchmarkSavesAgainstABareDriverAtOnce is the same on a server that answers
// every update at once without doing it, so that nothing but the two loops is
// compared.
func BenchmarkSavesAgainstABareDriverAtOnce(b *testing.B) {
	against(b, 60, func(c ferret.Command) ferret.Fault {
		if c.Name == "update" {
			return ferret.Fault{Answer: bson.D{{Key: "n", Value: 1}, {Key: "nModified", Value: 1}, {Key: "ok", Value: 1.0}}}
		}
		return ferret.Fault{}
	})
}

func against(b *testing.B, each int, fault func(ferret.Command) ferret.Fault) {
	name := database(b, fmt.Sprint(rand.Int()))
	s := openAt(b, server.URL(name), []store.Kind{noteKind})
	journal := true
	client, err := driver.Connect(options.Client().ApplyURI(server.URL("")).SetMaxPoolSize(100).SetMaxConnecting(8).SetMinPoolSize(2).
		SetWriteConcern(&writeconcern.WriteConcern{W: "majority", Journal: &journal}))
	ok(b, err)
	defer client.Disconnect(b.Context())
	bare := client.Database(name).Collection("note")
	versions, bareVersions := make([]string, savers), make([]string, savers)
	event := halsocoach.Happened("test.happened", time.Now(), "0684", "subject", nil)
	events := []byte(`[{"id":"` + event.ID + `","type":"test.happened","at":"2026-11-23T09:00:00Z","kommun":"0684","subject":"subject"}]`)
	for k := range savers { // both have their documents in the same collection
		body, _, _ := note(0)
		for who, at := range map[string]*string{"ours": &versions[k], "bare": &bareVersions[k]} {
			if *at, err = s.Save(b.Context(), "note", store.Document{ID: fmt.Sprint(who, k), Body: body}, nil); err != nil {
				b.Fatal(err)
			}
		}
	}
	ours := func(k, n int) (err error) {
		body, _, _ := note(n)
		versions[k], err = s.Save(b.Context(), "note", store.Document{ID: fmt.Sprint("ours", k), Version: versions[k], Body: body}, []halsocoach.Event{event})
		return err
	}
	floor := func(k, n int) error {
		body, person, at := note(n)
		v := halsocoach.NewID()
		res, err := bare.UpdateOne(b.Context(), bson.D{{Key: "_id", Value: fmt.Sprint("bare", k)}, {Key: "v", Value: bareVersions[k]}}, bson.D{
			{Key: "$set", Value: bson.D{{Key: "v", Value: v}, {Key: "body", Value: body}, {Key: "ix", Value: bson.D{{Key: "d", Value: "12345678"},
				{Key: "person_12345678", Value: bson.D{{Key: "a", Value: person}}}, {Key: "at_12345678", Value: bson.D{{Key: "a", Value: at.UnixMilli()}}}}}}},
			{Key: "$push", Value: bson.D{{Key: "ev", Value: bson.D{{Key: "b", Value: v}, {Key: "e", Value: events}}}}},
			{Key: "$min", Value: bson.D{{Key: "q", Value: time.Now().UnixNano()}}}})
		if err == nil && res.MatchedCount != 1 {
			err = fmt.Errorf("matched %d", res.MatchedCount)
		}
		bareVersions[k] = v
		return err
	}
	empty := func() { // so that documents do not grow from round to round
		if _, err := bare.UpdateMany(b.Context(), bson.D{}, bson.D{{Key: "$unset", Value: bson.D{{Key: "ev", Value: ""}, {Key: "q", Value: ""}}}}); err != nil {
			b.Fatal(err)
		}
	}
	server.Misbehave(fault)
	defer server.Misbehave(nil)
	var a, f []float64
	work(b, each, ours)
	work(b, each, floor)
	for range b.N {
		for range 5 {
			empty()
			a = append(a, work(b, each, ours))
			empty()
			f = append(f, work(b, each, floor))
		}
	}
	slices.Sort(a)
	slices.Sort(f)
	b.ReportMetric(a[len(a)/2], "saves/s")
	b.ReportMetric(f[len(f)/2], "bare-updates/s")
	b.ReportMetric(a[len(a)/2]/f[len(f)/2], "ratio")
	b.ReportMetric(0, "ns/op")
}
