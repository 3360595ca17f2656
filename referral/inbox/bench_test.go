package inbox_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/referral/record"
)

// onFile makes a centre with a number of recommendations on file, of which 60 wait:
// the rest are decided. All but those that wait are copies of one.
func onFile(b *testing.B, g ground, centre string, n int) halsocoach.Actor {
	const waiting = 60
	w := nameless("Person")
	w.Centre, w.Kommun = centre, ""
	var last string
	for i := range waiting {
		w.Name = fmt.Sprint("Person ", i)
		last = g.sent(g.People.Vardcentral, fmt.Sprint(centre, i), w)
	}
	docs, err := g.Store.Get(g.Ctx(), "referrals", last)
	if err != nil {
		b.Fatal(err)
	}
	var one map[string]any
	if err := json.Unmarshal(docs[0].Body, &one); err != nil {
		b.Fatal(err)
	}
	for _, gone := range []string{"open", "queue", "filters", "untouched"} {
		delete(one, gone)
	}
	one["state"] = string(record.Declined)
	var wg sync.WaitGroup
	for worker := range 32 {
		wg.Go(func() {
			for i := worker; i < n-waiting; i += 32 {
				mine := map[string]any{}
				for k, v := range one {
					mine[k] = v
				}
				mine["id"] = fmt.Sprintf("%s-%d", centre, i)
				body, err := json.Marshal(mine)
				if err == nil {
					_, err = g.Store.Save(g.Ctx(), "referrals", store.Document{ID: mine["id"].(string), Body: body}, nil)
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return halsocoach.Actor{ID: "coach-" + centre, Role: halsocoach.RoleCoach, Centre: centre, Kommun: centre}
}

// BenchmarkInboxOfALargeCentre: the page of a centre with 10 000 recommendations on
// file against that of one with 100, turn by turn, at most 1.5 times as long.
func BenchmarkInboxOfALargeCentre(b *testing.B) {
	g := open(b)
	coaches := []halsocoach.Actor{onFile(b, g, "0680", 100), onFile(b, g, "0684", 10_000)}
	var took [2][]time.Duration
	page := func(i int) {
		start := time.Now()
		if r := g.app.As(coaches[i]).Get("/inkorg"); r.Status != 200 {
			b.Fatal(r.Status)
		}
		took[i] = append(took[i], time.Since(start))
	}
	for range 20 { // warm
		page(0)
		page(1)
	}
	took = [2][]time.Duration{}
	b.ResetTimer()
	for n := range b.N {
		page(n % 2)
		page(1 - n%2)
	}
	b.StopTimer()
	median := func(all []time.Duration) time.Duration { slices.Sort(all); return all[len(all)/2] }
	small, large := median(took[0]), median(took[1])
	ratio := float64(large) / float64(small)
	b.ReportMetric(ratio, "large/small")
	b.Logf("inbox page: %v with 100 on file, %v with 10 000: %.2f times", small, large, ratio)
	if len(took[0]) >= 50 && ratio > 1.5 {
		b.Errorf("%.2f times as long", ratio)
	}
}
