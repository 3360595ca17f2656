package web

import (
	"slices"
	"testing"

	"halsocoach"
)

func TestTopicsAndSourcesHaveNamesAndUnknownOnesAreShownAsTheyAre(t *testing.T) {
	ctx := t.Context()
	for _, topic := range halsocoach.Topics {
		if TopicName(ctx, topic) == string(topic) || TopicIcon(topic) == "heart" {
			t.Errorf("%s: name %q, icon %q", topic, TopicName(ctx, topic), TopicIcon(topic))
		}
	}
	for _, source := range []halsocoach.Source{halsocoach.FromCareCentre, halsocoach.FromAssociation, halsocoach.FromSelf} {
		if SourceName(ctx, source) == string(source) {
			t.Errorf("%s has no name", source)
		}
	}
	if got := TopicName(ctx, "trädgård") + " " + TopicIcon("trädgård") + " " + SourceName(ctx, "skola"); got != "trädgård heart skola" {
		t.Errorf("unknown: %s", got)
	}
	if got := TopicNames(ctx, []halsocoach.Topic{"mat", "sömn"}); got != "Mat, sömn" {
		t.Errorf("in a row: %s", got)
	}
}

func TestNamesAreInSwedishOrder(t *testing.T) {
	want := []string{"alma", "Anna", "Eksjö", "Gislaved", "Zackarias", "Åsa", "Ärla", "Ögren", "Öland"}
	got := slices.Clone(want)
	slices.Reverse(got)
	if slices.SortFunc(got, CompareNames()); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}
