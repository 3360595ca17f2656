// Package web is the door to browsers and machines: the Fiber app, the layout,
// forms, errors, languages, the origin check, CSP, asset names and the JSON
// door. It knows no domain package and no store; cmd hands it functions.
//
// # A page
//
//	func (s *Service) Routes(r fiber.Router) {
//		r.Get("/gruppaktiviteter/:id/boka", s.askBooking)
//		r.Post("/gruppaktiviteter/:id/boka", s.book)
//	}
//
//	func (s *Service) askBooking(c *fiber.Ctx) error {
//		o, err := s.Occasion(web.Ctx(c), web.Who(c), c.Params("id"))
//		if err != nil {
//			return err // becomes the right page or problem
//		}
//		return web.Show(c, web.Page{Title: "Boka plats", Active: "/gruppaktiviteter"}, bookPage(o, web.NewForm(c)))
//	}
//
//	func (s *Service) book(c *fiber.Ctx) error {
//		f := web.ReadForm(c)
//		b, err := s.Book(web.Ctx(c), web.Who(c), web.Req(c), c.Params("id"), f.Has("reserve", "ja"))
//		again := func() error { return web.Show(c, web.Page{Title: "Boka plats", Status: f.Status()}, bookPage(o, f)) }
//		return f.Answer(c, err, again, "/mina-bokningar", "Platsen är din.")
//	}
//
// Return errors; never write an error page yourself, except where a fault is a
// page of its own with a next step (full, closed): Show it with Page.Status 409.
// ErrSignIn from a POST keeps the answers, and NewForm gives them back after
// sign-in. A form may hold 64 kB. A public list that many read is kept as bytes:
// see Cached.
//
// # Components
//
// Texts given to components are already in the reader's language
// (web.T(ctx, "…")), except Page.Title, Link.Text and the notice of Redirect,
// which are Swedish literals and translated here.
//
// The page:
//
//	@web.BackLink("/gruppaktiviteter", web.T(ctx, "Alla aktiviteter"))     first on the page
//	@web.Breadcrumbs([]web.Link{{Path: "/", Text: "Start"}})
//	@web.PageHeader(title, lead) { buttons beside }                         the h1; lead may be ""
//	@web.Next(title, text) { @web.LinkButton(href, text) }                  the page's one next step
//	@web.Section(title) { … }                                               a part with its h2
//	@web.Tabs([]web.Link{…}, active)                                        sister pages
//	@web.Notice("info|done|warn|wrong", text) { a link }
//	@web.Empty(title, text) { a button }                                    a list with nothing in it
//	@web.Pager(next)                                                        next = whole address, "" at the end
//	@web.Icon("clock")                                                      names: see /stil
//
// Lists and facts:
//
//	@web.List() { @web.Item(href, title) { @web.Meta() { @web.MetaFact("clock", "10.30–11.30") } @web.Tag("good", "Öppen") } }
//	@web.ItemPlain(title) { … }                                             a row that leads nowhere
//	@web.Tag("|good|warm|wrong|strong", text)   @web.TagIcon(kind, icon, text)
//	@web.Facts() { @web.Fact(term) { value } }                              a dl
//	@web.PhoneLink(number)   @web.MetaPhone(number)                         a phone number: never write one yourself
//	@web.Table(caption) { <thead>…</thead><tbody><tr><th scope="row">…</th><td data-label="Mars" class="num">…</td></tr></tbody> }
//	@web.Figure("12", "rekommendationer")                                   a number in large type; put several in <div class="figures">
//	@web.Trend(label, []web.Bar{…})                                         small bars within a Figure, the present last
//	@web.Meter(web.T(ctx, "3 av 10 platser kvar", …), 7, 10)
//	@web.BarChart(title, unit, []web.Bar{{Label, Value, Hidden}})           with its table
//	@web.Steps([]web.Step{{Title, Text, Done, Now}})
//
// Forms, in this order on the page: ErrorSummary, PageHeader, FormTo.
//
//	@web.ErrorSummary(f)
//	@web.FormTo(f, "/rekommendera") { fields, then @web.Button(text) }      posts, with the hidden key
//	@web.TextField(f, web.Field{Name, Label, Hint, Type, Autocomplete, InputMode, Width: "short|half", Optional: true})
//	@web.TextArea(f, field)  @web.DateField(f, field)  @web.TimeField(f, field)
//	@web.Radios(f, field, []web.Choice{{Value, Label, Hint}})  @web.Checkboxes(…)  @web.Select(…)
//	@web.Checkbox(f, field)                                                 one box, value "ja": consent
//	@web.SlotPicker(f, field, []web.SlotDay{{Title, Slots: []web.Choice{…}}})   free times as large buttons
//	@web.More(href, web.T(ctx, "Visa fler dagar"))                          the same page with more on it
//	@web.Hidden(name, value)
//	@web.Button(text)  @web.ButtonKind("quiet|warn", text, name, value)  @web.LinkButton(href, text)  @web.LinkButtonQuiet(href, text)
//	@web.Buttons() { several in a row }
//	@web.Act(f, action, "|quiet|warn", text) { @web.Hidden(…) }             a form of one button
//	@web.Filter(action) { selects and @web.ButtonKind("quiet", …) }         a GET form in a row, for lists
//
// The desk and the chat:
//
//	@web.Week() { @web.Section(day) {…} }                                   days beside each other, with Page.Wide
//	@web.Desk() { @web.DeskList(label) {…} @web.DeskMain(label) {…} @web.DeskSide(label) {…} }   with Page.Wide
//	@web.Chat(templ.Attributes{"data-conversation": id}) { @web.ChatLog(label) { @web.ChatDay(text) @web.Bubble(web.Say{…}) } @web.ChatComposer(f, action, label) }
//
// # Classes
//
// The only ones that pages write themselves; everything else is within the
// components.
//
//	stack     children one under the other, 16 px apart; stack-s 8 px, stack-l 32 px
//	cluster   children in a row that wraps, 16 px apart
//	grid      equal columns, as many as fit
//	figures   a row of Figure
//	pair      short fields two and two on a wide screen, in a form of class wide
//	two       choices in two columns
//	prose     running text: comfortable line length, space between paragraphs
//	lead      a larger first sentence      muted  a quieter text
//	num       numbers, right and equal-width     nowrap  kept on one line
//	hidden    only for screen readers       no-print  not on paper
//
// Plain h2, h3, p, ul, ol, dl, table and a within main look right without
// classes.
package web
