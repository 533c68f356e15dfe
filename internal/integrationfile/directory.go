package integrationfile

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// Options are all needed.
type Options struct {
	Path         string
	Every        time.Duration // how often to look for changes
	Types        *integration.Types
	Integrations *integration.Service
	Now          func() time.Time
	Log          *slog.Logger
}

// A Directory holds what is stored to what its files say.
//
// Files own what they describe, by their names in the directory: servers that have it in different places agree. The store is
// only changed when a file changes, at the start, and again for what failed, so that a server whose files are still the old
// ones does not undo what another does.
type Directory struct {
	o Options

	// For Sync alone.
	sum       *[sha256.Size]byte // of what was taken over last; nil at first
	seen      [sha256.Size]byte  // of what was read last
	paths     []string           // of its files
	warnings  map[string]string  // by path
	documents []Document
	problems  []Problem       // found without the store
	pending   map[string]bool // names that failed; nil stands for all
	told      []string        // problems in the log

	mu     sync.Mutex
	status Status
}

// Status is what became of the files.
type Status struct {
	Directory string       `json:"directory"` // "" when the server has none
	Problem   string       `json:"problem,omitempty"`
	Files     []FileStatus `json:"files" nullable:"false"`
}

// A FileStatus is what became of one file.
type FileStatus struct {
	Path         string     `json:"path"`
	Integrations []string   `json:"integrations" nullable:"false"` // names, in the order of the documents
	Problems     []Problem  `json:"problems" nullable:"false"`
	Warning      string     `json:"warning,omitempty"`
	LastApplied  *time.Time `json:"lastApplied,omitempty"` // when all of it was stored as it is
}

// Open makes a Directory of one that exists. Nothing is read before Sync or Run.
func Open(o Options) (*Directory, error) {
	info, err := os.Stat(o.Path)
	if err == nil && !info.IsDir() {
		err = errors.New("it is not a directory")
	}
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "open directory of integrations", o.Path, err).
			WithFix("Give a directory with --config-dir.")
	}
	return &Directory{o: o, status: Status{Directory: o.Path, Files: []FileStatus{}}}, nil
}

// Run looks for changes until the context ends.
func (d *Directory) Run(ctx context.Context) {
	tick := time.NewTicker(d.o.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			d.Sync(ctx)
		}
	}
}

// Status may be called at any time.
func (d *Directory) Status() Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.status
	s.Files = slices.Clone(s.Files)
	return s
}

// Sync looks once. It is not for concurrent use.
func (d *Directory) Sync(ctx context.Context) {
	files, err := Read("read integrations", d.o.Path)
	if err != nil {
		d.trouble(ctx, err.Error())
		return
	}
	sum := sumOf(files)
	settled := d.sum == nil || sum == d.seen // a file may be read while it is being written
	d.seen = sum
	switch {
	case !settled:
		return
	case d.pending == nil || sum != *d.sum:
		d.sum, d.pending, d.paths, d.warnings = &sum, nil, nil, map[string]string{}
		d.documents, d.problems = ParseAll(d.o.Types, files)
		for _, f := range files {
			d.paths = append(d.paths, f.Path)
			d.warnings[f.Path] = f.Exposed(d.documents)
		}
	case len(d.pending) == 0:
		return
	}
	var declared []integration.Declared
	for _, doc := range d.documents {
		if d.isPending(doc.Name) {
			doc.Owner = integration.FileOwner(doc.File)
			declared = append(declared, doc.Declared)
		}
	}
	broken := map[string]bool{} // what these files own stays as it is
	for _, p := range d.problems {
		broken[p.File] = true
	}
	prune := func(in integration.Integration) bool {
		file := in.OwnerFile()
		return file != "" && !broken[file] && d.isPending(in.Name)
	}
	problem := ""
	if len(files) == 0 {
		problem = "there is no .yaml, .yml or .json file in it, and so nothing is deleted"
		prune = nil
	}
	actions, err := d.o.Integrations.Reconcile(ctx, declared, prune)
	if err != nil {
		d.trouble(ctx, err.Error())
		return
	}
	d.done(ctx, actions, problem)
}

func (d *Directory) isPending(name string) bool { return d.pending == nil || d.pending[name] }

func sumOf(files []File) [sha256.Size]byte {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%q %d %v\n", f.Path, len(f.Data), f.Err)
		h.Write(f.Data)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// done tells what was done, and keeps what was not for the next time.
func (d *Directory) done(ctx context.Context, actions []integration.Action, problem string) {
	whole := d.pending == nil
	d.pending = map[string]bool{}
	refused := map[string]integration.Action{}
	for _, a := range actions {
		switch a.Verb {
		case integration.Refuse:
			d.pending[a.Name], refused[a.Name] = true, a
		case integration.Create, integration.Update, integration.Delete:
			d.o.Log.InfoContext(ctx, "an integration follows its file", "action", a.Verb, "integration", a.Name, "document", a.Origin)
		}
	}
	before := d.Status()
	now := Status{Directory: d.o.Path, Problem: problem, Files: []FileStatus{}}
	for _, path := range d.paths {
		s := FileStatus{Path: path, Integrations: []string{}, Problems: []Problem{}, Warning: d.warnings[path]}
		for _, p := range d.problems {
			if p.File == path {
				s.Problems = append(s.Problems, p)
			}
		}
		for _, doc := range d.documents {
			if doc.File != path {
				continue
			}
			s.Integrations = append(s.Integrations, doc.Name)
			if a, ok := refused[doc.Name]; ok {
				s.Problems = append(s.Problems, doc.problem("", a.Problem, a.Fix))
				delete(refused, doc.Name)
			}
		}
		var old FileStatus
		if i := slices.IndexFunc(before.Files, func(old FileStatus) bool { return old.Path == path }); i >= 0 {
			old = before.Files[i]
		}
		s.LastApplied = old.LastApplied
		if at := d.o.Now(); len(s.Problems) == 0 && (whole || len(old.Problems) > 0) {
			s.LastApplied = &at
		}
		now.Files = append(now.Files, s)
	}
	for _, name := range slices.Sorted(maps.Keys(refused)) {
		now.Problem = fmt.Sprintf("%s cannot be deleted: %s", name, refused[name].Problem)
	}
	d.tell(ctx, now)
}

// trouble keeps what is known of the files, and has all of them looked at next time.
func (d *Directory) trouble(ctx context.Context, problem string) {
	d.pending = nil
	s := d.Status()
	s.Problem = problem
	d.tell(ctx, s)
}

// tell publishes a status, and logs the problems that are new in it.
func (d *Directory) tell(ctx context.Context, s Status) {
	d.mu.Lock()
	d.status = s
	d.mu.Unlock()
	var told []string
	warn := func(problem, fix string) {
		told = append(told, problem)
		if !slices.Contains(d.told, problem) {
			d.o.Log.WarnContext(ctx, "the directory of integrations has a problem", "directory", s.Directory, "problem", problem, "fix", fix)
		}
	}
	if s.Problem != "" {
		warn(s.Problem, "")
	}
	for _, f := range s.Files {
		if f.Warning != "" {
			warn(f.Warning, "")
		}
		for _, p := range f.Problems {
			warn(p.String(), p.Fix)
		}
	}
	d.told = told
}
