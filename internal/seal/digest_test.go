package seal

import "testing"

func TestADigestIsTheInstallationsOwn(t *testing.T) {
	h := newHouse(t)
	one, same, other := h.node(t), h.node(t), newHouse(t).node(t)
	if one.Digest("a") != same.Digest("a") || one.Digest("a") == one.Digest("b") || len(one.Digest("a")) < 16 {
		t.Fatal("it does not tell one text from another")
	}
	if one.Digest("a") == other.Digest("a") {
		t.Fatal("who knows the text knows the digest")
	}
}
