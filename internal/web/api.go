package web

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"

	"halsocoach"
)

const apiRoot = "/api/v1"

// schemaNames gives each type a name of its own in the description: packages may
// call theirs the same, and then the later one gets a number.
func schemaNames() func(reflect.Type, string) string {
	taken := map[string]reflect.Type{}
	return func(t reflect.Type, hint string) string {
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		name := huma.DefaultSchemaNamer(t, hint)
		for n := 1; ; n++ {
			own := name
			if n > 1 {
				own += strconv.Itoa(n)
			}
			if had, is := taken[own]; !is || had == t {
				taken[own] = t
				return own
			}
		}
	}
}

func (a *App) newAPI() huma.API {
	schemas := huma.NewMapRegistry("#/components/schemas/", schemaNames())
	cfg := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI:    "3.1.0",
			Info:       &huma.Info{Title: a.cfg.Name, Version: "1", Description: "Every POST takes Idempotency-Key: a repeat gives the same id with 200 instead of 201. Faults are RFC 9457 problems."},
			Components: &huma.Components{Schemas: schemas, SecuritySchemes: map[string]*huma.SecurityScheme{"bearer": {Type: "http", Scheme: "bearer"}}},
		},
		OpenAPIPath:   apiRoot + "/openapi",
		Formats:       map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{a.ourWords},
	}
	return huma.NewGroup(humafiber.New(a.fiber, cfg), apiRoot)
}

// ourWords turns huma's own faults, which judge the shape of what was sent,
// into our problems.
func (a *App) ourWords(ctx huma.Context, _ string, body any) (any, error) {
	m, ok := body.(*huma.ErrorModel)
	if !ok {
		return body, nil
	}
	c := ctx.Context()
	p := &Problem{Type: "about:blank", Status: m.Status}
	for _, e := range m.Errors {
		p.Fields = append(p.Fields, halsocoach.Field{Name: fieldName(e), Text: shapeWords(c, e.Message)})
	}
	return problem(c, p), nil
}

// fieldName is the JSON member or parameter, without where it stood. A member
// that is missing is named in the message.
func fieldName(e *huma.ErrorDetail) string {
	place, name, ok := strings.Cut(e.Location, ".")
	if !ok {
		name = place
	}
	if rest, missing := strings.CutPrefix(e.Message, "expected required property "); missing {
		member, _, _ := strings.Cut(rest, " ")
		if !ok {
			return member
		}
		return name + "." + member
	}
	return name
}

// shapeWords says a fault of shape in our words. The message begins as huma
// writes it.
func shapeWords(ctx context.Context, message string) string {
	for _, w := range []struct{ begins, text string }{
		{"expected required property", T(ctx, "Uppgiften saknas.")},
		{"required", T(ctx, "Uppgiften saknas.")},
		{"unexpected property", T(ctx, "Uppgiften är okänd.")},
		{"expected value to be one of", T(ctx, "Värdet är inte ett av dem som går att välja.")},
		{"expected length <=", T(ctx, "Texten är för lång.")},
		{"expected length >=", T(ctx, "Texten är för kort.")},
		{"expected string to be RFC 3339", T(ctx, "Skriv datum som 2026-11-23 och tid som 2026-11-23T10:00:00+01:00.")},
		{"expected array length", T(ctx, "Antalet är för många eller för få.")},
		{"expected number", T(ctx, "Talet är för stort eller för litet, eller inte ett tal.")},
		{"request body is required", T(ctx, "Frågan har inget innehåll.")},
	} {
		if strings.HasPrefix(message, w.begins) {
			return w.text
		}
	}
	return T(ctx, "Uppgiften har fel form.")
}

// Keyed is embedded in the input of every POST.
type Keyed struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"200" doc:"Makes a repeat the same request"`
}

// Made is the status of a POST: 201 for what was made, 200 for a repeat of the request.
func Made(made bool) int {
	if made {
		return http.StatusCreated
	}
	return http.StatusOK
}

// Request is what is asked for, by its key.
func (k Keyed) Request() halsocoach.Request { return keyed(k.IdempotencyKey) }

// Handle is the one door of the JSON API: it finds who asks, calls do and turns
// its error into a problem. op.Path is written without /api/v1. A writing
// request of nobody is 401 before its body is judged; for one that visitors may
// send, set op.Security to an empty, non-nil list.
func Handle[I, O any](api huma.API, op huma.Operation, do func(ctx context.Context, who halsocoach.Actor, in *I) (*O, error)) {
	if op.OperationID == "" {
		op.OperationID = strings.ToLower(op.Method) + strings.NewReplacer("/", "-", "{", "", "}", "").Replace(op.Path)
	}
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	writes := op.Method != http.MethodGet && op.Method != http.MethodHead
	if writes && op.Security == nil {
		op.Security = []map[string][]string{{"bearer": {}}}
	}
	if op.Method == http.MethodPost && op.Errors == nil {
		op.Errors = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	}
	signedIn := len(op.Security) > 0
	op.Middlewares = append(op.Middlewares, func(ctx huma.Context, next func(huma.Context)) {
		st := stateIn(ctx.Context())
		if !st.who(humafiber.Unwrap(ctx)).SignedIn() && signedIn {
			st.app.answer(humafiber.Unwrap(ctx), st, halsocoach.ErrSignIn)
			return
		}
		next(ctx)
	})
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		st := stateIn(ctx)
		out, err := do(ctx, st.actor, in)
		if err == nil {
			return out, nil
		}
		if st.fault != nil && errors.Is(err, halsocoach.ErrSignIn) {
			err = st.fault
		}
		return nil, refusal(ctx, err)
	})
	documentRepeat(op)
	documentProblems(api.OpenAPI(), op)
}

// documentRepeat says that a POST that makes something answers 200 with the same
// when it is sent again with the same key.
func documentRepeat(op huma.Operation) {
	made := op.Responses["201"]
	if op.Method != http.MethodPost || made == nil || op.Responses["200"] != nil {
		return
	}
	again := *made
	again.Description = "The same key and the same request again: what was made then, as it is now"
	op.Responses["200"] = &again
}

// refusal is the problem, with the headers its status wants.
func refusal(ctx context.Context, err error) error {
	p := problem(ctx, err)
	headers := http.Header{}
	switch p.Status {
	case http.StatusUnauthorized:
		headers.Set("WWW-Authenticate", "Bearer")
	case http.StatusServiceUnavailable:
		headers.Set("Retry-After", "5")
	default:
		return p
	}
	return huma.ErrorWithHeaders(p, headers)
}

// documentProblems writes our Problem where huma has put its own error model.
func documentProblems(doc *huma.OpenAPI, op huma.Operation) {
	ours := doc.Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
	for _, r := range op.Responses {
		if media := r.Content[problemType]; media != nil {
			media.Schema = ours
		}
	}
	delete(doc.Components.Schemas.Map(), "ErrorModel")
	delete(doc.Components.Schemas.Map(), "ErrorDetail")
}
