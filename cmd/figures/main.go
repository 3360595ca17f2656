package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"time"
)

func main() {
	bin := flag.String("bin", "bin/halsocoach", "the binary to measure")
	write := flag.String("write", "", "the file whose table is written; none = print")
	benches := flag.Bool("bench", true, "run the benchmarks too")
	bare := flag.Int("bare", -1, "only serve a page of so many bytes: what a measured page is compared with")
	flag.Parse()
	var err error
	if *bare >= 0 {
		err = serveBare(*bare)
	} else {
		err = run(*bin, *write, *benches)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1)
	}
}

func run(bin, write string, benches bool) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	rows, err := ofTheProgram(ctx, bin)
	if err != nil {
		return err
	}
	if benches {
		more, err := ofTheBenchmarks(ctx)
		if err != nil {
			return err
		}
		rows = append(rows, more...)
	}
	text := table(rows)
	if write == "" {
		fmt.Print(text)
		return nil
	}
	return replace(write, text)
}

// row is one figure.
type row struct{ what, floor, is, want string }

func table(rows []row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured %s at commit %s on %d processors, with %s.\n\n", time.Now().Format("2006-01-02"), commit(), runtime.NumCPU(), load())
	fmt.Fprint(&b, "| what | floor | measured | to be |\n|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.what, r.floor, r.is, r.want)
	}
	return b.String()
}

func commit() string {
	id, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	text := strings.TrimSpace(string(id))
	if changed, err := exec.Command("git", "status", "--porcelain", "--untracked-files=no", "--", ".", ":!README.md").Output(); err == nil && len(changed) > 0 {
		text += " with changes"
	}
	return text
}

// load says how much else the machine has had to do.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if fields := strings.Fields(string(text)); err == nil && len(fields) > 2 {
		return "a load of " + fields[2] + " in the last quarter of an hour"
	}
	return "a load that is not known"
}

// The marks between which the table stands.
const (
	begins = "<!-- figures: written by make figures -->\n"
	ends   = "<!-- figures end -->\n"
)

func replace(path, text string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(old, []byte(begins))
	_, after, ends2 := bytes.Cut(rest, []byte(ends))
	if !ok || !ends2 {
		return fmt.Errorf("%s lacks the marks %q and %q", path, strings.TrimSpace(begins), strings.TrimSpace(ends))
	}
	return os.WriteFile(path, []byte(string(before)+begins+text+ends+string(after)), 0o644)
}
