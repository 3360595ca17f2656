package settings

import (
	"context"
	"strconv"

	"halsocoach/internal/web"
)

// title is what a setting is called.
func title(ctx context.Context, key string) string { return titles.Of(ctx, key) }

var titles = web.Texts[string]{
	promise:     "Första kontakten efter en rekommendation",
	flagDays:    "Rekommendation som ingen har tagit hand om",
	openCounty:  "Öppet för invånare i hela länet",
	unanswered:  "Obesvarade meddelanden",
	firstTalk:   "Längd på inledande samtal",
	followUp:    "Längd på uppföljande samtal",
	bookAhead:   "Hur långt fram samtal kan bokas",
	ownFirst:    "Egna invånare först",
	minAge:      "Lägsta ålder",
	maxAge:      "Högsta ålder",
	hideBelow:   "Små tal som döljs",
	begunMonths: "Påbörjad månad räknas som hel",
	legalFrame:  "Rättslig ram",
}

// meaning is what a setting does, in a sentence or two.
func meaning(ctx context.Context, key string) string { return meanings.Of(ctx, key) }

var meanings = web.Texts[string]{
	promise:     "Inom så många dagar ska en invånare som har blivit rekommenderad bli kontaktad. Coachens skrivbord sorteras efter löftet.",
	flagDays:    "Efter så många dagar räknas en rekommendation som ingen har tagit hand om i styrgruppens siffror. Hälsocentret ser den redan när löftet om första kontakt har gått ut.",
	openCounty:  "Avgör om den som bor i en annan kommun kan välja att bli rekommenderad hit. Egna invånare kan det alltid.",
	unanswered:  "Ett meddelande som ingen har svarat på inom den här tiden visas som försenat hos coachen.",
	firstTalk:   "Så lång tid avsätts när en invånare bokar sitt första samtal.",
	followUp:    "Så lång tid avsätts för samtal efter det första.",
	bookAhead:   "Invånare ser lediga tider så här långt fram.",
	ownFirst:    "När ett nytt grupptillfälle läggs ut kan bara kommunens egna invånare boka under de första dagarna.",
	minAge:      "Yngre än så hör inte till målgruppen här.",
	maxAge:      "Äldre än så hör inte till målgruppen här.",
	hideBelow:   "Tal som är mindre än det här visas inte i publicerade tabeller, så att ingen kan kännas igen.",
	begunMonths: "Avgör hur coachens första år räknas när kommunen fakturerar regionen.",
	legalFrame:  "Vilka regler som gäller för coachens arbete. Loggen över vem som läser följer de strängare reglerna vad som än väljs.",
}

// open is the question that nobody has answered yet, "" when there is none.
func open(ctx context.Context, key string) string { return openQuestions.Of(ctx, key) }

var openQuestions = web.Texts[string]{
	begunMonths: "Öppen fråga: överenskommelsen säger att andelen beror på tjänstgöringsmånader, men inte om en påbörjad månad räknas.",
	legalFrame:  "Öppen fråga: det är inte avgjort om coachens arbete är hälso- och sjukvård eller annan kommunal verksamhet.",
	minAge:      "Öppen fråga: överenskommelsen nämner vuxna och låter varje kommun ta med andra åldrar, utan att ange gränser.",
	maxAge:      "Öppen fråga: överenskommelsen nämner vuxna och låter varje kommun ta med andra åldrar, utan att ange gränser.",
	promise:     "Öppen fråga: överenskommelsen anger ingen tid för den första kontakten.",
	flagDays:    "Öppen fråga: överenskommelsen säger inget om det här.",
	openCounty:  "Öppen fråga: överenskommelsen säger inget om det här.",
	hideBelow:   "Öppen fråga: ingen har beslutat hur små tal som får visas. Fem är vår egen gräns.",
}

// valueText is a value for people.
func valueText(ctx context.Context, key, value string) string {
	n, _ := strconv.Atoi(value)
	switch key {
	case promise, bookAhead, flagDays:
		return web.Days(ctx, n)
	case openCounty:
		if value == "ja" {
			return web.T(ctx, "Ja, alla i länet kan välja oss")
		}
		return web.T(ctx, "Nej, bara kommunens egna invånare")
	case ownFirst:
		if n == 0 {
			return web.T(ctx, "Ingen förtur")
		}
		return web.Days(ctx, n)
	case firstTalk, followUp:
		return web.T(ctx, "%d minuter", n)
	case unanswered:
		if n == 1 {
			return web.T(ctx, "1 timme")
		}
		return web.T(ctx, "%d timmar", n)
	case minAge, maxAge:
		if n == 0 {
			return web.T(ctx, "Ingen gräns")
		}
		return web.T(ctx, "%d år", n)
	case hideBelow:
		return web.T(ctx, "Mindre än %d", n)
	case begunMonths:
		if value == "ja" {
			return web.T(ctx, "Ja, den räknas")
		}
		return web.T(ctx, "Nej, bara hela månader")
	case legalFrame:
		if value == "hsl" {
			return web.T(ctx, "Hälso- och sjukvård")
		}
		return web.T(ctx, "Annan kommunal verksamhet")
	}
	return value
}

// question is the label of the value's field.
func question(ctx context.Context, key string) string { return questions.Of(ctx, key) }

var questions = web.Texts[string]{
	promise:    "Antal dagar",
	bookAhead:  "Antal dagar",
	ownFirst:   "Antal dagar",
	flagDays:   "Antal dagar",
	firstTalk:  "Antal minuter",
	followUp:   "Antal minuter",
	unanswered: "Antal timmar",
	minAge:     "Ålder i år",
	maxAge:     "Ålder i år",
	hideBelow:  "Dölj tal som är mindre än",
	"":         "Välj",
}

// hint says what can be chosen.
func hint(ctx context.Context, r Row) string {
	if r.Key == minAge || r.Key == maxAge {
		return web.T(ctx, "Från %d till %d. 0 betyder ingen gräns.", r.Min, r.Max)
	}
	return web.T(ctx, "Från %d till %d.", r.Min, r.Max)
}

// choices are those of a setting that is not a number.
func choices(ctx context.Context, r Row) []web.Choice {
	return web.Choices(ctx, r.Choices, func(ctx context.Context, v string) string { return valueText(ctx, r.Key, v) })
}
