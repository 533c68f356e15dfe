package assess

import (
	"context"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/policy"
)

// judge evaluates the build stage and draws the verdict.
func (s *Service) judge(ctx context.Context, a *Assessment) {
	a.Policy = s.Policies.Evaluate(ctx, policy.Build, PolicyInput(a, s.Now()))
	a.Verdict = verdictOf(a.Policy)
}

func verdictOf(r policy.Result) Verdict {
	if r.Failed() {
		return Fail
	}
	for _, u := range r.Undecided {
		if u.Enforced {
			return Undecided
		}
	}
	if len(r.Violations) > 0 {
		return Violations
	}
	return Pass
}

// PolicyInput is what policies see of an assessment.
func PolicyInput(a *Assessment, now time.Time) policy.Input {
	ref, _ := image.ParseReference(a.Reference)
	f := a.Facts
	in := policy.Input{
		Image: policy.Image{
			Reference: a.Reference, Registry: ref.Registry, Repository: ref.Repository, Tag: ref.Tag, Digest: string(f.Digest),
			Author: f.Author, User: f.User, OS: f.Platform.OS, Architecture: f.Platform.Architecture,
			Entrypoint: f.Entrypoint, Command: f.Command, Environment: f.Environment, ExposedPorts: f.ExposedPorts,
			Volumes: f.Volumes, Labels: f.Labels, Annotations: f.Annotations, HasHealthcheck: f.Healthcheck != nil, Size: f.Size,
		},
		Integration: policy.Integration{Name: a.Source.Name, Type: a.Source.Type},
		Scan: policy.Scan{
			Scanned: a.Scan.Status != NotScanned, Complete: a.Scan.Status == "complete",
			VulnsChecked: a.Check.Status != NotChecked, UncheckedCount: a.Check.Unchecked,
		},
		Now: now,
	}
	if f.Created != nil {
		in.Image.Created, in.Image.HasCreated = *f.Created, true
	}
	if a.Scan.OS != nil {
		in.Image.Distribution = strings.TrimSuffix(a.Scan.OS.ID+":"+a.Scan.OS.VersionID, ":")
	}
	if a.Check.DataFrom != nil {
		in.Scan.AdvisoryAge = now.Sub(*a.Check.DataFrom)
	}
	for _, i := range f.Instructions {
		in.Layers = append(in.Layers, policy.Layer{Line: i.Line, Keyword: i.Keyword, Value: i.Value, Empty: i.Empty, LayerIndex: i.LayerIndex})
	}
	components := make(map[[3]string]policy.Component, len(a.Scan.Components))
	for _, c := range a.Scan.Components {
		pc := policy.Component{
			Name: c.Name, Version: c.Version, Type: c.Type, Ecosystem: c.Ecosystem, Location: c.Location, Licenses: c.Licenses,
			LayerIndex: c.LayerIndex, Line: c.Line, Instruction: f.LineText(c.Line),
		}
		components[[3]string{c.Name, c.Version, c.Location}] = pc
		in.Components = append(in.Components, pc)
	}
	for _, v := range a.Findings {
		pv := policy.Vulnerability{
			ID: v.ID, CVE: v.CVE, Severity: string(v.Severity), FixedVersion: v.FixedVersion, Summary: v.Summary,
			Aliases: v.Aliases, Score: v.Score, Component: components[[3]string{v.Component, v.Version, v.Location}],
		}
		if v.Published != nil {
			pv.Published = *v.Published
		}
		in.Vulnerabilities = append(in.Vulnerabilities, pv)
	}
	return in
}
