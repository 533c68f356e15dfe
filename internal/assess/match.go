package assess

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// A matcher matches packages with one state of the index.
type matcher struct {
	index *vuln.Index
	judgements
	policies string // their name
	answer   *vuln.Matcher
	status   vuln.Status
	known    map[string]outcome // by what packages holds of one; without the findings
	data     map[string]*vuln.Status
}

// maxKnown packages take some 20 MB.
const maxKnown = 100_000

// An outcome is what matching one package gave.
type outcome struct {
	found     []vuln.Vulnerability
	some      bool   // there are findings, though they were not kept
	ecosystem string // that it was checked for
	uncovered string // what there is no data for
	err       error  // why it could not be matched
	sum       [sha256.Size]byte
}

// newMatcher takes the newest advisories, VEX documents, exceptions and policies. release must be called once.
func (s *Service) newMatcher(ctx context.Context) (m *matcher, release func(), err error) {
	said, err := s.judgements(ctx)
	if err != nil {
		return nil, nil, err
	}
	policies := ""
	if s.o.Policies != nil {
		set, err := s.o.Policies.Current(ctx)
		if err != nil {
			return nil, nil, err
		}
		policies = set.Name(policy.Build, s.o.Now())
	}
	index, release := s.o.Advisories.Acquire()
	return &matcher{index: index, judgements: said, policies: policies, answer: index.Matcher(), status: index.Status(), known: map[string]outcome{}, data: map[string]*vuln.Status{}}, release, nil
}

// basis is what the answers rest on.
func (m *matcher) basis() Basis {
	return Basis{Data: dataAsOf(m.status), VEX: m.statements.Name(), Exceptions: m.exceptions.Name(), Policies: m.policies}
}

// dataFor is the state of the data about some ecosystems.
func (m *matcher) dataFor(ecosystems map[string]bool) *vuln.Status {
	key := strings.Join(slices.Sorted(maps.Keys(ecosystems)), "\n")
	if m.data[key] == nil {
		st := m.index.StatusFor(ecosystems)
		m.data[key] = &st
	}
	return m.data[key]
}

// match gives the findings, too. It fails only when its context ends, or the package cannot be read.
func (m *matcher) match(ctx context.Context, written []byte) (o outcome, err error) {
	known, met := m.known[string(written)]
	if met && !known.some {
		return known, nil
	}
	p, err := readPackage(written)
	if err != nil {
		return o, err
	}
	if p.ecosystem == "" || !m.index.Covers(p.ecosystem) {
		o.uncovered = cmp.Or(p.ecosystem, p.kind)
	} else {
		o.found, o.err = m.answer.MatchBinary(ctx, p.source(), p.binary())
		if ctx.Err() != nil {
			return o, stopped(ctx, "match advisories", p.name)
		}
		if o.err == nil {
			o.ecosystem = p.ecosystem
		}
	}
	if met {
		o.sum = known.sum
		return o, nil
	}
	told := slices.Clone(o.found)
	for i := range told {
		told[i].SourceAsOf = time.Time{} // it is another one each time; see Recheck
	}
	encoded, err := json.Marshal(told)
	if err != nil {
		return o, err
	}
	o.sum = sha256.Sum256(fmt.Appendf(encoded, "\n%s\n%v", o.uncovered, o.err))
	if o.err != nil && fault.CodeOf(o.err) != fault.Invalid {
		return o, nil // a failure of this moment
	}
	if len(m.known) >= maxKnown {
		clear(m.known)
	}
	m.known[string(written)] = outcome{some: len(o.found) > 0, ecosystem: o.ecosystem, uncovered: o.uncovered, err: o.err, sum: o.sum}
	return o, nil
}

// recall is match without the findings, and fast for packages it has met.
func (m *matcher) recall(ctx context.Context, written []byte) (outcome, error) {
	if o, ok := m.known[string(written)]; ok {
		return o, nil
	}
	return m.match(ctx, written)
}

