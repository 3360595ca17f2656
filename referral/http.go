package referral

import (
	"context"
	"net/url"

	"github.com/gofiber/fiber/v2"

	"halsocoach/internal/web"
)

// Routes puts the pages on the router. Those of the rooms are theirs.
func (s *Service) Routes(r fiber.Router) { s.senderRoutes(r) }

// pageAfter is the address of the page that continues a list, "" at its end.
func pageAfter(path string, query url.Values, next string) string {
	if next == "" {
		return ""
	}
	if query == nil {
		query = url.Values{}
	}
	query.Set("efter", next)
	return path + "?" + query.Encode()
}

// CentreChoices are the centres that take people in, except one, for the rooms of
// this package.
func (s *Service) CentreChoices(ctx context.Context, except string) ([]web.Choice, error) {
	return s.centreChoices(ctx, except)
}

// centreChoices are the centres that take people in, except one.
func (s *Service) centreChoices(ctx context.Context, except string) ([]web.Choice, error) {
	centres, err := s.Registers.Centres(ctx, "")
	if err != nil {
		return nil, err
	}
	choices := []web.Choice{{Value: "", Label: web.T(ctx, "Välj Hälsocenter")}}
	for _, centre := range centres {
		if !centre.Closed && centre.Code != except {
			choices = append(choices, web.Choice{Value: centre.Code, Label: centre.Name})
		}
	}
	return choices, nil
}
