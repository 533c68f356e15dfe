package assess

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/policy"
)

// A DryRun says which stored images policies would refuse. No registry is asked.
type DryRun struct {
	Policies []DryRunPolicy `json:"policies" nullable:"false"`
	Looked   int            `json:"looked" doc:"stored images, each platform of its own"`
	Outdated int            `json:"outdated" doc:"of them, those that are about to be judged by newer advisories, or other VEX documents, exceptions or policies"`
	// Images that break a policy, by reference.
	Images []DryRunImage `json:"images" nullable:"false"`
	More   int           `json:"more,omitempty" doc:"images beyond those listed"`
}

// A DryRunPolicy counts the stored images by what a policy says of them.
type DryRunPolicy struct {
	PolicyID string                 `json:"policyId"`
	Policy   string                 `json:"policy" doc:"its title"`
	Severity policy.Severity        `json:"severity"`
	Stage    policy.Stage           `json:"stage" doc:"that it was tried at"`
	Enforced bool                   `json:"enforced" doc:"at that stage, as the policy stands"`
	Outcomes map[policy.Outcome]int `json:"outcomes" doc:"images for each outcome: broken, not broken, undecided, excluded, not asked"`
	Why      map[string]int         `json:"why,omitempty" doc:"reasons of undecided images, some of them"`
}

// A DryRunImage is a stored image that breaks policies.
type DryRunImage struct {
	ID         string       `json:"id" doc:"of the assessment"`
	Reference  string       `json:"reference"`
	Platform   string       `json:"platform"`
	Digest     image.Digest `json:"digest"`
	AssessedAt time.Time    `json:"assessedAt"`
	Broken     []Refusal    `json:"broken" nullable:"false" doc:"in the order of policies"`
}

// A Refusal is a policy that a stored image breaks.
type Refusal struct {
	PolicyID string           `json:"policyId"`
	Messages []policy.Message `json:"messages" nullable:"false" doc:"some of them"`
	More     int              `json:"more,omitempty" doc:"messages beyond those"`
	Since    Since            `json:"since"`
}

const (
	dryRunMessages = 3
	dryRunReasons  = 10
	dryRunPage     = 1000
	// MaxDryRunImages bounds the images that a dry run lists.
	MaxDryRunImages = 10_000
)

// A DryRunRequest is about the stored images whose references hold Query, in any case.
type DryRunRequest struct {
	Policies []policy.Policy
	Query    string
	Limit    int // images listed
}

// DryRun tries policies on what is stored, each at its first stage, whether it is disabled or not.
func (s *Service) DryRun(ctx context.Context, req DryRunRequest) (*DryRun, error) {
	run := &dryRun{Service: s, now: s.o.Now().UTC(), result: DryRun{Policies: []DryRunPolicy{}, Images: []DryRunImage{}}}
	if err := run.add(req.Policies); err != nil {
		return nil, err
	}
	var err error
	if run.basis, err = s.basis(ctx); err != nil {
		return nil, err
	}
	stored := make(chan Summary, dryRunPage)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(stored)
		return run.list(ctx, req.Query, stored)
	})
	for range runtime.GOMAXPROCS(0) { // decoding what is stored takes the most time
		group.Go(func() error {
			for summary := range stored {
				if err := run.try(ctx, summary); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	found := &run.result
	slices.SortFunc(found.Images, func(a, b DryRunImage) int {
		return cmp.Or(cmp.Compare(a.Reference, b.Reference), cmp.Compare(a.Platform, b.Platform))
	})
	if found.More = max(0, len(found.Images)-req.Limit); found.More > 0 {
		found.Images = found.Images[:req.Limit]
	}
	return found, nil
}

// A dryRun is under way in several goroutines.
type dryRun struct {
	*Service
	basis Basis
	now   time.Time
	tried []tried

	mutex  sync.Mutex
	result DryRun
}

// tried is a set of one policy.
type tried struct {
	set   *policy.Set
	id    string
	stage policy.Stage
}

func (r *dryRun) add(policies []policy.Policy) error {
	policies = slices.Clone(policies)
	for i := range policies {
		policies[i].Disabled = false
	}
	set, err := policy.Compile(policies)
	if err != nil {
		return err
	}
	for _, p := range policies {
		stage := p.Stages[0]
		r.tried = append(r.tried, tried{set.Only(func(o policy.Policy) bool { return o.ID == p.ID }), p.ID, stage})
		r.result.Policies = append(r.result.Policies, DryRunPolicy{
			PolicyID: p.ID, Policy: p.Title, Severity: p.Severity, Stage: stage, Enforced: slices.Contains(p.Enforce, stage),
			Outcomes: map[policy.Outcome]int{}, Why: map[string]int{},
		})
	}
	return nil
}

func (r *dryRun) list(ctx context.Context, query string, to chan<- Summary) error {
	for after := ""; ; {
		page, next, err := r.o.Store.Assessments(ctx, query, dryRunPage, after)
		if err != nil {
			return err
		}
		for _, summary := range page {
			select {
			case to <- summary:
			case <-ctx.Done():
				return stopped(ctx, "dry run", "")
			}
		}
		if after = next; after == "" {
			return nil
		}
	}
}

func (r *dryRun) try(ctx context.Context, summary Summary) error {
	a, err := r.o.Store.Assessment(ctx, summary.ID)
	if fault.CodeOf(err) == fault.NotFound { // it was replaced or deleted meanwhile
		return nil
	}
	if err != nil {
		return err
	}
	past := past{store: r.o.Store, a: &a, in: PolicyInput(&a, r.now)}
	results := make([]policy.Result, len(r.tried))
	found := DryRunImage{ID: a.ID, Reference: a.Reference, Platform: a.Platform, Digest: a.Facts.Digest, AssessedAt: a.AssessedAt}
	for i, t := range r.tried {
		results[i] = t.set.Evaluate(ctx, t.stage, past.in)
		for _, v := range results[i].Violations {
			since, err := past.since(ctx, t)
			if err != nil {
				return err
			}
			shown := v.Messages[:min(len(v.Messages), dryRunMessages)]
			found.Broken = append(found.Broken, Refusal{PolicyID: t.id, Messages: shown, More: v.More + len(v.Messages) - len(shown), Since: since})
		}
	}
	if ctx.Err() != nil {
		return stopped(ctx, "dry run", a.Reference)
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.result.Looked++
	if r.basis.Outdates(summary.Basis) {
		r.result.Outdated++
	}
	for i, result := range results {
		r.result.Policies[i].count(result)
	}
	if len(found.Broken) > 0 {
		r.result.Images = append(r.result.Images, found)
	}
	return nil
}

func (p *DryRunPolicy) count(result policy.Result) {
	p.Outcomes[policy.OutcomeOf(result)]++
	for _, u := range result.Undecided {
		if p.Why[u.Reason] > 0 || len(p.Why) < dryRunReasons {
			p.Why[u.Reason]++
		}
	}
}
