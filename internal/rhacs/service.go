package rhacs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/rhacs/storage"
	v1 "github.com/landwaiter/landwaiter/internal/rhacs/v1"
	"github.com/landwaiter/landwaiter/internal/sbom"
)

// A Service answers the requests of RHACS's clients, whichever way they come. This server reads every image itself and anew, so
// force and cluster of a request for an image change nothing.
type Service struct {
	Assess   *assess.Service
	Policies assess.Policies
	Now      func() time.Time
	Tool     string // "name version", as bills of materials have it
}

// ScanImage assesses an image, keeps the assessment, and shows what was found. An image that could not be scanned is an error:
// clients show one without findings as clean.
func (s *Service) ScanImage(ctx context.Context, req *v1.ScanImageRequest) (*storage.Image, error) {
	a, err := s.assess(ctx, req.GetImageName())
	if err != nil {
		return nil, err
	}
	if a.Scan.Status == assess.NotScanned {
		return nil, fault.New(cmp.Or(a.Scan.Code, fault.Internal), "scan image", "%s: %s", a.Reference, a.Scan.Reason).WithFix("%s", a.Scan.Fix)
	}
	return Image(a, req.GetIncludeSnoozed()), nil
}

// DetectBuildTime says which policies of the build stage an image breaks.
func (s *Service) DetectBuildTime(ctx context.Context, req *v1.BuildDetectionRequest) (*v1.BuildDetectionResponse, error) {
	if req.GetForce() && req.GetNoExternalMetadata() {
		return nil, fault.New(fault.Invalid, "check image", "force and noExternalMetadata exclude each other")
	}
	name := req.GetImageName()
	if req.GetImage() != nil {
		name = reference(req.GetImage())
	}
	a, err := s.assess(ctx, name)
	if err != nil {
		return nil, err
	}
	result, err := s.inCategories(ctx, a.Policy, req.GetPolicyCategories())
	if err != nil {
		return nil, err
	}
	f := a.Facts
	entity := &storage.Alert_Image{Image: &storage.ContainerImage{Id: string(cmp.Or(f.ManifestDigest, f.Digest)), Name: imageName(a.Reference)}}
	found := alerts(result, a.AssessedAt, a.Reference, f.LineText)
	for _, alert := range found {
		alert.Entity = entity
	}
	return &v1.BuildDetectionResponse{Alerts: found}, nil
}

// An SBOMRequest asks for an image's bill of materials.
type SBOMRequest struct {
	Cluster   string `json:"cluster"`
	Namespace string `json:"namespace"`
	ImageName string `json:"imageName"`
	Force     bool   `json:"force"`
	Digest    string `json:"digest"`
}

// SBOM scans an image and writes its bill of materials, in SPDX 2.3.
func (s *Service) SBOM(ctx context.Context, body []byte) (document []byte, name string, err error) {
	var req SBOMRequest
	if err := json.Unmarshal(body, &req); err != nil {
		return nil, "", malformed()
	}
	if req.Digest != "" && !strings.Contains(req.ImageName, "@") {
		req.ImageName += "@" + req.Digest
	}
	a, err := s.assess(ctx, req.ImageName)
	if err != nil {
		return nil, "", err
	}
	d, err := a.Document(s.Tool)
	if err != nil {
		return nil, "", err
	}
	var out bytes.Buffer
	err = sbom.Write(&out, sbom.SPDX, d)
	return out.Bytes(), sbom.SPDX.FileName(a.Reference), err
}

func (s *Service) assess(ctx context.Context, name string) (*assess.Assessment, error) {
	if strings.TrimSpace(name) == "" {
		return nil, fault.New(fault.Invalid, "read request", "it names no image").WithFix("Send imageName, e.g. quay.io/org/app:1.2.")
	}
	ref, err := image.ParseReference(name)
	if err != nil {
		return nil, err
	}
	return s.Assess.Assess(ctx, assess.Request{Reference: ref, Depth: assess.Judge}, assess.Progress{})
}

// reference is the name of an image, whose parts are given when it is not, with its digest.
func reference(i *storage.ContainerImage) string {
	n := i.GetName()
	name := n.GetFullName()
	if name == "" && n.GetRemote() != "" {
		if name = n.GetRemote(); n.GetRegistry() != "" {
			name = n.GetRegistry() + "/" + name
		}
		if n.GetTag() != "" {
			name += ":" + n.GetTag()
		}
	}
	if name != "" && i.GetId() != "" && !strings.Contains(name, "@") {
		name += "@" + i.GetId()
	}
	return name
}

// inCategories leaves of a judgement what policies of some categories say; all if none are named.
func (s *Service) inCategories(ctx context.Context, r policy.Result, names []string) (policy.Result, error) {
	if len(names) == 0 {
		return r, nil
	}
	set, err := s.Policies.Current(ctx)
	if err != nil {
		return r, err
	}
	set, err = assess.InCategories(set.Only(func(p policy.Policy) bool { return slices.Contains(p.Stages, r.Stage) }), names)
	if err != nil {
		return r, err
	}
	wanted := map[string]bool{}
	for _, p := range set.Policies() {
		wanted[p.ID] = true
	}
	others := func(id string) bool { return !wanted[id] }
	r.Violations = slices.DeleteFunc(slices.Clone(r.Violations), func(v policy.Violation) bool { return others(v.PolicyID) })
	r.Undecided = slices.DeleteFunc(slices.Clone(r.Undecided), func(u policy.Undecided) bool { return others(u.PolicyID) })
	r.Notes = slices.DeleteFunc(slices.Clone(r.Notes), func(n policy.Note) bool {
		return len(n.Policies) > 0 && !slices.ContainsFunc(n.Policies, func(id string) bool { return wanted[id] })
	})
	return r, nil
}
