package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"

	"golang.org/x/sync/errgroup"

	"halsocoach"
)

// Before the demo's people there were others, of whom only the counts are left:
// nameless facts, as the service leaves them behind itself. They begin with the
// year before, so that there is a whole year, half-year and quarter to look at.

// monthly is about how much of each kind a centre does in a month, for a kommun
// of ordinary size.
var monthly = map[string]int{
	halsocoach.CountFirstTalk: 4, halsocoach.CountFollowUp: 3, halsocoach.CountGroupDate: 2, halsocoach.CountAttendance: 8,
	halsocoach.CountChat: 5, halsocoach.CountHandOver: 1, halsocoach.CountEnded: 2,
}

// came is about how many were recommended in a month, in the smallest demo.
const came = 6

// earlier writes the counts from the beginning of the year before until the day
// on which the demo's past begins.
func (d *Demo) earlier(ctx context.Context, first halsocoach.Day) error {
	year, err := strconv.Atoi(string(first[:4]))
	if err != nil {
		return fmt.Errorf("the year of %s: %w", first, err)
	}
	var all errgroup.Group
	all.SetLimit(sideBySide)
	lot := rand.New(rand.NewPCG(1177, 112))
	small := Sizes["small"]
	times := max(1, d.size.People*small.Days/(d.size.Days*small.People))
	for month := halsocoach.Day(strconv.Itoa(year-1) + "-01-01"); month < first; month = nextMonth(month) {
		days := []halsocoach.Day{month.Plus(8), month.Plus(20)}
		for _, k := range halsocoach.Kommuner {
			var facts []halsocoach.Fact
			for _, day := range days {
				if day < first {
					facts = append(facts, halfMonth(lot, k, day, times)...)
				}
			}
			all.Go(func() error {
				id := "earlier/" + k.Code + "/" + string(month)
				return d.books.Insert(ctx, id, book{ID: id}, halsocoach.Happened("demo.earlier_counted", month.Start(), k.Code, id, nil).Counting(facts...))
			})
		}
	}
	if err := all.Wait(); err != nil {
		return fmt.Errorf("write the counts of earlier years: %w", err)
	}
	return nil
}

func nextMonth(d halsocoach.Day) halsocoach.Day {
	return halsocoach.Day(d.Plus(31).Month() + "-01")
}

// halfMonth is what a centre did around a day, so many times as much as a small
// one.
func halfMonth(lot *rand.Rand, k halsocoach.Kommun, day halsocoach.Day, times int) []halsocoach.Fact {
	at := day.At(12 * 60)
	about := func(n int) int {
		n *= times
		if k.Code == "0680" || k.Code == "0684" {
			n *= 2
		}
		return (n + lot.IntN(n+1)) / 2
	}
	var facts []halsocoach.Fact
	for range about(came) {
		facts = append(facts, halsocoach.Count(halsocoach.CountReferral, at, k.Code, false, someone(lot)))
	}
	for _, kind := range halsocoach.CountKinds {
		for range about(monthly[kind]) {
			facts = append(facts, halsocoach.Count(kind, at, k.Code, false, someone(lot)))
		}
	}
	return facts
}

// someone is how a person counts. More women than men come, and most are in the
// middle of life.
func someone(lot *rand.Rand) map[string]string {
	pick := func(of ...string) string { return of[lot.IntN(len(of))] }
	topic := string(halsocoach.Topics[lot.IntN(len(halsocoach.Topics))])
	if second := string(halsocoach.Topics[lot.IntN(len(halsocoach.Topics))]); second > topic {
		topic += "|" + second
	}
	care, club, own := string(halsocoach.FromCareCentre), string(halsocoach.FromAssociation), string(halsocoach.FromSelf)
	return map[string]string{
		halsocoach.DimSource: pick(care, care, care, care, care, club, own), halsocoach.DimTopic: topic,
		halsocoach.DimSex: pick("kvinna", "kvinna", "kvinna", "man", "man"),
		halsocoach.DimAge: pick("18-29", "30-44", "30-44", "45-64", "45-64", "45-64", "65-79", "65-79", "80-"),
	}
}
