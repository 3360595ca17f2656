package halsocoach

import "strings"

// County is the code of Jönköpings län, used where there is no kommun.
const County = "06"

// Kommun is one of the thirteen that run Hälsocenter with the region. Code is
// SCB's; Group is the group of kommuner in the funding table.
type Kommun struct{ Code, Name, Group string }

// Kommuner in the order of the funding table of the agreement (2020-12-22).
var Kommuner = []Kommun{
	{"0604", "Aneby", "Höglandet"}, {"0686", "Eksjö", "Höglandet"}, {"0682", "Nässjö", "Höglandet"},
	{"0684", "Sävsjö", "Höglandet"}, {"0687", "Tranås", "Höglandet"}, {"0685", "Vetlanda", "Höglandet"},
	{"0643", "Habo", "Norra"}, {"0680", "Jönköping", "Norra"}, {"0642", "Mullsjö", "Norra"},
	{"0662", "Gislaved", "GGVV"}, {"0617", "Gnosjö", "GGVV"}, {"0665", "Vaggeryd", "GGVV"}, {"0683", "Värnamo", "GGVV"},
}

// KommunByCode finds a kommun.
func KommunByCode(code string) (Kommun, bool) {
	for _, k := range Kommuner {
		if k.Code == code {
			return k, true
		}
	}
	return Kommun{}, false
}

// KommunName is the name for people, or "Jönköpings län" for County and what is
// unknown.
func KommunName(code string) string {
	if k, ok := KommunByCode(code); ok {
		return k.Name
	}
	return "Jönköpings län"
}

// CountyOr is code if it is one of the thirteen, else County.
func CountyOr(code string) string {
	if _, ok := KommunByCode(code); ok {
		return code
	}
	return County
}

// KommunOfCentre: a centre's code is its kommun's for the first centre
// ("0684"), then "0684-2".
func KommunOfCentre(centre string) string {
	code, _, _ := strings.Cut(centre, "-")
	return code
}
