//go:build linux

package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"
)

// An encoding is a way in which an image's layers can be stored.
type encoding struct {
	name, suffix            string
	manifest, config, layer types.MediaType
	compress                func(io.Writer) (io.WriteCloser, error)
}

var (
	gzipOCI = encoding{"gz", "", types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayer, toGzip}
	zstdOCI = encoding{"zst", "-zstd", types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayerZStd,
		func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }}
	plainOCI = encoding{"tar", "-plain", types.OCIManifestSchema1, types.OCIConfigJSON, types.OCIUncompressedLayer,
		func(w io.Writer) (io.WriteCloser, error) { return nopCloser{w}, nil }}
	gzipDocker = encoding{"gz", "-docker", types.DockerManifestSchema2, types.DockerConfigJSON, types.DockerLayer, toGzip}
)

func toGzip(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// gzipMembers makes a layer of a gzip member for each write, so that what comes again need not be compressed again.
func gzipMembers() encoding {
	e := gzipOCI
	seen := map[[32]byte][]byte{}
	e.compress = func(w io.Writer) (io.WriteCloser, error) { return &memberWriter{w: w, seen: seen}, nil }
	return e
}

type memberWriter struct {
	w    io.Writer
	seen map[[32]byte][]byte
	zip  gzip.Writer
}

func (m *memberWriter) Write(p []byte) (int, error) {
	sum := sha256.Sum256(p)
	member := m.seen[sum]
	if member == nil {
		var b bytes.Buffer
		m.zip.Reset(&b)
		if _, err := m.zip.Write(p); err != nil {
			return 0, err
		}
		if err := m.zip.Close(); err != nil {
			return 0, err
		}
		member = b.Bytes()
		if len(p) > 4096 {
			m.seen[sum] = member
		}
	}
	_, err := m.w.Write(member)
	return len(p), err
}

func (m *memberWriter) Close() error { return nil }

// A blob is a packed layer, a v1.Layer. What is known about it outlives its file, which the registry has once it is pushed.
type blob struct {
	path      string
	mediaType types.MediaType
	Known     struct {
		Digest, DiffID v1.Hash
		Size           int64
	}
}

func (b *blob) Digest() (v1.Hash, error)             { return b.Known.Digest, nil }
func (b *blob) DiffID() (v1.Hash, error)             { return b.Known.DiffID, nil }
func (b *blob) Size() (int64, error)                 { return b.Known.Size, nil }
func (b *blob) MediaType() (types.MediaType, error)  { return b.mediaType, nil }
func (b *blob) Compressed() (io.ReadCloser, error)   { return os.Open(b.path) }
func (b *blob) Uncompressed() (io.ReadCloser, error) { return nil, errors.ErrUnsupported }

func (b *blob) load() error {
	text, err := os.ReadFile(b.path + ".json")
	if err != nil {
		return err
	}
	return json.Unmarshal(text, &b.Known)
}

func (b *blob) forget() { _ = os.Remove(b.path) }

// pack writes the file.
func (b *blob) pack(e encoding, write func(*tar.Writer) error) (err error) {
	f, err := os.Create(b.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	digest, diffID := sha256.New(), sha256.New()
	z, err := e.compress(io.MultiWriter(f, digest))
	if err != nil {
		return err
	}
	t := tar.NewWriter(io.MultiWriter(z, diffID))
	if err := cmp.Or(write(t), t.Close(), z.Close()); err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	b.Known.Digest, b.Known.DiffID, b.Known.Size = hashOf(digest), hashOf(diffID), info.Size()
	text, err := json.Marshal(b.Known)
	if err != nil {
		return err
	}
	return os.WriteFile(b.path+".json", text, 0o644)
}

func hashOf(h hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
}

// treeWriter writes what an overlay's upper folder holds as the layer of an image: deleted files become whiteouts.
func treeWriter(tree string) func(*tar.Writer) error {
	return func(t *tar.Writer) error {
		links := map[uint64]string{}
		return filepath.WalkDir(tree, func(p string, d fs.DirEntry, err error) error {
			if err != nil || p == tree {
				return err
			}
			name, err := filepath.Rel(tree, p)
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			stat := info.Sys().(*syscall.Stat_t)
			if info.Mode()&fs.ModeSocket != 0 {
				return nil
			}
			if info.Mode()&fs.ModeCharDevice != 0 && stat.Rdev == 0 {
				return t.WriteHeader(&tar.Header{Name: path.Join(path.Dir(name), ".wh."+path.Base(name)), Typeflag: tar.TypeReg})
			}
			link := ""
			if info.Mode()&fs.ModeSymlink != 0 {
				if link, err = os.Readlink(p); err != nil {
					return err
				}
			}
			h, err := tar.FileInfoHeader(info, link)
			if err != nil {
				return err
			}
			h.Name = name
			if d.IsDir() {
				h.Name += "/"
			} else if first, again := links[stat.Ino]; again && stat.Nlink > 1 {
				h.Typeflag, h.Linkname, h.Size = tar.TypeLink, first, 0
			} else {
				links[stat.Ino] = name
			}
			if err := t.WriteHeader(h); err != nil {
				return err
			}
			if d.IsDir() && opaque(p) {
				return t.WriteHeader(&tar.Header{Name: name + "/.wh..wh..opq", Typeflag: tar.TypeReg})
			}
			if h.Typeflag != tar.TypeReg {
				return nil
			}
			f, err := os.Open(p)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = io.Copy(t, f)
			return err
		})
	}
}

func opaque(dir string) bool {
	var value [1]byte
	n, err := unix.Lgetxattr(dir, "trusted.overlay.opaque", value[:])
	return err == nil && n == 1 && value[0] == 'y'
}

const bombLayer = "bomb"

// bomb is an executable of that size, which is nothing but zeros.
func bomb(size int64) func(*tar.Writer) error {
	return func(t *tar.Writer) error {
		if err := t.WriteHeader(&tar.Header{Name: "usr/local/bin/tool", Typeflag: tar.TypeReg, Mode: 0o755, Size: size}); err != nil {
			return err
		}
		_, err := io.CopyN(t, zeros{}, size)
		return err
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func writeEntry(w *tar.Writer, name string, content []byte) error {
	if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(content))}); err != nil {
		return err
	}
	for len(content) > 0 {
		part := content[:min(len(content), 1<<20)]
		if _, err := w.Write(part); err != nil {
			return err
		}
		content = content[len(part):]
	}
	return nil
}
