package fhir

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	r4 "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"halsocoach"
)

// search is what is asked of the Tasks.
type search struct {
	focus    string // the sending, "" for all
	statuses []string
	since    time.Time // changed then or later
	before   time.Time // and before this; zero = no end
	count    int
	cursor   string
	asked    url.Values // as it was asked, for the links
}

const (
	pageSize = 50
	// overlap is how far before the answer's own time it is sure to be whole:
	// nodes' clocks may differ by six seconds, and a save takes its time.
	overlap = 30 * time.Second
)

func badSearch(name, said string) error {
	return fault(http.StatusBadRequest, r4.IssueTypeInvalid, "http."+plain(name), said)
}

// readSearch reads the query of GET /fhir/Task. A parameter that is not known is a
// fault, since to leave it out would answer another question.
func readSearch(query, base string) (search, error) {
	q := search{count: pageSize, asked: url.Values{}}
	values, err := url.ParseQuery(query)
	if err != nil {
		return q, badSearch("query", "Adressen går inte att läsa.")
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if err := q.param(name, values[name], base); err != nil {
			return q, err
		}
		if name != "_cursor" {
			q.asked[name] = values[name]
		}
	}
	return q, nil
}

func (q *search) param(name string, given []string, base string) error {
	if name != "_lastUpdated" && len(given) > 1 {
		return badSearch(name, "Skriv parametern en gång.")
	}
	one := given[0]
	switch name {
	case "focus":
		id := strings.TrimPrefix(strings.TrimPrefix(one, base+"/"), "ServiceRequest/")
		if id == "" || strings.ContainsAny(id, "/,:|") {
			return badSearch(name, "Skriv focus=ServiceRequest/ och ett id.")
		}
		q.focus = fromFHIR.Replace(id)
	case "status":
		for _, s := range strings.Split(one, ",") {
			var known r4.TaskStatus
			if known.UnmarshalJSON([]byte(`"`+s+`"`)) != nil {
				return badSearch(name, "Koden finns inte i FHIR R4.")
			}
			q.statuses = append(q.statuses, s)
		}
	case "_lastUpdated":
		for _, v := range given {
			if !q.updated(v) {
				return badSearch(name, "Skriv _lastUpdated=ge2026-11-23T10:00:00%2B01:00, eller gt, le och lt.")
			}
		}
	case "_count":
		n, err := strconv.Atoi(one)
		if err != nil || n < 1 {
			return badSearch(name, "Skriv ett antal, högst 50.")
		}
		q.count = min(n, pageSize)
	case "_sort":
		if one != "_lastUpdated" {
			return badSearch(name, "Svaren kommer i ordningen _lastUpdated.")
		}
	case "_cursor":
		q.cursor = one
	case "_format":
	default:
		return fault(http.StatusBadRequest, r4.IssueTypeNotSupported, "http."+plain(name), "Vi känner inte till parametern. Sök med focus, status och _lastUpdated.")
	}
	return nil
}

// updated narrows the time. Values are compared to the millisecond.
func (q *search) updated(v string) bool {
	if len(v) < 3 {
		return false
	}
	t, err := time.Parse(time.RFC3339, strings.ReplaceAll(v[2:], " ", "+")) // a plus that was not encoded
	if d := halsocoach.Day(v[2:]); err != nil && d.Valid() {
		t, err = d.Start(), nil
		if v[:2] == "gt" || v[:2] == "le" {
			t = d.Plus(1).Start().Add(-time.Millisecond)
		}
	}
	if err != nil || t.Year() < 2000 || t.Year() > 2200 {
		return false
	}
	switch v[:2] {
	case "ge", "lt":
	case "gt", "le":
		t = t.Truncate(time.Millisecond).Add(time.Millisecond)
	default:
		return false
	}
	if v[0] == 'g' && t.After(q.since) {
		q.since = t
	}
	if v[0] == 'l' && (q.before.IsZero() || t.Before(q.before)) {
		q.before = t
	}
	return true
}

// keeps says whether a track is among what was asked for.
func (q search) keeps(t track) bool {
	return (q.statuses == nil || slices.Contains(q.statuses, t.State.TaskStatus())) &&
		!t.updated.Before(q.since) && (q.before.IsZero() || t.updated.Before(q.before))
}

// address is that of the search, with a cursor unless it is "".
func (q search) address(base, cursor string) string {
	v := url.Values{}
	for name, values := range q.asked {
		v[name] = values
	}
	if cursor != "" {
		v.Set("_cursor", cursor)
	}
	if len(v) == 0 {
		return base + "/Task"
	}
	return base + "/Task?" + v.Encode()
}
