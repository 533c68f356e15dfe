package assess

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/landwaiter/landwaiter/internal/attestation"
	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/recent"
	"github.com/landwaiter/landwaiter/internal/scan"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// Depth says how far down the flow a request goes.
type Depth int

const (
	Inspect Depth = iota // facts only
	ScanIt               // facts, components, vulnerabilities
	Judge                // all that, and the policies of the build stage
)

func (d Depth) String() string { return [...]string{"inspect", "scan", "check"}[d] }

// ParseDepth reads what String writes.
func ParseDepth(s string) (Depth, error) {
	for d := Inspect; d <= Judge; d++ {
		if s == d.String() {
			return d, nil
		}
	}
	return 0, fault.New(fault.Invalid, "read depth", "%q is not one of inspect, scan, check", s)
}

// A Request asks for one image of one platform.
type Request struct {
	Reference image.Reference
	Platform  image.Platform // zero: the server's default, or the only one there is
	Depth     Depth
	// Categories of the policies that the answer is about; none: all policies. What is stored is about all of them.
	Categories []string
}

// Sources finds the integrations that may serve an image, best first.
type Sources interface {
	Candidates(ctx context.Context, ref image.Reference) ([]integration.Candidate, error)
}

// Advisories lends the current advisory index; release must be called once. The index may be nil: nothing was imported.
type Advisories interface {
	Acquire() (index *vuln.Index, release func())
}

// Policies are those that count now.
type Policies interface {
	Current(ctx context.Context) (*policy.Set, error)
}

// Progress is told what the flow is doing. Its functions must be quick and safe for concurrent use; either may be nil.
type Progress struct {
	Step  func(what string)
	Layer scan.Progress
}

func (p Progress) step(format string, args ...any) {
	if p.Step != nil {
		p.Step(fmt.Sprintf(format, args...))
	}
}

// Options are all needed, apart from those that say otherwise.
type Options struct {
	Sources    Sources
	Client     *distribution.Client
	Scanner    *scan.Scanner
	Advisories Advisories
	Policies   Policies   // nil: nothing can be asked for that is judged
	Statements Statements // nil: none
	Exceptions Exceptions // nil: none
	Store      Store      // nil: nothing is remembered
	Now        func() time.Time
	NewID      func() string
	Log        *slog.Logger     // nil: none
	Parallel   int              // images scanned at once; 0 means 2
	Nodes      []image.Platform // what the nodes of clusters run; may be empty

	Scanners      Scanners      // nil: the registries' own scanners are not asked
	ExternalLimit time.Duration // how long they are waited for; 0 means 10 s
	ExternalStale time.Duration // reports older than that are stale; 0 means 7 days
	MaxAge        time.Duration // of advisory data; older ones are warned of; 0 means vuln.DefaultMaxAge

	SignerRules []attestation.Rule // whose attestations stand for reading an image's layers; none: nobody's
}

// Service answers requests.
type Service struct {
	o      Options
	slots  chan struct{}
	asks   chan struct{} // of scanners of registries
	pulled *recent.Cache[*distribution.Pulled]
}

// New makes a Service.
func New(o Options) *Service {
	if o.Parallel <= 0 {
		o.Parallel = 2
	}
	o.ExternalLimit = cmp.Or(o.ExternalLimit, 10*time.Second)
	o.ExternalStale = cmp.Or(o.ExternalStale, 7*24*time.Hour)
	o.MaxAge = cmp.Or(o.MaxAge, vuln.DefaultMaxAge)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{o: o, slots: make(chan struct{}, o.Parallel), asks: make(chan struct{}, maxAsks), pulled: newPulledCache()}
}

