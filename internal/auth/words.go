package auth

import (
	"context"
	"net/url"
	"strings"
	"time"

	"halsocoach/internal/web"
)

// deviceText says a device as people do: "Chrome på Android".
func deviceText(ctx context.Context, device string) string {
	browser, system, _ := strings.Cut(device, "/")
	switch {
	case browser != "" && system != "":
		return web.T(ctx, "%s på %s", browser, system)
	case browser+system != "":
		return browser + system
	}
	return web.T(ctx, "Okänd webbläsare")
}

// boundText says by what somebody signs in.
func boundText(ctx context.Context, b Bound) string {
	if b.Text != "" {
		return web.T(ctx, "HSA-id %s", b.Text)
	}
	return web.T(ctx, "Personlig inloggning")
}

// provenText says to somebody with an invitation what has been proved.
func provenText(ctx context.Context, v offerView) string {
	if hsa, ok := strings.CutPrefix(v.Proof.Identity, "hsa:"); ok {
		return web.T(ctx, "Du har visat vem du är med HSA-id %s. Den inloggningen knyts till kontot.", hsa)
	}
	return web.T(ctx, "Du har visat vem du är. Den inloggningen knyts till kontot.")
}

// lasting says a time in whole minutes or hours.
func lasting(ctx context.Context, d time.Duration) string {
	if d >= 2*time.Hour && d%time.Hour == 0 {
		return web.T(ctx, "%d timmar", int(d/time.Hour))
	}
	return web.T(ctx, "%d minuter", int(d/time.Minute))
}

// doorPath is where a sign-in by a provider begins.
func doorPath(d Door, whom, next string) string {
	q := url.Values{}
	if whom != "" {
		q.Set("som", whom)
	}
	if next != "" {
		q.Set("next", next)
	}
	path := "/logga-in/med/" + url.PathEscape(d.ID)
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return path
}
