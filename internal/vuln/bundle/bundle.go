// Package bundle takes advisory data from one site to another as one OCI artifact: in a registry, or in a file that is an OCI
// image layout in a tar archive.
package bundle

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// ArtifactType marks the manifest.
const ArtifactType = "application/vnd.landwaiter.advisories.v1"

// partType is the media type of every layer; its title names the file.
const (
	partType = "application/vnd.landwaiter.advisories.part.v1"
	title    = "org.opencontainers.image.title"
	created  = "org.opencontainers.image.created"
	records  = "dev.landwaiter.advisories.records"
	empty    = "{}"
)

// maxPart is far above the largest index.
const maxPart = 8 << 30

// incoming is where an import gathers what it gets, below the directory of the advisories.
const incoming = "incoming"

// A bundle is data that are to be exported.
type bundle struct {
	manifest distribution.Upload
	blobs    []distribution.Upload // the config first
}

type manifest struct {
	SchemaVersion int                `json:"schemaVersion"`
	MediaType     string             `json:"mediaType"`
	ArtifactType  string             `json:"artifactType"`
	Config        image.Descriptor   `json:"config"`
	Layers        []image.Descriptor `json:"layers"`
	Annotations   map[string]string  `json:"annotations"`
}

// pack describes the data in dir. An import that goes on meanwhile replaces files and does not change them; then what is read
// is not what was described, and the export fails.
func pack(ctx context.Context, dir string) (bundle, error) {
	const op = "export advisories"
	parts, err := vuln.Parts(dir)
	if err != nil {
		return bundle{}, err
	}
	index, err := vuln.Open(dir)
	if err != nil {
		return bundle{}, err
	}
	status := index.Status()
	if err := index.Close(); err != nil {
		return bundle{}, err
	}
	config := distribution.UploadOf(image.MediaTypeOCIEmpty, []byte(empty))
	b := bundle{blobs: []distribution.Upload{config}}
	m := manifest{
		SchemaVersion: 2, MediaType: image.MediaTypeOCIManifest, ArtifactType: ArtifactType, Config: describe(config),
		Annotations: map[string]string{created: status.Imported.UTC().Format(time.RFC3339), records: strconv.Itoa(status.Records)},
	}
	for _, p := range parts {
		u, err := uploadOf(ctx, p.Path)
		if err != nil {
			return bundle{}, fault.Wrap(fault.Internal, op, "", err)
		}
		b.blobs = append(b.blobs, u)
		d := describe(u)
		d.Annotations = map[string]string{title: p.Name}
		m.Layers = append(m.Layers, d)
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return bundle{}, err
	}
	b.manifest = distribution.UploadOf(m.MediaType, raw)
	return b, nil
}

func describe(u distribution.Upload) image.Descriptor {
	return image.Descriptor{MediaType: u.MediaType, Digest: u.Digest, Size: u.Size}
}

func uploadOf(ctx context.Context, path string) (distribution.Upload, error) {
	f, err := os.Open(path)
	if err != nil {
		return distribution.Upload{}, err
	}
	defer f.Close()
	hash := sha256.New()
	n, err := io.Copy(hash, &stopping{ctx, f})
	return distribution.Upload{
		Digest: image.Digest(fmt.Sprintf("sha256:%x", hash.Sum(nil))), MediaType: partType, Size: n, Open: func() (io.ReadCloser, error) { return os.Open(path) },
	}, err
}

// stopping is a reader that ends with its context.
type stopping struct {
	ctx context.Context
	io.Reader
}

func (s *stopping) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.Reader.Read(p)
}

// Push exports the data in dir to a registry.
func Push(ctx context.Context, dir string, client *distribution.Client, to distribution.Source, ref image.Reference) (image.Digest, error) {
	b, err := pack(ctx, dir)
	if err != nil {
		return "", err
	}
	return b.manifest.Digest, client.Push(ctx, to, ref, b.manifest, b.blobs, nil)
}

