package mongo

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"halsocoach/internal/store"
)

// metaName is the collection of what the database says about itself. No kind
// can have the name. Its documents: schema, declared.
const metaName = "_store"

// schemaVersion is the schema of this program's documents. It grows when a
// program could misread what another has written.
const schemaVersion = 2

// schema is the document of that name. It is written once, before anything else.
type schema struct {
	Version int    `bson:"version"`
	Program string `bson:"program"` // the version of halsocoach that made the database
	Cursor  []byte `bson:"cursor"`
}

var schemaID = bson.D{{Key: "_id", Value: "schema"}}

// fits refuses a schema that this program can not work on. what has it: "the
// database".
func (is schema) fits(what string) error {
	switch {
	case is.Version > schemaVersion:
		return fmt.Errorf("%w: %s has schema %d and this program, %s, knows %d: use halsocoach %s or a later one",
			store.ErrNewer, what, is.Version, program(), schemaVersion, is.Program)
	case is.Version < schemaVersion:
		return fmt.Errorf("%w: %s has schema %d, made by halsocoach %s, and this program, %s, reads schema %d only: begin with an empty database",
			store.ErrOlder, what, is.Version, is.Program, program(), schemaVersion)
	}
	return nil
}

// prepare makes the schema and the indexes of a database that lacks them. It
// returns the kinds that an older program may still be writing to.
func (s *Store) prepare(ctx context.Context) (late []*kind, err error) {
	var is schema
	if err := retry(ctx, func() error {
		err := s.meta.FindOne(ctx, schemaID).Decode(&is)
		if !errors.Is(err, driver.ErrNoDocuments) {
			return err
		}
		_, err = s.meta.InsertOne(ctx, bson.D{schemaID[0], {Key: "version", Value: schemaVersion},
			{Key: "program", Value: program()}, {Key: "cursor", Value: store.NewCursorKey()}})
		if err != nil && !driver.IsDuplicateKeyError(err) {
			return err
		}
		return s.meta.FindOne(ctx, schemaID).Decode(&is) // ours, or that of a node which was first
	}); err != nil {
		return nil, fmt.Errorf("mongo: schema: %w", err)
	}
	if err := is.fits("the database"); err != nil {
		return nil, err
	}
	if s.cursors, err = store.NewCursors(is.Cursor); err != nil {
		return nil, err
	}
	return s.declareAll(ctx)
}

// program is the version that this binary was built as.
func program() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
