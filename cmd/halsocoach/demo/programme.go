package demo

import "halsocoach"

// weekly is an activity that the demo's centres hold every week.
type weekly struct {
	title, description, place string
	topic                     halsocoach.Topic
	weekday                   int // 1 = Monday
	from, minutes, places     int // from: minutes after midnight
	price                     int // kronor; led by an association, not by the coach
}

// programme is what a living Hälsocenter holds in a week. Every kommun has the
// first three, the larger ones more.
var programme = []weekly{
	{"Promenadgruppen", "Vi går en lugn runda tillsammans, ungefär fyra kilometer, och fikar efteråt den som vill. Kom som du är.", "Vid Hälsocentret", "fysisk aktivitet", 2, 10 * 60, 75, 12, 0},
	{"Sov bättre", "Vad stör din sömn, och vad kan du prova? Vi pratar, prövar och följer upp tillsammans.", "Stora rummet, Hälsocentret", "sömn", 3, 17*60 + 30, 90, 14, 0},
	{"Mat som gör gott", "Vardagsmat med mer grönt och mindre krångel. Vi lagar och äter ihop.", "Köket, Hälsocentret", "mat", 4, 16 * 60, 120, 10, 0},
	{"Andrum", "Enkla övningar för kropp och tanke när det är för mycket. Inga förkunskaper.", "Stora rummet, Hälsocentret", "stresshantering", 1, 17 * 60, 60, 15, 0},
	{"Vila på riktigt", "Om återhämtning: pauser, gränser och det som ger kraft.", "Stora rummet, Hälsocentret", "återhämtning", 2, 13 * 60, 60, 12, 0},
	{"Sjung för hälsan", "Kör för den som tror sig inte kunna sjunga. Ingen uppvisning, bara glädje.", "Kulturhuset", "kultur och fritid", 4, 18*60 + 30, 90, 30, 0},
}
