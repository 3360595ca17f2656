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
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"halsocoach/internal/store"
)

// A backup is a head, the documents as they lie in the database, each after a
// record that names its collection, and a tail that tells how many there are and
// what they add up to. Every part is a BSON document.
type backupHead struct {
	Format  string `bson:"halsocoach"`
	Version int    `bson:"version"` // of the schema
	Program string `bson:"program"`
}

const backupFormat = "mongo backup 1"

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
	d, err := s.declared(ctx)
	if err != nil {
		return s.fault(ctx, "backup", time.Now(), err)
	}
	var is schema
	if err := s.meta.FindOne(ctx, bson.D{{Key: "_id", Value: "schema"}}).Decode(&is); err != nil {
		return s.fault(ctx, "backup", time.Now(), err)
	}
	out := &backupWriter{w: bufio.NewWriterSize(w, 1<<20), sum: sha256.New()}
	out.write(backupHead{backupFormat, is.Version, is.Program})
	for _, name := range append([]string{metaName}, slices.Sorted(maps.Keys(d.Kinds))...) {
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
	coll := s.db.Collection(name)
	if k := s.kinds[name]; k != nil {
		coll = k.durable
	}
	o := options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}).SetLimit(stretchDocuments).SetBatchSize(stretchDocuments + 1)
	for after := ""; ; {
		began := time.Now()
		bounded, cancel, err := s.begin(ctx, ctx)
		if err != nil {
			return err
		}
		n, size := 0, 0
		rows, err := coll.Find(bounded, bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}}, o)
		for err == nil && size < stretchBytes && rows.Next(bounded) {
			after, _ = rows.Current.Lookup("_id").StringValueOK()
			out.rows++
			out.write(backupRow{In: name, Doc: rows.Current})
			n, size = n+1, size+len(rows.Current)
		}
		if err == nil {
			err = errors.Join(rows.Err(), rows.Close(bounded))
		}
		cancel()
		if err != nil {
			return s.fault(ctx, "backup", began, err)
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
	if known := len(steps); head.Version > known {
		return fmt.Errorf("%w: the backup has schema %d and this program knows %d: use halsocoach %s or a later one", store.ErrNewer, head.Version, known, head.Program)
	}
	if err := s.restoring(ctx); err != nil {
		return err
	}
	return s.restoreRows(ctx, r, sum)
}

// restoring marks the database, so that no program takes it for a whole one.
func (s *Store) restoring(ctx context.Context) error {
	_, err := s.meta.InsertOne(ctx, bson.D{{Key: "_id", Value: "schema"}, {Key: "version", Value: unfinishedSchema}, {Key: "program", Value: "that restores it, once it is done"}})
	return err
}

// unfinishedSchema is one that no program knows.
const unfinishedSchema = 1 << 30

func (s *Store) restoreRows(ctx context.Context, r io.Reader, sum hash.Hash) error {
	var meta, docs []any
	in, size, rows := "", 0, int64(0)
	flush := func() error {
		if len(docs) == 0 {
			return nil
		}
		_, err := s.db.Collection(in).InsertMany(ctx, docs, options.InsertMany().SetOrdered(false))
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
			break
		}
		rows++
		if row.In == metaName {
			meta = append(meta, row.Doc)
			continue
		}
		if row.In != in || size > stretchBytes || len(docs) >= 1000 {
			if err := flush(); err != nil {
				return err
			}
			in = row.In
		}
		docs = append(docs, row.Doc)
		size += len(row.Doc)
	}
	if err := flush(); err != nil {
		return err
	}
	return s.restoreMeta(ctx, meta)
}

// restoreMeta writes what the database says about itself, last the schema.
func (s *Store) restoreMeta(ctx context.Context, meta []any) error {
	var last bson.Raw
	for _, doc := range meta {
		raw := doc.(bson.Raw)
		switch id, _ := raw.Lookup("_id").StringValueOK(); id {
		case "schema":
			last = raw
		case "ping":
		default:
			if _, err := s.meta.InsertOne(ctx, raw); err != nil {
				return err
			}
		}
	}
	if last == nil {
		return errors.New("the backup is broken: it does not say which schema it has")
	}
	_, err := s.meta.ReplaceOne(ctx, bson.D{{Key: "_id", Value: "schema"}}, last)
	return err
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
