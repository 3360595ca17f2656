package web

import (
	"context"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"halsocoach/static"
)

// TestEveryShownTextHasItsEnglish walks the whole project's code, the generated
// pages too, for the texts that are shown: T's, faults', fields', page titles',
// links' and notices'.
func TestEveryShownTextHasItsEnglish(t *testing.T) {
	english := catalogues()[English]
	found := 0
	walkCode(t, func(name string, file *ast.File, at func(token.Pos) string) {
		for _, text := range shownTexts(file) {
			found++
			if _, ok := english[text.words]; !ok {
				t.Errorf("%s: no English for %q", at(text.pos), text.words)
			}
		}
	})
	for _, text := range statementTexts(DefaultStatement()) {
		if _, ok := english[text]; !ok {
			t.Errorf("statement: no English for %q", text)
		}
	}
	if found < 200 {
		t.Fatalf("only %d texts were found: the walk is broken", found)
	}
}

func statementTexts(s Statement) []string {
	all := append([]string{s.Body}, s.Methods...)
	for _, f := range slices.Concat(s.Faults, s.Excepted) {
		all = append(all, f.What, f.Reason)
	}
	return all
}

// TestTranslationsTakeTheSameArguments: a %d in the Swedish is a %d in the
// English, in the same order or by number.
func TestTranslationsTakeTheSameArguments(t *testing.T) {
	verb := regexp.MustCompile(`%(\[\d+\])?[#+\-0-9.]*[a-zA-Z]`)
	plain := func(s string) []string {
		var all []string
		for _, v := range verb.FindAllString(strings.ReplaceAll(s, "%%", ""), -1) {
			all = append(all, v[len(v)-1:])
		}
		slices.Sort(all)
		return all
	}
	for swedish, english := range catalogues()[English] {
		if !slices.Equal(plain(swedish), plain(english)) {
			t.Errorf("%q takes %v, %q takes %v", swedish, plain(swedish), english, plain(english))
		}
		if english == "" {
			t.Errorf("%q has an empty translation", swedish)
		}
	}
}

// TestCataloguesAgree: two packages that use the same Swedish text say the same
// in English, since the catalogues are merged.
func TestCataloguesAgree(t *testing.T) {
	names, err := fs.Glob(static.Files, "lang/en/*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d catalogues: %v", len(names), err)
	}
	said := map[string]string{}
	for _, name := range names {
		body, err := fs.ReadFile(static.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		own := map[string]string{}
		if err := json.Unmarshal(body, &own); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for swedish, english := range own {
			if before, ok := said[swedish]; ok && before != english {
				t.Errorf("%s: %q is %q here and %q elsewhere", path.Base(name), swedish, english, before)
			}
			said[swedish] = english
		}
	}
}

// TestEveryTranslationIsUsed: a text in a catalogue stands somewhere in the code.
func TestEveryTranslationIsUsed(t *testing.T) {
	written := map[string]bool{}
	walkCode(t, func(_ string, file *ast.File, _ func(token.Pos) string) {
		ast.Inspect(file, func(n ast.Node) bool {
			if e, ok := n.(ast.Expr); ok {
				if text, ok := literal(e); ok {
					written[text] = true
				}
			}
			return true
		})
	})
	for swedish := range catalogues()[English] {
		if !written[swedish] {
			t.Errorf("%q is translated but never shown", swedish)
		}
	}
}

type shown struct {
	words string
	pos   token.Pos
}

// shownTexts are the literal texts of a file that reach people.
func shownTexts(file *ast.File) []shown {
	var all []shown
	add := func(e ast.Expr) {
		if words, ok := literal(e); ok && words != "" {
			all = append(all, shown{words, e.Pos()})
		}
	}
	arg := func(call *ast.CallExpr, i int) {
		if i < len(call.Args) {
			add(call.Args[i])
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			switch calledName(n, file.Name.Name) {
			case "web.T", "halsocoach.Conflict":
				arg(n, 1)
			case "halsocoach.NotFound", "halsocoach.Forbidden":
				arg(n, 0)
			case "web.Redirect":
				arg(n, 2)
			}
		case *ast.CompositeLit:
			fieldsOf(n, file.Name.Name, add)
		}
		return true
	})
	return all
}

