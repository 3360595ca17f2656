package web

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
)

// Form is what somebody has answered and what is to be mended. Its Key is the
// hidden Idempotency-Key: the same form sent twice is one request.
type Form struct {
	Key    string
	Values map[string][]string
	Errors []halsocoach.Field
}

// NewForm is the form of a GET: a fresh key, and the answers of a draft that
// was kept when the session ended in the middle of it.
func NewForm(c *fiber.Ctx) *Form {
	f := &Form{Key: halsocoach.NewID(), Values: map[string][]string{}}
	if st := stateOf(c); st != nil && st.app.cfg.Drafts != nil {
		if kept, ok := st.app.cfg.Drafts.Take(c, c.Path()); ok {
			for name, values := range kept {
				f.Values[name] = slices.Clone(values)
			}
			if key := f.Get("_key"); key != "" {
				f.Key = key
			}
		}
	}
	return f
}

// ReadForm is the form of a POST. Texts are trimmed and line breaks are \n.
func ReadForm(c *fiber.Ctx) *Form {
	f := &Form{Values: posted(c)}
	if f.Key = f.Get("_key"); f.Key == "" || len(f.Key) > keyLimit {
		f.Key = halsocoach.NewID()
	}
	return f
}

// posted is what the body holds, url-encoded or multipart, without files.
func posted(c *fiber.Ctx) map[string][]string {
	values := map[string][]string{}
	add := func(name, value string) {
		value = strings.ReplaceAll(value, "\r\n", "\n")
		values[name] = append(values[name], strings.TrimSpace(strings.ToValidUTF8(value, "")))
	}
	for name, value := range c.Request().PostArgs().All() {
		add(string(name), string(value))
	}
	if strings.HasPrefix(c.Get(fiber.HeaderContentType), fiber.MIMEMultipartForm) {
		if m, err := c.MultipartForm(); err == nil {
			for name, many := range m.Value {
				for _, value := range many {
					add(name, value)
				}
			}
		}
	}
	return values
}

// Get is the first answer to name, or "".
func (f *Form) Get(name string) string {
	if v := f.Values[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// All are the answers to name: ticked boxes.
func (f *Form) All(name string) []string { return f.Values[name] }

// Has says whether value is among the answers to name.
func (f *Form) Has(name, value string) bool { return slices.Contains(f.Values[name], value) }

// Set puts one answer in place of those to name.
func (f *Form) Set(name, value string) {
	if f.Values == nil {
		f.Values = map[string][]string{}
	}
	f.Values[name] = []string{value}
}

// Error is what is to be mended in name, or "".
func (f *Form) Error(name string) string {
	for _, e := range f.Errors {
		if e.Name == name {
			return e.Text
		}
	}
	return ""
}

// Failed is true when err is KindInvalid: the form has taken its fields, and
// the page is to be shown again with Status. Every other err is for the handler
// to return.
func (f *Form) Failed(err error) bool {
	var e *halsocoach.Error
	if !errors.As(err, &e) || e.Kind != halsocoach.KindInvalid {
		return false
	}
	f.Errors = e.Fields
	if len(f.Errors) == 0 { // a fault of the whole form
		f.Errors = []halsocoach.Field{{Text: e.Text}}
	}
	return true
}

// Status is the Page.Status of a form: 422 while something is to be mended.
func (f *Form) Status() int {
	if len(f.Errors) > 0 {
		return fiber.StatusUnprocessableEntity
	}
	return 0
}

// Answer ends a POST of the form: the page again when there is something to mend,
// else Done.
func (f *Form) Answer(c *fiber.Ctx, err error, again func() error, path, notice string) error {
	if f.Failed(err) {
		return again()
	}
	return Done(c, err, path, notice)
}

// PostOnly adds an address to which forms are sent: who opens it is led back. The
// :id in back is that of the address.
func PostOnly(r fiber.Router, path, back string, do fiber.Handler) {
	r.Get(path, func(c *fiber.Ctx) error {
		return Redirect(c, strings.ReplaceAll(back, ":id", url.PathEscape(c.Params("id"))), "")
	})
	r.Post(path, do)
}

// Done ends a POST: err if there is one, else Redirect.
func Done(c *fiber.Ctx, err error, path, notice string) error {
	if err != nil {
		return err
	}
	return Redirect(c, path, notice)
}