// Pull imports what ref points to. It reports unchanged if that is what was imported from there before, and is still in use.
func Pull(ctx context.Context, dir string, client *distribution.Client, from distribution.Source, ref image.Reference) (st vuln.Status, unchanged bool, err error) {
	const op = "import advisories"
	name := "oci://" + ref.String()
	found, err := client.Resolve(ctx, from, ref)
	if err != nil {
		return st, false, err
	}
	sources, err := vuln.ReadSources(dir)
	if err != nil {
		return st, false, fault.Wrap(fault.Internal, op, "", err)
	}
	index, err := vuln.Open(dir)
	if err == nil {
		st = index.Status()
		index.Close()
		if last := sources[sourceName]; last.URL == name && last.Version == string(found.Digest) && last.Imported.Equal(st.Imported) {
			return st, true, nil
		}
	} // data that cannot be read are replaced
	m, err := client.Artifact(ctx, from, ref.Repository, string(found.Digest))
	if err != nil {
		return st, false, err
	}
	st, err = take(ctx, dir, name, m, func(d image.Descriptor) (io.ReadCloser, error) { return client.Blob(ctx, from, ref.Repository, d) })
	return st, false, err
}

// sourceName is that of the artifact in vuln.Sources.
const sourceName = "artifact"

// take imports the data that a manifest describes.
func take(ctx context.Context, dir, name string, m *image.Manifest, open func(image.Descriptor) (io.ReadCloser, error)) (vuln.Status, error) {
	const op = "import advisories"
	invalid := func(format string, args ...any) error {
		return fault.New(fault.Invalid, op, "%s: %s", name, fmt.Sprintf(format, args...)).
			WithFix("Give an artifact that `landwaiter vuln export` made.")
	}
	if m.ArtifactType != ArtifactType {
		return vuln.Status{}, invalid("it is no advisory data: its artifact type is %q", m.ArtifactType)
	}
	folder := filepath.Join(dir, incoming)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return vuln.Status{}, fault.Wrap(fault.Internal, op, "", err)
	}
	unlock, err := vuln.Lock(folder, "incoming.lock")
	if err != nil {
		return vuln.Status{}, err
	}
	defer unlock()
	defer os.RemoveAll(folder)
	for _, d := range m.Layers {
		file := d.Annotations[title]
		if !vuln.KnownPart(file) {
			return vuln.Status{}, invalid("it has a part that is not known, %q: it was exported by another version of Landwaiter", file)
		}
		if d.Size < 0 || d.Size > maxPart {
			return vuln.Status{}, invalid("%s would have %d bytes", file, d.Size)
		}
		if err := fetch(ctx, filepath.Join(folder, file), d, open); err != nil {
			return vuln.Status{}, err
		}
	}
	return vuln.Adopt(dir, folder, func(s vuln.Sources, st vuln.Status) {
		s[sourceName] = vuln.Source{URL: name, Version: string(m.Digest), Imported: st.Imported}
	})
}

// fetch writes one part, whose digest it verifies.
func fetch(ctx context.Context, path string, d image.Descriptor, open func(image.Descriptor) (io.ReadCloser, error)) error {
	const op = "import advisories"
	r, err := open(d)
	if err != nil {
		return err
	}
	defer r.Close()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return fault.Wrap(fault.Internal, op, "", err)
	}
	defer f.Close()
	hash, err := d.Digest.NewHash()
	if err != nil {
		return fault.Wrap(fault.Invalid, op, filepath.Base(path), err)
	}
	n, err := io.Copy(io.MultiWriter(f, hash), io.LimitReader(&stopping{ctx, r}, d.Size+1))
	switch {
	case errors.As(err, new(*os.PathError)):
		return fault.Wrap(fault.Internal, op, "", err).WithFix("Check the disk of the data directory: free space and permissions.")
	case err != nil:
		return fault.Wrap(fault.CodeOf(err), op, filepath.Base(path), err)
	case n != d.Size || !d.Digest.Matches(hash):
		return fault.New(fault.Invalid, op, "%s is damaged: its %d bytes are not those of %s", filepath.Base(path), n, d.Digest).
			WithFix("Copy it again, or export it again.")
	}
	return f.Sync()
}
