//go:build linux

package main

import (
	"context"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Each script makes one layer. Its first line is the line of the image's history.
//
//go:embed layers
var scripts embed.FS

// A recipe is an image as the names of its layers' scripts, base first.
type recipe struct {
	name      string
	layers    []string
	encodings []encoding    // besides gzip
	knows     string        // image on which this is built and which the scanners have read before
	memory    int64         // goal, where it is not that of every image
	wall      time.Duration // goal
}

var recipes = []recipe{
	{name: "debian", layers: []string{"debian"}},
	{name: "webapp", layers: webapp, encodings: []encoding{zstdOCI, plainOCI, gzipDocker}},
	{name: "fix", layers: append(slices.Clone(webapp), "fix"), knows: "webapp"},
	{name: "big", layers: big, encodings: []encoding{zstdOCI}},
	{name: "huge", layers: append(slices.Clone(big), "languages")},
	{name: "bomb", layers: []string{bombLayer}, memory: 64 << 20, wall: 10 * time.Second},
}

var (
	webapp = []string{"debian", "web", "app", "tools", "jars", "purge"}
	big    = []string{"debian", "upgrade", "web", "jre", "science", "compilers", "frontend", "app", "tools", "jars", "wheels", "random"}
)

// recipeLabel is the label that says which recipe made an image.
const recipeLabel = "bench.recipe"

func names() []string {
	var list []string
	for _, r := range recipes {
		list = append(list, r.name)
	}
	return list
}

// reference names an image. All are in one repository, so that a layer is pushed once.
func (b *bench) reference(image string, e encoding) string {
	return b.registry.host + "/bench:" + image + e.suffix
}

// ensure builds and pushes an image unless the registry has it.
func (b *bench) ensure(ctx context.Context, r recipe, e encoding) error {
	keys, err := r.keys()
	if err != nil {
		return err
	}
	ref, err := name.ParseReference(b.reference(r.name, e))
	if err != nil {
		return err
	}
	if have, err := remote.Image(ref, remote.WithContext(ctx)); err == nil {
		if c, err := have.ConfigFile(); err == nil && c.Config.Labels[recipeLabel] == keys[len(keys)-1] {
			return nil
		}
	}
	fmt.Fprintf(b.out, "building %s%s\n", r.name, e.suffix)
	var layers []*blob
	var lines []string
	for i, layer := range r.layers {
		packed, err := b.layer(ctx, r.layers[:i+1], keys[:i+1], e)
		if err != nil {
			return fmt.Errorf("layer %s: %w", layer, err)
		}
		text, err := script(layer)
		if err != nil {
			return err
		}
		line, _, _ := strings.Cut(text, "\n")
		layers, lines = append(layers, packed), append(lines, strings.TrimPrefix(line, "# "))
	}
	if err := push(ctx, ref, e, layers, lines, keys[len(keys)-1]); err != nil {
		return err
	}
	for _, packed := range layers {
		packed.forget()
	}
	return nil
}

// push pushes an image of these layers and lines, with history as builders write it.
func push(ctx context.Context, ref name.Reference, e encoding, layers []*blob, lines []string, key string) error {
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, e.manifest), e.config)
	created := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var adds []mutate.Addendum
	for i, layer := range layers {
		created = created.Add(time.Minute)
		history := v1.History{Created: v1.Time{Time: created}, CreatedBy: lines[i], Comment: "buildkit.dockerfile.v0"}
		adds = append(adds, mutate.Addendum{Layer: layer, History: history})
		if i%2 == 0 {
			history.CreatedBy, history.EmptyLayer = fmt.Sprintf("ENV STEP=%d", i), true
			adds = append(adds, mutate.Addendum{History: history})
		}
	}
	img, err := mutate.Append(img, adds...)
	if err != nil {
		return err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", "amd64", v1.Time{Time: created}
	config.Config = v1.Config{
		User: "www-data", Env: []string{"PATH=/usr/local/bin:/usr/bin:/bin"}, Cmd: []string{"nginx"},
		ExposedPorts: map[string]struct{}{"8080/tcp": {}}, Labels: map[string]string{recipeLabel: key},
	}
	if img, err = mutate.ConfigFile(img, config); err != nil {
		return err
	}
	return remote.Write(ref, img, remote.WithContext(ctx))
}

// layer packs one layer, after building it and those below it where that was not done before.
func (b *bench) layer(ctx context.Context, layers, keys []string, e encoding) (*blob, error) {
	dir := filepath.Join(b.cache, "blobs")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	last := len(layers) - 1
	packed := &blob{path: filepath.Join(dir, layers[last]+"-"+keys[last]+"."+e.name), mediaType: e.layer}
	if err := packed.load(); err == nil {
		return packed, nil
	}
	if layers[last] == bombLayer {
		return packed, packed.pack(e, bomb(6<<30))
	}
	var below []string
	for i, layer := range layers {
		tree := filepath.Join(b.cache, "trees", layer+"-"+keys[i])
		if err := buildTree(ctx, tree, below, layer, b.cache); err != nil {
			return nil, err
		}
		below = append(below, tree)
	}
	return packed, packed.pack(e, treeWriter(below[last]))
}

// keys change with a layer's script and with what is below it.
func (r recipe) keys() ([]string, error) {
	var list []string
	below := ""
	for _, layer := range r.layers {
		text, err := script(layer)
		if err != nil {
			return nil, err
		}
		below = shortHash(below, text)
		list = append(list, below)
	}
	return list, nil
}

func script(layer string) (string, error) {
	if layer == bombLayer {
		return "# COPY tool /usr/local/bin/tool", nil
	}
	prelude, err := scripts.ReadFile("layers/prelude.sh")
	if err != nil {
		return "", err
	}
	text, err := scripts.ReadFile("layers/" + layer + ".sh")
	return string(text) + string(prelude), err
}
