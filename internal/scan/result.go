package scan

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/landwaiter/landwaiter/internal/image"
)

// extractorVersion is part of the cache key. It changes whenever the same layer would give another result.
const extractorVersion = "7"

// layerResult is what one layer holds, independent of the layers below and above it.
type layerResult struct {
	Entries, Bytes int64
	Text           int64        // bytes counted against Limits.ImageText
	DiffID         image.Digest // of the uncompressed archive; "" when it was not read to its end
	Files          []foundFile  // sorted by path
	// Sorted hashes of paths: what a layer above or below is compared with.
	Others    []uint64 // everything that is no directory
	Dirs      []uint64
	Whiteouts []uint64
	Opaque    []uint64 // directories whose content below is gone
	Notes     []Note   // without Layer
	Volatile  bool     // another attempt may find more: not to be cached
}

// A foundFile is one path that matters to the image's report. Exactly what a reader found in it is set.
type foundFile struct {
	Path       string
	Same       int         // index of the first path with the same content: hard links, and itself
	System     bool        // a package database of the operating system
	Components []Component // Location holds only the place inside the file, if any
	Owned      []uint64    // hashes of paths that the package manager installed
	Official   []string    // names of dpkg packages that the distribution itself maintains
	OS         *osRelease
	Document   *Document // without its place
	Licenses   []string  // of the Debian package whose documents lie here
	Link       string    // target of a symbolic link
	Lower      string    // target of a hard link, where a lower layer has it
}

// pathHash identifies a clean path without a leading slash.
func pathHash(path string) uint64 {
	sum := sha256.Sum256([]byte(path))
	return binary.BigEndian.Uint64(sum[:])
}

// pathHashes returns the hash of each ancestor, outermost first, beginning with the root's, and last of the path itself.
func pathHashes(path string) []uint64 {
	h := sha256.New()
	sum := make([]byte, 0, sha256.Size)
	here := func() uint64 { return binary.BigEndian.Uint64(h.Sum(sum)) }
	hashes := []uint64{here()}
	for part := range strings.SplitAfterSeq(path, "/") {
		name, _ := strings.CutSuffix(part, "/")
		_, _ = io.WriteString(h, name)
		hashes = append(hashes, here())
		_, _ = io.WriteString(h, part[len(name):])
	}
	return hashes
}

func has(sorted []uint64, h uint64) bool {
	_, ok := slices.BinarySearch(sorted, h)
	return ok
}

// hides reports whether a path of a lower layer is gone once this layer lies on it.
func (r *layerResult) hides(hashes []uint64) bool {
	last := len(hashes) - 1
	for _, ancestor := range hashes[:last] {
		if has(r.Opaque, ancestor) || has(r.Whiteouts, ancestor) || has(r.Others, ancestor) {
			return true
		}
	}
	own := hashes[last]
	return has(r.Others, own) || has(r.Dirs, own) || has(r.Whiteouts, own)
}

// without is the result without its content, for which the image's report has no room.
func (r *layerResult) without(limit int64) *layerResult {
	less := *r
	less.Files = nil
	less.Notes = append(slices.Clip(r.Notes), Note{
		Message: fmt.Sprintf("the components of this layer are not listed: more than %s of names in the image", size(limit)), Lossy: true,
	})
	return &less
}

// weightOf is about what a result takes in memory.
func weightOf(_ string, r *layerResult) int64 {
	return 512 + 2*r.Text + 8*int64(len(r.Others)+len(r.Dirs)+len(r.Whiteouts)+len(r.Opaque))
}

// maxCached bounds what a cached result may unpack to.
const maxCached = 1 << 30

func (r *layerResult) encode() ([]byte, error) {
	var plain bytes.Buffer
	if err := gob.NewEncoder(&plain).Encode(r); err != nil {
		return nil, err
	}
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return w.EncodeAll(plain.Bytes(), nil), w.Close()
}

func decodeResult(b []byte) (*layerResult, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxCached))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	plain, err := d.DecodeAll(b, nil)
	if err != nil {
		return nil, err
	}
	var r layerResult
	if err := gob.NewDecoder(bytes.NewReader(plain)).Decode(&r); err != nil {
		return nil, err
	}
	for i, f := range r.Files {
		if f.Same < 0 || f.Same > i {
			return nil, errors.New("a hard link points nowhere")
		}
	}
	return &r, nil
}

// notes collects at most maxNotes; the rest is counted.
type notes struct {
	list  []Note
	more  int
	lossy bool // of those only counted
}

const maxNotes = 100

func (n *notes) add(lossy bool, path, format string, args ...any) {
	if len(n.list) >= maxNotes {
		n.more++
		n.lossy = n.lossy || lossy
		return
	}
	n.list = append(n.list, Note{Path: printable(absolute(path)), Message: printable(fmt.Sprintf(format, args...)), Lossy: lossy})
}

func (n *notes) sorted() []Note {
	slices.SortStableFunc(n.list, func(a, b Note) int {
		if c := strings.Compare(a.Path, b.Path); c != 0 {
			return c
		}
		return strings.Compare(a.Message, b.Message)
	})
	if n.more > 0 {
		return append(n.list, Note{Message: fmt.Sprintf("%d more problems like these", n.more), Lossy: n.lossy})
	}
	return n.list
}

func absolute(path string) string {
	if path == "" {
		return ""
	}
	return "/" + path
}

// printable keeps what comes from inside an image valid and free of control characters.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
