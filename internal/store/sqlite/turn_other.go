//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package sqlite

import (
	"os"
	"time"
)

// Without file locks of this kind a group leaves others a moment to begin.
func lock(*os.File) bool {
	time.Sleep(breath)
	return true
}

func unlock(*os.File) {}
