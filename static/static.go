// Package static holds what browsers fetch beside the pages: style, scripts,
// icons and the language catalogues, embedded in the binary. Package web gives
// each file its checksummed name and serves it; see web.Asset.
package static

import "embed"

// Files is everything under this folder that is sent or read at run time:
// css/, js/, icons/ and lang/.
//
//go:embed css js icons lang
var Files embed.FS
