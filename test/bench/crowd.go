//go:build linux

package main

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"golang.org/x/sync/errgroup"

	"github.com/landwaiter/landwaiter/client"
	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// Goals for many images at once.
const (
	crowdSpeed  = 0.8
	crowdMemory = 512 << 20
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

var servesAt = regexp.MustCompile(`http://127\.0\.0\.1:[0-9]+`)

// serveCrowd starts a server that knows nothing yet and scans images there, so many at once.
func (b *bench) serveCrowd(ctx context.Context, references []string, atOnce int) (c crowd, err error) {
	err = b.inHome(func(home string) error {
		document := fmt.Sprintf("apiVersion: landwaiter.dev/v1\nkind: Integration\nmetadata: {name: bench}\nspec: {type: docker, docker: {endpoint: \"http://%s\"}}\n", b.registry.host)
		if err := os.MkdirAll(filepath.Join(home, "config"), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(home, "config", "bench.yaml"), []byte(document), 0o600); err != nil {
			return err
		}
		password := "bench-Password-1"
		serve := exec.CommandContext(ctx, b.program, "serve", "--data", home, "--config-dir", filepath.Join(home, "config"),
			"--listen", "127.0.0.1:0", "--allow-addresses", "loopback", "--health-interval", "0")
		serve.Env = append(os.Environ(), "LANDWAITER_ADMIN_PASSWORD="+password, "TMPDIR="+home)
		serve.Cancel = func() error { return serve.Process.Signal(os.Interrupt) }
		said, err := serve.StdoutPipe()
		if err != nil {
			return err
		}
		if err := serve.Start(); err != nil {
			return err
		}
		defer func() {
			_ = serve.Cancel()
			_ = serve.Wait()
		}()
		url := ""
		lines := bufio.NewScanner(said)
		for url == "" && lines.Scan() {
			url = servesAt.FindString(lines.Text())
		}
		if url == "" {
			return errors.New("the server did not start")
		}
		go func() {
			for lines.Scan() { // a pipe that is full would stop the server
			}
		}()
		api, err := client.New(client.Options{URL: url, Username: "admin", Password: secret.New(password)})
		if err != nil {
			return err
		}
		start := time.Now()
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(atOnce)
		for _, ref := range references {
			group.Go(func() error { return scanOne(ctx, api, ref) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
		c.took = time.Since(start)
		c.rss, err = peakMemory(serve.Process.Pid)
		return err
	})
	return c, err
}

func scanOne(ctx context.Context, api *client.Client, ref string) error {
	a, err := api.Assess(ctx, ref, "", assess.ScanIt)
	if err != nil {
		return fmt.Errorf("%s: %w", ref, err)
	}
	if a.Scan.Status != "complete" || len(a.Scan.Components) == 0 {
		return fmt.Errorf("%s: %s: %s", ref, a.Scan.Status, a.Scan.Reason)
	}
	return nil
}

// peakMemory is that of a process that runs.
func peakMemory(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		var kilobytes int64
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kilobytes); err == nil {
			return kilobytes << 10, nil
		}
	}
	return 0, fmt.Errorf("/proc/%d/status does not say the peak", pid)
}