// Assess runs the flow. It fails with an *Unserved when no integration could serve the image. Whatever else can be said is
// said: layers that cannot be had make Scan.Status "not scanned" with the reason, not an error. An answer of depth Judge
// is stored.
func (s *Service) Assess(ctx context.Context, req Request, progress Progress) (*Assessment, error) {
	chosen, err := s.chosen(ctx, req.Categories)
	if err != nil {
		return nil, err
	}
	served, attempts, err := s.serve(ctx, req, progress)
	if err != nil {
		return nil, err
	}
	facts, err := image.FromManifest(image.Source{
		Reference: req.Reference, Index: served.pulled.Index, Manifest: served.pulled.Manifest, Config: served.pulled.Config,
	})
	if err != nil {
		return nil, fault.Wrap(fault.CodeOf(err), "read image", req.Reference.String(), err)
	}
	a := &Assessment{
		Reference:  req.Reference.String(),
		Platform:   facts.Platform.String(),
		AssessedAt: s.o.Now().UTC(),
		Facts:      *facts,
		Source:     sourceOf(served.candidate),
		Attempts:   attempts,
		Scan:       Scan{Status: NotScanned, Reason: "only the facts were asked for", Components: []Component{}},
		Check:      Check{Status: NotChecked, Reason: "the image was not scanned"},
		Findings:   []Finding{},
	}
	if req.Depth == Inspect {
		s.attachments(ctx, a, served, true)()
		return a, nil
	}
	scanned := sync.OnceFunc(func() { <-s.slots })
	select {
	case s.slots <- struct{}{}:
		defer scanned()
	case <-ctx.Done():
		return nil, stopped(ctx, "wait for other scans", a.Reference)
	}
	external := s.askScanners(ctx, req.Reference, a)
	attachments := s.attachments(ctx, a, served, false)
	if err := s.components(ctx, a, served, progress); err != nil {
		return nil, err
	}
	scanned() // what others say is waited for without keeping anybody from a scan
	a.External = external()
	attachments()
	progress.step("Matching %d components with advisories", len(a.Scan.Components))
	matching, err := s.matchNow(ctx, a)
	if err != nil {
		return nil, err
	}
	a.compare()
	if req.Depth == ScanIt {
		return a, nil
	}
	if matching.Policies, err = s.judge(ctx, a); err != nil {
		return nil, err
	}
	if s.o.Store != nil {
		a.ID = s.o.NewID()
		if err := s.keep(ctx, a, matching); err != nil {
			return nil, fault.Wrap(fault.CodeOf(err), "store assessment", a.Reference, err)
		}
	}
	if chosen != nil {
		a.judgeBy(ctx, chosen, s.o.Now())
	}
	return a, nil
}

// keep stores an assessment, with what is different from the one before it.
func (s *Service) keep(ctx context.Context, a *Assessment, m Matching) error {
	before, basis, err := s.o.Store.LatestAssessment(ctx, a.Reference, a.Platform)
	if fault.CodeOf(err) == fault.NotFound {
		return s.o.Store.PutAssessment(ctx, *a, m, nil)
	}
	if err != nil {
		return err
	}
	because := []string{BecauseScan}
	if before.Facts.Digest != a.Facts.Digest {
		because = []string{BecauseImage}
	}
	because = append(because, m.Basis.since(basis)...)
	return s.o.Store.PutAssessment(ctx, *a, m, changeOf(&before, a, because, a.AssessedAt))
}

