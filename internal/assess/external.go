package assess

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/external"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// Scanners finds the integrations whose registry's own scanner may be asked about an image.
type Scanners interface {
	Scanners(ctx context.Context, ref image.Reference) ([]integration.Candidate, error)
}

// External is what a registry's own scanner says, and how far that is to be trusted.
type External struct {
	Integration Source `json:"integration"`
	external.Report
	Age         string `json:"age,omitempty"` // of the scan when the image was assessed, e.g. "3 days"
	Stale       bool   `json:"stale"`
	StaleReason string `json:"staleReason,omitempty"`
	// Agreement with the findings; nil where there is nothing to compare.
	Agreement *Agreement `json:"agreement,omitempty"`
}

const (
	// maxScanners bounds how many are asked about one image. They are those that would be asked for the image itself first.
	maxScanners = 8
	// maxAsks bounds how many are asked at once, and so the memory for what they answer.
	maxAsks = 8
)

// askScanners begins to ask, and returns a function that waits for the answers as long as there is time for them. What fails is
// part of the answers.
func (s *Service) askScanners(ctx context.Context, ref image.Reference, a *Assessment) (wait func() []External) {
	if s.o.Scanners == nil {
		return func() []External { return nil }
	}
	candidates, err := s.o.Scanners.Scanners(ctx, ref)
	if err != nil {
		s.o.Log.WarnContext(ctx, "the scanners of registries could not be looked up", "image", a.Reference, "error", err)
	}
	candidates = candidates[:min(len(candidates), maxScanners)]
	ctx, cancel := context.WithTimeout(ctx, s.o.ExternalLimit)
	pending := make([]chan external.Report, len(candidates))
	for i, c := range candidates {
		pending[i] = make(chan external.Report, 1)
		go func() { pending[i] <- s.askScanner(ctx, c, ref, a.Facts.ManifestDigest) }()
	}
	return func() []External {
		defer cancel()
		var list []External
		for i, c := range candidates {
			e := External{Integration: sourceOf(c)}
			select {
			case e.Report = <-pending[i]: // also if the layers took longer than the time for it
			default:
				select {
				case e.Report = <-pending[i]:
				case <-ctx.Done():
					e.Report = s.tooSlow()
				}
			}
			e.judgeAge(s.o.Now(), s.o.ExternalStale, a.Facts)
			list = append(list, e)
		}
		return oncePerRegistry(candidates, list)
	}
}

func (s *Service) askScanner(ctx context.Context, c integration.Candidate, ref image.Reference, digest image.Digest) external.Report {
	select {
	case s.asks <- struct{}{}:
		defer func() { <-s.asks }()
	case <-ctx.Done():
		return s.tooSlow()
	}
	ready, err := c.Ready(ctx)
	scanner, ok := ready.Registry.(external.Scanner)
	switch {
	case err != nil:
		return external.Failed(err)
	case !ok:
		return external.Failed(fault.New(fault.Invalid, "", "registries of the type %s have no scanner that can be asked", c.Integration.Type))
	}
	report := external.Ask(ctx, scanner, external.Asking{
		Ref: ref, Digest: digest,
		Get: func(ctx context.Context, path string, as distribution.Credential, header http.Header) (distribution.Answer, error) {
			return s.o.Client.Ask(ctx, ready.Endpoint(ref), path, as, header)
		},
	})
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && report.Status == external.Unavailable {
		return s.tooSlow()
	}
	return report
}

func (s *Service) tooSlow() external.Report {
	return external.Failed(fault.New(fault.Unavailable, "", "no answer within %s", s.o.ExternalLimit).
		WithFix("If the scanner is only slow, let the server wait longer with --external-limit."))
}

// oncePerRegistry leaves one report of each registry that has answered one of the integrations that are for it.
func oncePerRegistry(asked []integration.Candidate, list []External) []External {
	at := func(i int) string {
		return asked[i].Integration.Type + " " + asked[i].Registry.Endpoint(image.Reference{}).String()
	}
	first := map[string]int{}
	for i, e := range list {
		if _, answered := first[at(i)]; !answered && e.Status != external.Unavailable {
			first[at(i)] = i
		}
	}
	var kept []External
	for i, e := range list {
		if one, answered := first[at(i)]; !answered || one == i {
			kept = append(kept, e)
		}
	}
	return kept
}

// judgeAge says how old a scan is, and whether it is too old to say much.
func (e *External) judgeAge(now time.Time, stale time.Duration, facts image.Facts) {
	if e.Status != external.Scanned || e.ScannedAt == nil {
		return
	}
	age := max(0, now.Sub(*e.ScannedAt))
	e.Age = lasting(age)
	switch {
	case e.PushedAt != nil && e.ScannedAt.Before(*e.PushedAt):
		e.StaleReason = "the image was pushed after it"
	case facts.Created != nil && e.ScannedAt.Before(*facts.Created):
		e.StaleReason = "it is older than the image"
	case age > stale:
		e.StaleReason = "it is older than " + lasting(stale)
	}
	e.Stale = e.StaleReason != ""
}

// lasting is a duration as one says it.
func lasting(d time.Duration) string {
	for _, unit := range []struct {
		name string
		long time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}} {
		switch n := int(d / unit.long); {
		case n > 1:
			return fmt.Sprintf("%d %ss", n, unit.name)
		case n == 1:
			return "1 " + unit.name
		}
	}
	return "less than a minute"
}

// Title names the scanner and whose it is: "Clair 4 (team registry)".
func (e External) Title() string {
	return cmp.Or(e.Scanner.String(), "Scanner") + " (" + e.Integration.Name + ")"
}

// distinct counts what is reported as the comparison does, which takes packages that were built from one source together.
func (e External) distinct() int {
	if g := e.Agreement; g != nil {
		return g.Both + g.OnlyTheirs + e.Omitted
	}
	names := map[string]bool{}
	for _, v := range e.Vulnerabilities {
		names[v.ID] = true
	}
	return len(names) + e.Omitted
}

// Summary is the report in one sentence, without what is to be done about it.
func (e External) Summary() string {
	if e.Status != external.Scanned {
		text := strings.ToUpper(string(e.Status))
		if e.Reason != "" {
			text += ": " + e.Reason
		}
		return text
	}
	text := "none found"
	switch n := e.distinct(); {
	case n == 1:
		text = "1 vulnerability"
	case n > 1:
		text = fmt.Sprintf("%d vulnerabilities", n)
	}
	if e.Age == "" {
		text += ", the time of the scan is not told"
	} else {
		text += ", scanned " + e.Age + " earlier"
	}
	if e.Stale {
		text += " (STALE: " + e.StaleReason + ")"
	}
	if g := e.Agreement; g != nil {
		text += fmt.Sprintf("; %d both, %d only theirs, %d only ours", g.Both, g.OnlyTheirs, g.OnlyOurs)
		if g.SeverityDiffers > 0 {
			text += fmt.Sprintf("; severity differs in %d", g.SeverityDiffers)
		}
		if g.FixDiffers > 0 {
			text += fmt.Sprintf("; fixed version differs in %d", g.FixDiffers)
		}
	}
	if e.Reason != "" {
		text += "; " + e.Reason
	}
	return text
}