// matchAll matches everything that an image holds, in order. The sum is the same as long as the findings are, and what
// policies say of the scan alone; it is empty where that cannot be told.
func (s *Service) matchAll(ctx context.Context, m *matcher, held packages, one func(i int, written []byte) (outcome, error)) (c Check, sum []byte, err error) {
	sums := sha256.New()
	switch {
	case held.scan == NotScanned:
		c = Check{Status: NotChecked, Reason: "the image was not scanned"}
	case m.index.Empty():
		c = Check{Status: NotChecked, Reason: "there is no advisory data; fetch some with `landwaiter vuln update --ecosystem NAME`, or import them with `landwaiter vuln import PATH`", Unchecked: held.count}
	default:
		var missed unchecked
		used := map[string]bool{}
		for i, written := range held.all() {
			o, err := one(i, written)
			if err != nil {
				return c, nil, err
			}
			if missed.add(o); o.ecosystem != "" {
				used[o.ecosystem] = true
			}
			sums.Write(o.sum[:])
		}
		c.Checked, c.Unchecked, c.ImportedAt = held.count-missed.count, missed.count, &m.status.Imported
		c.Status, c.Reason = checkStatus(c, missed)
		c.Data = m.dataFor(used)
		if !m.status.Newest.IsZero() {
			c.DataFrom = &m.status.Newest
		}
	}
	now := s.o.Now().UTC()
	c.MatchedAt = &now
	if s.o.Policies == nil {
		return c, nil, nil
	}
	policies, err := s.o.Policies.Current(ctx)
	if err != nil {
		return c, nil, err
	}
	aboutScans, apart := policies.AboutScans()
	if !apart {
		return c, nil, nil
	}
	seen := policyScan(held.scan, c, now)
	said := aboutScans.Evaluate(ctx, policy.Build, policy.Input{Scan: seen, Now: now})
	if ctx.Err() != nil {
		return c, nil, stopped(ctx, "match advisories", "")
	}
	seen.AdvisoryAge = 0 // it is another one each time
	encoded, err := json.Marshal([]any{said, seen})
	sums.Write(encoded)
	return c, sums.Sum(nil), err
}

// matchNow matches with the newest advisories.
func (s *Service) matchNow(ctx context.Context, a *Assessment) (Matching, error) {
	m, release, err := s.newMatcher(ctx)
	if err != nil {
		return Matching{}, err
	}
	defer release()
	return s.match(ctx, m, a)
}

// match fills a.Check and a.Findings, and says of each component that was not checked why. Only a cancelled context is an
// error.
func (s *Service) match(ctx context.Context, m *matcher, a *Assessment) (Matching, error) {
	held := packagesOf(a.Scan)
	var all []Finding
	for i := range a.Scan.Components {
		a.Scan.Components[i].Unchecked = ""
	}
	check, sum, err := s.matchAll(ctx, m, held, func(i int, written []byte) (outcome, error) {
		o, err := m.match(ctx, written)
		c := &a.Scan.Components[i]
		c.Unchecked = o.reason()
		for _, v := range o.found {
			all = append(all, Finding{
				Vulnerability: v, Component: c.Name, Version: c.Version, Type: c.Type, Location: c.Location,
				Layer: c.Layer, LayerIndex: c.LayerIndex, Line: c.Line,
			})
		}
		return o, err
	})
	if err != nil {
		return Matching{}, err
	}
	a.Check = check
	s.Age(a)
	a.setFindings(all, m.judgements)
	matching := Matching{Basis: m.basis(), Check: check, Packages: held.written, Found: sum}
	matching.touched(a, m.exceptions)
	return matching, nil
}

// Age fills a.Warnings with what the age of the advisory data is worth saying now.
func (s *Service) Age(a *Assessment) {
	if a.Warnings = nil; a.Check.Data != nil {
		a.Warnings = a.Check.Data.At(s.o.Now(), s.o.MaxAge).Warnings
	}
}

// OldBefore is the time before which advisory data are too old to rely on.
func (s *Service) OldBefore() time.Time { return s.o.Now().Add(-s.o.MaxAge) }

// reason why a package was not checked, or "".
func (o outcome) reason() string {
	switch {
	case o.uncovered != "":
		return "no advisory data for " + o.uncovered
	case o.err != nil:
		return o.err.Error()
	}
	return ""
}

// unchecked gathers why components were not checked.
type unchecked struct {
	count      int
	ecosystems map[string]bool // without advisory data
	failures   int
	first      error
}

func (u *unchecked) add(o outcome) {
	switch {
	case o.uncovered != "":
		if u.ecosystems == nil {
			u.ecosystems = map[string]bool{}
		}
		u.ecosystems[o.uncovered] = true
	case o.err != nil:
		u.first = cmp.Or(u.first, o.err)
		u.failures++
	default:
		return
	}
	u.count++
}

func (u *unchecked) String() string {
	var reasons []string
	if len(u.ecosystems) > 0 {
		reasons = append(reasons, "no advisory data for "+strings.Join(slices.Sorted(maps.Keys(u.ecosystems)), ", "))
	}
	if u.failures > 0 {
		reasons = append(reasons, fmt.Sprintf("%d could not be matched (%v)", u.failures, u.first))
	}
	return strings.Join(reasons, "; ")
}

func checkStatus(c Check, missed unchecked) (status, reason string) {
	switch total := c.Checked + c.Unchecked; {
	case total == 0:
		return Checked, "no components were found, so there was nothing to check"
	case c.Unchecked == 0:
		return Checked, ""
	case c.Checked == 0:
		status = NotChecked
	default:
		status = PartlyChecked
	}
	return status, fmt.Sprintf("%d of %d components were not checked: %s", c.Unchecked, c.Checked+c.Unchecked, &missed)
}
