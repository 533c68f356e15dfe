package health

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/landwaiter/landwaiter/internal/due"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// Options are all needed, apart from Pace, Parallel and Log.
type Options struct {
	Store        Store
	Integrations *integration.Service
	Check        Check
	Now          func() time.Time
	Jitter       func() float64 // numbers from 0 up to 1
	Pace         Pace           // what is zero is 15 minutes, a minute, an hour and 6 hours
	Parallel     int            // looks at a time; 0 means 8
	Log          *slog.Logger
}

// Service looks at integrations and tells their health. Any number of them on one store share the work.
type Service struct{ o Options }

// New makes the service. It looks at nothing until Run.
func New(o Options) *Service {
	for _, d := range []struct {
		set   *time.Duration
		usual time.Duration
	}{{&o.Pace.Interval, 15 * time.Minute}, {&o.Pace.Retry, time.Minute}, {&o.Pace.Most, time.Hour}, {&o.Pace.Absent, 6 * time.Hour}} {
		if *d.set == 0 {
			*d.set = d.usual
		}
	}
	if o.Parallel == 0 {
		o.Parallel = 8
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{o}
}

const lease = 3 * time.Minute // longer than any check takes

// Run looks at what is due until ctx ends.
func (s *Service) Run(ctx context.Context) {
	due.Work{Parallel: s.o.Parallel, Stuck: "the health of integrations cannot be followed", Log: s.o.Log, Claim: func(ctx context.Context) (func(), error) {
		now := s.o.Now()
		until := now.Add(lease)
		id, ok, err := s.o.Store.ClaimDueHealth(ctx, now, until)
		if !ok {
			return nil, err
		}
		return func() {
			if _, err := s.look(ctx, id, until); err != nil && ctx.Err() == nil && fault.CodeOf(err) != fault.NotFound {
				s.o.Log.WarnContext(ctx, "the health of an integration cannot be told", "id", id, "error", err, "fix", fault.FixOf(err))
			}
		}, nil
	}}.Run(ctx)
}

// CheckNow looks at an integration at once, whether it is due or not. It fails with fault.NotFound.
func (s *Service) CheckNow(ctx context.Context, id string) (Report, error) {
	until := s.o.Now().Add(lease)
	if err := s.o.Store.ClaimHealth(ctx, id, until); err != nil {
		return Report{}, err
	}
	if _, err := s.look(ctx, id, until); err != nil {
		return Report{}, err
	}
	return s.Get(ctx, id)
}

// look checks an integration that was claimed. A result that comes after the integration was changed, or the claim given to
// another, is dropped.
func (s *Service) look(ctx context.Context, id string, claim time.Time) (recorded bool, err error) {
	before, err := s.o.Store.Health(ctx, id)
	if err != nil {
		return false, err
	}
	c, unusable := s.o.Integrations.OpenedStored(ctx, id)
	in := c.Integration
	var r result
	switch {
	case unusable == nil:
		r = judge(in, s.o.Check(ctx, c))
	case fault.CodeOf(unusable) == fault.Invalid:
		if in, err = s.o.Integrations.Get(ctx, id); err != nil {
			return false, err
		}
		r = notOpened(unusable)
	default:
		return false, unusable
	}
	if err := ctx.Err(); err != nil {
		return false, err // what was seen is not the registry's doing
	}
	after, events, announced := s.o.Pace.next(before, in, r, s.o.Now().UTC(), s.o.Jitter())
	recorded, err = s.o.Store.RecordHealth(ctx, after, events, claim, maxEvents, s.o.Now().Add(-maxAge))
	if err == nil && recorded {
		s.tell(ctx, in, before, after, announced)
	}
	return recorded, err
}

func (s *Service) tell(ctx context.Context, in integration.Integration, before, after State, announced []Expiry) {
	if after.Status != before.Status {
		level := slog.LevelInfo
		switch {
		case after.Status == Unhealthy:
			level = slog.LevelWarn
		case builtIn(in):
			level = slog.LevelDebug
		}
		attributes := []any{"integration", in.Name, "id", in.ID, "status", after.Status, "before", before.Status}
		if after.Problem != nil {
			attributes = append(attributes, "finding", after.Problem.Name, "cause", after.Problem.Cause, "fix", after.Problem.Fix)
		}
		s.o.Log.Log(ctx, level, "the health of an integration changed", attributes...)
	}
	for _, e := range announced {
		s.o.Log.WarnContext(ctx, "something that an integration needs ends", "integration", in.Name, "id", in.ID,
			"what", e.What, "at", e.At.Format(time.RFC3339), "within_days", e.Announced, "source", e.Source)
	}
}

// A Report is the state of an integration for people.
type Report struct {
	Name string `json:"name"`
	Type string `json:"type"`
	State
	History []Event `json:"history,omitempty"` // newest first; only of a single integration
}

// List reports on all integrations, by name, without their histories.
func (s *Service) List(ctx context.Context) ([]Report, error) {
	all, err := s.o.Integrations.List(ctx, "", "")
	if err != nil {
		return nil, err
	}
	states, err := s.o.Store.HealthStates(ctx)
	if err != nil {
		return nil, err
	}
	reports := make([]Report, len(all))
	for i, in := range all {
		state, ok := states[in.ID]
		if !ok {
			state = Fresh(in.ID)
		}
		reports[i] = Report{Name: in.Name, Type: in.Type, State: state}
	}
	return reports, nil
}

// Get fails with fault.NotFound.
func (s *Service) Get(ctx context.Context, id string) (Report, error) {
	in, err := s.o.Integrations.Get(ctx, id)
	if err != nil {
		return Report{}, err
	}
	r := Report{Name: in.Name, Type: in.Type}
	if r.State, err = s.o.Store.Health(ctx, id); err != nil {
		return Report{}, err
	}
	r.History, err = s.o.Store.HealthEvents(ctx, id)
	return r, err
}

// An Ending is something of an integration that ends.
type Ending struct {
	IntegrationID string `json:"integrationId"`
	Integration   string `json:"integration"`
	Expiry
}

// Endings are all that are known, those that end first coming first.
func (s *Service) Endings(ctx context.Context) ([]Ending, error) {
	reports, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	endings := []Ending{}
	for _, r := range reports {
		for _, e := range r.Expiries {
			endings = append(endings, Ending{r.IntegrationID, r.Name, e})
		}
	}
	slices.SortStableFunc(endings, func(a, b Ending) int { return a.At.Compare(b.At) })
	return endings, nil
}
