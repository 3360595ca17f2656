package waiting

import (
	"context"
	"fmt"
	"hash/maphash"
	"strconv"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/web"
)

// pagesKept: the page has one address, and what people put behind it.
const pagesKept = 20

// Routes put the public page of the Hälsocenter on the router.
func (s *Service) Routes(r fiber.Router) {
	cached := web.NewCached(pagesKept)
	r.Get("/halsocenter", func(c *fiber.Ctx) error {
		rows, err := s.rows(web.Ctx(c))
		if err != nil {
			return err
		}
		page := web.Page{Title: "Hälsocenter", Active: "/halsocenter"}
		return cached.Show(c, version(rows), page, func() (templ.Component, error) { return centresPage(rows), nil })
	})
}

// row is a centre on the page.
type row struct {
	halsocoach.Centre
	wait  halsocoach.Wait
	known bool
}

// rows are the open centres with their waiting times, all from memory.
func (s *Service) rows(ctx context.Context) ([]row, error) {
	centres, err := s.Registers.Centres(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("centres: %w", err)
	}
	rows := make([]row, len(centres))
	for i, c := range centres {
		rows[i].Centre = c
		if rows[i].wait, rows[i].known, err = s.Wait(ctx, c.Code); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// versions makes what a page shows into a short text, within this process.
var versions = maphash.MakeSeed()

// version stands for what the page shows.
func version(rows []row) string {
	var h maphash.Hash
	h.SetSeed(versions)
	for _, r := range rows {
		maphash.WriteComparable(&h, r.Centre)
		maphash.WriteComparable(&h, r.known)
		for _, n := range []*int{&r.wait.Median, &r.wait.P80, &r.wait.N, &r.wait.Window, r.wait.Waiting, r.wait.WaitingMedian} {
			maphash.WriteComparable(&h, n != nil)
			if n != nil {
				maphash.WriteComparable(&h, *n)
			}
		}
	}
	return strconv.FormatUint(h.Sum64(), 36)
}
