package assess

import (
	"context"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/policy"
)

// A PolicyTest says of one image why it breaks policies, or why not.
type PolicyTest struct {
	ID         string                `json:"id,omitempty" doc:"of the stored assessment; empty when the image was looked at for this"`
	Reference  string                `json:"reference"`
	Platform   string                `json:"platform"`
	Digest     image.Digest          `json:"digest"`
	AssessedAt time.Time             `json:"assessedAt"`
	Policies   []*policy.Explanation `json:"policies" nullable:"false"`
}

// TestPolicies explains every policy of a set, at a stage or, if that is "", each at its first. The answer about an image is not
// kept.
func (s *Service) TestPolicies(ctx context.Context, set *policy.Set, stage policy.Stage, a *Assessment) (*PolicyTest, error) {
	t := &PolicyTest{
		ID: a.ID, Reference: a.Reference, Platform: a.Platform, Digest: a.Facts.Digest, AssessedAt: a.AssessedAt, Policies: []*policy.Explanation{},
	}
	in := PolicyInput(a, s.o.Now())
	for _, p := range set.Policies() {
		e, err := set.Explain(ctx, p.ID, stage, in)
		if err != nil {
			return nil, err
		}
		t.Policies = append(t.Policies, e)
	}
	return t, nil
}

// StoredOf is what is stored about a reference and platform; without one, the newest of any.
func (s *Service) StoredOf(ctx context.Context, ref image.Reference, platform image.Platform) (*Assessment, error) {
	found, err := s.o.Store.LatestSummary(ctx, ref.String())
	if platform != (image.Platform{}) {
		var list []Summary
		list, err = s.o.Store.SummariesOf(ctx, ref.String())
		found = Summary{}
		for _, stored := range list {
			if stored.Platform == platform.String() {
				found = stored
			}
		}
	}
	if fault.CodeOf(err) == fault.NotFound || err == nil && found.ID == "" {
		return nil, fault.New(fault.NotFound, "find image", "no check of %s is stored", ref).
			WithFix("Check it once: landwaiter image check %s --server URL", ref)
	}
	if err != nil {
		return nil, err
	}
	return s.Stored(ctx, found.ID)
}
