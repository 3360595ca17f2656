package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"halsocoach"
	"halsocoach/internal/testenv"
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
	testenv.Must(t, g.Wait())
	return all
}
