package diagnosis

import (
	"context"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// A Doctor tests connections. It is safe for concurrent use.
type Doctor struct{ o Options }

// Options are all needed but the limits.
type Options struct {
	Client *distribution.Client // whose ways and rules are looked at
	Types  *integration.Types
	Now    func() time.Time
	// NewID makes names that nobody else has: the stranger's, whose credential must be refused.
	NewID   func() string
	Program string // name and version, for saved diagnoses

	Limit, StepLimit time.Duration // of the whole and of each step; zero means 60 s and 20 s
}

// New makes a Doctor.
func New(o Options) *Doctor {
	if o.Limit == 0 {
		o.Limit = time.Minute
	}
	if o.StepLimit == 0 {
		o.StepLimit = 20 * time.Second
	}
	return &Doctor{o}
}

// Diagnose tests an opened integration, with an image unless ref is the zero reference. It is a Run.
func (d *Doctor) Diagnose(ctx context.Context, c integration.Candidate, ref image.Reference, emit func(Step)) *Diagnosis {
	return d.run(ctx, c, ref, emit, false)
}

// Glance tests what can be told with a few requests that cost nothing: whether the registry is reached, trusted and signed in
// to, and what expires. It proves no credential and looks at no image.
func (d *Doctor) Glance(ctx context.Context, c integration.Candidate) *Diagnosis {
	return d.run(ctx, c, image.Reference{}, func(Step) {}, true)
}

// Test is an integration.Tester: it fails with the first step that did.
func (d *Doctor) Test(ctx context.Context, c integration.Candidate) error {
	result := d.Diagnose(ctx, c, image.Reference{}, func(Step) {})
	for _, s := range result.Steps {
		if s.Verdict == Failed {
			return s.err()
		}
	}
	return ctx.Err()
}

// err is a failed step as an error.
func (s Step) err() error {
	e := fault.New(fault.Invalid, "", "%s failed", s.Title)
	for _, f := range s.Findings {
		if f.Verdict == Failed {
			e.What = f.Cause
			return e.WithFix("%s", f.Fix)
		}
	}
	return e
}

func (d *Doctor) run(ctx context.Context, c integration.Candidate, ref image.Reference, emit func(Step), glance bool) *Diagnosis {
	ctx, cancel := context.WithTimeout(ctx, d.o.Limit)
	defer cancel()
	typ, _ := d.o.Types.Get(c.Integration.Type)
	started := d.o.Now()
	r := &run{
		Options: d.o, ctx: ctx, candidate: c, ref: ref, emit: emit, glance: glance, stopped: map[string]string{},
		judge: judge{advice: typ.Advice, subject: Subject{
			Name: c.Integration.Name, Type: c.Integration.Type, Endpoint: c.Registry.Endpoint(ref).String(), Anonymous: c.Anonymous(),
		}},
	}
	if ref.Repository != "" {
		r.judge.subject.Image = ref.String()
	}
	r.all()
	result := r.judge.conclude()
	result.Program, result.Started, result.Took = d.o.Program, started, distribution.Milliseconds(d.o.Now().Sub(started))
	return result
}
