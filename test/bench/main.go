//go:build linux

// Command bench measures `landwaiter image scan` beside its floor and beside other scanners, on images that it builds once.
// docs/scanning.md says what it shows.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
)

// The bench runs itself as a process for what must not count as its own.
const (
	roleRegistry = "serve-registry" // DIR
	roleFloor    = "floor"          // REFERENCE [FIRST LAYER]
	roleArchive  = "pull"           // REFERENCE FILE
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 1 {
		switch args[0] {
		case roleRegistry:
			return serveRegistry(args[1])
		case roleFloor:
			return floor(ctx, args[1], args[2:])
		case roleArchive:
			return pullArchive(args[1], args[2])
		}
	}
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	cache := fs.String("cache", ".bench", "folder that keeps the images")
	program := fs.String("landwaiter", "bin/landwaiter", "program to measure")
	images := fs.String("images", "debian webapp fix big bomb", "images to measure, of: "+strings.Join(names(), " "))
	rounds := fs.Int("rounds", 3, "paired rounds")
	only := fs.String("tools", "trivy syft osv-scanner", "other scanners to measure, if they are on PATH")
	encodings := fs.Bool("encodings", false, "measure the zstd, uncompressed and docker variants too")
	advisories := fs.String("advisories", "", "folder of OSV archives (ECOSYSTEM/all.zip) to compare matching with")
	databases := fs.String("databases", "", "folder with caches of trivy and grype, whose databases are of the same advisories")
	crowd := fs.Int("crowd", 0, "also scan that many images at once on a server")
	if err := fs.Parse(args); err != nil {
		return err
	}
	b, err := newBench(ctx, *cache, *program, strings.Fields(*only), os.Stdout)
	if err != nil {
		return err
	}
	defer b.close()
	for _, name := range strings.Fields(*images) {
		if err := b.image(ctx, name, *rounds, *encodings); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if *advisories != "" {
		if err := b.matching(ctx, *advisories, *databases, *rounds); err != nil {
			return fmt.Errorf("matching: %w", err)
		}
	}
	if *crowd > 0 {
		return b.crowd(ctx, *crowd)
	}
	return nil
}

// A bench is one run: what is measured, and the registry that serves it.
type bench struct {
	cache    string
	self     string
	program  string // landwaiter
	out      io.Writer
	tools    []tool
	registry *registry
	server   *server
}

func newBench(ctx context.Context, cache, program string, only []string, out io.Writer) (*bench, error) {
	cache, err := filepath.Abs(cache)
	if err != nil {
		return nil, err
	}
	if program, err = filepath.Abs(program); err != nil {
		return nil, err
	}
	if _, err := os.Stat(program); err != nil {
		return nil, fmt.Errorf("%w: make build makes it", err)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	b := &bench{cache: cache, self: self, program: program, out: out}
	for _, t := range scanners(program, self) {
		if _, err := exec.LookPath(t.program); err == nil && (t.name == rowOurs || slices.Contains(only, t.name)) {
			b.tools = append(b.tools, t)
		}
	}
	if b.registry, err = startRegistry(ctx, self, filepath.Join(cache, "registry")); err != nil {
		return nil, err
	}
	if b.server, err = b.startServer(ctx); err != nil {
		b.registry.stop()
		return nil, err
	}
	return b, nil
}

func (b *bench) close() {
	b.server.stop()
	b.registry.stop()
}
