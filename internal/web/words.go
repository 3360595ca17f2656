package web

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"halsocoach"
)

// TopicName is a topic with a capital letter. An unknown one is shown as it is.
func TopicName(ctx context.Context, t halsocoach.Topic) string {
	switch t {
	case "mat":
		return T(ctx, "Mat")
	case "sömn":
		return T(ctx, "Sömn")
	case "återhämtning":
		return T(ctx, "Återhämtning")
	case "fysisk aktivitet":
		return T(ctx, "Fysisk aktivitet")
	case "stresshantering":
		return T(ctx, "Stresshantering")
	case "kultur och fritid":
		return T(ctx, "Kultur och fritid")
	}
	return string(t)
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

// TopicChoices are all topics, to choose among.
func TopicChoices(ctx context.Context) []Choice {
	choices := make([]Choice, len(halsocoach.Topics))
	for i, t := range halsocoach.Topics {
		choices[i] = Choice{Value: string(t), Label: TopicName(ctx, t)}
	}
	return choices
}

// TopicIcon is the icon of a topic; a heart for an unknown one.
func TopicIcon(t halsocoach.Topic) string {
	switch t {
	case "mat":
		return "mat"
	case "sömn":
		return "somn"
	case "återhämtning":
		return "aterhamtning"
	case "fysisk aktivitet":
		return "rorelse"
	case "stresshantering":
		return "stress"
	case "kultur och fritid":
		return "kultur"
	}
	return "heart"
}

// SourceName is the way a person came, with a capital letter. An unknown one is
// shown as it is.
func SourceName(ctx context.Context, s halsocoach.Source) string {
	switch s {
	case halsocoach.FromCareCentre:
		return T(ctx, "Vårdcentral")
	case halsocoach.FromAssociation:
		return T(ctx, "Förening")
	case halsocoach.FromSelf:
		return T(ctx, "Egen kontakt")
	}
	return string(s)
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
