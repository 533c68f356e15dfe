package scan

import (
	"bytes"
	"compress/zlib"
	"context"
	"debug/buildinfo"
	"debug/elf"
	"debug/pe"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"runtime/debug"
	"strings"

	"github.com/google/osv-scalibr/purl"
)

// sniffed is how many bytes isExecutable wants.
const sniffed = 4

// mayExecute tells by name and mode which files are worth a look at their first bytes.
func mayExecute(p string, mode int64) bool {
	if mode&0o111 != 0 {
		return true
	}
	switch path.Ext(p) {
	case ".exe", ".dll", ".so", ".dylib", ".node":
		return true
	}
	return false
}

// mayBeProgram tells by the name alone; what lies in /usr/share is not made for one kind of machine.
func mayBeProgram(p string) bool {
	switch ext := path.Ext(p); ext {
	case "", ".exe", ".dll", ".so", ".dylib", ".node":
		return !strings.HasPrefix(p, "usr/share/")
	default:
		return strings.Trim(ext, ".0123456789") == "" // python3.11, libpython3.11.so.1.0
	}
}

// isExecutable recognises ELF and PE by their magic numbers. Mach-O is left out: no container runs it.
func isExecutable(b []byte) bool {
	return bytes.HasPrefix(b, []byte(elf.ELFMAG)) || bytes.HasPrefix(b, []byte("MZ"))
}

// readExecutable looks for the two kinds of programs that list what they are made of: Go, and Rust built with
// cargo-auditable; and for well-known programs by name.
func readExecutable(ctx context.Context, c *content, f *found) error {
	r, err := harmless(c)
	if err != nil {
		return err
	}
	if info, err := buildinfo.Read(r); err == nil {
		goModules(info, f)
		return nil
	}
	return errors.Join(readCargoAuditable(r, f), readSoftware(ctx, c.path, c.reader(), f))
}

func goModules(info *buildinfo.BuildInfo, f *found) {
	// "go1.24.1 X:experiment" and "devel go1.25-abcdef" exist
	for _, word := range strings.Fields(info.GoVersion) {
		if v, ok := strings.CutPrefix(word, "go"); ok {
			f.add(Component{Type: purl.TypeGolang, Name: "stdlib", Version: v})
			break
		}
	}
	goModule(&info.Main, f)
	for _, m := range info.Deps {
		goModule(m, f)
	}
}

const devel = "(devel)"

// goModule adds a module under the path its code came from. A replacement by a folder, like the main module of most builds,
// has no version: then the version stays empty.
func goModule(m *debug.Module, f *found) {
	path, version := m.Path, m.Version
	if m.Replace != nil {
		if version = m.Replace.Version; version != "" && version != devel {
			path = m.Replace.Path
		}
	}
	if version == devel {
		version = ""
	}
	f.add(Component{Type: purl.TypeGolang, Name: path, Version: strings.TrimPrefix(version, "v")})
}

const (
	maxCargoSection = 4 << 20
	maxCargoList    = 8 << 20
)

func readCargoAuditable(r io.ReaderAt, f *found) error {
	section := cargoSection(r)
	if section == nil {
		return nil
	}
	z, err := zlib.NewReader(io.LimitReader(section, maxCargoSection))
	if err != nil {
		return fmt.Errorf("Rust dependency list: %w", err)
	}
	defer z.Close()
	var list struct {
		Packages []struct{ Name, Version, Kind string }
	}
	if err := json.NewDecoder(io.LimitReader(z, maxCargoList)).Decode(&list); err != nil {
		return fmt.Errorf("Rust dependency list: %w", err)
	}
	for _, p := range list.Packages {
		if p.Kind != "build" {
			f.add(Component{Type: purl.TypeCargo, Name: p.Name, Version: p.Version})
		}
	}
	return nil
}

// cargoSection finds the section that cargo-auditable adds, or nil. Files that cannot be parsed have none: the kernel
// could not run them either.
func cargoSection(r io.ReaderAt) io.Reader {
	const name = ".dep-v0"
	if f, err := elf.NewFile(r); err == nil {
		if s := f.Section(name); s != nil {
			return s.Open()
		}
		return nil
	}
	if f, err := pe.NewFile(r); err == nil {
		if s := f.Section(name); s != nil {
			return s.Open()
		}
		return nil
	}
	return nil
}
