package demo

import (
	"cmp"
	"fmt"
	"slices"

	"halsocoach"
	"halsocoach/citizen"
	"halsocoach/internal/auth"
	"halsocoach/internal/staff"
)

// The demo's people are made up. Only personas have identity numbers, and those
// are published test numbers (see docs/decisions); a number that we invented
// might be somebody's.
const elsasNumber = "200302022389"

var firstNames = []string{
	"Agneta", "Ahmed", "Amina", "Anders", "Annika", "Arne", "Asta", "Barbro", "Berit", "Björn", "Carina", "Christer", "Dagny", "David",
	"Ebba", "Elin", "Emil", "Erik", "Eva", "Fatima", "Folke", "Gunilla", "Gunnar", "Göran", "Hanna", "Hassan", "Helena", "Håkan", "Ida",
	"Inger", "Ingvar", "Jasmina", "Jens", "Johanna", "Josef", "Karin", "Kerstin", "Kjell", "Lars", "Leila", "Lena", "Linnéa", "Magnus",
	"Maj-Britt", "Malin", "Marcus", "Margareta", "Mehmet", "Mikael", "Mona", "Nils", "Nina", "Olof", "Oskar", "Per", "Pia", "Rolf", "Rut",
	"Sara", "Selma", "Sigvard", "Siv", "Sofia", "Stig", "Sven", "Tomas", "Tove", "Ulla", "Ulf", "Viktor", "Yusuf", "Åke", "Åsa", "Östen",
}

var lastNames = []string{
	"Ahl", "Andersson", "Axelsson", "Berg", "Bergström", "Björk", "Blom", "Borg", "Dahl", "Ek", "Eklund", "Engström", "Falk", "Fors",
	"Fransson", "Friberg", "Gran", "Gustavsson", "Hagström", "Hedlund", "Holm", "Ibrahim", "Isaksson", "Jansson", "Johansson", "Karlsson",
	"Kling", "Krantz", "Lind", "Lindgren", "Ljung", "Lund", "Malm", "Moberg", "Nilsson", "Norling", "Nyberg", "Omar", "Palm", "Petersson",
	"Quist", "Rask", "Rosén", "Sand", "Sjöberg", "Ståhl", "Ström", "Sundin", "Svensson", "Thor", "Torstensson", "Wall", "Wik", "Yilmaz",
	"Åberg", "Åkesson", "Öberg", "Öster",
}

// madeUpName is the n-th made-up person's name; the same n gives the same name.
func madeUpName(n int) string {
	return firstNames[n*31%len(firstNames)] + " " + lastNames[(n*17+n/len(firstNames))%len(lastNames)]
}

// pace is how much comes to a centre and how it is met there.
type pace struct {
	share   int // of a hundred who are recommended
	coaches int // where there are enough people for so many
	ahead   int // days until the first time that people choose
	anew    int // how many have come since the centre got a coach again; 0 = it has had one all the time
}

var paces = map[string]pace{
	"0604": {share: 3, coaches: 1, ahead: 4}, "0686": {share: 6, coaches: 2, ahead: 5}, "0682": {share: 9, coaches: 3, ahead: 6},
	"0684": {share: 16, coaches: 6, ahead: 5}, "0687": {share: 6, coaches: 2, ahead: 7}, "0685": {share: 8, coaches: 3, ahead: 6},
	"0643": {share: 5, coaches: 2, ahead: 5}, "0680": {share: 20, coaches: 7, ahead: 9}, "0642": {coaches: 1, ahead: 9, anew: 5},
	"0662": {share: 9, coaches: 3, ahead: 7}, "0617": {coaches: 1, ahead: 9, anew: 6}, "0665": {share: 5, coaches: 2, ahead: 4},
	"0683": {share: 13, coaches: 4, ahead: 8},
}

// kommunOf spreads the made-up people over the kommuner, a good share to Sävsjö,
// where the story is told.
func kommunOf(n int) halsocoach.Kommun {
	at := n * 37 % 100
	for _, k := range halsocoach.Kommuner {
		if at -= paces[k.Code].share; at < 0 {
			return k
		}
	}
	panic("the shares are not a hundred")
}

