package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

var extracting = NewSchema(Kind{Name: "thing", Indexes: []Index{
	{Name: "text", Fields: []Field{T("a"), T("å.ö"), I("n")}},
	{Name: "time", Fields: []Field{D("at")}},
	{Name: "many", Fields: []Field{M("list.of.name"), I("n")}},
	{Name: "object", Fields: []Field{T("list.id")}},
}})

func TestExtractIndexFindsTheFields(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"nothing":                {`{}`, ``},
		"all of an index":        {`{"a":"x","å":{"ö":"y"},"n":-7}`, `0[x y -7]`},
		"in any order, spaced":   {" {\n\"n\" :\t5 , \"x\":[{},[[]],\"]}\\\"\"], \"å\" : { \"q\":1,\"ö\" : \"y\" } ,\"a\":\"x\"} ", `0[x y 5]`},
		"escapes":                {`{"\u0061":"\u00e5\n\"\\","å":{"ö":"\\"},"n":1}`, "0[å\n\"\\ \\ 1]"},
		"bad UTF-8":              {"{\"a\":\"\xff\",\"å\":{\"ö\":\"\"},\"n\":1}", "0[\ufffd  1]"},
		"the wrong place":        {`{"å":{"a":"x","n":1},"ö":"y","x":{"å":{"ö":"y"}}}`, ``},
		"a time in a zone":       {`{"at":"1970-01-01T01:00:00.0019+01:00"}`, `1[1]`},
		"an array on the way":    {`{"n":1,"list":[{"of":[{"name":"b"},{"name":"a"},{}]},{"of":{"name":"c"}},null,{"of":null},{"of":{"name":["b","d"]}}]}`, `2[a 1]2[b 1]2[c 1]2[d 1]`},
		"one of an array":        {`{"list":[{"id":"x"},{},{"id":"x"}]}`, `3[x]`},
		"null is missing":        {`{"a":null,"å":null,"n":null,"at":null,"list":null}`, ``},
		"true where none counts": {`{"b":true,"x":{"at":false}}`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			entries, err := extracting.ExtractIndex([]byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, e := range entries {
				fmt.Fprintf(&got, "%d%v", e.Index, e.Values)
			}
			if got.String() != c.want {
				t.Errorf("got %s, want %s", got.String(), c.want)
			}
		})
	}
}

func TestExtractIndexRefusesWhatDoesNotFit(t *testing.T) {
	for _, body := range []string{
		``, `{`, `{"a":}`, `{"a":1}`, `{"a":{"b":1}}`, `{"a":true,"å":{"ö":"y"},"n":1}`, `{"n":1.5,"a":"x","å":{"ö":"y"}}`, `{"n":1e3,"a":"x","å":{"ö":"y"}}`,
		`{"n":99999999999999999999,"a":"x","å":{"ö":"y"}}`, `{"at":"2026-11-23"}`, `{"at":1}`, `{"list":[{"id":"x"},{"id":"y"}]}`, `{"list":{"of":{"name":1}}}`,
	} {
		if got, err := extracting.ExtractIndex([]byte(body)); err == nil {
			t.Errorf("%s: extracted %v", body, got)
		}
	}
}

func TestALimitIsAtMostAThousand(t *testing.T) {
	for limit, want := range map[int]int{0: 100, -1: 100, 5000: 1000, 1000: 1000, 1: 1} {
		if p, err := extracting.Plan(Query{Index: "time", Limit: limit}, nil); err != nil || p.Limit != want {
			t.Errorf("limit %d: %d (%v), want %d", limit, p.Limit, err, want)
		}
	}
}

// FuzzExtractIndex holds the walk over the bytes against a plain decoding.
func FuzzExtractIndex(f *testing.F) {
	for _, body := range []string{
		`{"a":"x","å":{"ö":"y"},"n":-7}`, `{"list":[{"of":[{"name":"b"}]}],"n":0}`, `[{"a":"x"},{"n":1}]`, `"\\\""`, `{"at":"2026-11-23T12:00:00+01:00"}`, `{"a":["\u0000",null]}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		entries, err := extracting.ExtractIndex(body)
		var v any
		if !json.Valid(body) && err == nil {
			t.Fatal("extracted what is not JSON")
		}
		if err != nil || json.Unmarshal(body, &v) != nil || doubled(body) {
			return
		}
		if want := plainly(v); fmt.Sprint(entries) != fmt.Sprint(want) {
			t.Fatalf("got %v, want %v", entries, want)
		}
	})
}

// doubled says whether an object may name a key twice, of which a decoding
// keeps the last. Such bodies are not made by encoding.
func doubled(body []byte) bool {
	var compact any
	_ = json.Unmarshal(body, &compact)
	again, err := json.Marshal(compact)
	return err != nil || strings.Count(string(body), `"`) != strings.Count(string(again), `"`) || strings.Contains(string(body), `\`)
}

// plainly extracts from decoded JSON.
func plainly(v any) []Entry {
	var out []Entry
	for i, x := range extracting.Kind.Indexes {
		rows := [][]any{nil}
		for _, f := range x.Fields {
			var next [][]any
			for _, value := range along(v, strings.Split(f.Path, "."), f.Type) {
				for _, row := range rows {
					next = append(next, append(slices.Clone(row), value))
				}
			}
			rows = next
		}
		for _, row := range rows {
			out = append(out, Entry{i, row})
		}
	}
	return out
}

// along follows a path and gives the different values in their order.
func along(v any, path []string, typ FieldType) []any {
	var out []any
	var walk func(v any, path []string)
	walk = func(v any, path []string) {
		switch x := v.(type) {
		case []any:
			for _, e := range x {
				walk(e, path)
			}
		case map[string]any:
			if len(path) > 0 {
				walk(x[path[0]], path[1:])
			}
		case string:
			switch {
			case len(path) > 0:
			case typ == Time:
				at, _ := time.Parse(time.RFC3339, x)
				out = append(out, Millis(at))
			default:
				out = append(out, x)
			}
		case float64:
			if len(path) == 0 {
				out = append(out, int64(x))
			}
		}
	}
	walk(v, path)
	slices.SortFunc(out, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return slices.Compact(out)
}

func TestIndexValuesAreReadBackAsTheyWere(t *testing.T) {
	values := []any{"", "åäö🌿", "a\x00b", int64(0), int64(-1), int64(1) << 62, strings.Repeat("x", 300)}
	var encoded []byte
	for _, v := range values {
		encoded = AppendValue(encoded, v)
	}
	rest := encoded
	for _, want := range values {
		var got any
		var err error
		if got, rest, err = CutValue(rest); err != nil || got != want {
			t.Fatalf("got %v %v, want %v", got, err, want)
		}
	}
	for n := range encoded {
		for rest := encoded[:n]; len(rest) > 0; {
			var err error
			if _, rest, err = CutValue(rest); err != nil {
				break
			}
		}
	}
}
