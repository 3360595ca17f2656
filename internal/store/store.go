package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"halsocoach"
)

// Kind names a collection and its indexes. Name is lower-case ASCII.
type Kind struct {
	Name    string
	Indexes []Index
	// NoPerson is set on kinds that can never hold anything about a person.
	// Every other kind declares an index whose first field is the person's id,
	// named "person"; a test walks the kinds.
	NoPerson bool
}

// Index is a list of fields taken out of the documents' JSON. A document that
// lacks one of the fields (missing, null, empty array) is not in the index.
// A unique index has exactly one text field.
type Index struct {
	Name   string
	Fields []Field
	Unique bool
}

// Definition is what tells whether an index is declared otherwise than before.
func (x Index) Definition() string {
	var b strings.Builder
	for _, f := range x.Fields {
		fmt.Fprintf(&b, "%d %s\n", f.Type, f.Path)
	}
	if x.Unique {
		b.WriteString("unique\n")
	}
	return b.String()
}

// Field is a path into the JSON ("centre", "places.person"; arrays on the way
// are walked) with the type it is indexed as.
type Field struct {
	Path string
	Type FieldType
}

// FieldType is how an index field is compared.
type FieldType int

// The field types. Many is an array of texts: it may stand only among the
// fields that every query asks for by equality, one per index, and a document
// then comes once.
const (
	Text FieldType = iota
	Int
	Time // RFC 3339 in the JSON, cut to milliseconds UTC
	Many
)

// T, I, D and M make fields, so that a kind reads as a table.
func T(path string) Field { return Field{path, Text} }

// I is a whole number.
func I(path string) Field { return Field{path, Int} }

// D is a time.
func D(path string) Field { return Field{path, Time} }

// M is an array of texts.
func M(path string) Field { return Field{path, Many} }

// Document is what is stored: the same JSON bytes on every store. Version is
// random, made anew at each save and never used again; "" means that the
// document must not exist yet.
type Document struct {
	ID      string
	Version string
	Body    []byte
}

// Query goes by a declared index: Equal on the leading fields, From (included)
// and Before (excluded) on the next one, both optional. The order is the index
// and then the id. Values are string, int, int64 or time.Time.
type Query struct {
	Index  string
	Equal  []any
	From   any
	Before any
	Back   bool // descending
	Limit  int  // 0 = 100, at most 1000
	After  string
	Bare   bool // bodies may be left out: the ids and versions are enough
}

// Page is one stretch of an answer. Next is the Query.After that continues it,
// "" at the end: opaque and sealed, since it goes into URLs.
type Page struct {
	Documents []Document
	Next      string
}

// Batch is the events that one save or delete of one document caused.
type Batch struct {
	Ref    string // opaque: which batch it is
	Events []halsocoach.Event
}

// The faults of the port.
var (
	// ErrNotFound is the shared 404: a service that lets it through is right.
	ErrNotFound error = halsocoach.ErrNotFound
	ErrConflict       = errors.New("store: another version is stored")
	ErrNoIndex        = errors.New("store: no index serves the query")
	ErrNewer          = errors.New("store: the data are of a later schema than this program knows")
	ErrOlder          = errors.New("store: the data are of an earlier schema than this program reads")
	// ErrCursor is a person's to mend: what stands in an address may be anything.
	ErrCursor = halsocoach.Invalid(halsocoach.Field{Name: "after", Text: "Sidan finns inte längre. Börja om från listans början."})
)

// ErrDuplicate says that another document holds the value of a unique index.
type ErrDuplicate struct{ Kind, Index string }

func (e *ErrDuplicate) Error() string {
	return fmt.Sprintf("store: duplicate in unique index %s of %s", e.Index, e.Kind)
}

// Duplicate says whether err is an ErrDuplicate of the index.
func Duplicate(err error, index string) bool {
	var d *ErrDuplicate
	return errors.As(err, &d) && d.Index == index
}

// SchemaVersion counts the shapes of the documents and of what an adapter keeps
// beside them. A program opens only data of its own.
const SchemaVersion = 2

// CheckSchema is ErrNewer or ErrOlder for data of another version.
func CheckSchema(version int) error {
	fault := ErrNewer
	switch {
	case version == SchemaVersion:
		return nil
	case version < SchemaVersion:
		fault = ErrOlder
	}
	return fmt.Errorf("%w: theirs is %d, its own is %d", fault, version, SchemaVersion)
}

// Store is the port. All methods are safe for concurrent use.
type Store interface {
	// Save writes one document and its events, all or nothing, only if the
	// stored version is doc.Version ("" = must not exist), and returns the new
	// version. Of many concurrent saves exactly one wins; the others get
	// ErrConflict. When Save returns, the write survives a power cut.
	Save(ctx context.Context, kind string, doc Document, events []halsocoach.Event) (version string, err error)
	// Delete removes a document and keeps its events, on the same terms.
	Delete(ctx context.Context, kind, id, version string, events []halsocoach.Event) error
	// Get takes one id or many in one question. What does not exist is left
	// out; the order is that of ids.
	Get(ctx context.Context, kind string, ids ...string) ([]Document, error)
	// Versions is Get where the bodies may be left out.
	Versions(ctx context.Context, kind string, ids ...string) ([]Document, error)
	// Find goes by an index; without a fitting one it is ErrNoIndex.
	Find(ctx context.Context, kind string, q Query) (Page, error)
	// Each calls f for every document, by id, in short reads. What is saved
	// meanwhile comes once, before or after. For export, disposal and
	// rebuilds, never on a request's path.
	Each(ctx context.Context, kind string, f func(Document) error) error
	// Pending gives, for up to limit documents, the oldest batch of events that
	// is not yet relayed; order per document holds with any number of relays.
	Pending(ctx context.Context, limit int) ([]Batch, error)
	// Relayed marks batches as published. Marking one twice does nothing.
	Relayed(ctx context.Context, batches ...Batch) error
	// Saved is signalled after saves with events by this process.
	Saved() <-chan struct{}
	// Backup writes a copy of the running store that the adapter's Restore reads.
	Backup(ctx context.Context, w io.Writer) error
	// Ping says whether the store answers and can write.
	Ping(ctx context.Context) error
	Close() error
}

// Millis is how times are indexed: milliseconds since 1970 UTC.
func Millis(t time.Time) int64 { return t.UTC().UnixMilli() }
