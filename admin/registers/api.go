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
	Code     string    `json:"code" example:"0684"`
	Name     string    `json:"name" example:"Sävsjö"`
	Group    string    `json:"group" enum:"Höglandet,Norra,GGVV"`
	WaitDays *waitDays `json:"waitDays" doc:"Days from recommendation to first contact, null when too few to tell"`
}

type waitDays struct {
	_      struct{} `nullable:"true"`
	Median int      `json:"median"`
	P80    int      `json:"p80" doc:"Four of five waited at most so long"`
	N      int      `json:"n"`
}

// API is the public list of kommuner.
func (s *Service) API(api huma.API) {
	web.Handle(api, huma.Operation{
		Method: http.MethodGet, Path: "/kommuner", Summary: "The county's kommuner, with how long people have waited", Tags: []string{"registers"},
	}, func(ctx context.Context, _ halsocoach.Actor, _ *struct{}) (*kommunerOut, error) {
		out := &kommunerOut{}
		out.Body.Items = make([]kommunItem, len(halsocoach.Kommuner))
		for i, k := range halsocoach.Kommuner {
			out.Body.Items[i] = kommunItem{Code: k.Code, Name: k.Name, Group: k.Group}
			if s.cfg.Waits == nil {
				continue
			}
			median, p80, n, err := s.cfg.Waits.WaitDays(ctx, k.Code)
			if err != nil {
				return nil, err
			}
			if n > 0 {
				out.Body.Items[i].WaitDays = &waitDays{Median: median, P80: p80, N: n}
			}
		}
		return out, nil
	})
}
