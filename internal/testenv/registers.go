package testenv

import (
	"context"

	"halsocoach"
)

// Registers hold one centre a kommun and the units of the personas.
type Registers struct {
	centres map[string]halsocoach.Centre
	units   map[string]halsocoach.Unit
}

func registers() Registers {
	r := Registers{centres: map[string]halsocoach.Centre{}, units: map[string]halsocoach.Unit{
		"savsjo-vardcentral": {ID: "savsjo-vardcentral", Kind: "vårdcentral", Kommun: "0684", Name: "Sävsjö vårdcentral", Centre: "0684"},
		"savsjo-friluft":     {ID: "savsjo-friluft", Kind: "förening", Kommun: "0684", Name: "Sävsjö friluftsförening", Centre: "0684"},
	}}
	for _, k := range halsocoach.Kommuner {
		r.centres[k.Code] = halsocoach.Centre{Code: k.Code, Kommun: k.Code, Name: "Hälsocenter " + k.Name, Address: "Torget 1, " + k.Name}
	}
	return r
}

// Centre satisfies halsocoach.Registers.
func (r Registers) Centre(_ context.Context, code string) (halsocoach.Centre, error) {
	c, ok := r.centres[code]
	if !ok {
		return c, halsocoach.ErrNotFound
	}
	return c, nil
}

// Centres satisfies halsocoach.Registers.
func (r Registers) Centres(_ context.Context, kommun string) ([]halsocoach.Centre, error) {
	var out []halsocoach.Centre
	for _, k := range halsocoach.Kommuner {
		if kommun == "" || kommun == k.Code {
			out = append(out, r.centres[k.Code])
		}
	}
	return out, nil
}

// Unit satisfies halsocoach.Registers.
func (r Registers) Unit(_ context.Context, id string) (halsocoach.Unit, error) {
	u, ok := r.units[id]
	if !ok {
		return u, halsocoach.ErrNotFound
	}
	return u, nil
}

// Staff are the personas who work.
type Staff struct{ people People }

func (s Staff) all() []halsocoach.Actor {
	p := s.people
	return []halsocoach.Actor{p.Maria, p.Johan, p.Vardcentral, p.Forening, p.Kommun, p.Region, p.Family, p.Drift}
}

// Member satisfies halsocoach.Staff.
func (s Staff) Member(_ context.Context, id string) (halsocoach.StaffMember, error) {
	for _, a := range s.all() {
		if a.ID == id {
			return halsocoach.StaffMember{ID: a.ID, Name: a.Name, Role: a.Role, Kommun: a.Kommun, Centre: a.Centre}, nil
		}
	}
	return halsocoach.StaffMember{}, halsocoach.ErrNotFound
}

// Coaches satisfies halsocoach.Staff.
func (s Staff) Coaches(ctx context.Context, centre string) ([]halsocoach.StaffMember, error) {
	var out []halsocoach.StaffMember
	for _, a := range s.all() {
		if a.Role == halsocoach.RoleCoach && a.Centre == centre {
			m, _ := s.Member(ctx, a.ID)
			out = append(out, m)
		}
	}
	return out, nil
}
