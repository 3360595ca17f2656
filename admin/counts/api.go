package counts

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"halsocoach"
	"halsocoach/internal/web"
)

type countsIn struct {
	From string `query:"from" doc:"first month, 2026-01, or its first day; else January of this year" maxLength:"10"`
	To   string `query:"to" doc:"last month, 2026-12, or its last day; else this month" maxLength:"10"`
	By   string `query:"by" doc:"kommun,kind (by month), kommun,source (by quarter), topic (by quarter, the county) or sex,age (by half-year, the county); with year among them the whole years" default:"kommun,kind" maxLength:"60"`
}

type countsOut struct {
	Body struct {
		Cells     []Row `json:"cells" nullable:"false"`
		Totals    []Row `json:"totals" nullable:"false" doc:"the sums that are published with the cells"`
		HideBelow int   `json:"hideBelow" doc:"numbers from 1 to below this are hidden, and what would give them away"`
	}
}

// API is GET /counts, the JSON twin of /statistik.
func (s *Service) API(api huma.API) {
	web.Handle(api, huma.Operation{
		OperationID: "counts", Method: http.MethodGet, Path: "/counts", Tags: []string{"counts"},
		Summary: "The published tables, with small numbers hidden",
	}, func(ctx context.Context, who halsocoach.Actor, in *countsIn) (*countsOut, error) {
		q, err := s.query(in)
		if err != nil {
			return nil, err
		}
		a, err := s.Counts(ctx, who, q)
		if err != nil {
			return nil, err
		}
		out := &countsOut{}
		out.Body.Cells, out.Body.Totals, out.Body.HideBelow = a.Cells, a.Totals, a.HideBelow
		return out, nil
	})
}

func (s *Service) query(in *countsIn) (Query, error) {
	t, yearly, ok := tableOf(in.By)
	if !ok {
		return Query{}, ErrTable
	}
	q := Query{Table: t, From: monthAt(s.running().year(), 0), To: s.running(), Yearly: yearly}
	if in.From != "" {
		q.From = monthOf(in.From, Month.first)
	}
	if in.To != "" {
		q.To = monthOf(in.To, Month.last)
	}
	return q, nil
}

// monthOf reads a month, or the date that is its edge: the first or last day.
// Other dates are no border of a published period and give a month that is not
// valid.
func monthOf(text string, edge func(Month) halsocoach.Day) Month {
	m := Month(text)
	if d := halsocoach.Day(text); strings.Count(text, "-") == 2 && d.Valid() && edge(Month(d.Month())) == d {
		m = Month(d.Month())
	}
	return m
}
