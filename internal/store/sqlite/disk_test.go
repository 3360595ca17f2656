package sqlite

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// disk stands between SQLite and the files of one folder, and knows what of them
// a power cut would leave: what has been written since a file's last sync is
// lost, wholly or in part.
type disk struct {
	mu    sync.Mutex
	dir   string
	files map[string]*diskFile
	// beforeSync is called when SQLite asks for a sync, before it is done. It
	// may fail it with an SQLite code.
	beforeSync func(name string) int32
}

// diskFile is what is on the disk, and what is written over it at the next sync.
type diskFile struct {
	synced  []byte
	waiting []diskWrite
}

// diskWrite is bytes at a place, or with none the length that a file is cut to.
type diskWrite struct {
	at    int64
	bytes []byte
}

// to does the write on a file's content.
func (w diskWrite) to(content []byte) []byte {
	if w.bytes == nil {
		if int64(len(content)) > w.at {
			content = content[:w.at]
		}
		return content
	}
	if end := int(w.at) + len(w.bytes); end > len(content) {
		content = append(content, make([]byte, end-len(content))...)
	}
	copy(content[w.at:], w.bytes)
	return content
}

func (d *disk) write(name string, w diskWrite) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files[name] == nil {
		d.files[name] = &diskFile{}
	}
	d.files[name].waiting = append(d.files[name].waiting, w)
}

func (d *disk) sync(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[name]
	if f == nil {
		return
	}
	for _, w := range f.waiting {
		f.synced = w.to(f.synced)
	}
	f.waiting = nil
}

func (d *disk) remove(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.files, name)
}

// cut writes to dir what is left when the power goes now. Of what was not yet
// synced those writes are left of which left says so.
func (d *disk) cut(dir string, left func() bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, f := range d.files {
		content := append([]byte(nil), f.synced...)
		for _, w := range f.waiting {
			if left() {
				content = w.to(content)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// The watch is what SQLite's own way to files has been replaced by, in this test
// binary: all goes to the original, and on to the disk whose folder it is.
var watch struct {
	once    sync.Once
	mu      sync.Mutex
	disks   map[string]*disk
	names   map[uintptr]string // of open files in a watched folder
	system  *sqlite3.Tsqlite3_vfs
	methods map[uintptr]uintptr                      // ours, by the system's
	under   map[uintptr]*sqlite3.Tsqlite3_io_methods // the system's, by ours
}

// watchDisk makes a disk of a new folder.
func watchDisk(t *testing.T) *disk {
	t.Helper()
	watch.once.Do(func() {
		watch.disks, watch.names = map[string]*disk{}, map[uintptr]string{}
		watch.methods, watch.under = map[uintptr]uintptr{}, map[uintptr]*sqlite3.Tsqlite3_io_methods{}
		tls := libc.NewTLS()
		watch.system = at[sqlite3.Tsqlite3_vfs](sqlite3.Xsqlite3_vfs_find(tls, 0))
		name, err := libc.CString("watched")
		ok(t, err)
		own, address := translated(tls, *watch.system)
		own.FzName, own.FpNext = name, 0
		own.FxOpen, own.FxDelete = pointer(watchOpen), pointer(watchDelete)
		if rc := sqlite3.Xsqlite3_vfs_register(tls, address, 1); rc != 0 {
			t.Fatal(rc)
		}
	})
	d := &disk{dir: t.TempDir(), files: map[string]*diskFile{}}
	watch.mu.Lock()
	watch.disks[d.dir] = d
	watch.mu.Unlock()
	t.Cleanup(func() {
		watch.mu.Lock()
		defer watch.mu.Unlock()
		delete(watch.disks, d.dir)
	})
	return d
}

// at is the value at an address of the translated C, and pointer the address of
// a function for it.
func at[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

func pointer[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&f)) }

func function[F any](address uintptr) F {
	return *(*F)(unsafe.Pointer(&struct{ address uintptr }{address}))
}

// translated copies a value to memory of the translated C.
func translated[T any](tls *libc.TLS, v T) (own *T, address uintptr) {
	address = libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(v)))
	own = at[T](address)
	*own = v
	return own, address
}

// file is an open file's disk, its name, and what the system does with it.
func file(p uintptr) (d *disk, name string, system *sqlite3.Tsqlite3_io_methods) {
	watch.mu.Lock()
	defer watch.mu.Unlock()
	name = watch.names[p]
	return watch.disks[filepath.Dir(name)], name, watch.under[at[sqlite3.Tsqlite3_file](p).FpMethods]
}

func watchOpen(tls *libc.TLS, vfs, zName, p uintptr, flags int32, outFlags uintptr) int32 {
	rc := function[func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](watch.system.FxOpen)(tls, vfs, zName, p, flags, outFlags)
	if rc != 0 || zName == 0 {
		return rc
	}
	name := libc.GoString(zName)
	watch.mu.Lock()
	defer watch.mu.Unlock()
	if watch.disks[filepath.Dir(name)] == nil {
		return rc
	}
	watch.names[p] = name
	f := at[sqlite3.Tsqlite3_file](p)
	own, ok := watch.methods[f.FpMethods]
	if !ok {
		system := at[sqlite3.Tsqlite3_io_methods](f.FpMethods)
		var m *sqlite3.Tsqlite3_io_methods
		m, own = translated(tls, *system)
		m.FxWrite, m.FxTruncate = pointer(watchWrite), pointer(watchTruncate)
		m.FxSync, m.FxClose = pointer(watchSync), pointer(watchClose)
		watch.methods[f.FpMethods], watch.under[own] = own, system
	}
	f.FpMethods = own
	return rc
}

func watchDelete(tls *libc.TLS, vfs, zName uintptr, syncDir int32) int32 {
	rc := function[func(*libc.TLS, uintptr, uintptr, int32) int32](watch.system.FxDelete)(tls, vfs, zName, syncDir)
	name := libc.GoString(zName)
	watch.mu.Lock()
	d := watch.disks[filepath.Dir(name)]
	watch.mu.Unlock()
	if rc == 0 && d != nil {
		d.remove(name)
	}
	return rc
}

func watchWrite(tls *libc.TLS, p, from uintptr, n int32, offset int64) int32 {
	d, name, system := file(p)
	rc := function[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](system.FxWrite)(tls, p, from, n, offset)
	if rc == 0 && d != nil {
		d.write(name, diskWrite{offset, append([]byte{}, unsafe.Slice(at[byte](from), n)...)})
	}
	return rc
}

func watchTruncate(tls *libc.TLS, p uintptr, size int64) int32 {
	d, name, system := file(p)
	rc := function[func(*libc.TLS, uintptr, int64) int32](system.FxTruncate)(tls, p, size)
	if rc == 0 && d != nil {
		d.write(name, diskWrite{at: size})
	}
	return rc
}

func watchSync(tls *libc.TLS, p uintptr, flags int32) int32 {
	d, name, system := file(p)
	if d != nil && d.beforeSync != nil {
		if rc := d.beforeSync(name); rc != 0 {
			return rc
		}
	}
	rc := function[func(*libc.TLS, uintptr, int32) int32](system.FxSync)(tls, p, flags)
	if rc == 0 && d != nil {
		d.sync(name)
	}
	return rc
}

func watchClose(tls *libc.TLS, p uintptr) int32 {
	_, _, system := file(p)
	watch.mu.Lock()
	delete(watch.names, p)
	watch.mu.Unlock()
	return function[func(*libc.TLS, uintptr) int32](system.FxClose)(tls, p)
}
