//go:build linux

package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"golang.org/x/sync/errgroup"
)

// Goals for many images at once.
const (
	crowdSpeed  = 0.8
	crowdMemory = 256 << 20
)

// A crowd is what scanning many images cost a server.
type crowd struct {
	took time.Duration
	rss  int64
}

// crowd scans images at once on a server, and the same one after the other on another, and compares.
func (b *bench) crowd(ctx context.Context, count int) error {
	base, err := recipeOf("webapp")
	if err != nil {
		return err
	}
	if err := b.ensure(ctx, base, gzipOCI); err != nil {
		return err
	}
	keys, err := base.keys()
	if err != nil {
		return err
	}
	app := filepath.Join(b.cache, "trees", "app-"+keys[2])
	references, err := b.pushCrowd(ctx, count, treeWriter(app))
	if err != nil {
		return err
	}
	alone, err := b.serveCrowd(ctx, references, 1)
	if err != nil {
		return fmt.Errorf("one at a time: %w", err)
	}
	together, err := b.serveCrowd(ctx, references, count)
	if err != nil {
		return fmt.Errorf("%d at once: %w", count, err)
	}
	fmt.Fprintf(b.out, "\n%d images on one server: one at a time %.1f s, peak %d MB; at once %.1f s, peak %d MB\n",
		count, alone.took.Seconds(), alone.rss>>20, together.took.Seconds(), together.rss>>20)
	speed := alone.took.Seconds() / together.took.Seconds()
	say(b.out, speed >= crowdSpeed, "at once they come at %.2f × the speed, goal at least %.1f", speed, crowdSpeed)
	say(b.out, together.rss <= crowdMemory, "peak memory of the server %d MB, goal at most %d MB", together.rss>>20, int64(crowdMemory)>>20)
	return nil
}

// pushCrowd pushes images of one layer each, which differ in one file.
func (b *bench) pushCrowd(ctx context.Context, count int, content func(*tar.Writer) error) ([]string, error) {
	dir, err := os.MkdirTemp(b.cache, "crowd-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	e := gzipMembers()
	var references []string
	for i := range count {
		ref, err := name.ParseReference(fmt.Sprintf("%s/crowd/image%d:1", b.registry.host, i))
		if err != nil {
			return nil, err
		}
		packed := &blob{path: filepath.Join(dir, strconv.Itoa(i)), mediaType: e.layer}
		err = packed.pack(e, func(w *tar.Writer) error {
			own := fmt.Appendf(nil, `{"name": "own%d", "version": "1.0.%d"}`, i, i)
			return errors.Join(writeEntry(w, "srv/node_modules/own/package.json", own), content(w))
		})
		if err == nil {
			err = push(ctx, ref, e, []*blob{packed}, []string{"COPY app /"}, strconv.Itoa(i))
		}
		if err != nil {
			return nil, err
		}
		packed.forget()
		references = append(references, ref.String())
	}
	return references, nil
}

// serveCrowd starts a server that knows nothing yet and scans images there, so many at once.
func (b *bench) serveCrowd(ctx context.Context, references []string, atOnce int) (crowd, error) {
	s, err := b.startServer(ctx)
	if err != nil {
		return crowd{}, err
	}
	defer s.stop()
	start := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, ref := range references {
		group.Go(func() error { return s.scan(ctx, ref) })
	}
	if err := group.Wait(); err != nil {
		return crowd{}, err
	}
	took := time.Since(start)
	rss, err := peakMemory(s.cmd.Process.Pid)
	return crowd{took, rss}, err
}
