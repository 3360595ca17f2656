package store

import (
	"strings"
	"testing"
)

func TestCheckKindsSaysWhatIsWrong(t *testing.T) {
	person := Index{Name: "person", Fields: []Field{T("person")}}
	with := func(x Index) []Kind { return []Kind{{Name: "thing", Indexes: []Index{person, x}}} }
	for name, c := range map[string]struct {
		kinds []Kind
		want  string // "" = nothing is wrong
	}{
		"none":                        {nil, ""},
		"person":                      {[]Kind{{Name: "thing", Indexes: []Index{person}}}, ""},
		"no person can be in it":      {[]Kind{{Name: "thing", NoPerson: true}}, ""},
		"person among several fields": {[]Kind{{Name: "a.b-c_d", Indexes: []Index{{Name: "person", Fields: []Field{M("persons"), D("at")}}}}}, ""},
		"no person index":             {[]Kind{{Name: "thing"}}, `declares no index named "person"`},
		"the same kind twice":         {[]Kind{{Name: "a", NoPerson: true}, {Name: "a", NoPerson: true}}, "declared twice"},
		"capitals":                    {[]Kind{{Name: "Thing", NoPerson: true}}, "lower-case"},
		"no name":                     {[]Kind{{NoPerson: true}}, "lower-case"},
		"a quote in the name":         {[]Kind{{Name: `a"b`, NoPerson: true}}, "lower-case"},
		"the same index twice":        {with(person), "twice"},
		"an index without fields":     {with(Index{Name: "x"}), "no fields"},
		"an index without a name":     {with(Index{Fields: []Field{T("x")}}), "plain name"},
		"unique text":                 {with(Index{Name: "x", Unique: true, Fields: []Field{T("x")}}), ""},
		"unique over two fields":      {with(Index{Name: "x", Unique: true, Fields: []Field{T("x"), T("y")}}), "one text field"},
		"unique number":               {with(Index{Name: "x", Unique: true, Fields: []Field{I("x")}}), "one text field"},
		"unique array":                {with(Index{Name: "x", Unique: true, Fields: []Field{M("x")}}), "one text field"},
		"two arrays":                  {with(Index{Name: "x", Fields: []Field{M("x"), M("y")}}), "2 array fields"},
		"a field twice":               {with(Index{Name: "x", Fields: []Field{T("x"), T("x")}}), "names x twice"},
		"a broken path":               {with(Index{Name: "x", Fields: []Field{T("x..y")}}), "path"},
		"an unknown type":             {with(Index{Name: "x", Fields: []Field{{"x", 9}}}), "no such type"},
	} {
		t.Run(name, func(t *testing.T) {
			err := CheckKinds(c.kinds)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