// Personas are those that one can be, in the order of the sign-in page.
func Personas() []auth.Persona {
	return []auth.Persona{
		{Name: "elsa", DisplayName: "Elsa Berg", Title: "Invånare i Sävsjö. Ingen känner henne än: hennes resa börjar med en rekommendation.", Number: elsasNumber},
		{Name: "anna", DisplayName: "Anna Lind", Title: "Invånare i Sävsjö. Har Maria som hälsocoach och en pågående chatt."},
		{Name: "omar", DisplayName: "Omar Said", Title: "Invånare i Jönköping. Ny här."},
		{Name: "maria", DisplayName: "Maria Holm", Title: "Hälsocoach på Hälsocenter Sävsjö.", Staff: "maria"},
		{Name: "johan", DisplayName: "Johan Ek", Title: "Hälsocoach på Hälsocenter Jönköping.", Staff: "johan"},
		{Name: "vardcentral", DisplayName: "Karin Ström", Title: "Sjuksköterska på Sävsjö vårdcentral. Rekommenderar invånare.", Staff: "vardcentral"},
		{Name: "forening", DisplayName: "Lars Dahl", Title: "Ledare i Sävsjö friluftsförening. Rekommenderar invånare.", Staff: "forening"},
		{Name: "kommun", DisplayName: "Eva Lund", Title: "Administratör i Sävsjö kommun.", Staff: "kommun"},
		{Name: "region", DisplayName: "Per Sjö", Title: "Administratör på Folkhälsa och sjukvård, Region Jönköpings län.", Staff: "region"},
		{Name: "familjecentral", DisplayName: "Ida Norr", Title: "Samordnare för länets familjecentraler.", Staff: "familjecentral"},
		{Name: "drift", DisplayName: "Drift", Title: "Den som sköter driften.", Staff: "drift"},
	}
}

// Staff are the colleagues: the personas, and in each kommun a coach, and a
// nurse and the leader of an association who recommend people.
func Staff() []staff.Member {
	all := []staff.Member{
		coachAt("0684", 0), coachAt("0680", 0),
		{ID: "vardcentral", Name: "Karin Ström", Role: halsocoach.RoleCareCentre, Kommun: "0684", Unit: "vardcentral-0684"},
		{ID: "forening", Name: "Lars Dahl", Role: halsocoach.RoleAssociation, Kommun: "0684", Unit: "forening-0684"},
		{ID: "kommun", Name: "Eva Lund", Role: halsocoach.RoleKommun, Kommun: "0684"},
		{ID: "region", Name: "Per Sjö", Role: halsocoach.RoleRegion},
		{ID: "familjecentral", Name: "Ida Norr", Role: halsocoach.RoleFamily},
		{ID: "drift", Name: "Drift", Role: halsocoach.RoleOperator},
	}
	all = append(all, coachAt("0684", 1))
	for i, k := range halsocoach.Kommuner {
		if k.Code != "0684" && k.Code != "0680" {
			all = append(all, coachAt(k.Code, 0))
		}
		if k.Code != "0684" {
			all = append(all, staff.Member{ID: nurseOf(k.Code), Name: madeUpName(2000 + i), Role: halsocoach.RoleCareCentre, Kommun: k.Code, Unit: "vardcentral-" + k.Code},
				staff.Member{ID: leaderOf(k.Code), Name: madeUpName(3000 + i), Role: halsocoach.RoleAssociation, Kommun: k.Code, Unit: "forening-" + k.Code})
		}
	}
	return all
}

// coachAt is the n-th coach of a kommun's centre, from 0.
func coachAt(code string, n int) staff.Member {
	m := staff.Member{ID: coachOf(code), Role: halsocoach.RoleCoach, Kommun: code, Centre: code}
	switch i := slices.IndexFunc(halsocoach.Kommuner, func(k halsocoach.Kommun) bool { return k.Code == code }); {
	case n > 0:
		m.ID, m.Name = fmt.Sprintf("coach-%s-%d", code, n+1), madeUpName(1100+20*i+n)
	case code == "0684":
		m.Name = "Maria Holm"
	case code == "0680":
		m.Name = "Johan Ek"
	default:
		m.Name = madeUpName(1000 + i)
	}
	return m
}

// coaches is how many take people in at a kommun's centre. Sävsjö has one more
// where the others have but one; that one works there one day a week.
func (s Size) coaches(code string) int { return min(s.Staff, paces[code].coaches) }

