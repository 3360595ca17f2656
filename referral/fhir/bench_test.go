package fhir

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"halsocoach"
	"halsocoach/internal/accesslog"
	"halsocoach/internal/auth"
	"halsocoach/internal/staff"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
	"halsocoach/internal/web"
	"halsocoach/referral/record"
	"halsocoach/referral/sender"
)

const savers = 64

// saved is what one recommendation by FHIR saves, as it lies in the stores.
type saved struct {
	key, referral, place, row []byte
	id, person                string // that stand in them
}

// rig is the door behind a real listener, with the real sign-in and access log,
// and the same stores for the bare savers.
type rig struct {
	*testenv.Env
	addr, token string
	body        string // with R-0000000 to be replaced
	like        saved
	n           atomic.Int64
}

func openRig(b *testing.B) *rig {
	b.Helper()
	r := &rig{Env: testenv.New(b, record.Kinds(), Kinds(), auth.Kinds(), staff.Kinds(), accesslog.Kinds())}
	quiet := slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelError}))
	members := staff.New(staff.Config{Store: r.Store, Clock: r.Clock.Now, Log: quiet})
	a, err := auth.New(auth.Config{Staff: members, Store: r.Store, Seal: r.Seal, Bus: r.Bus, Clock: r.Clock.Now, Log: quiet, PublicURL: "http://example.test"})
	testenv.Must(b, err)
	machine := journal
	machine.Session, machine.Scope = "", ""
	a.Machines(func(string) (halsocoach.Actor, bool) { return machine, true })
	in, err := a.SignInAs(r.Ctx(), auth.Identity{Machine: "m", Scope: journal.Scope})
	testenv.Must(b, err)
	r.token = in.Token
	records := record.New(record.Config{Store: r.Store, Seal: r.Seal, Clock: r.Clock.Now, Settings: r.Terms, Registers: r.Registers,
		Staff: r.Staff, AccessLog: accesslog.New(accesslog.Config{Store: r.Store, Staff: members, Clock: r.Clock.Now}), Persons: r.Persons, Log: quiet})
	svc := New(Config{Store: r.Store, Clock: r.Clock.Now, PublicURL: "http://example.test", Records: records,
		Sender: sender.New(sender.Config{Records: records})})
	app := web.New(web.Config{PublicURL: "http://example.test", Log: quiet, Clock: r.Clock.Now, Actor: a.Actor, Faults: map[string]web.SayFault{"/fhir": Say}})
	svc.Routes(app.Fiber())
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testenv.Must(b, err)
	go func() { _ = app.Serve(ln) }()
	b.Cleanup(func() { _ = app.Shutdown(context.Background()) })
	r.addr = "http://" + ln.Addr().String() + "/fhir"
	r.body = bundle(b, "R-0000000", "entry.0.resource.identifier", absent)
	if pad := 4096 - len(r.body); pad > 0 { // to four kilobytes
		r.body = bundle(b, "R-0000000", "entry.0.resource.identifier", absent, "entry.1.resource.note.0.text", "Ring. "+strings.Repeat("x", pad))
	}
	r.post(b)
	r.learn(b)
	return r
}

// post sends one more Bundle.
func (r *rig) post(b testing.TB) {
	req, res := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(res)
	req.SetRequestURI(r.addr)
	req.Header.SetMethod(fiber.MethodPost)
	req.Header.Set("Authorization", "Bearer "+r.token)
	req.Header.Set("Content-Type", mediaFHIR)
	req.SetBodyString(strings.Replace(r.body, "R-0000000", "R-"+strconv.FormatInt(r.n.Add(1), 10), 1))
	if err := fasthttp.Do(req, res); err != nil || res.StatusCode() != 200 || !strings.Contains(string(res.Body()), "201 Created") {
		b.Errorf("%v %d %s", err, res.StatusCode(), res.Body())
	}
}

// learn reads what that saved.
func (r *rig) learn(b *testing.B) {
	b.Helper()
	keep := func(s store.Store, kind string, into *[]byte) {
		if err := s.Each(r.Ctx(), kind, func(d store.Document) error { *into = slices.Clone(d.Body); return nil }); err != nil || *into == nil {
			b.Fatalf("%s: %v", kind, err)
		}
	}
	keep(r.Store, "referrals", &r.like.referral)
	keep(r.Store, "access", &r.like.row)
	keep(r.Store, tasks.Name, &r.like.place)
	keep(r.Keys, "keys", &r.like.key)
	var doc record.Referral
	testenv.Must(r.T, json.Unmarshal(r.like.referral, &doc))
	r.like.id, r.like.person = doc.ID, doc.Person
}

// save makes the same saves with nothing around them: the person's key, the
// recommendation with its event and fact, its place among the sender's, the row
// of the access log.
func (r *rig) save(b testing.TB) {
	id := halsocoach.NewID()
	now := r.Clock.Now()
	event := halsocoach.Happened(record.EventReceived, now, "0684", id, nil).Counting(halsocoach.Count(halsocoach.CountReferral, now, "0684", false, nil))
	for _, one := range []struct {
		to     store.Store
		kind   string
		body   []byte
		events []halsocoach.Event
	}{
		{r.Keys, "keys", r.like.key, nil}, {r.Store, "referrals", r.like.referral, []halsocoach.Event{event}}, {r.Store, tasks.Name, r.like.place, nil}, {r.Store, "access", r.like.row, nil},
	} {
		body := bytes.ReplaceAll(bytes.ReplaceAll(one.body, []byte(r.like.id), []byte(id)), []byte(r.like.person), []byte(id))
		if _, err := one.to.Save(context.Background(), one.kind, store.Document{ID: id, Body: body}, one.events); err != nil {
			b.Errorf("%s: %v", one.kind, err)
			return
		}
	}
}

// rate is how often a second do is done by the savers together.
func rate(for_ time.Duration, do func()) float64 {
	var n atomic.Int64
	var group sync.WaitGroup
	began := time.Now()
	for range savers {
		group.Go(func() {
			for time.Since(began) < for_ {
				do()
				n.Add(1)
			}
		})
	}
	group.Wait()
	return float64(n.Load()) / time.Since(began).Seconds()
}

// BenchmarkBundle compares POST /fhir of a Bundle of 4 kB by 64 clients with 64
// bare savers of the same documents, in rounds by turns. The median share is to be
// a third at least.
func BenchmarkBundle(b *testing.B) {
	r := openRig(b)
	round := 1500 * time.Millisecond
	if s := os.Getenv("HALSOCOACH_ROUND"); s != "" {
		round, _ = time.ParseDuration(s)
	}
	for b.Loop() {
		var door, bare, share []float64
		for range 5 {
			bare = append(bare, rate(round, func() { r.save(b) }))
			door = append(door, rate(round, func() { r.post(b) }))
			share = append(share, door[len(door)-1]/bare[len(bare)-1])
		}
		for _, x := range [][]float64{door, bare, share} {
			slices.Sort(x)
		}
		b.ReportMetric(door[2], "bundles/s")
		b.ReportMetric(bare[2], "bare/s")
		b.ReportMetric(share[2], "share")
		fmt.Printf("POST /fhir, %d bytes, %d clients: %.0f a second; %d bare savers: %.0f a second; share %.2f\n", len(r.body), savers, door[2], savers, bare[2], share[2])
		if share[2] < 1.0/3 {
			b.Errorf("the share is %.2f", share[2])
		}
	}
	b.ReportMetric(0, "ns/op")
}
