package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"halsocoach"
)

type occasion struct {
	ID       string    `json:"id"`
	Starts   time.Time `json:"starts"`
	Capacity int       `json:"capacity"`
	Booked   int       `json:"booked"`
	Reserve  int       `json:"reserve"`
	State    string    `json:"state"`
	title    string
}

// occasions reads the coming four weeks of a kommun's programme.
func (d *Demo) occasions(t *testing.T, kommun string, from time.Time) []occasion {
	t.Helper()
	var all []occasion
	q := url.Values{"kommun": {kommun}, "from": {string(halsocoach.DayOf(from))}, "to": {string(halsocoach.DayOf(from).Plus(28))}}
	for {
		var page struct {
			Items []struct {
				Title     string     `json:"title"`
				Occasions []occasion `json:"occasions"`
			} `json:"items"`
			Next string `json:"next"`
		}
		status, body, err := (&Client{demo: d}).Call(t.Context(), http.MethodGet, "/api/v1/activities?"+q.Encode(), "", nil, &page)
		if err != nil || status != 200 {
			t.Fatalf("the programme: %d %v %s", status, err, body)
		}
		for _, a := range page.Items {
			for _, o := range a.Occasions {
				o.title = a.Title
				all = append(all, o)
			}
		}
		if page.Next == "" {
			return all
		}
		q.Set("after", page.Next)
	}
}

// crowd signs in n made-up citizens.
func (d *Demo) crowd(t *testing.T, n int) []*Client {
	t.Helper()
	all := make([]*Client, n)
	var g errgroup.Group
	g.SetLimit(16)
	for i := range n {
		g.Go(func() (err error) {
			all[i], err = d.As(fmt.Sprintf("citizen:%d", i+1))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAHundredWantTenPlaces(t *testing.T) {
	d := Start(t, monday)
	var o occasion
	for _, c := range d.occasions(t, "0684", d.Begins) {
		if c.Capacity == 10 && c.Booked == 0 && c.State == "open" {
			o = c
		}
	}
	if o.ID == "" {
		t.Fatal("the programme has no occasion with 10 free places")
	}
	people := d.crowd(t, 100)
	var mu sync.Mutex
	var booked, full int
	var wg sync.WaitGroup
	for _, p := range people {
		wg.Add(1)
		go func() {
			defer wg.Done()
			status, body, err := p.Call(context.Background(), http.MethodPost, "/api/v1/occasions/"+o.ID+"/bookings", "", map[string]any{"reserve": false}, nil)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				t.Error(err)
			case status == 201:
				booked++
			case status == 409 && strings.Contains(body, "fullbokat") && strings.Contains(body, "reservlista"):
				full++
			default:
				t.Errorf("%d %s", status, body)
			}
		}()
	}
	wg.Wait()
	t.Logf("100 callers, 10 places: %d booked, %d told fullbokat with the reserve list offered", booked, full)
	if booked != 10 || full != 90 {
		t.Fatalf("%d booked, %d told that it is full; want 10 and 90", booked, full)
	}
	for _, c := range d.occasions(t, "0684", d.Begins) {
		if c.ID == o.ID && (c.Booked != 10 || c.State != "full") {
			t.Fatalf("the programme says %+v", c)
		}
	}
}
