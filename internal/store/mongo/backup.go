package mongo

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"maps"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// A backup is a head, the kinds' documents as they lie in the database, each in a
// record that names its collection, and a tail that tells how many there are and
// what they add up to. Every part is a BSON document.
type backupHead struct {
	Format   string   `bson:"halsocoach"`
	Schema   bson.Raw `bson:"schema"`             // the document of that name
	Declared bson.Raw `bson:"declared,omitempty"` // so too
}

const backupFormat = "mongo backup 2"

type backupRow struct {
	In   string   `bson:"in,omitempty"`
	Doc  bson.Raw `bson:"doc,omitempty"`
	End  bool     `bson:"end,omitempty"`
	Rows int64    `bson:"rows,omitempty"`
	Sum  []byte   `bson:"sum,omitempty"`
}

// Backup satisfies store.Store: every document with its index fields and the
// events that wait, as it is when its turn comes. Writing goes on meanwhile; a
// document that is saved then is in it as it was before or after. What happens
// between two documents is mended at the start, as after a fail-over.
func (s *Store) Backup(ctx context.Context, w io.Writer) error {
	head, kinds := backupHead{Format: backupFormat}, declared{}
	if err := s.run(ctx, "backup", func(ctx context.Context) (err error) {
		if head.Schema, err = s.meta.FindOne(ctx, schemaID).Raw(); err != nil {
			return err
		}
		kinds, err = s.declared(ctx)
		head.Declared = kinds.raw
		return err
	}); err != nil {
		return err
	}
	out := &backupWriter{w: bufio.NewWriterSize(w, 1<<20), sum: sha256.New()}
	out.write(head)
	for _, name := range slices.Sorted(maps.Keys(kinds.Kinds)) {
		if err := s.backup(ctx, name, out); err != nil {
			return err
		}
	}
	out.write(backupRow{End: true, Rows: out.rows, Sum: out.sum.Sum(nil)})
	if err := errors.Join(out.err, out.w.Flush()); err != nil {
		return fmt.Errorf("mongo: backup: %w", err)
	}
	return nil
}

// backup writes one collection, in short reads by id.
func (s *Store) backup(ctx context.Context, name string, out *backupWriter) error {
	o := options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}).SetLimit(stretchDocuments).SetBatchSize(stretchDocuments + 1)
	for after := ""; ; {
		n, size := 0, 0
		if err := s.run(ctx, "backup", func(ctx context.Context) error {
			rows, err := s.durable.Collection(name).Find(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}}, o)
			if err != nil {
				return err
			}
			defer rows.Close(ctx)
			for size < stretchBytes && rows.Next(ctx) {
				after, _ = rows.Current.Lookup("_id").StringValueOK()
				out.rows++
				out.write(backupRow{In: name, Doc: rows.Current})
				n, size = n+1, size+len(rows.Current)
			}
			return rows.Err()
		}); err != nil {
			return err
		}
		if out.err != nil {
			return fmt.Errorf("mongo: backup: %w", out.err)
		}
		if n == 0 {
			return nil
		}
	}
}

type backupWriter struct {
	w    *bufio.Writer
	sum  hash.Hash
	rows int64
	err  error
}

func (b *backupWriter) write(part any) {
	if b.err != nil {
		return
	}
	raw, err := bson.Marshal(part)
	if err == nil {
		b.sum.Write(raw)
		_, err = b.w.Write(raw)
	}
	b.err = err
}

// Restore fills the database that url names from what Backup wrote. The database
// must be empty, and stays unfit for Open until the whole backup has been read
// and found unbroken.
func Restore(ctx context.Context, r io.Reader, url string, log *slog.Logger) error {
	s, err := Settings{}.connect(ctx, url, log)
	if err != nil {
		return err
	}
	err = s.restore(ctx, bufio.NewReaderSize(r, 1<<20))
	if err = errors.Join(err, s.Close()); err != nil {
		return fmt.Errorf("mongo: restore: %w", err)
	}
	return nil
}

