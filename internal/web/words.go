package web

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"halsocoach"
)

// TopicName is a topic with a capital letter. An unknown one is shown as it is.
func TopicName(ctx context.Context, t halsocoach.Topic) string {
	return cmp.Or(topicNames.Of(ctx, t), string(t))
}

var topicNames = Texts[halsocoach.Topic]{
	"mat":               "Mat",
	"sömn":              "Sömn",
	"återhämtning":      "Återhämtning",
	"fysisk aktivitet":  "Fysisk aktivitet",
	"stresshantering":   "Stresshantering",
	"kultur och fritid": "Kultur och fritid",
}

// Plural is one when n is 1, else many.
func Plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// FirstName is what one is greeted by.
func FirstName(name string) string {
	first, _, _ := strings.Cut(name, " ")
	return first
}

// TopicNames are topics in a row: "Mat, sömn".
func TopicNames(ctx context.Context, topics []halsocoach.Topic) string {
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = TopicName(ctx, t)
		if i > 0 {
			names[i] = strings.ToLower(names[i])
		}
	}
	return strings.Join(names, ", ")
}

// Choices are values to choose among, each by its name.
func Choices[V ~string](ctx context.Context, values []V, name func(context.Context, V) string) []Choice {
	choices := make([]Choice, len(values))
	for i, v := range values {
		choices[i] = Choice{Value: string(v), Label: name(ctx, v)}
	}
	return choices
}

// TopicChoices are all topics, to choose among.
func TopicChoices(ctx context.Context) []Choice { return Choices(ctx, halsocoach.Topics, TopicName) }

// KommunChoices are the county's kommuner, to choose among. Their names are the same in
// every language.
func KommunChoices() []Choice {
	choices := make([]Choice, len(halsocoach.Kommuner))
	for i, k := range halsocoach.Kommuner {
		choices[i] = Choice{Value: k.Code, Label: k.Name}
	}
	return choices
}

// Days is a number of days in words.
func Days(ctx context.Context, n int) string {
	if n == 1 {
		return T(ctx, "1 dag")
	}
	return T(ctx, "%d dagar", n)
}

// Lower begins a text in small, for the middle of a sentence.
func Lower(text string) string {
	r, n := utf8.DecodeRuneInString(text)
	return string(unicode.ToLower(r)) + text[n:]
}

// TopicIcon is the icon of a topic; a heart for an unknown one.
func TopicIcon(t halsocoach.Topic) string {
	return cmp.Or(topicIcons[t], "heart")
}

var topicIcons = map[halsocoach.Topic]string{
	"mat": "mat", "sömn": "somn", "återhämtning": "aterhamtning",
	"fysisk aktivitet": "rorelse", "stresshantering": "stress", "kultur och fritid": "kultur",
}

// SourceName is the way a person came, with a capital letter. An unknown one is
// shown as it is.
func SourceName(ctx context.Context, s halsocoach.Source) string {
	return cmp.Or(sourceNames.Of(ctx, s), string(s))
}

var sourceNames = Texts[halsocoach.Source]{
	halsocoach.FromCareCentre:  "Vårdcentral",
	halsocoach.FromAssociation: "Förening",
	halsocoach.FromSelf:        "Egen kontakt",
}

// CompareNames gives a comparison in Swedish alphabetical order: å, ä, ö last,
// capitals and accents beside their letters. It is for one goroutine.
func CompareNames() func(a, b string) int {
	return collate.New(language.Swedish).CompareString
}

// kommunerByName are the thirteen in alphabetical order.
func kommunerByName() []halsocoach.Kommun {
	all, compare := slices.Clone(halsocoach.Kommuner), CompareNames()
	slices.SortFunc(all, func(a, b halsocoach.Kommun) int { return compare(a.Name, b.Name) })
	return all
}
