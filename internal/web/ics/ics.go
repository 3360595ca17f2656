// Package ics writes a time that somebody has agreed to as an iCalendar file
// (RFC 5545), for the calendar of their own. That calendar may be shared with
// others, at home or at work: the file says when and where, and nothing of what
// it is about. It is the same event each time it is taken (UID), newer when
// something has changed (SEQUENCE), so that a moved time replaces the old one
// and a cancelled one takes it away.
package ics

import (
	"slices"
	"strings"
	"time"

	ical "github.com/arran4/golang-ical"

	"halsocoach"
)

// Type is the content type of a File.
const Type = "text/calendar; charset=utf-8"

// Time is a time agreed to, in the reader's words.
type Time struct {
	// Of is what the event is of and for whom, the same for as long as it is the
	// same event. It is not in the file, only its hash.
	Of        []string
	Sequence  int    // never goes down
	Title     string // neutral words
	Where     string // "" = not said
	Note      string
	Starts    time.Time
	Ends      time.Time
	Cancelled bool
}

const (
	zone  = "Europe/Stockholm"
	local = "20060102T150405"
)

// File is the file as it stands at now.
func (t Time) File(now time.Time) []byte {
	cal := ical.NewCalendar()
	cal.SetProductId("-//Bokningar//SV")
	cal.SetCalscale("GREGORIAN")
	stockholm(cal)
	e := cal.AddEvent(halsocoach.IDFrom(append([]string{"calendar"}, t.Of...)...))
	e.SetDtStampTime(now)
	e.SetSequence(t.Sequence)
	e.SetProperty(ical.ComponentPropertyDtStart, t.Starts.In(halsocoach.Stockholm()).Format(local), ical.WithTZID(zone))
	e.SetProperty(ical.ComponentPropertyDtEnd, t.Ends.In(halsocoach.Stockholm()).Format(local), ical.WithTZID(zone))
	e.SetSummary(t.Title)
	e.SetClass(ical.ClassificationPrivate)
	if t.Cancelled {
		cal.SetMethod(ical.MethodCancel)
		e.SetStatus(ical.ObjectStatusCancelled)
	} else {
		cal.SetMethod(ical.MethodPublish)
		e.SetStatus(ical.ObjectStatusConfirmed)
		if where := neutral(t.Where); where != "" {
			e.SetLocation(where)
		}
		if t.Note != "" {
			e.SetDescription(t.Note)
		}
	}
	return []byte(cal.Serialize(ical.WithNewLineWindows))
}

// neutral leaves out the parts of a place that tell what one does there: of "Stora
// rummet, Hälsocentret, Sävsjö" the one in the middle.
func neutral(where string) string {
	parts := slices.DeleteFunc(strings.Split(where, ","), func(part string) bool {
		part = strings.ToLower(part)
		return strings.Contains(part, "hälso") || strings.Contains(part, "coach")
	})
	return strings.TrimSpace(strings.Join(parts, ","))
}

// stockholm is the time zone with its rules: the last Sundays of March and
// October, as since 1996. A calendar that knows the name uses its own.
func stockholm(cal *ical.Calendar) {
	tz := cal.AddTimezone(zone)
	summer := &ical.Daylight{}
	summer.SetProperty(ical.ComponentPropertyDtStart, "19960331T020000")
	summer.SetProperty(ical.ComponentPropertyRrule, "FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU")
	summer.SetProperty(ical.ComponentProperty(ical.PropertyTzoffsetfrom), "+0100")
	summer.SetProperty(ical.ComponentProperty(ical.PropertyTzoffsetto), "+0200")
	summer.SetProperty(ical.ComponentProperty(ical.PropertyTzname), "CEST")
	winter := tz.AddStandard()
	winter.SetProperty(ical.ComponentPropertyDtStart, "19961027T030000")
	winter.SetProperty(ical.ComponentPropertyRrule, "FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU")
	winter.SetProperty(ical.ComponentProperty(ical.PropertyTzoffsetfrom), "+0200")
	winter.SetProperty(ical.ComponentProperty(ical.PropertyTzoffsetto), "+0100")
	winter.SetProperty(ical.ComponentProperty(ical.PropertyTzname), "CET")
	tz.Components = append(tz.Components, summer)
}