// colleagues are all who work in a demo of the size.
func (s Size) colleagues() []staff.Member {
	all := Staff()
	for _, k := range halsocoach.Kommuner {
		for n := 1; n < s.coaches(k.Code); n++ {
			if m := coachAt(k.Code, n); !slices.ContainsFunc(all, func(o staff.Member) bool { return o.ID == m.ID }) {
				all = append(all, m)
			}
		}
	}
	return all
}

// personaAt are those of the kommuner's staff who are personas.
var personaAt = map[string]string{"coach-0684": "maria", "coach-0680": "johan", "nurse-0684": "vardcentral", "leader-0684": "forening"}

// staffOf is a staff id in a kommun: of its first coach, of a nurse, or of the
// leader of an association.
func staffOf(work, kommun string) string {
	id := work + "-" + kommun
	return cmp.Or(personaAt[id], id)
}

func coachOf(kommun string) string  { return staffOf("coach", kommun) }
func nurseOf(kommun string) string  { return staffOf("nurse", kommun) }
func leaderOf(kommun string) string { return staffOf("leader", kommun) }

// ActorOf acts as one of the staff while the demo's past is written.
func ActorOf(id string) halsocoach.Actor {
	for _, m := range Sizes["region"].colleagues() {
		if m.ID == id {
			return asActor(m)
		}
	}
	panic("no staff " + id)
}

func asActor(m staff.Member) halsocoach.Actor {
	return halsocoach.Actor{ID: m.ID, Role: m.Role, Name: m.Name, Kommun: m.Kommun, Centre: m.Centre, Unit: m.Unit}
}

// Coach acts as a kommun's coach.
func Coach(kommun string) halsocoach.Actor { return ActorOf(coachOf(kommun)) }

// madeUpPhone is a number of the series that is kept free for fiction:
// 070-174 06 05 to 99 (Post- och telestyrelsen).
func madeUpPhone(n int) string { return fmt.Sprintf("070-174 06 %02d", 5+n%95) }

// madeUpGoals are what people set out to do.
var madeUpGoals = []citizen.NewGoal{
	{Habit: "fysisk aktivitet", Words: "Jag vill orka gå till affären och hem utan att stanna.", Why: "Jag vill kunna följa med barnbarnen.", Steps: []string{"Gå 15 minuter efter lunch, tre dagar i veckan", "Ta trapporna en gång om dagen"}},
	{Habit: "sömn", Words: "Jag vill somna före midnatt.", Why: "Jag blir en gladare människa när jag sovit.", Steps: []string{"Lägg undan telefonen klockan 22", "Gå upp samma tid varje dag"}},
	{Habit: "mat", Words: "Jag vill äta lunch varje dag.", Why: "På eftermiddagen tar orken slut.", Steps: []string{"Laga dubbel middag på söndag och onsdag"}},
	{Habit: "stresshantering", Words: "Jag vill ha en kväll i veckan utan måsten.", Why: "Jag märker att axlarna aldrig kommer ner.", Steps: []string{"Säg nej till en sak den här veckan", "Andningsövning på bussen"}},
	{Habit: "återhämtning", Words: "Jag vill ta pauser på jobbet.", Steps: []string{"Fem minuter ute klockan 10", "Fem minuter ute klockan 15"}},
	{Habit: "kultur och fritid", Words: "Jag vill träffa folk igen.", Why: "Det har blivit tyst hemma.", Steps: []string{"Prova kören en torsdag"}},
}

// madeUpTalk is what citizens write and what their coach answers.
var madeUpTalk = [][2]string{
	{"Hej! Jag gick min runda idag fast det regnade 🌧️", "Så starkt! Hur kändes det efteråt?"},
	{"Kan jag byta steg? Det gamla blev för svårt.", "Absolut, steget ska passa dig. Vad skulle kännas lagom den här veckan?"},
	{"Sov bättre två nätter i rad nu.", "Vad roligt att höra! Vad tror du gjorde skillnad?"},
	{"Är promenadgruppen kvar på tisdag?", "Ja, vi ses vid entrén klockan tio. Ta med skor som tål lera."},
	{"Det gick inte alls den här veckan.", "Tack för att du berättar. En vecka är bara en vecka. Vill du att vi ringer och pratar?"},
	{"Tack för samtalet, det gav mig mycket att tänka på.", "Tack själv. Skriv när du vill, jag svarar inom ett dygn på vardagar."},
}
