package web

import (
	"io"
	"testing"
)

func BenchmarkZZ(b *testing.B) {
	c := benchItems(20)
	b.ReportAllocs()
	for b.Loop() {
		c.Render(b.Context(), io.Discard)
	}
}
