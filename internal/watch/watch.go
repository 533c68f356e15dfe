// Package watch assesses images again and again that nobody asks for: those that people watch, whose tags may move.
package watch

import (
	"context"
	"log/slog"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/due"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
)

// An Image is a tag that is watched, and how that went.
type Image struct {
	Name  string    `json:"name"` // canonical reference, with a tag
	By    string    `json:"addedBy,omitempty"`
	Added time.Time `json:"added"`

	LastSuccess  time.Time      `json:"lastSuccess,omitzero"`
	AssessmentID string         `json:"assessmentId,omitempty"` // of then
	Digest       image.Digest   `json:"digest,omitempty"`
	Verdict      assess.Verdict `json:"verdict,omitempty"`

	LastAttempt time.Time `json:"lastAttempt,omitzero"`
	Failures    int       `json:"failures"` // in a row
	Error       string    `json:"error,omitempty"`
	Fix         string    `json:"fix,omitempty"`
	NextAttempt time.Time `json:"nextAttempt,omitzero"` // absent: at once
}

// Store is implemented by internal/store.
type Store interface {
	// Watch adds an image. One that is there stays as it is, and is due at once.
	Watch(ctx context.Context, i Image) error
	Unwatch(ctx context.Context, name string) error // no error when there is none
	Watched(ctx context.Context) ([]Image, error)   // by name
	// ClaimWatched gives one image that is due to one caller only, until a time. ok is false when none is due.
	ClaimWatched(ctx context.Context, now, until time.Time) (i Image, ok bool, err error)
	// RecordWatched stores an image that was claimed, which is due again at next, if the claim still holds.
	RecordWatched(ctx context.Context, i Image, claim, next time.Time) error
}

// Options are all needed, apart from Parallel and Log.
type Options struct {
	Store    Store
	Assess   func(context.Context, assess.Request, assess.Progress) (*assess.Assessment, error)
	Now      func() time.Time
	Jitter   func() float64 // numbers from 0 up to 1
	Interval time.Duration  // between two assessments of an image
	Parallel int            // images at a time; 0 means 2
	Log      *slog.Logger
}

// Service watches images. Any number of them on one store share the work.
type Service struct{ o Options }

// New makes the service. It assesses nothing until Run.
func New(o Options) *Service {
	if o.Parallel == 0 {
		o.Parallel = 2
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{o}
}

const (
	// limit is how long an assessment may take; the claim is longer, so that no other server begins meanwhile.
	limit = 29 * time.Minute
	lease = 30 * time.Minute
	retry = time.Minute // after the first failure; doubled after each further one, up to the interval
)

// Add watches an image from now on and returns its canonical name. What is no tag is fault.Invalid.
func (s *Service) Add(ctx context.Context, name, by string) (string, error) {
	ref, err := image.ParseReference(name)
	if err != nil {
		return "", err
	}
	if ref.Digest != "" {
		return "", fault.New(fault.Invalid, "watch image", "%s has a digest, which never changes", ref).WithFix("Name a tag without a digest.")
	}
	return ref.String(), s.o.Store.Watch(ctx, Image{Name: ref.String(), By: by, Added: s.o.Now().UTC()})
}

// Remove watches an image no longer. It is no error if it is not watched.
func (s *Service) Remove(ctx context.Context, name string) error {
	if ref, err := image.ParseReference(name); err == nil {
		name = ref.String()
	}
	return s.o.Store.Unwatch(ctx, name)
}

// List is by name.
func (s *Service) List(ctx context.Context) ([]Image, error) { return s.o.Store.Watched(ctx) }

// Run assesses what is due until ctx ends.
func (s *Service) Run(ctx context.Context) {
	due.Work{Parallel: s.o.Parallel, Stuck: "images cannot be watched", Log: s.o.Log, Claim: func(ctx context.Context) (func(), error) {
		now := s.o.Now()
		claim := now.Add(lease)
		i, ok, err := s.o.Store.ClaimWatched(ctx, now, claim)
		if !ok {
			return nil, err
		}
		return func() { s.look(ctx, i, claim) }, nil
	}}.Run(ctx)
}

// look assesses an image that was claimed. One that the end of the server interrupts is due at once.
func (s *Service) look(ctx context.Context, i Image, claim time.Time) {
	next := s.o.Now()
	a, err := s.assess(ctx, i.Name)
	if ctx.Err() == nil {
		next = s.note(&i, a, err)
	}
	if err := s.o.Store.RecordWatched(context.WithoutCancel(ctx), i, claim, next); err != nil {
		s.o.Log.WarnContext(ctx, "the state of a watched image cannot be stored", "image", i.Name, "error", err, "fix", fault.FixOf(err))
	}
}

func (s *Service) assess(ctx context.Context, name string) (*assess.Assessment, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ref, err := image.ParseReference(name)
	if err != nil {
		return nil, err
	}
	return s.o.Assess(ctx, assess.Request{Reference: ref, Depth: assess.Judge}, assess.Progress{})
}

// note is when the image is due again.
func (s *Service) note(i *Image, a *assess.Assessment, err error) time.Time {
	now, wait := s.o.Now().UTC(), s.o.Interval
	i.LastAttempt = now
	if err == nil {
		i.LastSuccess, i.AssessmentID, i.Digest, i.Verdict = now, a.ID, a.Facts.Digest, a.Verdict
		i.Failures, i.Error, i.Fix = 0, "", ""
	} else {
		if i.Failures == 0 {
			s.o.Log.Warn("a watched image cannot be assessed", "image", i.Name, "error", err, "fix", fault.FixOf(err))
		}
		wait = min(wait, retry<<min(i.Failures, 20))
		i.Failures++
		i.Error, i.Fix = err.Error(), fault.FixOf(err)
	}
	// A tenth earlier or later, so that those that were added together part.
	next := now.Add(wait + time.Duration((s.o.Jitter()-0.5)/5*float64(wait)))
	i.NextAttempt = next
	return next
}
