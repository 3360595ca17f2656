package accesslog

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"halsocoach"
)

// acts are the constants of the root's access.go, as they are written there.
func acts(t *testing.T) []halsocoach.Act {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../access.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []halsocoach.Act
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(v.Names[0].Name, "Act") || len(v.Values) != 1 {
			return true
		}
		if text, ok := v.Values[0].(*ast.BasicLit); ok {
			act, err := strconv.Unquote(text.Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, halsocoach.Act(act))
		}
		return true
	})
	return all
}

func TestEveryActHasASentence(t *testing.T) {
	all := acts(t)
	if len(all) < 30 || !slices.Equal(all, halsocoach.Acts) {
		t.Fatalf("the constants are %v, the list of them is %v", all, halsocoach.Acts)
	}
	general := actText(t.Context(), "")
	for _, act := range all {
		if actText(t.Context(), act) == general {
			t.Errorf("%q is said in general words only", act)
		}
	}
}
