package web

import "testing"

func TestPhoneNumbersAreWrittenToBeRead(t *testing.T) {
	for given, want := range map[string]string{
		"0701740605": "070-174 06 05", "070-174 06 05": "070-174 06 05", "+46701740605": "070-174 06 05", "+46 (0)70 174 06 05": "070-174 06 05",
		"0046701740605": "070-174 06 05", "038212345": "0382-123 45", "0382-12 34 56": "0382-12 34 56", "036123456": "036-12 34 56", "08-46500425": "08-465 004 25",
		"08 465 04 00": "08-465 04 00", "020123456": "020-12 34 56", "0771-1177 00": "0771-11 77 00", "010-2410000": "010-241 00 00",
		"112": "112", "1177": "1177", " 12 34 56 ": "12 34 56", "+4790012345": "+4790012345", "070-174 06 05, efter fem": "070-174 06 05, efter fem", "": "", "07": "07", "070174": "070174",
	} {
		if got := Phone(given); got != want {
			t.Errorf("%q is written %q, want %q", given, got, want)
		}
	}
	if got := Dialled("+46 (0)70-174 06 05"); got != "+46701740605" {
		t.Errorf("dialled %q", got)
	}
}

func TestNumbersHaveTheirThousandsApart(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1\u00a0000", 1234567: "1\u00a0234\u00a0567", -100: "-100", -12345: "-12\u00a0345"} {
		if got := Number(n); got != want {
			t.Errorf("%d is %q", n, got)
		}
	}
}

func FuzzPhone(f *testing.F) {
	f.Add("070-174 06 05")
	f.Add("+46(0)8")
	f.Fuzz(func(t *testing.T, s string) {
		if again := Phone(Phone(s)); again != Phone(s) {
			t.Errorf("%q becomes %q and then %q", s, Phone(s), again)
		}
	})
}
