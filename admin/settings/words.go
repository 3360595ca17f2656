package settings

import (
	"context"
	"strconv"
	"unicode"
	"unicode/utf8"

	"halsocoach/internal/web"
)

// title is what a setting is called.
func title(ctx context.Context, key string) string {
	switch key {
	case promise:
		return web.T(ctx, "Första kontakten efter en rekommendation")
	case flagDays:
		return web.T(ctx, "Rekommendation som ingen har tagit hand om")
	case openCounty:
		return web.T(ctx, "Öppet för invånare i hela länet")
	case unanswered:
		return web.T(ctx, "Obesvarade meddelanden")
	case firstTalk:
		return web.T(ctx, "Längd på inledande samtal")
	case followUp:
		return web.T(ctx, "Längd på uppföljande samtal")
	case bookAhead:
		return web.T(ctx, "Hur långt fram samtal kan bokas")
	case ownFirst:
		return web.T(ctx, "Egna invånare först")
	case minAge:
		return web.T(ctx, "Lägsta ålder")
	case maxAge:
		return web.T(ctx, "Högsta ålder")
	case hideBelow:
		return web.T(ctx, "Små tal som döljs")
	case begunMonths:
		return web.T(ctx, "Påbörjad månad räknas som hel")
	case legalFrame:
		return web.T(ctx, "Rättslig ram")
	}
	return key
}

// meaning is what a setting does, in a sentence or two.
func meaning(ctx context.Context, key string) string {
	switch key {
	case promise:
		return web.T(ctx, "Inom så många dagar ska en invånare som har blivit rekommenderad bli kontaktad. Coachens skrivbord sorteras efter löftet.")
	case flagDays:
		return web.T(ctx, "Efter så många dagar räknas en rekommendation som ingen har tagit hand om i styrgruppens siffror. Hälsocentret ser den redan när löftet om första kontakt har gått ut.")
	case openCounty:
		return web.T(ctx, "Avgör om den som bor i en annan kommun kan välja att bli rekommenderad hit. Egna invånare kan det alltid.")
	case unanswered:
		return web.T(ctx, "Ett meddelande som ingen har svarat på inom den här tiden visas som försenat hos coachen.")
	case firstTalk:
		return web.T(ctx, "Så lång tid avsätts när en invånare bokar sitt första samtal.")
	case followUp:
		return web.T(ctx, "Så lång tid avsätts för samtal efter det första.")
	case bookAhead:
		return web.T(ctx, "Invånare ser lediga tider så här långt fram.")
	case ownFirst:
		return web.T(ctx, "När ett nytt grupptillfälle läggs ut kan bara kommunens egna invånare boka under de första dagarna.")
	case minAge:
		return web.T(ctx, "Yngre än så hör inte till målgruppen här.")
	case maxAge:
		return web.T(ctx, "Äldre än så hör inte till målgruppen här.")
	case hideBelow:
		return web.T(ctx, "Tal som är mindre än det här visas inte i publicerade tabeller, så att ingen kan kännas igen.")
	case begunMonths:
		return web.T(ctx, "Avgör hur coachens första år räknas när kommunen fakturerar regionen.")
	case legalFrame:
		return web.T(ctx, "Vilka regler som gäller för coachens arbete. Loggen över vem som läser följer de strängare reglerna vad som än väljs.")
	}
	return ""
}

// open is the question that nobody has answered yet, "" when there is none.
func open(ctx context.Context, key string) string {
	switch key {
	case begunMonths:
		return web.T(ctx, "Öppen fråga: överenskommelsen säger att andelen beror på tjänstgöringsmånader, men inte om en påbörjad månad räknas.")
	case legalFrame:
		return web.T(ctx, "Öppen fråga: det är inte avgjort om coachens arbete är hälso- och sjukvård eller annan kommunal verksamhet.")
	case minAge, maxAge:
		return web.T(ctx, "Öppen fråga: överenskommelsen nämner vuxna och låter varje kommun ta med andra åldrar, utan att ange gränser.")
	case promise:
		return web.T(ctx, "Öppen fråga: överenskommelsen anger ingen tid för den första kontakten.")
	case flagDays, openCounty:
		return web.T(ctx, "Öppen fråga: överenskommelsen säger inget om det här.")
	case hideBelow:
		return web.T(ctx, "Öppen fråga: ingen har beslutat hur små tal som får visas. Fem är vår egen gräns.")
	}
	return ""
}

// valueText is a value for people.
func valueText(ctx context.Context, key, value string) string {
	n, _ := strconv.Atoi(value)
	switch key {
	case promise, bookAhead, flagDays:
		return days(ctx, n)
	case openCounty:
		if value == "ja" {
			return web.T(ctx, "Ja, alla i länet kan välja oss")
		}
		return web.T(ctx, "Nej, bara kommunens egna invånare")
	case ownFirst:
		if n == 0 {
			return web.T(ctx, "Ingen förtur")
		}
		return days(ctx, n)
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

func days(ctx context.Context, n int) string {
	if n == 1 {
		return web.T(ctx, "1 dag")
	}
	return web.T(ctx, "%d dagar", n)
}

// question is the label of the value's field.
func question(ctx context.Context, key string) string {
	switch key {
	case promise, bookAhead, ownFirst, flagDays:
		return web.T(ctx, "Antal dagar")
	case firstTalk, followUp:
		return web.T(ctx, "Antal minuter")
	case unanswered:
		return web.T(ctx, "Antal timmar")
	case minAge, maxAge:
		return web.T(ctx, "Ålder i år")
	case hideBelow:
		return web.T(ctx, "Dölj tal som är mindre än")
	}
	return web.T(ctx, "Välj")
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
	out := make([]web.Choice, len(r.Choices))
	for i, v := range r.Choices {
		out[i] = web.Choice{Value: v, Label: valueText(ctx, r.Key, v)}
	}
	return out
}

// lower begins a text in small, for the middle of a sentence.
func lower(text string) string {
	r, n := utf8.DecodeRuneInString(text)
	return string(unicode.ToLower(r)) + text[n:]
}
