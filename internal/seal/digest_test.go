package seal

import "testing"

func TestADigestIsTheInstallationsOwn(t *testing.T) {
	one, other := newHouse(t).node(t), newHouse(t).node(t)
	if one.Digest("a") != one.Digest("a") || one.Digest("a") == one.Digest("b") || len(one.Digest("a")) < 16 {
		t.Fatal("it does not tell one text from another")
	}
	if one.Digest("a") == other.Digest("a") {
		t.Fatal("who knows the text knows the digest")
	}
}
