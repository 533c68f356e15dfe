package scan

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

const (
	whiteout      = ".wh."
	whiteoutMeta  = ".wh..wh." // of aufs; only the opaque mark means something
	whiteoutMarks = ".wh..wh..opq"
)

// walk reads the archive's entries in order.
func (ls *layerScan) walk(plain io.Reader) error {
	return ls.each(plain, func(h *tar.Header, p string, body io.Reader) error {
		dir, base := path.Split(p)
		dir = strings.TrimSuffix(dir, "/")
		switch {
		case base == whiteoutMarks:
			ls.opaque = append(ls.opaque, pathHash(dir))
			return nil
		case strings.HasPrefix(base, whiteoutMeta):
			return nil
		case strings.HasPrefix(base, whiteout):
			if name := base[len(whiteout):]; name != "" && name != "." && name != ".." {
				ls.gone = append(ls.gone, pathHash(path.Join(dir, name)))
			}
			return nil
		}
		isDir := h.Typeflag == tar.TypeDir
		ls.paths = append(ls.paths, pathKind{pathHash(p), isDir})
		delete(ls.files, p)
		if isDir {
			ls.nixFolder(p)
			return nil
		}
		switch h.Typeflag {
		case tar.TypeReg, tar.TypeGNUSparse, tar.TypeCont:
			return ls.regular(h, p, body)
		case tar.TypeLink:
			ls.hardLink(p, h.Linkname, h.Mode)
		case tar.TypeSymlink:
			if leadsSomewhere(p) && len(h.Linkname) <= ls.limits.PathBytes && ls.keepPath(len(p)+len(h.Linkname)) {
				ls.files[p] = &record{path: p, link: h.Linkname}
			}
		}
		return nil
	})
}

// walkMissing reads, in a second pass, the files that hard links asked for after they had gone by, and programs that could
// not be read in passing.
func (ls *layerScan) walkMissing(plain io.Reader) error {
	seen := ls.entries
	defer func() { ls.entries = seen }()
	ls.entries = 0
	return ls.each(plain, func(h *tar.Header, p string, body io.Reader) error {
		if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeGNUSparse && h.Typeflag != tar.TypeCont {
			return nil
		}
		if rec := ls.again[p]; rec != nil {
			return ls.lookInto(rec, ls.readers.programs, h.Size, body)
		}
		links := ls.missing[p]
		if len(links) == 0 {
			return nil
		}
		r, _ := ls.readers.of(links[0])
		rec, err := ls.look(r, links[0], h.Size, body)
		if err != nil {
			return err
		}
		for _, link := range links {
			ls.files[link] = rec
		}
		return nil
	})
}

// each calls visit with every entry that has an acceptable path.
func (ls *layerScan) each(plain io.Reader, visit func(h *tar.Header, p string, body io.Reader) error) error {
	t := tar.NewReader(plain)
	climbed := 0
	defer func() {
		if climbed > 0 {
			ls.note(false, "", "%d entries have paths that lead out of the layer; they were read as if its root were the top", climbed)
		}
	}()
	for {
		if err := ls.ctx.Err(); err != nil {
			return err
		}
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return err
		}
		if ls.entries++; ls.entries > ls.limits.LayerEntries {
			return limitError{fmt.Sprintf("the layer has more than %d entries", ls.limits.LayerEntries)}
		}
		if ls.used.entries.Add(1) > ls.limits.ImageEntries {
			return limitError{fmt.Sprintf("the image has more than %d entries", ls.limits.ImageEntries)}
		}
		if len(h.Name) > ls.limits.PathBytes {
			ls.note(true, "", "an entry was left out: its path has %d bytes", len(h.Name))
			continue
		}
		p, out := cleanPath(h.Name)
		if out {
			climbed++
		}
		if p == "" {
			continue // the root itself
		}
		if err := visit(h, p, t); err != nil {
			return err
		}
	}
}