// calledName is "web.T" for web.T(…), and for T(…) within package web.
func calledName(call *ast.CallExpr, pkg string) string {
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			return x.Name + "." + f.Sel.Name
		}
	case *ast.Ident:
		return pkg + "." + f.Name
	}
	return ""
}

// shownFields are those of literals that are shown, by type; the number is the
// place of the field in a literal without names.
var shownFields = map[string]struct {
	field string
	place int
}{
	"halsocoach.Error": {"Text", 2}, "halsocoach.Field": {"Text", 1},
	"web.Page": {"Title", 0}, "web.Link": {"Text", 1},
}

func fieldsOf(lit *ast.CompositeLit, pkg string, add func(ast.Expr)) {
	if generic, is := lit.Type.(*ast.IndexExpr); is && typeName(generic.X, pkg) == "web.Texts" {
		for _, e := range lit.Elts {
			if kv, is := e.(*ast.KeyValueExpr); is {
				add(kv.Value)
			}
		}
		return
	}
	want, ok := shownFields[typeName(lit.Type, pkg)]
	if list, isList := lit.Type.(*ast.ArrayType); isList { // []web.Link{{…}, {…}}
		if want, ok = shownFields[typeName(list.Elt, pkg)]; ok {
			for _, e := range lit.Elts {
				if inner, isLit := e.(*ast.CompositeLit); isLit && inner.Type == nil {
					shownField(inner, want.field, want.place, add)
				}
			}
		}
		return
	}
	if ok {
		shownField(lit, want.field, want.place, add)
	}
}

func shownField(lit *ast.CompositeLit, field string, place int, add func(ast.Expr)) {
	for i, e := range lit.Elts {
		switch kv, named := e.(*ast.KeyValueExpr); {
		case named:
			if key, ok := kv.Key.(*ast.Ident); ok && key.Name == field {
				add(kv.Value)
			}
		case i == place:
			add(e)
		}
	}
}

func typeName(e ast.Expr, pkg string) string {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		if x, ok := e.X.(*ast.Ident); ok {
			return x.Name + "." + e.Sel.Name
		}
	case *ast.Ident:
		return pkg + "." + e.Name
	}
	return ""
}

// literal is the text of a string literal, also one put together with +.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			s, err := strconv.Unquote(e.Value)
			return s, err == nil
		}
	case *ast.BinaryExpr:
		a, ok := literal(e.X)
		b, also := literal(e.Y)
		return a + b, ok && also
	}
	return "", false
}

// walkCode parses every Go file of the project that is not a test.
func walkCode(t *testing.T, f func(name string, file *ast.File, at func(token.Pos) string)) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules" || d.Name() == "testenv" || d.Name() == "storetest" || d.Name() == "e2e") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return nil
		}
		f(name, file, func(p token.Pos) string { return strings.TrimPrefix(set.Position(p).String(), "../../") })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTextsAndDatesInBothLanguages(t *testing.T) {
	sv, en := context.Background(), InLanguage(context.Background(), English)
	at := time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC) // 10.30 in Stockholm
	for _, c := range []struct{ name, got, want string }{
		{"date", Date(sv, at), "måndag 23 november"},
		{"date in English", Date(en, at), "Monday 23 November"},
		{"clock", ClockTime(at), "10.30"},
		{"both", DateTime(sv, at), "måndag 23 november 10.30"},
		{"span", Span(sv, at, at.Add(time.Hour)), "måndag 23 november 10.30–11.30"},
		{"span over midnight", Span(sv, at, at.Add(24*time.Hour)), "måndag 23 november 10.30 – tisdag 24 november 10.30"},
		{"long date", LongDate(sv, at), "23 november 2026"},
		{"month", MonthName(en, at), "November 2026"},
		{"near midnight it is already tomorrow here", Date(sv, time.Date(2026, 6, 30, 22, 30, 0, 0, time.UTC)), "onsdag 1 juli"},
		{"Swedish text", T(sv, "Logga in"), "Logga in"},
		{"English text", T(en, "Logga in"), "Sign in"},
		{"arguments", T(en, "Fortsätt till %s", "x"), "Go on to x"},
		{"a text without translation stays", T(en, "Finns inte i katalogen"), "Finns inte i katalogen"},
		{"a percent sign without arguments", T(sv, "100 %"), "100 %"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.got, c.want)
		}
	}
}
