package chat

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"halsocoach"
	"halsocoach/internal/testenv"
)

func TestTheJSONTwins(t *testing.T) {
	g := open(t, Wire{})
	path := "/api/v1/conversations/" + g.conv + "/messages"
	anna, maria := g.first.app.As(g.anna), g.first.app.As(g.maria)
	var said struct {
		Seq int
		At  string
	}
	for i, want := range []int{201, 200} {
		res := anna.JSON("POST", path, map[string]string{"key": "k1", "text": "Hej!"})
		if err := res.Into(&said); err != nil || res.Status != want || said.Seq != 1 || !strings.HasSuffix(said.At, "+01:00") {
			t.Fatalf("time %d: %d %s", i, res.Status, res.Body)
		}
	}
	if res := anna.WithKey("Å en nyckel").JSON("POST", path, map[string]string{"text": "Utan key i kroppen"}); res.Status != 201 {
		t.Fatalf("%d %s", res.Status, res.Body)
	}
	if res := anna.WithKey("Å en nyckel").JSON("POST", path, map[string]string{"text": "Utan key i kroppen"}); res.Status != 200 {
		t.Fatalf("%d %s", res.Status, res.Body)
	}
	if res := anna.JSON("POST", path, map[string]string{"key": "k1", "text": "Annat"}); res.Status != 422 {
		t.Fatalf("%d %s", res.Status, res.Body)
	}
	g.settled(g.conv, 2)
	var list struct {
		Items []struct {
			ID, With     string
			Last, Unread int
		}
	}
	res := maria.JSON("GET", "/api/v1/conversations", nil)
	if err := res.Into(&list); err != nil || len(list.Items) != 1 || list.Items[0].With != "Anna Lind" || list.Items[0].Last != 2 || list.Items[0].Unread != 2 {
		t.Fatalf("%d %s", res.Status, res.Body)
	}
	var page struct {
		Items []messageJSON
		Next  int
	}
	res = maria.JSON("GET", path+"?since=0&limit=1", nil)
	if err := res.Into(&page); err != nil || len(page.Items) != 1 || page.Next != 1 || page.Items[0].Text != "Hej!" || page.Items[0].From.Name != "Anna Lind" {
		t.Fatalf("%d %s", res.Status, res.Body)
	}
	res = maria.JSON("GET", path+"?since=2", nil)
	if res.Status != 200 || !strings.Contains(res.Body, `"items":[]`) || strings.Contains(res.Body, "next") {
		t.Fatalf("%d %s", res.Status, res.Body)
	}
	if res = maria.JSON("POST", "/api/v1/conversations/"+g.conv+"/read", map[string]int{"seq": 2}); res.Status != 204 {
		t.Fatalf("%d %s", res.Status, res.Body)
	}
	for who, want := range map[*testenv.Visitor]int{g.first.app.As(halsocoach.Actor{}): 401, g.first.app.As(g.People.Johan): 404, g.first.app.As(g.People.Region): 403} {
		if res := who.JSON("GET", path, nil); res.Status != want {
			t.Errorf("%d, want %d: %s", res.Status, want, res.Body)
		}
	}
	for _, x := range []struct {
		text string
		want int
	}{{strings.Repeat("a", 1_000_000), 422}, {"  ", 422}} {
		if res := anna.JSON("POST", path, map[string]string{"key": "big", "text": x.text}); res.Status != x.want || !strings.Contains(res.Body, "detail") {
			t.Errorf("%d characters: %d %.200s", len(x.text), res.Status, res.Body)
		}
	}
}