// cleanPath makes a path relative to the layer's root, which nothing leads out of. out says that it tried.
func cleanPath(name string) (p string, out bool) {
	depth := 0
	for part := range strings.SplitSeq(name, "/") {
		switch part {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				depth, out = 0, true
			}
		default:
			depth++
		}
	}
	return strings.TrimPrefix(path.Clean("/"+name), "/"), out
}

func (ls *layerScan) regular(h *tar.Header, p string, body io.Reader) error {
	r, named := ls.readers.of(p)
	if !named {
		if h.Size < sniffed || !mayExecute(p, h.Mode) {
			return nil
		}
		start := make([]byte, sniffed)
		if _, err := io.ReadFull(body, start); err != nil {
			return err
		}
		if !isExecutable(start) {
			return nil
		}
		body = io.MultiReader(bytes.NewReader(start), body)
		if h.Size > wholeProgram {
			return ls.bigProgram(p, body)
		}
	}
	if !ls.keepPath(len(p)) {
		return nil
	}
	rec, err := ls.look(r, p, h.Size, body)
	if err != nil {
		return err
	}
	ls.files[p] = rec
	return nil
}

// nixFolder keeps a folder whose name is a package of Nix.
func (ls *layerScan) nixFolder(p string) {
	if c, ok := nixPackage(p); ok && ls.keepPath(len(p)) {
		rec := &record{path: p, found: found{room: int(max(ls.room.Load(), 0)), take: ls.take}}
		rec.found.add(c)
		ls.room.Add(-int64(len(rec.found.components)))
		ls.files[p] = rec
	}
}

// bigProgram looks into a program while it goes by.
func (ls *layerScan) bigProgram(p string, body io.Reader) error {
	if !ls.keepPath(len(p)) {
		return nil
	}
	rec := &record{path: p}
	f := &found{room: int(max(ls.room.Load(), 0)), take: ls.take}
	b := newBigProgram(body)
	if err := readSoftware(ls.ctx, p, b, f); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, b); err != nil {
		return err
	}
	b.look()
	b.readGo(f)
	ls.keep(ls.readers.programs, rec, f, nil)
	if ls.files[p] = rec; b.whole {
		ls.again[p] = rec
	}
	return nil
}

// keepPath makes room for paths that are remembered, and notes when there is none.
func (ls *layerScan) keepPath(bytes int) bool {
	ok := ls.take(perRecord + bytes)
	if !ok && !ls.full {
		ls.full = true
		ls.forgo("", "what follows is not listed: more than %s of names in the image", size(ls.limits.ImageText))
	}
	return ok
}

// hardLink gives a file another name. Its content is the target's as it is now, whatever becomes of the target's name.
func (ls *layerScan) hardLink(p, target string, mode int64) {
	target, _ = cleanPath(target)
	if rec := ls.files[target]; rec != nil {
		if ls.keepPath(len(p)) {
			ls.files[p] = rec
		}
	} else if _, named := ls.readers.of(p); (named || mayExecute(p, mode)) && ls.keepPath(len(p)+len(target)) {
		ls.asked[target] = append(ls.asked[target], p)
	}
}

// settleLinks decides, after the walk, about hard links to files that were not looked into: such a file is read in a second
// pass, if it is in this layer and the link's name says that it matters; a file of a lower layer is found when the layers are
// merged.
func (ls *layerScan) settleLinks() {
	here := make(map[uint64]bool, len(ls.asked))
	for target := range ls.asked {
		here[pathHash(target)] = false
	}
	for _, p := range ls.paths {
		if _, asked := here[p.hash]; asked {
			here[p.hash] = true
		}
	}
	for target, links := range ls.asked {
		for _, link := range links {
			if _, named := ls.readers.of(link); !here[pathHash(target)] {
				ls.files[link] = &record{path: link, lower: target}
			} else if named {
				ls.missing[target] = append(ls.missing[target], link)
			}
		}
	}
}
