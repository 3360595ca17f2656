package main

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// note is a document of a kind that every store has.
func note(t *testing.T, address, id string) {
	t.Helper()
	s, err := openStore(t.Context(), address, kinds(), quiet())
	testenv.Must(t, err)
	defer s.Close()
	testenv.Must(t, testenv.ErrOf(s.Save(t.Context(), kinds()[0].Name, store.Document{ID: id, Body: []byte(`{}`)}, nil)))
}

func noted(t *testing.T, address, id string) bool {
	t.Helper()
	s, err := openStore(t.Context(), address, kinds(), quiet())
	testenv.Must(t, err)
	defer s.Close()
	d, err := s.Get(t.Context(), kinds()[0].Name, id)
	testenv.Must(t, err)
	return len(d) == 1
}

// TestABackupIsTheRunningStoreOfThatMoment: taken while the store is open, it
// holds what was there and not what came after, and only its owner can read it.
func TestABackupIsTheRunningStoreOfThatMoment(t *testing.T) {
	dir := t.TempDir()
	address, file := "sqlite:"+filepath.Join(dir, "a.db"), filepath.Join(dir, "monday.backup")
	note(t, address, "before")
	open, err := openStore(t.Context(), address, kinds(), quiet())
	testenv.Must(t, err)
	defer open.Close()
	testenv.Must(t, (&backupCommand{oneStore: oneStore{Store: address}, File: file}).Run(t.Context(), quiet()))
	note(t, address, "after")
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 {
		t.Fatalf("the backup has mode %v (%v)", st.Mode(), err)
	}
	back := "sqlite:" + filepath.Join(dir, "b.db")
	testenv.Must(t, (&restoreCommand{oneStore: oneStore{Store: back}, File: file}).Run(t.Context(), quiet()))
	if !noted(t, back, "before") || noted(t, back, "after") {
		t.Fatal("the restored store is not the store of that moment")
	}
	names, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || len(names) > 0 {
		t.Fatalf("left behind: %v %v", names, err)
	}
}

// TestABackupOverwritesNothing: neither a backup nor a store that is there, and
// what is no backup becomes no store.
func TestABackupOverwritesNothing(t *testing.T) {
	dir := t.TempDir()
	address, file := "sqlite:"+filepath.Join(dir, "a.db"), filepath.Join(dir, "a.backup")
	if err := (&backupCommand{oneStore: oneStore{Store: address}, File: file}).Run(t.Context(), quiet()); err == nil || !strings.Contains(err.Error(), "no store at that path") {
		t.Errorf("a store that is not there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "a.db")); !errors.Is(err, os.ErrNotExist) {
		t.Error("asking for a backup made a store")
	}
	note(t, address, "one")
	testenv.Must(t, os.WriteFile(file, []byte("kept"), 0o600))
	if err := (&backupCommand{oneStore: oneStore{Store: address}, File: file}).Run(t.Context(), quiet()); err == nil {
		t.Error("a file that is there was overwritten")
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "kept" {
		t.Errorf("the file is now %q (%v)", b, err)
	}
	if err := (&restoreCommand{oneStore: oneStore{Store: "sqlite:" + filepath.Join(dir, "b.db")}, File: file}).Run(t.Context(), quiet()); err == nil {
		t.Error("what is no backup was restored")
	}
	good := filepath.Join(dir, "good.backup")
	testenv.Must(t, (&backupCommand{oneStore: oneStore{Store: address}, File: good}).Run(t.Context(), quiet()))
	if err := (&restoreCommand{oneStore: oneStore{Store: address}, File: good}).Run(t.Context(), quiet()); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("a store that is there: %v", err)
	}
}
