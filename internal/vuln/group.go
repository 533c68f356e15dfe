package vuln

import (
	"cmp"
	"iter"
	"net/url"
	"slices"
	"strings"
	"time"
)

// group makes one Vulnerability of all hits that speak of the same vulnerability: those connected through their IDs and
// aliases, and through upstream where it names a single vulnerability.
//
// An advisory with several upstream vulnerabilities (a DSA, an RHSA) bundles them. Joining through it would report six
// vulnerabilities as one, so it becomes an alias of those that have hits of their own, and a finding by itself only if it
// speaks of one that has none.
func group(hits []*hit, os bool) []Vulnerability {
	if len(hits) == 1 {
		return []Vulnerability{merge(hits, nil, os)}
	}
	// One record can stand in several rows: an import may hold it once for each ecosystem.
	slices.SortStableFunc(hits, func(a, b *hit) int { return cmp.Compare(a.id, b.id) })
	var bundles []*hit
	of := make(map[string]int, 2*len(hits)) // identity → group
	groups := make([][]*hit, 0, len(hits))
	for i, h := range hits {
		if h.bundles() {
			bundles = append(bundles, h)
			continue
		}
		at := -1
		for n := range h.identities() {
			switch g, ok := of[n]; {
			case !ok || g == at:
			case at < 0:
				at = g
			default:
				groups[at], groups[g] = append(groups[at], groups[g]...), nil
				for k, v := range of {
					if v == g {
						of[k] = at
					}
				}
			}
		}
		if at < 0 {
			at, groups = len(groups), append(groups, hits[i:i+1:i+1])
		} else {
			groups[at] = append(groups[at], h)
		}
		for n := range h.identities() {
			of[n] = at
		}
	}
	extra := make([][]*hit, len(groups))
	for i, b := range bundles {
		if i > 0 && bundles[i-1].id == b.id {
			continue
		}
		uncovered := false
		for _, u := range b.upstream {
			g, ok := of[identity(u)]
			if !ok {
				uncovered = true
			} else if !slices.ContainsFunc(extra[g], func(h *hit) bool { return h.id == b.id }) {
				extra[g] = append(extra[g], b)
			}
		}
		if uncovered {
			groups, extra = append(groups, []*hit{b}), append(extra, nil)
		}
	}
	found := make([]Vulnerability, 0, len(groups))
	for i, g := range groups {
		if len(g) > 0 {
			found = append(found, merge(g, extra[i], os))
		}
	}
	return found
}

// identity makes a distribution's name for a CVE and the CVE itself the same.
func identity(id string) string {
	if c := cveOf(id); c != "" {
		return c
	}
	return id
}

// identities are the names by which an advisory is connected with others.
func (d *detail) identities() iter.Seq[string] {
	return func(yield func(string) bool) {
		more := yield(identity(d.id))
		for i := 0; more && i < len(d.aliases); i++ {
			more = yield(identity(d.aliases[i]))
		}
		if more && len(d.upstream) > 0 && !d.severalUpstream() {
			yield(identity(d.upstream[0]))
		}
	}
}

func (d *detail) severalUpstream() bool {
	return slices.ContainsFunc(d.upstream, func(u string) bool { return identity(u) != identity(d.upstream[0]) })
}

// bundles reports whether the advisory speaks of several vulnerabilities. One that is itself named for a CVE does not.
func (d *detail) bundles() bool {
	named := func(n string) bool { return cveOf(n) != "" }
	return d.severalUpstream() && !named(d.id) && !slices.ContainsFunc(d.aliases, named)
}

// preference orders the records of a group, the one that speaks for it first: a distribution's own before others for its
// packages; GitHub's before others for a language's; a bare CVE last; then what says more.
func preference(h *hit, os bool) int {
	foreign := cveOf(h.id) == h.id || strings.HasPrefix(h.id, "GHSA-")
	p := 0
	switch {
	case os && foreign, !os && cveOf(h.id) == h.id:
		p = 200
	case !os && !strings.HasPrefix(h.id, "GHSA-"):
		p = 100
	}
	return p - 4*btoi(h.rating.severity() != Unknown) - 2*btoi(h.fixed != "") - btoi(h.summary != "")
}

func merge(g, bundles []*hit, os bool) Vulnerability {
	slices.SortStableFunc(g, func(a, b *hit) int {
		return cmp.Or(cmp.Compare(preference(a, os), preference(b, os)), cmp.Compare(a.id, b.id))
	})
	first := g[0]
	v := Vulnerability{
		ID: first.id, Summary: first.summary, Severity: first.rating.severity(), Score: first.rating.score, Vector: first.rating.vector,
		FixedVersion: first.fixed, Published: timeOf(first.published), Modified: timeOf(first.modified),
		References: first.references, Source: first.source, URL: first.page(),
	}
	aliases := make([]string, 0, len(first.aliases)+len(first.upstream)+1)
	named := func(n string) {
		if v.CVE == "" {
			v.CVE = cveOf(n)
		}
		if n != v.ID && !slices.Contains(aliases, n) {
			aliases = append(aliases, n)
		}
	}
	for i, h := range append(slices.Clip(g), bundles...) {
		named(h.id)
		for _, n := range h.aliases {
			named(n)
		}
		if i < len(g) {
			for _, n := range h.upstream {
				named(n)
			}
		}
		if v.Vector == "" && h.rating.vector != "" {
			v.Vector, v.Score = h.rating.vector, h.rating.score
		}
		if v.Severity == Unknown {
			v.Severity = h.rating.severity()
		}
		v.FixedVersion = cmp.Or(v.FixedVersion, h.fixed)
		v.Summary = cmp.Or(v.Summary, h.summary)
		if v.Published == nil {
			v.Published = timeOf(h.published)
		}
	}
	if len(aliases) > 0 {
		v.Aliases = aliases
	}
	return v
}

func timeOf(unix int64) *time.Time {
	if unix == 0 {
		return nil
	}
	t := time.Unix(unix, 0).UTC()
	return &t
}

// osvDatabases are the prefixes of the databases that osv.dev shows.
var osvDatabases = []string{
	"A-", "ALBA-", "ALEA-", "ALPINE-", "ALSA-", "ASB-A-", "AZL-", "BELL-", "BIT-", "BREW-", "CGA-", "CLEANSTART-", "CURL-", "CVE-", "DEBIAN-",
	"DHI-", "DLA-", "DRUPAL-", "DSA-", "DTSA-", "ECHO-", "EEF-", "ELA-", "GHSA-", "GO-", "GSD-", "HSEC-", "JLSEC-", "KUBE-", "LBSEC-", "LSN-",
	"MAL-", "MGASA-", "MINI-", "OESA-", "OSEC-", "OSV-", "PHSA-", "PSF-", "PUB-", "PYSEC-", "RHBA-", "RHEA-", "RHSA-", "RLSA-", "RXSA-",
	"ROOT-", "RSEC-", "RUSTSEC-", "SUSE-", "UBUNTU-", "USN-", "V8-", "openSUSE-",
}

// page is where a person reads about the advisory: its page at osv.dev if its database is published there, else the
// advisory it refers to, else its CVE's page.
func (d *detail) page() string {
	if d.onOSV {
		return "https://osv.dev/vulnerability/" + url.PathEscape(d.id)
	}
	if len(d.references) > 0 {
		return d.references[0]
	}
	for _, a := range append(slices.Clone(d.aliases), d.upstream...) {
		if c := cveOf(a); c != "" {
			return "https://nvd.nist.gov/vuln/detail/" + c
		}
	}
	return ""
}
