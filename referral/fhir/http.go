package fhir

import (
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	r4 "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"halsocoach"
	"halsocoach/internal/web"
)

// mediaPatch is that of a PATCH.
const mediaPatch = "application/json-patch+json"

// Routes are the door. They come after the other routes under /fhir.
func (s *Service) Routes(r fiber.Router) {
	r.Get("/fhir/metadata", s.metadata)
	r.Post("/fhir", s.transact)
	r.Post("/fhir/ServiceRequest", s.create)
	r.Get("/fhir/ServiceRequest/:id", s.readRequest)
	r.Get("/fhir/Task", s.searchTasks)
	r.Get("/fhir/Task/:id", s.readTask)
	r.Put("/fhir/Task/:id", s.update)
	r.Patch("/fhir/Task/:id", s.patch)
	for _, method := range []string{fiber.MethodGet, fiber.MethodPost, fiber.MethodPut, fiber.MethodPatch, fiber.MethodDelete} {
		r.Add(method, "/fhir/*", nothing)
	}
}

// nothing answers what the door does not have.
func nothing(c *fiber.Ctx) error {
	kind, _, _ := strings.Cut(c.Params("*"), "/")
	if slices.Contains([]string{"", "metadata", "ServiceRequest", "Task"}, kind) {
		return fiber.ErrMethodNotAllowed
	}
	return fiber.ErrNotFound
}

// media is in which of our media types the asker wants the answer.
func media(c *fiber.Ctx) (string, error) {
	if f := c.Query("_format"); f != "" {
		if !slices.Contains([]string{"json", mediaJSON, mediaFHIR, "application/fhir json"}, f) {
			return "", fiber.ErrNotAcceptable
		}
		return mediaFHIR, nil
	}
	accept := c.Get(fiber.HeaderAccept)
	if accept == "" {
		return mediaFHIR, nil
	}
	plain := false
	for one := range strings.SplitSeq(accept, ",") {
		kind, params, err := mime.ParseMediaType(one)
		if err != nil || params["q"] == "0" {
			continue
		}
		switch kind {
		case mediaFHIR, "application/*", "*/*":
			return mediaFHIR, nil
		case mediaJSON:
			plain = true
		}
	}
	if plain {
		return mediaJSON, nil
	}
	return "", fiber.ErrNotAcceptable
}

// enter is what every request passes: somebody who may come in, who takes what we
// write and, when something is sent, writes what we take. The body is read as it
// came: what is packed is not unpacked.
func enter(c *fiber.Ctx, takes ...string) (who halsocoach.Actor, answer string, err error) {
	who = web.Who(c)
	if err := halsocoach.Allow(who, halsocoach.RoleCareCentre); err != nil {
		return who, "", err
	}
	if answer, err = media(c); err != nil || len(takes) == 0 {
		return who, answer, err
	}
	kind, params, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	charset := strings.ToLower(params["charset"])
	if err != nil || !slices.Contains(takes, kind) || charset != "" && charset != "utf-8" || c.Get(fiber.HeaderContentEncoding) != "" {
		return who, "", fiber.ErrUnsupportedMediaType
	}
	return who, answer, nil
}

// send writes a resource; own gives the version, "" the tag for what has none.
func send(c *fiber.Ctx, answer string, status int, tag string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if tag != "" {
		c.Set(fiber.HeaderETag, tag)
	}
	c.Status(status).Set(fiber.HeaderContentType, answer)
	c.Response().SetBodyRaw(append(body, '\n')) // who reads it in a shell is glad of the line's end
	return nil
}

func (s *Service) metadata(c *fiber.Ctx) error {
	answer, err := media(c)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "public, max-age=3600")
	c.Set(fiber.HeaderContentType, answer)
	return c.Send(s.capability)
}

func (s *Service) create(c *fiber.Ctx) error {
	who, answer, err := enter(c, mediaFHIR, mediaJSON)
	if err != nil {
		return err
	}
	own, made, err := s.Send(web.Ctx(c), who, c.Request().Body(), c.Get("If-None-Exist"))
	if err != nil {
		return err
	}
	out := writeRequest([]track{own})
	c.Set(fiber.HeaderLocation, s.base+"/ServiceRequest/"+*out.Id)
	return send(c, answer, statusOf(made), etag(own), out)
}

func statusOf(made bool) int {
	if made {
		return http.StatusCreated
	}
	return http.StatusOK
}

