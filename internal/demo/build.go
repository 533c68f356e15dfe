package demo

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// generated is an image with the repository and tag it is pushed to, and the same for other platforms.
type generated struct {
	name   string
	image  v1.Image
	others []v1.Image
}

// index lists the image for every platform.
func (g generated) index() (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, i := range append([]v1.Image{g.image}, g.others...) {
		cf, err := i.ConfigFile()
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: i, Descriptor: v1.Descriptor{Platform: cf.Platform()}})
	}
	return index, nil
}

// tree is the files of one layer by path, without a leading slash. A name that begins with ".wh." deletes.
type tree map[string]file

type file struct {
	content []byte
	mode    int64
}

func text(s string) file       { return file{[]byte(s), 0o644} }
func executable(b []byte) file { return file{b, 0o755} }

// recipe writes an image line by line, as a Dockerfile does.
type recipe struct {
	created time.Time
	arch    string // "" means amd64
	config  v1.Config
	author  string
	adds    []mutate.Addendum
	err     error
}

// line adds a Dockerfile line that changes no file.
func (r *recipe) line(createdBy string) {
	r.adds = append(r.adds, mutate.Addendum{History: r.history(createdBy, true)})
}

// layer adds a Dockerfile line with the files it brings.
func (r *recipe) layer(createdBy string, files tree) {
	if r.err != nil {
		return
	}
	packed, err := pack(files, r.created)
	if err != nil {
		r.err = err
		return
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed)), nil },
		tarball.WithMediaType(types.OCILayer))
	if err != nil {
		r.err = err
		return
	}
	r.adds = append(r.adds, mutate.Addendum{Layer: layer, History: r.history(createdBy, false)})
}

func (r *recipe) history(createdBy string, emptyLayer bool) v1.History {
	return v1.History{
		Created: v1.Time{Time: r.created.Add(time.Duration(len(r.adds)) * time.Second)}, CreatedBy: createdBy,
		Comment: "buildkit.dockerfile.v0", EmptyLayer: emptyLayer,
	}
}

func (r *recipe) build(name string) (generated, error) {
	if r.err != nil {
		return generated{}, fmt.Errorf("build %s: %w", name, r.err)
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.Append(img, r.adds...)
	if err != nil {
		return generated{}, fmt.Errorf("build %s: %w", name, err)
	}
	cf, err := img.ConfigFile()
	if err != nil {
		return generated{}, fmt.Errorf("build %s: %w", name, err)
	}
	cf = cf.DeepCopy()
	cf.OS, cf.Architecture, cf.Author = "linux", cmp.Or(r.arch, "amd64"), r.author
	cf.Created, cf.Config = v1.Time{Time: r.created}, r.config
	if img, err = mutate.ConfigFile(img, cf); err != nil {
		return generated{}, fmt.Errorf("build %s: %w", name, err)
	}
	return generated{name: name, image: img}, nil
}

// pack makes a gzipped tar whose bytes depend on nothing but its input, so that digests are the same at every start.
func pack(files tree, when time.Time) ([]byte, error) {
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	tw := tar.NewWriter(zw)
	seen := map[string]bool{}
	for _, n := range slices.Sorted(maps.Keys(files)) {
		for _, dir := range parents(n) {
			if seen[dir] {
				continue
			}
			seen[dir] = true
			if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, ModTime: when}); err != nil {
				return nil, err
			}
		}
		f := files[n]
		if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: n, Mode: f.mode, Size: int64(len(f.content)), ModTime: when}); err != nil {
			return nil, err
		}
		if _, err := tw.Write(f.content); err != nil {
			return nil, err
		}
	}
	if err := tw.Close(); err != nil {
		return nil, err
	}
	if err := zw.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// parents of "a/b/c" are "a" and "a/b".
func parents(name string) []string {
	var list []string
	for i, c := range name {
		if c == '/' {
			list = append(list, name[:i])
		}
	}
	return list
}
