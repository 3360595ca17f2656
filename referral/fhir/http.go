package fhir

import (
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strings"

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
	r.Post("/fhir", enter(s.transact, mediaFHIR, mediaJSON))
	r.Post("/fhir/ServiceRequest", enter(s.create, mediaFHIR, mediaJSON))
	r.Get("/fhir/ServiceRequest/:id", enter(s.readRequest))
	r.Get("/fhir/Task", enter(s.searchTasks))
	r.Get("/fhir/Task/:id", enter(s.readTask))
	r.Put("/fhir/Task/:id", enter(s.update, mediaFHIR, mediaJSON))
	r.Patch("/fhir/Task/:id", enter(s.patch, mediaPatch))
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
// came: what is packed is not unpacked. do gets the media type of the answer.
func enter(do func(c *fiber.Ctx, who halsocoach.Actor, answer string) error, takes ...string) fiber.Handler {
	return func(c *fiber.Ctx) error {
		who := web.Who(c)
		if err := halsocoach.Allow(who, halsocoach.RoleCareCentre); err != nil {
			return err
		}
		answer, err := media(c)
		if err != nil {
			return err
		}
		if len(takes) > 0 {
			kind, params, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
			charset := strings.ToLower(params["charset"])
			if err != nil || !slices.Contains(takes, kind) || charset != "" && charset != "utf-8" || c.Get(fiber.HeaderContentEncoding) != "" {
				return fiber.ErrUnsupportedMediaType
			}
		}
		return do(c, who, answer)
	}
}

// send writes a resource; tag is its version, "" for what has none.
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

func (s *Service) create(c *fiber.Ctx, who halsocoach.Actor, answer string) error {
	own, made, err := s.Send(web.Ctx(c), who, c.Request().Body(), c.Get("If-None-Exist"))
	if err != nil {
		return err
	}
	out := writeRequest([]track{own})
	c.Set(fiber.HeaderLocation, s.base+"/ServiceRequest/"+*out.Id)
	return send(c, answer, web.Made(made), etag(own), out)
}

// transact answers a Bundle part by part, in its order.
func (s *Service) transact(c *fiber.Ctx, who halsocoach.Actor, answer string) error {
	own, kinds, made, err := s.Transact(web.Ctx(c), who, c.Request().Body())
	if err != nil {
		return err
	}
	status := "200 OK"
	if made {
		status = "201 Created"
	}
	if !slices.Contains(kinds, "Task") { // it is there all the same
		kinds = append(kinds, "Task")
	}
	request, work := writeRequest([]track{own}), writeTask(own)
	out := r4.Bundle{Type: r4.BundleTypeTransactionResponse}
	for _, kind := range kinds {
		e := r4.BundleEntry{Response: &r4.BundleEntryResponse{Status: status}}
		where := ""
		switch kind {
		case "ServiceRequest":
			where, e.Resource = "ServiceRequest/"+*request.Id, marshal(request)
		case "Task":
			where, e.Resource = "Task/"+*work.Id, marshal(work)
		}
		if where != "" {
			e.FullUrl = text(s.base + "/" + where)
			e.Response.Location, e.Response.Etag, e.Response.LastModified = e.FullUrl, text(etag(own)), instant(own.updated)
		}
		out.Entry = append(out.Entry, e)
	}
	return send(c, answer, http.StatusOK, "", out)
}

func (s *Service) readRequest(c *fiber.Ctx, who halsocoach.Actor, answer string) error {
	tracks, err := s.Request(web.Ctx(c), who, c.Params("id"))
	if err != nil {
		return err
	}
	return send(c, answer, http.StatusOK, etag(tracks[len(tracks)-1]), writeRequest(tracks))
}

func (s *Service) readTask(c *fiber.Ctx, who halsocoach.Actor, answer string) error {
	own, err := s.Task(web.Ctx(c), who, c.Params("id"))
	if err != nil {
		return err
	}
	return send(c, answer, http.StatusOK, etag(own), writeTask(own))
}

func (s *Service) searchTasks(c *fiber.Ctx, who halsocoach.Actor, answer string) error {
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
func (s *Service) update(c *fiber.Ctx, who halsocoach.Actor, answer string) error {
	status, err := readUpdate(c.Request().Body(), c.Params("id"))
	return s.revise(c, who, answer, status, err)
}

// patch takes a JSON Patch that sets the status.
func (s *Service) patch(c *fiber.Ctx, who halsocoach.Actor, answer string) error {
	status, err := readPatch(c.Request().Body())
	return s.revise(c, who, answer, status, err)
}

func (s *Service) revise(c *fiber.Ctx, who halsocoach.Actor, answer, status string, unread error) error {
	if unread != nil {
		return unread
	}
	tag := c.Get(fiber.HeaderIfMatch)
	if tag == "" {
		return fault(http.StatusPreconditionRequired, r4.IssueTypeRequired, "http.If-Match", "Skicka If-Match med den ETag som du läste, så att ingen ändring går förlorad.")
	}
	own, err := s.Revise(web.Ctx(c), who, c.Params("id"), readETag(tag), status)
	if err != nil {
		return err
	}
	return send(c, answer, http.StatusOK, etag(own), writeTask(own))
}