// TestAMegabyteHasAClearAnswer goes over a real connection, where the body is
// refused before it is read.
func TestAMegabyteHasAClearAnswer(t *testing.T) {
	g := open(t, Wire{})
	for _, x := range []struct {
		name, path, kind string
		body             string
		status           int
		says             string
	}{
		{"form", "/chatt/" + g.conv, "application/x-www-form-urlencoded", "_key=f&text=" + strings.Repeat("x", 1<<20), 413, "Korta texten"},
		{"JSON", "/api/v1/conversations/" + g.conv + "/messages", "application/json", `{"key":"k","text":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "Korta texten"},
		{"just under the limit of JSON", "/api/v1/conversations/" + g.conv + "/messages", "application/json", `{"key":"k","text":"` + strings.Repeat("x", 1<<20-100) + `"}`, 422, "8 000 tecken"},
	} {
		t.Run(x.name, func(t *testing.T) {
			r, err := http.NewRequest(http.MethodPost, "http://"+g.first.addr+x.path, strings.NewReader(x.body))
			testenv.Must(t, err)
			r.Header = g.first.header(g.anna)
			r.Header.Set("Content-Type", x.kind)
			r.Header.Set("Authorization", "Bearer x") // only who says who they are may send much
			res, err := http.DefaultClient.Do(r)
			testenv.Must(t, err)
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != x.status || !strings.Contains(string(body), x.says) {
				t.Fatalf("%d %.400s %v", res.StatusCode, body, err)
			}
		})
	}
	if lines, _, err := g.first.Since(t.Context(), g.anna, g.conv, 0, 10); err != nil || len(lines) != 0 {
		t.Fatalf("something was said: %v, %v", lines, err)
	}
}

func TestThePagesWorkWithoutAScript(t *testing.T) {
	g := open(t, Wire{})
	anna, maria := g.first.app.As(g.anna), g.first.app.As(g.maria)
	if res := anna.Get("/chatt"); res.Status != 303 || res.Header.Get("Location") != "/chatt/"+g.conv {
		t.Fatalf("%d %s", res.Status, res.Header)
	}
	page := "/chatt/" + g.conv
	form := url.Values{"_key": {"f1"}, "text": {"Hej, Maria!\r\nHur gör jag?"}}
	for range 2 { // a double click
		if res := anna.Post(page, form); res.Status != 303 || res.Header.Get("Location") != page+"#m1" {
			t.Fatalf("%d %v", res.Status, res.Header)
		}
	}
	res := anna.Get(page)
	for _, want := range []string{`role="log"`, "Hej, Maria!\nHur gör jag?", "Maria Holm", "112", "1177", `id="m1"`, "Du", `method="post"`} {
		if !strings.Contains(res.Body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if res := anna.Post(page, url.Values{"_key": {"f2"}, "text": {"  "}}); res.Status != 422 || !strings.Contains(res.Body, "Skriv något innan du skickar.") {
		t.Fatalf("%d", res.Status)
	}
	long := strings.Repeat("x", maxText+1)
	if res := anna.Post(page, url.Values{"_key": {"f3"}, "text": {long}}); res.Status != 422 || !strings.Contains(res.Body, "för långt") || !strings.Contains(res.Body, long) {
		t.Fatalf("%d: the answer keeps what was written", res.Status)
	}
	g.settled(g.conv, 1)
	if res := maria.Get("/chatt"); res.Status != 200 || !strings.Contains(res.Body, "Anna Lind") || !strings.Contains(res.Body, "Väntar på svar sedan") || !strings.Contains(res.Body, "1 nytt") {
		t.Fatalf("%d %s", res.Status, res.Body)
	}
	if res := maria.Get(page); !strings.Contains(res.Body, `id="chat-waiting">Väntar på svar sedan`) || !strings.Contains(res.Body, "data-waits=") {
		t.Fatal("the coach is not told that somebody waits")
	}
	for i := range 60 {
		g.first.say(g.maria, g.conv, fmt.Sprint("many", i), fmt.Sprint("Rad nummer ", i))
	}
	res = maria.Get(page)
	if strings.Contains(res.Body, "Hur gör jag?") || !strings.Contains(res.Body, page+"?fore=12") {
		t.Fatal("the latest fifty, with a way to the older")
	}
	if res = maria.Get(page + "?fore=12"); !strings.Contains(res.Body, "Hur gör jag?") || strings.Contains(res.Body, "Rad nummer 11") || strings.Contains(res.Body, `rel="prev"`) {
		t.Fatal("the older ones")
	}
	if res := g.first.app.As(g.People.Omar).Get(page); res.Status != 404 {
		t.Fatalf("someone else's is %d", res.Status)
	}
	if res := g.first.app.As(g.People.Omar).Get("/chatt"); res.Status != 200 || !strings.Contains(res.Body, "Inga meddelanden ännu") {
		t.Fatalf("%d", res.Status)
	}
	if res := g.first.app.As(halsocoach.Actor{}).Post(page, form); res.Status != 303 || !strings.HasPrefix(res.Header.Get("Location"), "/logga-in") {
		t.Fatalf("nobody: %d", res.Status)
	}
	if res := g.first.app.As(g.People.Region).Get("/chatt"); res.Status != 403 {
		t.Fatalf("an account without chat: %d", res.Status)
	}
}
