package assess

import (
	"context"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/workload"
)

// maxWorkloadImages bounds the images that one request may ask for.
const maxWorkloadImages = 1000

// A WorkloadsRequest asks whether workloads may run.
type WorkloadsRequest struct {
	Manifests  workload.Manifests
	Cluster    policy.Cluster // where they are meant to run
	Platform   image.Platform // of their images; zero: the default
	Categories []string       // of the policies that are asked; none: all policies
}

// A WorkloadsReport is the answer about workloads, in the order of their manifests.
type WorkloadsReport struct {
	Workloads []WorkloadReport  `json:"workloads" nullable:"false"`
	Ignored   []workload.Object `json:"ignored,omitempty"` // objects that are no workloads, or of kinds that are not known to be
	Verdict   Verdict           `json:"verdict"`           // the worst
}

// A WorkloadReport says whether one workload may run.
type WorkloadReport struct {
	Workload workload.Object `json:"workload"`
	Images   []WorkloadImage `json:"images" nullable:"false"` // one for each container, init containers first
	Policy   policy.Result   `json:"policy"`
	Verdict  Verdict         `json:"verdict"`
}

// A WorkloadImage is what was found out about a container's image, or the reason why that is nothing.
type WorkloadImage struct {
	Container     string       `json:"container"`
	ContainerKind string       `json:"containerKind"` // "init", "container", "ephemeral"
	Image         string       `json:"image"`         // as the manifest names it
	Reference     string       `json:"reference,omitempty"`
	Platform      string       `json:"platform,omitempty"`
	Digest        image.Digest `json:"digest,omitempty"`
	AssessmentID  string       `json:"assessmentId,omitempty"`
	ScanStatus    string       `json:"scanStatus"`
	CheckStatus   string       `json:"vulnerabilityCheck"`

	Error string     `json:"error,omitempty"`
	Fix   string     `json:"fix,omitempty"`
	Code  fault.Code `json:"code,omitempty"`
	Err   error      `json:"-"` // the error itself, where the image was asked for
}

// missing reports whether the image could not be had.
func (i WorkloadImage) missing() bool { return i.Error != "" }

// CheckWorkloads asks the policies of the stage deploy. Each distinct image is assessed once, and that answer is stored as any
// other. An image that cannot be had leaves the policies that look into it undecided for its containers, and the workload with
// them, enforced or not: nothing is known of what would run. It fails only if the request is wrong, the policies cannot be had, or the context ends.
func (s *Service) CheckWorkloads(ctx context.Context, req WorkloadsRequest, progress Progress) (*WorkloadsReport, error) {
	policies, err := s.o.Policies.Current(ctx)
	if err != nil {
		return nil, err
	}
	policies, err = InCategories(policies, req.Categories)
	if err != nil {
		return nil, err
	}
	images, err := s.workloadImages(ctx, req, progress)
	if err != nil {
		return nil, err
	}
	report := &WorkloadsReport{Workloads: []WorkloadReport{}, Ignored: req.Manifests.Ignored, Verdict: Pass}
	now := s.o.Now()
	for _, w := range req.Manifests.Workloads {
		of := WorkloadReport{Workload: workload.Object{
			APIVersion: w.APIVersion, Kind: w.Kind, Namespace: w.Namespace, Name: w.Name, File: w.File, Line: w.Line,
		}}
		d := policy.Deployment{Workload: w.Workload, Cluster: req.Cluster, Now: now}
		for _, c := range w.Containers {
			i := images[c.Image]
			shown := i.shown
			shown.Container, shown.ContainerKind, shown.Image = c.Name, c.Kind, c.Image
			of.Images = append(of.Images, shown)
			d.Images = append(d.Images, i.input)
		}
		of.Policy = policies.EvaluateWorkload(ctx, d)
		of.Verdict = verdictOf(of.Policy)
		if of.Verdict != Fail && slices.ContainsFunc(of.Images, WorkloadImage.missing) {
			of.Verdict = Undecided
		}
		report.Workloads = append(report.Workloads, of)
		report.Verdict = WorseVerdict(report.Verdict, of.Verdict)
		if ctx.Err() != nil {
			return nil, stopped(ctx, "check workloads", "")
		}
	}
	return report, nil
}