// transact answers a Bundle part by part, in its order.
func (s *Service) transact(c *fiber.Ctx) error {
	who, answer, err := enter(c, mediaFHIR, mediaJSON)
	if err != nil {
		return err
	}
	own, kinds, made, err := s.Transact(web.Ctx(c), who, c.Request().Body())
	if err != nil {
		return err
	}
	status, tag := "200 OK", etag(own)
	if made {
		status = "201 Created"
	}
	request, work := writeRequest([]track{own}), writeTask(own)
	out := r4.Bundle{Type: r4.BundleTypeTransactionResponse}
	for _, kind := range kinds {
		e := r4.BundleEntry{Response: &r4.BundleEntryResponse{Status: status}}
		switch kind {
		case "ServiceRequest":
			s.placed(&e, "ServiceRequest/"+*request.Id, tag, own, request)
		case "Task":
			s.placed(&e, "Task/"+*work.Id, tag, own, work)
		}
		out.Entry = append(out.Entry, e)
	}
	if !slices.Contains(kinds, "Task") { // it is there all the same
		e := r4.BundleEntry{Response: &r4.BundleEntryResponse{Status: status}}
		s.placed(&e, "Task/"+*work.Id, tag, own, work)
		out.Entry = append(out.Entry, e)
	}
	return send(c, answer, http.StatusOK, "", out)
}

func (s *Service) placed(e *r4.BundleEntry, where, tag string, own track, resource any) {
	e.FullUrl, e.Resource = text(s.base+"/"+where), marshal(resource)
	e.Response.Location, e.Response.Etag, e.Response.LastModified = text(s.base+"/"+where), text(tag), instant(own.updated)
}

func (s *Service) readRequest(c *fiber.Ctx) error {
	who, answer, err := enter(c)
	if err != nil {
		return err
	}
	tracks, err := s.Request(web.Ctx(c), who, c.Params("id"))
	if err != nil {
		return err
	}
	return send(c, answer, http.StatusOK, etag(tracks[len(tracks)-1]), writeRequest(tracks))
}

func (s *Service) readTask(c *fiber.Ctx) error {
	who, answer, err := enter(c)
	if err != nil {
		return err
	}
	own, err := s.Task(web.Ctx(c), who, c.Params("id"))
	if err != nil {
		return err
	}
	return send(c, answer, http.StatusOK, etag(own), writeTask(own))
}

func (s *Service) searchTasks(c *fiber.Ctx) error {
	who, answer, err := enter(c)
	if err != nil {
		return err
	}
	q, err := readSearch(string(c.Request().URI().QueryString()), s.base)
	if err != nil {
		return err
	}
	asked := s.cfg.Clock()
	items, next, err := s.Tasks(web.Ctx(c), who, q)
	if err != nil {
		return err
	}
	match := r4.SearchEntryModeMatch
	out := r4.Bundle{Type: r4.BundleTypeSearchset, Meta: &r4.Meta{LastUpdated: instant(asked.Add(-overlap))},
		Link: []r4.BundleLink{{Relation: "self", Url: q.address(s.base, q.cursor)}}}
	for _, own := range items {
		t := writeTask(own)
		out.Entry = append(out.Entry, r4.BundleEntry{FullUrl: text(s.base + "/Task/" + *t.Id), Resource: marshal(t), Search: &r4.BundleEntrySearch{Mode: &match}})
	}
	if next != "" {
		out.Link = append(out.Link, r4.BundleLink{Relation: "next", Url: q.address(s.base, next)})
	}
	return send(c, answer, http.StatusOK, "", out)
}

// update takes a whole Task, of which the status is what can change.
func (s *Service) update(c *fiber.Ctx) error {
	who, answer, err := enter(c, mediaFHIR, mediaJSON)
	if err != nil {
		return err
	}
	status, err := readUpdate(c.Request().Body(), c.Params("id"))
	if err != nil {
		return err
	}
	return s.revise(c, who, answer, status)
}

// patch takes a JSON Patch that sets the status.
func (s *Service) patch(c *fiber.Ctx) error {
	who, answer, err := enter(c, mediaPatch)
	if err != nil {
		return err
	}
	status, err := readPatch(c.Request().Body())
	if err != nil {
		return err
	}
	return s.revise(c, who, answer, status)
}

func (s *Service) revise(c *fiber.Ctx, who halsocoach.Actor, answer, status string) error {
	tag := c.Get(fiber.HeaderIfMatch)
	if tag == "" {
		return fault(http.StatusPreconditionRequired, r4.IssueTypeRequired, "http.If-Match", "Skicka If-Match med den ETag som du läste, så att ingen ändring går förlorad.")
	}
	at, ok := readETag(tag)
	if !ok {
		at = time.Time{} // a version that there never was
	}
	own, err := s.Revise(web.Ctx(c), who, c.Params("id"), at, status)
	if err != nil {
		return err
	}
	return send(c, answer, http.StatusOK, etag(own), writeTask(own))
}
