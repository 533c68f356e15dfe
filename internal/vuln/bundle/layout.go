package bundle

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// The files of an OCI image layout.
const (
	layoutFile = "oci-layout"
	layoutText = `{"imageLayoutVersion":"1.0.0"}`
	indexFile  = "index.json"
)

const (
	maxEntries = 1000
	maxIndex   = 4 << 20
)

// Write exports the data in dir to a file, which there is whole or not at all.
func Write(ctx context.Context, dir, file string) (image.Digest, error) {
	const op = "export advisories"
	b, err := pack(ctx, dir)
	if err != nil {
		return "", err
	}
	d := describe(b.manifest)
	d.ArtifactType = ArtifactType
	index, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": image.MediaTypeOCIIndex, "manifests": []image.Descriptor{d}})
	if err != nil {
		return "", err
	}
	file, err = filepath.Abs(file)
	if err == nil {
		err = vuln.ReplaceFile(filepath.Dir(file), filepath.Base(file), func(f *os.File) error {
			w := tar.NewWriter(f)
			for _, e := range []struct {
				name string
				distribution.Upload
			}{{layoutFile, distribution.UploadOf("", []byte(layoutText))}, {indexFile, distribution.UploadOf("", index)}} {
				if err := add(ctx, w, e.name, e.Upload); err != nil {
					return err
				}
			}
			for _, u := range append(b.blobs, b.manifest) {
				if err := add(ctx, w, blobPath(u.Digest), u); err != nil {
					return err
				}
			}
			return w.Close()
		})
	}
	if err != nil {
		return "", fault.Wrap(fault.Invalid, op, "", err).WithFix("Give a file in a folder that can be written.")
	}
	return b.manifest.Digest, nil
}

func blobPath(d image.Digest) string {
	algorithm, hex, _ := strings.Cut(string(d), ":")
	return path.Join("blobs", algorithm, hex)
}

func add(ctx context.Context, w *tar.Writer, name string, u distribution.Upload) error {
	r, err := u.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: u.Size, Typeflag: tar.TypeReg, Format: tar.FormatPAX}); err != nil {
		return err
	}
	n, err := io.Copy(w, &stopping{ctx, r})
	if err == nil && n != u.Size {
		err = errors.New("the data changed while they were exported; try again")
	}
	return err
}

// Is reports whether a file is one that Write made, or another tar archive.
func Is(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 512)
	n, _ := io.ReadFull(f, head)
	return n == len(head) && bytes.HasPrefix(head[257:], []byte("ustar"))
}

// Read imports what Write made, or another tool that writes OCI image layouts.
func Read(ctx context.Context, dir, file string) (vuln.Status, error) {
	const op = "import advisories"
	damaged := func(err error) error {
		return fault.Wrap(fault.Invalid, op, file, err).WithFix("Copy the file again, or export it again with `landwaiter vuln export FILE`.")
	}
	f, err := os.Open(file)
	if err != nil {
		return vuln.Status{}, fault.Wrap(fault.Invalid, op, "", err)
	}
	defer f.Close()
	entries, err := entriesOf(f)
	if err != nil {
		return vuln.Status{}, damaged(err)
	}
	raw, err := entries.read(indexFile)
	if err != nil {
		return vuln.Status{}, damaged(err)
	}
	index, err := image.ParseManifest(image.MediaTypeOCIIndex, raw)
	if err != nil {
		return vuln.Status{}, damaged(err)
	}
	if len(index.Manifests) != 1 {
		return vuln.Status{}, damaged(fmt.Errorf("it holds %d manifests instead of one", len(index.Manifests)))
	}
	raw, err = entries.read(blobPath(index.Manifests[0].Digest))
	if err != nil {
		return vuln.Status{}, damaged(err)
	}
	m, err := image.ParseManifest(image.MediaTypeOCIManifest, raw)
	if err == nil {
		err = m.Verify(index.Manifests[0].Digest)
	}
	if err != nil {
		return vuln.Status{}, damaged(err)
	}
	return take(ctx, dir, filepath.Base(file), m, func(d image.Descriptor) (io.ReadCloser, error) {
		e, err := entries.open(blobPath(d.Digest))
		if err != nil {
			return nil, damaged(err)
		}
		return io.NopCloser(e), nil
	})
}

// entries are the files of a tar archive, by name.
type entries map[string]*io.SectionReader

func entriesOf(f *os.File) (entries, error) {
	all, r := entries{}, tar.NewReader(f)
	for range maxEntries {
		h, err := r.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("it is no readable tar archive: %w", err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		at, err := f.Seek(0, io.SeekCurrent) // the tar reader reads no further than it must
		if err != nil {
			return nil, err
		}
		all[path.Clean(h.Name)] = io.NewSectionReader(f, at, h.Size)
	}
	return nil, fmt.Errorf("it has more than %d files", maxEntries)
}

func (e entries) open(name string) (*io.SectionReader, error) {
	if e[name] == nil {
		return nil, fmt.Errorf("%s is missing in it", name)
	}
	return io.NewSectionReader(e[name], 0, e[name].Size()), nil
}

func (e entries) read(name string) ([]byte, error) {
	r, err := e.open(name)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(r, maxIndex+1))
	if len(raw) > maxIndex {
		err = fmt.Errorf("%s is too large", name)
	}
	return raw, err
}
