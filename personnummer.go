package halsocoach

import (
	"errors"
	"log/slog"
	"strings"
	"time"
)

// Number is a personnummer or samordningsnummer, twelve digits, known to be
// valid. It ties a recommendation to a person and does nothing else: it is kept
// sealed, found by a keyed hash, and never in a URL, log, event or mail. Its
// String is masked so that it can not slip into one; Digits is the real thing.
type Number struct{ digits string }

// The ways in which a number can be wrong.
var (
	ErrNumberShape  = errors.New("a personnummer has ten or twelve digits")
	ErrNumberDate   = errors.New("the number's date does not exist or has not come yet")
	ErrNumberCheck  = errors.New("the number's check digit does not agree")
	ErrNumberSerial = errors.New("the serial 000 is not given out")
)

// ParseNumber reads a number as people write it: 12 or 10 digits, with or
// without "-", and with "+" from the year the person turns 100. now decides the
// century of ten digits. Source: SKV 704 and SKVM 2010:3.
func ParseNumber(s string, now time.Time) (Number, error) {
	s = strings.Map(func(r rune) rune {
		if r == ' ' || r == '\u00a0' {
			return -1
		}
		return r
	}, strings.TrimSpace(s))
	sign := byte(0)
	if n := len(s); n >= 5 && (s[n-5] == '-' || s[n-5] == '+') {
		sign = s[n-5]
		s = s[:n-5] + s[n-4:]
	}
	if len(s) != 10 && len(s) != 12 {
		return Number{}, ErrNumberShape
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return Number{}, ErrNumberShape
		}
	}
	now = now.In(Stockholm())
	if len(s) == 10 {
		s = century(s, sign, now) + s
	} else if sign == '+' && now.Year()-atoi(s[:4]) < 100 {
		return Number{}, ErrNumberShape
	}
	day := atoi(s[6:8])
	if day > 60 {
		day -= 60
	}
	born := time.Date(atoi(s[:4]), time.Month(atoi(s[4:6])), day, 0, 0, 0, 0, Stockholm())
	if atoi(s[:4]) < 1800 || day < 1 || int(born.Month()) != atoi(s[4:6]) || born.Day() != day || born.After(now) {
		return Number{}, ErrNumberDate
	}
	if !luhn(s[2:]) {
		return Number{}, ErrNumberCheck
	}
	if s[8:11] == "000" {
		return Number{}, ErrNumberSerial
	}
	return Number{s}, nil
}

// century is the two digits to put before a ten-digit number: the latest
// century in which the person is born, and with "+" at least 100 years this
// year.
func century(s string, sign byte, now time.Time) string {
	year := now.Year()/100*100 + atoi(s[:2])
	if year > now.Year() || (year == now.Year() && bornLater(s, now)) {
		year -= 100
	}
	if sign == '+' {
		for now.Year()-year < 100 {
			year -= 100
		}
	}
	return string([]byte{byte('0' + year/1000), byte('0' + year/100%10)})
}

// bornLater says whether the month and day of a ten-digit number lie after now.
func bornLater(s string, now time.Time) bool {
	day := atoi(s[4:6])
	if day > 60 {
		day -= 60
	}
	return atoi(s[2:4])*100+day > int(now.Month())*100+now.Day()
}

func atoi(s string) int {
	n := 0
	for i := range len(s) {
		n = n*10 + int(s[i]-'0')
	}
	return n
}

// luhn checks the last of ten digits against the nine before.
func luhn(s string) bool {
	sum := 0
	for i := range 10 {
		d := int(s[i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// IsZero says whether there is no number.
func (n Number) IsZero() bool { return n.digits == "" }

// Digits are the twelve digits. Only package seal has a reason to ask.
func (n Number) Digits() string { return n.digits }

// Coordination says whether it is a samordningsnummer (day + 60).
func (n Number) Coordination() bool { return !n.IsZero() && n.digits[6] >= '6' }

// Sex is "man" or "kvinna" by the third digit of the serial, "" for none.
func (n Number) Sex() string {
	switch {
	case n.IsZero():
		return ""
	case (n.digits[10]-'0')%2 == 1:
		return "man"
	}
	return "kvinna"
}

// Age is the person's age in whole years on the day, -1 for none.
func (n Number) Age(on Day) int {
	if n.IsZero() {
		return -1
	}
	t := on.Start()
	born := atoi(n.digits[:4])*10000 + atoi(n.digits[4:6])*100 + (atoi(n.digits[6:8])-1)%60 + 1
	return (t.Year()*10000 + int(t.Month())*100 + t.Day() - born) / 10000
}

// AgeBand is the band in which an age is counted, "" when unknown.
func AgeBand(age int) string {
	switch {
	case age < 0:
		return ""
	case age < 18:
		return "0-17"
	case age < 30:
		return "18-29"
	case age < 45:
		return "30-44"
	case age < 65:
		return "45-64"
	case age < 80:
		return "65-79"
	}
	return "80-"
}

// String masks the number.
func (n Number) String() string {
	if n.IsZero() {
		return ""
	}
	return "********-****"
}

// LogValue masks the number.
func (n Number) LogValue() slog.Value { return slog.StringValue(n.String()) }

// MarshalJSON refuses: a number is sealed, not written down.
func (n Number) MarshalJSON() ([]byte, error) {
	return nil, errors.New("halsocoach: an identity number is sealed, never marshalled")
}
