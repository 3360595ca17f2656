package store

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// PersonIndex is the index that every kind which may hold something about a
// person declares.
const PersonIndex = "person"

var validName = regexp.MustCompile(`^[a-z][A-Za-z0-9_.-]{0,62}$`)

// CheckKinds says what is wrong with the kinds: names must be unique and plain,
// a unique index has one text field, an index has at most one Many field, and
// every kind without NoPerson declares an index named "person". Adapters refuse
// to open with kinds that do not pass.
func CheckKinds(kinds []Kind) error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("store: "+format, args...)) }
	seen := map[string]bool{}
	for _, k := range kinds {
		if !validName.MatchString(k.Name) || strings.ToLower(k.Name) != k.Name {
			fault("kind %q: a name is lower-case ASCII", k.Name)
		}
		if seen[k.Name] {
			fault("kind %s is declared twice", k.Name)
		}
		seen[k.Name] = true
		names, person := map[string]bool{}, k.NoPerson
		for _, x := range k.Indexes {
			if err := checkIndex(x); err != nil {
				fault("kind %s: %w", k.Name, err)
			}
			if lower := strings.ToLower(x.Name); names[lower] {
				fault("kind %s declares index %s twice", k.Name, x.Name)
			} else {
				names[lower] = true
			}
			person = person || x.Name == PersonIndex
		}
		if !person {
			fault("kind %s declares no index named %q and is not NoPerson", k.Name, PersonIndex)
		}
	}
	return errors.Join(faults...)
}

func checkIndex(x Index) error {
	if !validName.MatchString(x.Name) {
		return fmt.Errorf("index %q: not a plain name", x.Name)
	}
	if len(x.Fields) == 0 {
		return fmt.Errorf("index %s has no fields", x.Name)
	}
	if x.Unique && (len(x.Fields) != 1 || x.Fields[0].Type != Text) {
		return fmt.Errorf("unique index %s: exactly one text field", x.Name)
	}
	many, paths := 0, map[string]bool{}
	for _, f := range x.Fields {
		if f.Path == "" || strings.HasPrefix(f.Path, ".") || strings.HasSuffix(f.Path, ".") || strings.Contains(f.Path, "..") {
			return fmt.Errorf("index %s: path %q", x.Name, f.Path)
		}
		if paths[f.Path] {
			return fmt.Errorf("index %s names %s twice", x.Name, f.Path)
		}
		paths[f.Path] = true
		if f.Type < Text || f.Type > Many {
			return fmt.Errorf("index %s: %s has no such type", x.Name, f.Path)
		}
		if f.Type == Many {
			many++
		}
	}
	if many > 1 {
		return fmt.Errorf("index %s has %d array fields, at most one", x.Name, many)
	}
	return nil
}
