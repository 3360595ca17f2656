package registers

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"halsocoach"
	"halsocoach/internal/web"
)

type kommunerOut struct {
	Body struct {
		Items []kommunItem `json:"items" nullable:"false"`
	}
}

type kommunItem struct {
	Code          string    `json:"code" example:"0684"`
	Name          string    `json:"name" example:"Sävsjö"`
	Group         string    `json:"group" enum:"Höglandet,Norra,GGVV"`
	WaitDays      *waitDays `json:"waitDays" doc:"Days from the recommendation's receipt to the first talk held, null when too few to tell"`
	Waiting       *int      `json:"waiting" nullable:"true" doc:"How many wait now, null when too few to tell"`
	WaitingMedian *int      `json:"waitingMedian" nullable:"true" doc:"Half of those who wait now have waited at most so many days so far"`
}

type waitDays struct {
	_      struct{} `nullable:"true"`
	Median int      `json:"median"`
	P80    int      `json:"p80" doc:"Four of five waited at most so long"`
	N      int      `json:"n"`
	Window int      `json:"window" enum:"90,180,365" doc:"The talks were held within so many days, today the last of them"`
}

// API is the public list of kommuner.
func (s *Service) API(api huma.API) {
	web.Handle(api, huma.Operation{
		Method: http.MethodGet, Path: "/kommuner", Summary: "The county's kommuner, with how long people wait", Tags: []string{"registers"},
	}, func(ctx context.Context, _ halsocoach.Actor, _ *struct{}) (*kommunerOut, error) {
		var waits map[string]halsocoach.Wait
		if s.cfg.Waits != nil {
			var err error
			if waits, err = s.cfg.Waits.KommunWaits(ctx); err != nil {
				return nil, err
			}
		}
		out := &kommunerOut{}
		out.Body.Items = make([]kommunItem, len(halsocoach.Kommuner))
		for i, k := range halsocoach.Kommuner {
			w := waits[k.Code]
			out.Body.Items[i] = kommunItem{Code: k.Code, Name: k.Name, Group: k.Group, Waiting: w.Waiting, WaitingMedian: w.WaitingMedian}
			if w.N > 0 {
				out.Body.Items[i].WaitDays = &waitDays{Median: w.Median, P80: w.P80, N: w.N, Window: w.Window}
			}
		}
		return out, nil
	})
}
