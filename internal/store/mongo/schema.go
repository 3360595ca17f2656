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

// schema is the document of that name. It is written once, before anything else.
type schema struct {
	Version int    `bson:"version"`
	Program string `bson:"program"` // what made the database
	Cursor  []byte `bson:"cursor"`
}

var schemaID = bson.D{{Key: "_id", Value: "schema"}}

// check refuses a schema that this program does not work on. what has it: "the
// database".
func (is schema) check(what string) error {
	if err := store.CheckSchema(is.Version); err != nil {
		return fmt.Errorf("mongo: %s was made by %s: %w", what, is.Program, err)
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
		_, err = s.meta.InsertOne(ctx, bson.D{schemaID[0], {Key: "version", Value: store.SchemaVersion},
			{Key: "program", Value: program()}, {Key: "cursor", Value: store.NewCursorKey()}})
		if err != nil && !driver.IsDuplicateKeyError(err) {
			return err
		}
		return s.meta.FindOne(ctx, schemaID).Decode(&is) // ours, or that of a node which was first
	}); err != nil {
		return nil, fmt.Errorf("mongo: schema: %w", err)
	}
	if err := is.check("the database"); err != nil {
		return nil, err
	}
	if s.cursors, err = store.NewCursors(is.Cursor); err != nil {
		return nil, err
	}
	return s.declareAll(ctx)
}

// program is this binary, with its version.
func program() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return "halsocoach " + info.Main.Version
	}
	return "halsocoach (devel)"
}
