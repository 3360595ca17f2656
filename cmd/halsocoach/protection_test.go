package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/auth"
	"halsocoach/internal/notify"
	"halsocoach/internal/staff"
	"halsocoach/internal/testenv"
)

// What the people of the test write about her. No other text of the demo holds any
// of it.
const (
	hersNumber = "200302022389"
	hersName   = "Tilda Zackrisson"
	hersPhone  = "070-174 06 35"
	hersMail   = "tilda.zackrisson@example.se"
)

// herTraces are what must not be seen of her, however it is written.
var herTraces = regexp.MustCompile(`(?i)tilda|zackrisson|(070|\+4670)[- ]?174[- ]?06[- ]?35|20030202-?2389|030202-?2389`)

// scene is the demo with one more citizen, asked over HTTP.
type scene struct {
	*app
	t      *testing.T
	people map[string]halsocoach.Actor
	tokens map[string]string
	her    string // opaque id
	mail   *mailbox
	log    *lockedBuffer
}

// TestProtectionLearntLateHoldsEverywhere: a citizen with a talk, a place in a
// group, a chat, a goal and notices turns out to have protected identity. From
// then on no route shows her to anybody but herself, her own coach who opens her
// file, and the nurse who wrote it; no notice, calendar file, fact, event or log
// line says more than it may. When the region has lifted it, she is seen again.
func TestProtectionLearntLateHoldsEverywhere(t *testing.T) {
	s := newScene(t)
	ids := s.herWay()
	seenBefore := s.walk(ids)
	for _, want := range []string{"maria GET /invanare", "maria GET /mina-grupper/tillfallen/:id", "maria GET /chatt", "maria GET /kalender"} {
		if !slices.ContainsFunc(seenBefore, func(row string) bool { return strings.HasPrefix(row, want) }) {
			t.Errorf("before, she is not seen at %q: the walk would find nothing", want)
		}
	}
	if file := s.get("her", "/samtal/"+ids["talk"]+"/kalender.ics"); !strings.Contains(file, "LOCATION") {
		t.Errorf("before, the calendar file has no place:\n%s", file)
	}
	s.eventually("the mail of before", func() bool { return s.mail.n() > 0 })

	s.settled()
	lines, letters, facts := s.log.len(), s.mail.n(), s.facts()
	s.post("vardcentral", "/api/v1/referrals", map[string]any{"personnummer": hersNumber, "name": hersName, "phone": hersPhone,
		"centre": "0684", "topics": []string{"sömn"}, "consent": true, "protected": true}, 201)
	ids["again"] = s.newestReferral(ids["referral"])
	s.post("her", "/api/v1/conversations/"+ids["conversation"]+"/messages", map[string]any{"key": uuid(7), "text": "Hej igen"}, 201)
	s.post("maria", "/api/v1/conversations/"+ids["conversation"]+"/messages", map[string]any{"key": uuid(8), "text": "Hej du"}, 201)

	for _, row := range s.walk(ids) {
		if !maySee(row) {
			t.Errorf("after, she is seen: %s", row)
		}
	}
	for _, path := range []string{"/samtal/" + ids["talk"] + "/kalender.ics", "/mina-bokningar/" + ids["booking"] + "/kalender.ics"} {
		if file := s.get("her", path); strings.Contains(file, "LOCATION") || strings.Contains(file, "Sävsjö") || !strings.Contains(file, "BEGIN:VEVENT") {
			t.Errorf("%s says where:\n%s", path, file)
		}
	}
	s.eventually("the fact of the recommendation", func() bool { return len(s.facts()) > len(facts) })
	for _, f := range s.facts()[len(facts):] {
		if f.Kommun != halsocoach.County || f.Dims[halsocoach.DimSex] != "" || f.Dims[halsocoach.DimAge] != "" {
			t.Errorf("counted as %+v", f)
		}
	}
	s.ask("maria", http.MethodDelete, "/api/v1/talks/"+ids["talk"], nil)
	s.mariaBooks(ids["enrolment"])
	s.noTraceInEvents()
	if got := s.mail.n(); got != letters {
		t.Errorf("%d letters went out after", got-letters)
	}
	if said := herTraces.FindString(s.log.from(lines)); said != "" {
		t.Errorf("the log says %q", said)
	}

	s.form("region", "/skyddade-personuppgifter", url.Values{"number": {hersNumber}, "why": {"Skatteverkets besked 2026-11-20"}})
	again := s.walk(ids)
	for _, want := range []string{"maria GET /invanare", "maria GET /mina-grupper/tillfallen/:id"} {
		if !slices.ContainsFunc(again, func(row string) bool { return strings.HasPrefix(row, want) }) {
			t.Errorf("lifted, she is still hidden at %q", want)
		}
	}
}

