package web

import "strings"

// Phone is a Swedish phone number as it is read, "070-123 45 67" or "0382-123 45":
// area code, hyphen, then groups that end in pairs (Post- och telestyrelsen,
// Telefoninummerplanen). What is no such number stays as it was written.
func Phone(text string) string {
	digits := national(text)
	area := areaLength(digits)
	rest := len(digits) - area
	if area == 0 || rest < 5 || rest > 8 {
		return strings.TrimSpace(text)
	}
	return digits[:area] + "-" + grouped(digits[area:])
}

// Dialled is a phone number as a telephone takes it, for a tel: link.
func Dialled(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, strings.ReplaceAll(text, "(0)", ""))
}

// national is the number's digits with the leading nought; "" when it is of
// another country, or holds other things than a number does.
func national(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune("0123456789+-–() /.\u00a0", r) }) {
		return ""
	}
	digits := Dialled(text)
	for _, abroad := range []string{"+46", "0046"} {
		if rest, ok := strings.CutPrefix(digits, abroad); ok {
			return "0" + strings.TrimPrefix(rest, "0")
		}
	}
	if !strings.HasPrefix(digits, "0") || strings.HasPrefix(digits, "00") || strings.Contains(digits, "+") {
		return ""
	}
	return digits
}

// threeDigits are the area codes of three digits, mobile and toll-free numbers
// among them; 08 has two, all others have four.
const threeDigits = " 010 011 013 016 018 019 020 021 023 026 031 033 035 036 040 042 044 046 054 060 063 070 072 073 075 076 079 090 "

func areaLength(digits string) int {
	switch {
	case len(digits) < 7:
		return 0
	case strings.HasPrefix(digits, "08"):
		return 2
	case strings.Contains(threeDigits, " "+digits[:3]+" "):
		return 3
	}
	return 4
}

// grouped puts a space before each pair at the end; what is left in front is two
// or three digits.
func grouped(n string) string {
	cuts := map[int][]int{5: {3}, 6: {2, 4}, 7: {3, 5}, 8: {3, 6}}[len(n)]
	out, from := "", 0
	for _, to := range cuts {
		out += n[from:to] + " "
		from = to
	}
	return out + n[from:]
}