func (s *Store) restore(ctx context.Context, r io.Reader) error {
	names, err := s.db.ListCollectionNames(ctx, bson.D{})
	if err != nil {
		return err
	}
	if len(names) > 0 {
		return fmt.Errorf("the database %s is not empty; name another one, or drop it first", s.health.server)
	}
	sum := sha256.New()
	var head backupHead
	if err := readPart(r, sum, &head); err != nil {
		return err
	}
	if head.Format != backupFormat {
		return errors.New("this is not a backup of a MongoDB store")
	}
	var is schema
	if err := bson.Unmarshal(head.Schema, &is); err != nil {
		return fmt.Errorf("the backup is broken: %w", err)
	}
	if err := is.check("the backup"); err != nil {
		return err
	}
	// Until all is there, no program takes the database for a whole one.
	unfinished := bson.D{schemaID[0], {Key: "version", Value: 1 << 30}, {Key: "program", Value: "a restore that is not done"}}
	if err := insertAll(ctx, s.meta, []any{unfinished}); err != nil {
		return err
	}
	if err := s.restoreRows(ctx, r, sum); err != nil {
		return err
	}
	if head.Declared != nil {
		if err := insertAll(ctx, s.meta, []any{head.Declared}); err != nil {
			return err
		}
	}
	return retry(ctx, func() error {
		_, err := s.meta.ReplaceOne(ctx, schemaID, head.Schema)
		return err
	})
}

// insertAll writes documents into a collection that nobody else writes to. What
// is there already has been written by a try whose answer was lost.
func insertAll(ctx context.Context, into *driver.Collection, docs []any) error {
	return retry(ctx, func() error {
		_, err := into.InsertMany(ctx, docs, options.InsertMany().SetOrdered(false))
		var bulk driver.BulkWriteException
		if errors.As(err, &bulk) && bulk.WriteConcernError == nil &&
			!slices.ContainsFunc(bulk.WriteErrors, func(e driver.BulkWriteError) bool { return !e.HasErrorCode(codeDuplicate) }) {
			return nil
		}
		return err
	})
}

const codeDuplicate = 11000

func (s *Store) restoreRows(ctx context.Context, r io.Reader, sum hash.Hash) error {
	var docs []any
	in, size, rows := "", 0, int64(0)
	flush := func() error {
		if len(docs) == 0 {
			return nil
		}
		err := insertAll(ctx, s.db.Collection(in), docs)
		docs, size = nil, 0
		return err
	}
	for {
		before := sum.Sum(nil)
		var row backupRow
		if err := readPart(r, sum, &row); err != nil {
			return err
		}
		if row.End {
			if row.Rows != rows || string(row.Sum) != string(before) {
				return errors.New("the backup is broken: what it holds does not add up")
			}
			return flush()
		}
		rows++
		if row.In != in || size > stretchBytes || len(docs) >= 1000 {
			if err := flush(); err != nil {
				return err
			}
			in = row.In
		}
		docs = append(docs, row.Doc)
		size += len(row.Doc)
	}
}

// readPart reads one BSON document.
func readPart(r io.Reader, sum hash.Hash, into any) error {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return fmt.Errorf("the backup ends too soon: %w", err)
	}
	n := binary.LittleEndian.Uint32(length[:])
	if n < 5 || n > 64<<20 {
		return errors.New("this is not a backup of a MongoDB store")
	}
	raw := make(bson.Raw, n)
	copy(raw, length[:])
	if _, err := io.ReadFull(r, raw[4:]); err != nil {
		return fmt.Errorf("the backup ends too soon: %w", err)
	}
	sum.Write(raw)
	if err := raw.Validate(); err != nil {
		return fmt.Errorf("the backup is broken: %w", err)
	}
	return bson.Unmarshal(raw, into)
}