// scan fills a.Scan. Only a cancelled context is an error.
func (s *Service) scan(ctx context.Context, a *Assessment, from served, progress Progress) error {
	layers := make([]scan.Layer, len(a.Facts.Layers))
	for i, l := range a.Facts.Layers {
		d := image.Descriptor{MediaType: l.MediaType, Digest: l.Digest, Size: l.Size, URLs: l.URLs}
		layers[i] = scan.Layer{Layer: l, Open: func(ctx context.Context) (io.ReadCloser, error) {
			return s.o.Client.Blob(ctx, from.source, from.ref.Repository, d)
		}}
	}
	progress.step("Reading %d layers", len(layers))
	report, err := s.o.Scanner.Image(ctx, layers, progress.Layer)
	if err != nil {
		if ctx.Err() != nil {
			return stopped(ctx, "scan", a.Reference)
		}
		s.o.Log.WarnContext(ctx, "image could not be scanned", "image", a.Reference, "error", err)
		a.Scan.Reason, a.Scan.Fix, a.Scan.Code = err.Error(), fault.FixOf(err), fault.CodeOf(err)
		return nil
	}
	a.Scan = Scan{
		Status: string(report.Status), Source: Origin{Kind: FromLayers}, OS: report.OS, Notes: report.Notes, Files: report.Files, Bytes: report.Bytes,
		Components: make([]Component, len(report.Components)), Removed: make([]Removed, len(report.Removed)),
	}
	for i, c := range report.Components {
		a.Scan.Components[i] = Component{Component: c, Line: a.Facts.LineOfLayer(c.LayerIndex)}
	}
	for _, d := range report.Documents {
		a.Attachments = append(a.Attachments, Attachment{
			Kind: SBOM, Format: d.Format, Digest: d.Digest, Size: d.Size, From: "layer", Place: d.Path, Subject: d.Layer,
		})
	}
	for i, c := range report.Removed {
		a.Scan.Removed[i] = Removed{Removed: c, Line: a.Facts.LineOfLayer(c.LayerIndex), RemovedLine: a.Facts.LineOfLayer(c.RemovedIndex)}
	}
	return nil
}

// candidates are whom to ask for ref: where no integration is for it, the host itself as nobody.
func (s *Service) candidates(ctx context.Context, ref image.Reference) ([]integration.Candidate, error) {
	list, err := s.o.Sources.Candidates(ctx, ref)
	if err == nil && len(list) == 0 {
		list = []integration.Candidate{anonymous("https", ref.Registry, "tried without credentials")}
	}
	return list, err
}

// serve tries the candidates in order: the first success wins, every failure is kept.
func (s *Service) serve(ctx context.Context, req Request, progress Progress) (served, []Attempt, error) {
	candidates, err := s.candidates(ctx, req.Reference)
	if err != nil {
		return served{}, nil, err
	}
	var attempts []Attempt
	var errs []error
	for i := 0; i < len(candidates); i++ {
		c := candidates[i]
		progress.step("Asking %s for %s", c.Integration.Name, req.Reference)
		src := c.Source(ctx, req.Reference)
		key := pulledKey(c, req)
		pulled, err := s.o.Client.Pull(ctx, src, req.Reference, req.Platform, s.pulled.Get(key))
		attempt := Attempt{Source: sourceOf(c), Reasons: c.Reasons}
		if err == nil {
			s.pulled.Put(key, pulled)
			return served{candidate: c, source: src, ref: req.Reference, pulled: pulled}, append(attempts, attempt), nil
		}
		if ctx.Err() != nil {
			return served{}, nil, fault.Wrap(fault.Unavailable, "", "", err) // which says what was waited for
		}
		attempt.Error, attempt.Fix, attempt.Code = err.Error(), fault.FixOf(err), fault.CodeOf(err)
		if again, ok := inPlain(c, err); ok {
			candidates, attempt.Retried = append(candidates, again), true
		}
		attempts, errs = append(attempts, attempt), append(errs, err)
	}
	return served{}, nil, &Unserved{Reference: req.Reference.String(), Attempts: attempts, Errs: errs}
}

// served is a candidate that answered, and what it answered.
type served struct {
	candidate integration.Candidate
	source    distribution.Source
	ref       image.Reference
	pulled    *distribution.Pulled
}

func sourceOf(c integration.Candidate) Source {
	in := c.Integration
	return Source{ID: in.ID, Name: in.Name, Type: in.Type, Autogenerated: in.Autogenerated}
}

// stopped says that the caller's context ended.
func stopped(ctx context.Context, op, what string) error {
	return fault.Wrap(fault.Unavailable, op, what, ctx.Err())
}
