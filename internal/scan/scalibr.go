package scan

import (
	"context"
	"io/fs"
	"path"
	"sync"
	"time"

	cpb "github.com/google/osv-scalibr/binary/proto/config_go_proto"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dotnet/depsjson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/lua/luarocks"
	"github.com/google/osv-scalibr/extractor/filesystem/os/flatpak"
	"github.com/google/osv-scalibr/extractor/filesystem/os/portage"
	scalibrlog "github.com/google/osv-scalibr/log"
	"github.com/google/osv-scalibr/purl"
)

// scalibr reads one file with an extractor of osv-scalibr. The extractor sees that file and nothing else; what it would
// learn from os-release is filled in when the layers are merged.
func scalibr(e filesystem.Extractor) func(context.Context, *content, *found) error {
	return func(ctx context.Context, c *content, f *found) error {
		inv, err := e.Extract(ctx, &filesystem.ScanInput{
			FS: emptyFS{}, Path: c.path, Info: fileInfo{path.Base(c.path), c.size}, Reader: c.reader(),
		})
		for _, p := range inv.Packages {
			kind := p.PURLType
			if kind == purl.TypeLua {
				kind = typeLuaRocks
			}
			f.add(Component{Type: kind, Name: p.Name, Version: p.Version, Licenses: licenses(p.Licenses...)})
		}
		return err
	}
}

type scalibrExtractors struct{ depsJSON, luaRocks, portage, flatpak filesystem.Extractor }

func newScalibrExtractors() (x scalibrExtractors, err error) {
	silenceScalibr()
	for _, e := range []struct {
		to  *filesystem.Extractor
		new func(*cpb.PluginConfig) (filesystem.Extractor, error)
	}{
		{&x.depsJSON, depsjson.New}, {&x.luaRocks, luarocks.New}, {&x.portage, portage.New}, {&x.flatpak, flatpak.New},
	} {
		if *e.to, err = e.new(&cpb.PluginConfig{}); err != nil {
			return x, err
		}
	}
	return x, nil
}

// silenceScalibr keeps osv-scalibr from writing lines with an image's content to standard error. Its logger is global.
var silenceScalibr = sync.OnceFunc(func() { scalibrlog.SetLogger(silent{}) })

type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Error(...any)          {}
func (silent) Warnf(string, ...any)  {}
func (silent) Warn(...any)           {}
func (silent) Infof(string, ...any)  {}
func (silent) Info(...any)           {}
func (silent) Debugf(string, ...any) {}
func (silent) Debug(...any)          {}

type emptyFS struct{}

func (emptyFS) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}
func (emptyFS) ReadDir(name string) ([]fs.DirEntry, error) {
	return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
}
func (emptyFS) Stat(name string) (fs.FileInfo, error) {
	return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
}

type fileInfo struct {
	name string
	size int64
}

func (i fileInfo) Name() string     { return i.name }
func (i fileInfo) Size() int64      { return i.size }
func (fileInfo) Mode() fs.FileMode  { return 0o644 }
func (fileInfo) ModTime() time.Time { return time.Time{} }
func (fileInfo) IsDir() bool        { return false }
func (fileInfo) Sys() any           { return nil }
