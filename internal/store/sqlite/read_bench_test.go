package sqlite

import (
	"testing"

	"halsocoach/internal/store"
)

// BenchmarkReads are the questions that a page asks, of 10 000 documents of 1 kB.
func BenchmarkReads(b *testing.B) {
	s := openBench(b)
	defer s.Close()
	rows := benchRows(b, 10_000)
	saveAll(b, s, rows, 200)
	ids := make([]string, 20)
	for i := range ids {
		ids[i] = rows[i*7].doc.ID
	}
	for _, x := range []struct {
		name string
		ask  func(i int) (int, error)
		want int
	}{
		{"Get", func(i int) (int, error) {
			d, err := s.Get(b.Context(), "note", rows[i%len(rows)].doc.ID)
			return len(d), err
		}, 1},
		{"Get20", func(int) (int, error) { d, err := s.Get(b.Context(), "note", ids...); return len(d), err }, 20},
		{"Find1", func(i int) (int, error) {
			p, err := s.Find(b.Context(), "note", store.Query{Index: "person", Equal: []any{rows[i%len(rows)].person}})
			return len(p.Documents), err
		}, 1},
		{"Find20", func(int) (int, error) {
			p, err := s.Find(b.Context(), "note", store.Query{Index: "at", Limit: 20})
			return len(p.Documents), err
		}, 20},
	} {
		b.Run(x.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				if n, err := x.ask(i); err != nil || n != x.want {
					b.Fatal(n, err)
				}
			}
		})
	}
}
