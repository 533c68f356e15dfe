//go:build linux

package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The rows of a table, beside one for each tool and, where it keeps something between runs, one with warm.
const (
	rowFloor  = "floor"
	rowOurs   = "landwaiter"
	warm      = " warm"
	rowServer = "server" + warm // wall time only, less one HEAD
)

// image measures one image and prints what came out.
func (b *bench) image(ctx context.Context, name string, rounds int, encodings bool) error {
	r, err := recipeOf(name)
	if err != nil {
		return err
	}
	variants := []encoding{gzipOCI}
	if encodings {
		variants = append(variants, r.encodings...)
	}
	for _, e := range variants {
		if err := b.measureImage(ctx, r, e, rounds); err != nil {
			return err
		}
	}
	return nil
}

// A subject is an image that is measured.
type subject struct {
	title   string
	ref     string
	known   string // reference of an image that the tools have read before; "" for none
	first   int    // the layer with which the image's own begin
	answers string // folder

	unreadable bool // what is in it is not worth comparing
}

func (b *bench) measureImage(ctx context.Context, r recipe, e encoding, rounds int) error {
	image := r.name + e.suffix
	s := subject{title: image, ref: b.reference(r.name, e), answers: filepath.Join(b.cache, "answers", image), unreadable: r.name == bombLayer}
	if err := b.ensure(ctx, r, e); err != nil {
		return err
	}
	if r.knows != "" {
		known, err := recipeOf(r.knows)
		if err != nil {
			return err
		}
		if err := b.ensure(ctx, known, e); err != nil {
			return err
		}
		s.known, s.first = b.reference(known.name, e), len(known.layers)
		s.title += ", whose layers are known but for the last"
	}
	t, err := b.measure(ctx, s, rounds)
	if err != nil {
		return err
	}
	t.print(b.out, s.title)
	t.judge(b.out, r)
	if s.unreadable {
		return nil
	}
	return b.differences(s.answers)
}

// measure runs the rounds.
func (b *bench) measure(ctx context.Context, s subject, rounds int) (table, error) {
	t := table{}
	if err := os.MkdirAll(s.answers, 0o755); err != nil {
		return nil, err
	}
	for round := range rounds {
		// The order turns, so that nobody always runs after the same other.
		for k := range len(b.tools) + 1 {
			k = (k + round) % (len(b.tools) + 1)
			var err error
			if k == len(b.tools) {
				err = b.measureFloor(ctx, t, s)
			} else {
				err = b.measureTool(ctx, t, b.tools[k], s)
			}
			if err != nil {
				return nil, err
			}
		}
		if s.unreadable {
			continue
		}
		if err := b.measureServer(ctx, t, s); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (b *bench) inHome(do func(home string) error) error {
	home, err := os.MkdirTemp(b.cache, "home-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	return do(home)
}

func (b *bench) measureFloor(ctx context.Context, t table, s subject) error {
	return b.inHome(func(home string) error {
		u, err := measure(ctx, home, os.DevNull, []string{b.self, roleFloor, s.ref, strconv.Itoa(s.first)})
		t.add(rowFloor, u)
		return err
	})
}

// measureServer scans an image on the server that the server knows, and asks the registry for its manifest's head.
func (b *bench) measureServer(ctx context.Context, t table, s subject) error {
	if err := b.server.scan(ctx, s.ref); err != nil {
		return err
	}
	host, rest, _ := strings.Cut(s.ref, "/")
	repository, tag, _ := strings.Cut(rest, ":")
	start := time.Now()
	resp, err := http.Head("http://" + host + "/v2/" + repository + "/manifests/" + tag)
	if err != nil {
		return err
	}
	resp.Body.Close()
	head := time.Since(start)
	start = time.Now()
	err = b.server.scan(ctx, s.ref)
	t.add(rowServer, usage{wall: time.Since(start) - head})
	return err
}

// measureTool runs a tool in a home where it knows nothing but the subject's known image, and once more where it then knows
// the subject too.
func (b *bench) measureTool(ctx context.Context, t table, tool tool, s subject) error {
	return b.inHome(func(home string) error {
		if tool.prepare != nil {
			if err := tool.prepare(home); err != nil {
				return err
			}
		}
		first := tool.cold
		if s.known != "" && tool.warm != nil {
			first = tool.warm
			if _, err := measure(ctx, home, os.DevNull, first(s.known, home)); err != nil {
				return err
			}
		}
		u, err := measure(ctx, home, filepath.Join(s.answers, tool.name+".json"), first(s.ref, home))
		t.add(tool.name, u)
		if err != nil || tool.warm == nil {
			return err
		}
		if tool.forgets {
			if _, err := measure(ctx, home, os.DevNull, tool.warm(s.ref, home)); err != nil {
				return err
			}
		}
		u, err = measure(ctx, home, os.DevNull, tool.warm(s.ref, home))
		t.add(tool.name+warm, u)
		return err
	})
}

// differences prints which components the others find and we do not, and the other way round.
func (b *bench) differences(answers string) error {
	answer := func(tool string) ([]byte, error) { return os.ReadFile(filepath.Join(answers, tool+".json")) }
	for _, tool := range b.tools {
		if tool.name == rowOurs {
			continue
		}
		text, err := answer(tool.name)
		if err != nil {
			return err
		}
		theirs, err := tool.parse(text)
		if err != nil {
			return fmt.Errorf("%s: %w", tool.name, err)
		}
		if text, err = answer(rowOurs); err != nil {
			return err
		}
		ours, err := parseOurs(text, tool.sources)
		if err != nil {
			return err
		}
		if err := compare(ours, theirs).print(b.out, tool.name, filepath.Join(answers, tool.name+".diff")); err != nil {
			return err
		}
	}
	return nil
}

func recipeOf(name string) (recipe, error) {
	i := slices.IndexFunc(recipes, func(r recipe) bool { return r.name == name })
	if i < 0 {
		return recipe{}, fmt.Errorf("no such image; there are %s", strings.Join(names(), ", "))
	}
	return recipes[i], nil
}