// workloadImage is an image with what policies see of it.
type workloadImage struct {
	shown WorkloadImage
	input policy.Input
}

// workloadImages finds out about each distinct image once. They are named as the manifests do.
func (s *Service) workloadImages(ctx context.Context, req WorkloadsRequest, progress Progress) (map[string]*workloadImage, error) {
	found, distinct := map[string]*workloadImage{}, map[image.Reference]*workloadImage{}
	for _, w := range req.Manifests.Workloads {
		for _, c := range w.Containers {
			if found[c.Image] != nil {
				continue
			}
			ref, err := workload.Reference(c.Image)
			if err != nil {
				found[c.Image] = s.unavailable(err)
				continue
			}
			if distinct[ref] == nil {
				distinct[ref] = &workloadImage{}
			}
			found[c.Image] = distinct[ref]
		}
	}
	if len(distinct) > maxWorkloadImages {
		return nil, fault.New(fault.Invalid, "check workloads", "they run %d images, which are more than %d", len(distinct), maxWorkloadImages).
			WithFix("Check fewer of them at once.")
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2 * cap(s.slots)) // while some are scanned, others can be asked for
	for ref, i := range distinct {
		group.Go(func() error {
			*i = *s.workloadImage(ctx, ref, req.Platform, progress)
			return ctx.Err()
		})
	}
	if group.Wait() != nil {
		return nil, stopped(ctx, "check workloads", "")
	}
	return found, nil
}

func (s *Service) workloadImage(ctx context.Context, ref image.Reference, platform image.Platform, progress Progress) *workloadImage {
	a, err := s.Assess(ctx, Request{Reference: ref, Platform: platform, Depth: Judge}, progress)
	if err != nil {
		i := s.unavailable(err)
		i.shown.Reference = ref.String()
		i.input.Image = policy.Image{Reference: ref.String(), Registry: ref.Registry, Repository: ref.Repository, Tag: ref.Tag, Digest: string(ref.Digest)}
		return i
	}
	return &workloadImage{
		shown: WorkloadImage{
			Reference: a.Reference, Platform: a.Platform, Digest: a.Facts.Digest, AssessmentID: a.ID, ScanStatus: a.Scan.Status, CheckStatus: a.Check.Status,
		},
		input: PolicyInput(a, s.o.Now()),
	}
}

func (s *Service) unavailable(err error) *workloadImage {
	return &workloadImage{
		shown: WorkloadImage{
			ScanStatus: NotScanned, CheckStatus: NotChecked, Error: err.Error(), Fix: fault.FixOf(err), Code: fault.CodeOf(err), Err: err,
		},
		input: policy.Input{Unavailable: "the image could not be had", Now: s.o.Now()}, // which shown says more of
	}
}

// InCategories leaves the policies of some categories, whatever the case of their letters; all if none are named. A category
// that no policy is in is an error, for it must not look as if everything passed.
func InCategories(set *policy.Set, categories []string) (*policy.Set, error) {
	if len(categories) == 0 {
		return set, nil
	}
	known := map[string]string{} // by lower case
	for _, p := range set.Policies() {
		for _, c := range p.Categories {
			known[strings.ToLower(c)] = c
		}
	}
	var wanted []string
	for _, c := range categories {
		c = strings.ToLower(strings.TrimSpace(c))
		if known[c] == "" {
			return nil, fault.New(fault.Invalid, "choose policies", "no policy is in the category %q", c).
				WithFix("Known categories are: %s.", strings.Join(slices.Sorted(maps.Values(known)), ", "))
		}
		wanted = append(wanted, c)
	}
	return set.Only(func(p policy.Policy) bool {
		return slices.ContainsFunc(p.Categories, func(c string) bool { return slices.Contains(wanted, strings.ToLower(c)) })
	}), nil
}