// maySee says whether a row of the walk may hold her name when she is protected.
func maySee(row string) bool {
	for _, may := range []string{
		"her ",                              // herself
		"maria GET /invanare/",              // her own coach, who opens her file
		"maria GET /inkorg/:id",             // who has taken a recommendation sees whom to call; see below
		"vardcentral GET /rekommendationer", // who has written it
		"vardcentral GET /api/v1/referrals", // the same as JSON
		"vardcentral GET /fhir/",            // and as FHIR
	} {
		if strings.HasPrefix(row, may) {
			return !strings.HasPrefix(row, "maria GET /inkorg") || strings.HasSuffix(row, " referral")
		}
	}
	return false
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, people: map[string]halsocoach.Actor{}, tokens: map[string]string{}, mail: openMailbox(t), log: &lockedBuffer{}}
	a := aDemo(t, halsocoach.Day("2026-11-23").At(9*60), appConfig{
		Log: slog.New(slog.NewTextHandler(s.log, nil)), Mail: notify.Settings{SMTPURL: "smtp://" + s.mail.addr + "?tls=never", SMTPFrom: "svara-inte@example.se"},
	})
	s.app = a
	for _, name := range []string{"maria", "johan", "vardcentral", "forening", "kommun", "region", "familjecentral", "drift"} {
		s.signIn(name, auth.Identity{Staff: name})
	}
	colleague := staff.Member{ID: "colleague", Name: "Stig Norling", Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"}
	testenv.Must(t, testenv.ErrOf(a.staff.Hire(t.Context(), halsocoach.System("test"), colleague)))
	s.signIn("colleague", auth.Identity{Staff: "colleague"})
	n, err := halsocoach.ParseNumber(hersNumber, a.clock())
	testenv.Must(t, err)
	if s.her, err = a.seal.Person(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	s.signIn("her", auth.Identity{Person: s.her, Name: hersName, Kommun: "0684"})
	return s
}

func (s *scene) signIn(name string, id auth.Identity) { s.tokens[name] = s.tokenOf(s.t, id) }

// herWay is all that she has before anybody knows: the ids of it.
func (s *scene) herWay() map[string]string {
	ids := map[string]string{}
	s.post("vardcentral", "/api/v1/referrals", map[string]any{"personnummer": hersNumber, "name": hersName, "phone": hersPhone, "email": hersMail,
		"centre": "0684", "topics": []string{"sömn"}, "consent": true}, 201)
	ids["referral"] = s.newestReferral("")
	s.form("her", "/aviseringar", url.Values{"channel": {"email"}, "address": {hersMail}})
	s.post("maria", "/api/v1/referrals/"+ids["referral"]+"/decision", map[string]any{"decision": "accept"}, 200)
	s.eventually("her enrolment", func() bool {
		at, err := s.citizen.EnrolmentsAt(s.t.Context(), "0684", s.her)
		ids["enrolment"] = at[s.her].ID
		return err == nil && ids["enrolment"] != ""
	})
	ids["talk"] = s.mariaBooks(ids["enrolment"])
	s.post("her", "/api/v1/goals", map[string]any{"habit": "sömn", "words": "Sova bättre", "why": "För att orka", "steps": []string{"Lägga mig tio"}}, 201)
	var programme struct {
		Items []struct {
			Occasions []struct{ ID, State string }
		}
	}
	s.read("her", "/api/v1/activities?kommun=0684&from=2026-11-24&to=2026-12-11", &programme)
	for _, item := range programme.Items {
		for _, o := range item.Occasions {
			if o.State == "open" && ids["occasion"] == "" {
				ids["occasion"], ids["booking"] = o.ID, s.post("her", "/api/v1/occasions/"+o.ID+"/bookings", map[string]any{"reserve": false}, 201)
			}
		}
	}
	var chats struct{ Items []struct{ ID string } }
	s.eventually("her conversation", func() bool {
		s.read("her", "/api/v1/conversations", &chats)
		return len(chats.Items) == 1
	})
	ids["conversation"] = chats.Items[0].ID
	s.post("her", "/api/v1/conversations/"+ids["conversation"]+"/messages", map[string]any{"key": uuid(1), "text": "Hej"}, 201)
	for what, id := range map[string]string{"talk": ids["talk"], "occasion": ids["occasion"], "booking": ids["booking"]} {
		if id == "" {
			s.t.Fatalf("she has no %s", what)
		}
	}
	return ids
}

// mariaBooks books a first talk for her, which sends her a letter, and says its id.
func (s *scene) mariaBooks(enrolment string) string {
	s.t.Helper()
	var free struct {
		Items []struct {
			Coach, Form string
			Starts      time.Time
		}
	}
	s.read("her", "/api/v1/talks/free?from=2026-11-24&to=2026-12-11", &free)
	for _, f := range free.Items {
		if f.Coach == "maria" && f.Form == "på plats" {
			at := f.Starts.In(halsocoach.Stockholm())
			s.form("maria", "/kalender/boka", url.Values{"kontakt": {enrolment}, "sort": {"first"}, "form": {"på plats"},
				"datum": {at.Format(time.DateOnly)}, "klockan": {at.Format("15:04")}})
			break
		}
	}
	var coming struct{ Items []struct{ ID string } }
	s.read("her", "/api/v1/talks", &coming)
	if len(coming.Items) != 1 {
		s.t.Fatalf("she has %d talks", len(coming.Items))
	}
	return coming.Items[0].ID
}

// newestReferral is the id of the one about her that is not that one.
func (s *scene) newestReferral(but string) string {
	s.t.Helper()
	var list struct{ Items []struct{ ID, Name string } }
	s.read("vardcentral", "/api/v1/referrals", &list)
	for _, r := range list.Items {
		if r.ID != but && r.Name == hersName {
			return r.ID
		}
	}
	s.t.Fatal("no recommendation about her")
	return ""
}

// walk asks every route that reads, as everybody, with every id of hers in the
// place of an id, and says where something of her is seen.
func (s *scene) walk(ids map[string]string) (seen []string) {
	s.t.Helper()
	s.people["visitor"] = halsocoach.Actor{}
	who := append(slices.Sorted(maps.Keys(s.tokens)), "visitor")
	for _, row := range s.routes() {
		method, path, _ := strings.Cut(row, " ")
		if method != http.MethodGet || path == "/logga-ut" || strings.HasPrefix(path, "/logga-") {
			continue
		}
		paths := map[string]string{path: ""} // what the id in it is of
		if i := strings.Index(path, "/:"); i >= 0 || strings.Contains(path, "*") {
			clear(paths)
			for what, id := range ids {
				one := strings.Replace(path, "*", "Task?_id="+id, 1)
				if i >= 0 {
					rest := path[i+1:]
					_, rest, found := strings.Cut(rest, "/")
					one = path[:i+1] + id
					if found {
						one += "/" + rest
					}
				}
				paths[one] = what
			}
		}
		for _, name := range who {
			for one, what := range paths {
				res := s.ask(name, http.MethodGet, one, nil)
				if trace := herTraces.FindString(res.body + res.header.Get("Location")); trace != "" {
					seen = append(seen, strings.TrimSpace(fmt.Sprintf("%s GET %s %s", name, path, what)))
				}
			}
		}
	}
	slices.Sort(seen)
	return slices.Compact(seen)
}

func (s *scene) ask(name, method, path string, body any) reply {
	s.t.Helper()
	return s.send(s.t, s.tokens[name], method, path, body)
}

func (s *scene) get(name, path string) string {
	s.t.Helper()
	res := s.ask(name, http.MethodGet, path, nil)
	if res.status != 200 {
		s.t.Fatalf("%s reads %s: %d\n%s", name, path, res.status, res.body)
	}
	return res.body
}

func (s *scene) read(name, path string, into any) {
	s.t.Helper()
	testenv.Must(s.t, json.Unmarshal([]byte(s.get(name, path)), into))
}

// post sends JSON and gives the id of what was made.
func (s *scene) post(name, path string, body any, want int) string {
	s.t.Helper()
	res := s.ask(name, http.MethodPost, path, body)
	if res.status != want {
		s.t.Fatalf("%s posts to %s: %d\n%s", name, path, res.status, res.body)
	}
	var made struct{ ID string }
	_ = json.Unmarshal([]byte(res.body), &made)
	return made.ID
}

func (s *scene) form(name, path string, form url.Values) {
	s.t.Helper()
	if res := s.ask(name, http.MethodPost, path, form); res.status != 303 && res.status != 200 {
		s.t.Fatalf("%s fills in %s: %d\n%s", name, path, res.status, res.body)
	}
}

func (s *scene) eventually(what string, is func() bool) {
	s.t.Helper()
	testenv.Eventually(s.t, what, is)
}

func (s *scene) facts() (all []halsocoach.Fact) {
	s.t.Helper()
	testenv.Must(s.t, s.bus.EachFact(s.t.Context(), func(f halsocoach.Fact) error { all = append(all, f); return nil }))
	return all
}

// settled waits until every event and fact has been published and taken.
func (s *scene) settled() {
	s.t.Helper()
	s.eventually("all events taken", func() bool {
		pending, err := s.store.Pending(s.t.Context(), 1)
		waiting, _, werr := s.bus.Waiting(s.t.Context())
		return err == nil && werr == nil && len(pending) == 0 && waiting == 0
	})
}

// noTraceInEvents looks through all that NATS has on disk.
func (s *scene) noTraceInEvents() {
	s.t.Helper()
	s.settled()
	files := 0
	err := filepath.WalkDir(strings.TrimPrefix(s.cfg.NATS, "embedded:"), func(path string, f fs.DirEntry, err error) error {
		if err != nil || f.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // compacted away meanwhile
		}
		files++
		if trace := herTraces.Find(b); trace != nil || bytes.Contains(b, []byte(s.her)) {
			s.t.Errorf("%s holds %q or her id", filepath.Base(path), trace)
		}
		return err
	})
	if err != nil || files == 0 {
		s.t.Errorf("%d files of NATS: %v", files, err)
	}
}

func uuid(n int) string { return fmt.Sprintf("2f1f6a3e-7a40-4f6b-9f3e-0d4d6c1f8a%02d", n) }

// lockedBuffer is a log that can be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Len()
}

func (l *lockedBuffer) from(at int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()[at:]
}
