package mongo

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"halsocoach/internal/store"
	"halsocoach/internal/store/storetest"
)

// unconnected is a kind of a client that nobody listens to.
func unconnected(t *testing.T, k store.Kind) *kind {
	t.Helper()
	client, err := driver.Connect(options.Client().ApplyURI("mongodb://127.0.0.1:1"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(t.Context()) })
	db := client.Database("db")
	return newKind(k, db, db)
}

func sample(f store.Field, n int) any {
	if f.Type == store.Int || f.Type == store.Time {
		return int64(n)
	}
	return fmt.Sprint("text ", n)
}

// TestEveryQuestionFitsItsIndex: what is asked by equality leads the index, the
// order is the rest of it, all one way, and no other path is asked; so a server
// goes along the index and reads nothing that is not in the answer.
func TestEveryQuestionFitsItsIndex(t *testing.T) {
	for _, declared := range storetest.Kinds() {
		k := unconnected(t, declared)
		models := k.indexes()[1:]
		for i, x := range declared.Indexes {
			keys := pathsOf(models[i].Keys.(bson.D))
			for equal := range len(x.Fields) + 1 {
				if slices.ContainsFunc(x.Fields[equal:], func(f store.Field) bool { return f.Type == store.Many }) {
					continue // refused before it comes here
				}
				for variant := range 16 {
					p := store.Plan{Index: i, Back: variant&1 > 0, Limit: 10}
					for n := range equal {
						p.Equal = append(p.Equal, sample(x.Fields[n], 5))
					}
					if equal < len(x.Fields) && variant&2 > 0 {
						p.From = sample(x.Fields[equal], 1)
					}
					if equal < len(x.Fields) && variant&4 > 0 {
						p.Before = sample(x.Fields[equal], 9)
					}
					if variant&8 > 0 {
						for n := equal; n < len(x.Fields); n++ {
							p.After = append(p.After, sample(x.Fields[n], 6))
						}
						p.After = append(p.After, "id")
					}
					fitting(t, fmt.Sprintf("%s by %s, %d equal, variant %d", k.name, x.Name, equal, variant), k, p, keys)
				}
			}
		}
	}
}

func fitting(t *testing.T, what string, k *kind, p store.Plan, keys []string) {
	t.Helper()
	filter, order := k.filter(p), k.sort(p)
	for n := range p.Equal {
		if filter[n].Key != keys[n] {
			t.Errorf("%s: equality on %s, the index has %s", what, filter[n].Key, keys[n])
		}
	}
	if got, want := pathsOf(order), keys[len(p.Equal):]; !slices.Equal(got, want) {
		t.Errorf("%s: the order is %v, the rest of the index %v", what, got, want)
	}
	for _, e := range order {
		if (e.Value == -1) != p.Back {
			t.Errorf("%s: %s is sorted by %v", what, e.Key, e.Value)
		}
	}
	if len(filter) == 0 {
		t.Errorf("%s: nothing keeps out what is not in the index", what)
	}
	for _, path := range asked(filter) {
		if path != "_id" && !slices.Contains(keys, path) {
			t.Errorf("%s: asks for %s, which is not in the index", what, path)
		}
	}
}

func pathsOf(d bson.D) (out []string) {
	for _, e := range d {
		out = append(out, e.Key)
	}
	return out
}

// asked are the paths of a filter, also of those within.
func asked(filter bson.D) (out []string) {
	for _, e := range filter {
		if e.Key != "$or" {
			out = append(out, e.Key)
			continue
		}
		for _, way := range e.Value.(bson.A) {
			out = append(out, asked(way.(bson.D))...)
		}
	}
	return out
}

func TestIndexFieldsStandUnderTheirIndex(t *testing.T) {
	k := unconnected(t, storetest.Kinds()[0])
	ix, err := k.extractIndex([]byte(`{"person":"p","centre":"c","n":3,"tags":["y","x","y"],"key":"k"}`))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, e := range ix[1:] {
		name, _, _ := strings.Cut(e.Key, "_")
		fmt.Fprint(&got, name, e.Value, " ")
	}
	const want = `person{"a":"p"} number{"a":"c","b":{"$numberLong":"3"}} key{"a":"k"} tag{"a":["x","y"],"b":{"$numberLong":"3"}} `
	if got.String() != want {
		t.Errorf("got  %s\nwant %s", got.String(), want)
	}
}

func TestAnIndexDeclaredOtherwiseHasAnotherField(t *testing.T) {
	seen := map[string]string{}
	for what, x := range map[string]store.Index{
		"text":         {Name: "x", Fields: []store.Field{store.T("a")}},
		"number":       {Name: "x", Fields: []store.Field{store.I("a")}},
		"another path": {Name: "x", Fields: []store.Field{store.T("b")}},
		"two":          {Name: "x", Fields: []store.Field{store.T("a"), store.T("b")}},
		"unique":       {Name: "x", Unique: true, Fields: []store.Field{store.T("a")}},
		"another name": {Name: "y", Fields: []store.Field{store.T("a")}},
		"a dot":        {Name: "x.z", Fields: []store.Field{store.T("a")}},
		"a line":       {Name: "x_z", Fields: []store.Field{store.T("a")}},
	} {
		f := fieldOf(x)
		if other, twice := seen[f]; twice || strings.ContainsAny(f, ".$") {
			t.Errorf("%s: field %s (%s)", what, f, other)
		}
		seen[f] = what
	}
}

func TestAnAddressNamesItsDatabase(t *testing.T) {
	for address, want := range map[string]string{
		"mongodb://host/halsocoach":                             "halsocoach",
		"mongodb://u:p%40x@a:1,b:2/hc?replicaSet=rs0":           "hc",
		"mongodb+srv://cluster.example.se/hc?retryWrites=false": "hc",
		"mongodb://host":             "",
		"mongodb://host/":            "",
		"mongodb://host/?w=1":        "",
		"mongodb://host/a.b":         "",
		"mongodb://host/a%20b":       "",
		"postgres://host/halsocoach": "",
		"sqlite:/var/lib/hc.db":      "",
		"":                           "",
	} {
		got, err := databaseOf(address)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q %v, want %q", address, got, err, want)
		}
	}
	if got := hostsOf("mongodb://u:secret@a:1,b:2/hc?replicaSet=rs0"); got != "a:1,b:2/hc" {
		t.Errorf("for the log: %s", got)
	}
}

func TestTheAddressCanNotTakeThePromisesBack(t *testing.T) {
	set := Settings{}
	o := set.client("mongodb://host/db?w=0&journal=false&readPreference=secondary&retryWrites=true&maxPoolSize=7&timeoutMS=2500")
	if err := o.Validate(); err != nil {
		t.Fatal(err)
	}
	if o.WriteConcern.W != "majority" || !*o.WriteConcern.Journal || *o.RetryWrites || o.ReadPreference.Mode().String() != "primary" {
		t.Errorf("write concern %+v, retry %v, read from %v", o.WriteConcern, *o.RetryWrites, o.ReadPreference.Mode())
	}
	if set.Bound != 2500*time.Millisecond || *o.Timeout != set.Bound || set.Choose != 4*time.Second {
		t.Errorf("bounds: %+v", set)
	}
	if *o.MaxPoolSize != 7 {
		t.Errorf("a pool of %d, want the address's 7", *o.MaxPoolSize)
	}
}
