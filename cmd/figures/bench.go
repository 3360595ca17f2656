package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// bench is a benchmark of the tests that README quotes.
type bench struct {
	pkg, name   string
	what, floor string // floor: how the unit floorIs is said
	floorIs     string
	unit, says  string // says: how its metric is said
	also        string // another unit that is said beside it
	want        string
}

var benches = []bench{
	{pkg: "./internal/store/sqlite", name: "SavesAgainstBareGroups", what: "200 savers, 1 kB documents with one event and two index fields, synced",
		floor: "a bare loop that writes the same rows in groups of 256: %s rows/s", floorIs: "bare-rows/s", unit: "ratio", says: "%s of it", also: "saves/s", want: "0.50"},
	{pkg: "./internal/store/sqlite", name: "SavesAgainstOneRowPerCommit", what: "the same beside one row per commit",
		floor: "one row per commit: %s rows/s", floorIs: "bare-rows/s", unit: "ratio", says: "%s times it", also: "saves/s"},
	{pkg: "./groups", name: "Bookings", what: "bookings over HTTP, 64 callers over 200 dates",
		floor: "the store's own durable saves, 64 savers", unit: "of_bare_saves", says: "%s of it", also: "bookings/s", want: "0.25"},
	{pkg: "./groups", name: "ProgrammePage", what: "public programme page", floor: "a bare Fiber handler that sends the same bytes",
		unit: "ratio", says: "%s of it", also: "pages/s", want: "0.40"},
	{pkg: "./cmd/halsocoach", name: "SignedInPage", what: "signed-in page with session, store read and templ", floor: "the same", unit: "ratio", says: "%s of it", want: "0.25"},
	{pkg: "./chat", name: "Said", what: "`said` over WebSocket, 200 pairs", floor: "a bare relay with the same group commit: %s/s", floorIs: "floor/s",
		unit: "of-floor", says: "%s of it", also: "said/s"},
	{pkg: "./chat", name: "IdleSocket", what: "idle socket, both ends", unit: "kB/socket", says: "%s kB"},
}

// ofTheBenchmarks runs them one after the other.
func ofTheBenchmarks(ctx context.Context) ([]row, error) {
	var rows []row
	for _, b := range benches {
		fmt.Fprintln(os.Stderr, "benchmark", b.name)
		out, err := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^Benchmark"+b.name+"$", b.pkg).CombinedOutput()
		if err != nil {
			return nil, errors.Join(fmt.Errorf("benchmark %s: %w", b.name, err), errors.New(string(out)))
		}
		found := metrics(string(out), "Benchmark"+b.name)
		if found[b.unit] == "" {
			return nil, fmt.Errorf("benchmark %s says no %s:\n%s", b.name, b.unit, out)
		}
		r := row{what: b.what + " (`" + b.name + "`)", floor: b.floor, is: fmt.Sprintf(b.says, found[b.unit]), want: b.want}
		if b.floorIs != "" {
			r.floor = fmt.Sprintf(b.floor, found[b.floorIs])
		}
		if b.also != "" {
			r.is += ", " + found[b.also] + " " + b.also
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// metrics are what a benchmark's lines report, by unit; the last line's count.
func metrics(out, name string) map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], name) {
			continue
		}
		for i := 2; i+1 < len(fields); i += 2 {
			found[fields[i+1]] = rounded(fields[i])
		}
	}
	return found
}

// rounded is a number as people say it.
func rounded(text string) string {
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil:
		return text
	case n >= 1000:
		whole := strconv.Itoa(int(n+50) / 100 * 100)
		return whole[:len(whole)-3] + " " + whole[len(whole)-3:]
	case n >= 10:
		return strconv.FormatFloat(n, 'f', 0, 64)
	}
	return strconv.FormatFloat(n, 'f', 2, 64)
}
