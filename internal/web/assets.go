package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io/fs"
	"mime"
	"path"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/gofiber/fiber/v2"

	"halsocoach/static"
)

// asset is one file under static, in its three encodings. They are made when
// first asked for.
type asset struct {
	url, kind string
	sum       string
	body      encoded
}

// encoded is a body with its compressed twins; nil where they would be larger.
type encoded struct{ plain, brotli, gzip []byte }

// assets are the embedded files by name ("css/app.css"), read once.
var assets = sync.OnceValue(func() map[string]func() *asset { return indexAssets(static.Files) })

// bundle is the name of all of css/*.css in one, in the order of their names.
const bundle = "css/app.css"

func indexAssets(files fs.FS) map[string]func() *asset {
	all := map[string]func() *asset{}
	keep := func(name string, body []byte) {
		all[name] = sync.OnceValue(func() *asset {
			return &asset{url: assetURL(name, body), kind: kindOf(name), sum: sumOf(body), body: encode(body, brotli.BestCompression)}
		})
	}
	var styles []byte
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(name, "lang/") || path.Ext(name) == ".go" {
			return err
		}
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if path.Dir(name) == path.Dir(bundle) {
			styles = append(styles, body...)
			return nil
		}
		keep(name, body)
		return nil
	})
	keep(bundle, styles)
	if err != nil {
		panic("web: assets: " + err.Error())
	}
	return all
}

func sumOf(body []byte) string {
	sum := sha256.Sum256(body)
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// assetURL is "/static/css/app.<sum>.css".
func assetURL(name string, body []byte) string {
	ext := path.Ext(name)
	return "/static/" + strings.TrimSuffix(name, ext) + "." + sumOf(body) + ext
}

func kindOf(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".webmanifest":
		return "application/manifest+json"
	}
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		return kind
	}
	return "application/octet-stream"
}

// encode compresses; level is brotli's, 11 for what is made once a start, less
// for pages.
func encode(body []byte, level int) encoded {
	e := encoded{plain: body}
	var b, g bytes.Buffer
	bw := brotli.NewWriterLevel(&b, level)
	bw.Write(body)
	bw.Close()
	gw, _ := gzip.NewWriterLevel(&g, gzip.BestCompression)
	gw.Write(body)
	gw.Close()
	if b.Len() < len(body) {
		e.brotli = b.Bytes()
	}
	if g.Len() < len(body) {
		e.gzip = g.Bytes()
	}
	return e
}

// Asset is the address of a file under static ("css/app.css"), with the sum of
// its content in the name, so that browsers may keep it for ever. It panics on a
// name that does not exist: a page with it does not pass its test.
func Asset(name string) string {
	a, ok := assets()[name]
	if !ok {
		panic("web: no asset " + name)
	}
	return a().url
}

// sendAsset answers /static/css/app.<sum>.css. An old or wrong sum is not
// found, so that nobody keeps one content under another's name.
func sendAsset(c *fiber.Ctx) error {
	name := c.Params("*")
	ext := path.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	dot := strings.LastIndexByte(stem, '.')
	if dot < 0 {
		return fiber.ErrNotFound
	}
	find, ok := assets()[stem[:dot]+ext]
	if !ok || find().sum != stem[dot+1:] {
		return fiber.ErrNotFound
	}
	a := find()
	c.Set(fiber.HeaderContentType, a.kind)
	c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	a.body.send(c)
	return nil
}

// send picks the smallest encoding that the client takes. The bytes are shared
// and must not be written to.
func (e encoded) send(c *fiber.Ctx) {
	h := &c.Response().Header
	h.Add(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
	accept := c.Request().Header.Peek(fiber.HeaderAcceptEncoding)
	switch {
	case e.brotli != nil && bytes.Contains(accept, []byte("br")):
		h.Set(fiber.HeaderContentEncoding, "br")
		c.Response().SetBodyRaw(e.brotli)
	case e.gzip != nil && bytes.Contains(accept, []byte("gzip")):
		h.Set(fiber.HeaderContentEncoding, "gzip")
		c.Response().SetBodyRaw(e.gzip)
	default:
		c.Response().SetBodyRaw(e.plain)
	}
}
