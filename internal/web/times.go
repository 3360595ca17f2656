package web

import (
	"context"
	"strconv"
	"time"

	"halsocoach"
)

var (
	weekdays = map[string][]string{
		Swedish: {"söndag", "måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag"},
		English: {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
	}
	months = map[string][]string{
		Swedish: {"januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti", "september", "oktober", "november", "december"},
		English: {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	}
)

// Date is the local day in words: "måndag 23 november". Another year than the
// clock's is for the caller to add; see LongDate.
func Date(ctx context.Context, t time.Time) string {
	t = t.In(halsocoach.Stockholm())
	lang := Language(ctx)
	return weekdays[lang][t.Weekday()] + " " + strconv.Itoa(t.Day()) + " " + months[lang][t.Month()-1]
}

// LongDate is the day with its year: "23 november 2026".
func LongDate(ctx context.Context, t time.Time) string {
	t = t.In(halsocoach.Stockholm())
	return strconv.Itoa(t.Day()) + " " + months[Language(ctx)][t.Month()-1] + " " + strconv.Itoa(t.Year())
}

// MonthName is "november 2026".
func MonthName(ctx context.Context, t time.Time) string {
	t = t.In(halsocoach.Stockholm())
	return months[Language(ctx)][t.Month()-1] + " " + strconv.Itoa(t.Year())
}

// ClockTime is the local time of day, "10.30".
func ClockTime(t time.Time) string { return t.In(halsocoach.Stockholm()).Format("15.04") }

// DateTime is "måndag 23 november 10.30".
func DateTime(ctx context.Context, t time.Time) string { return Date(ctx, t) + " " + ClockTime(t) }

// Span is "måndag 23 november 10.30–11.30"; over midnight both days are said.
func Span(ctx context.Context, starts, ends time.Time) string {
	if halsocoach.DayOf(starts) == halsocoach.DayOf(ends) {
		return DateTime(ctx, starts) + "–" + ClockTime(ends)
	}
	return DateTime(ctx, starts) + " – " + DateTime(ctx, ends)
}
