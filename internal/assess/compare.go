package assess

import (
	"cmp"
	"slices"
	"strings"

	"github.com/landwaiter/landwaiter/internal/external"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// Agreement counts vulnerabilities of packages that this program, one scanner or both report.
type Agreement struct {
	Both            int `json:"both"`
	OnlyOurs        int `json:"onlyOurs"`
	OnlyTheirs      int `json:"onlyTheirs"`
	SeverityDiffers int `json:"severityDiffers"` // of both
	FixDiffers      int `json:"fixDiffers"`      // of both
}

// Compared is one vulnerability of one package, and who reports it. Vulnerabilities are the same if they share a name; packages
// are if they were built from the same source.
type Compared struct {
	ID      string   `json:"id"` // a CVE if one is known
	Aliases []string `json:"aliases,omitempty"`
	Package string   `json:"package"`
	Said    []Said   `json:"said" nullable:"false"` // this program first, if it reports it
	// Differences are "only ours", "only theirs", "severity" and "fixed version", in this order; none if all agree.
	Differences []string `json:"differences,omitempty"`
	Why         string   `json:"why,omitempty"` // why this program does not report it
}

// Said is what one of them says.
type Said struct {
	By           string        `json:"by"` // the integration's name
	Ours         bool          `json:"ours,omitempty"`
	Versions     []string      `json:"versions,omitempty"`
	Severity     vuln.Severity `json:"severity"`
	SaidSeverity string        `json:"saidSeverity,omitempty"` // in the scanner's own word
	FixedVersion string        `json:"fixedVersion,omitempty"`
	Link         string        `json:"link,omitempty"`
}

// Ourselves is who says what this program found.
const Ourselves = "Landwaiter"

const (
	onlyOurs       = "only ours"
	onlyTheirs     = "only theirs"
	severityDiffer = "severity"
	fixDiffers     = "fixed version"
)

// compare fills a.Compared and the agreements of a.External from the findings as they are now.
func (a *Assessment) compare() {
	if a.Compared = nil; len(a.External) == 0 {
		return
	}
	c := newComparison(a)
	for i := range a.External {
		e := &a.External[i]
		if e.Agreement = nil; e.Status == external.Scanned && a.Check.Status != NotChecked {
			e.Agreement = &Agreement{}
			c.theirs(i, e)
		}
	}
	if len(c.reporters) == 0 {
		return
	}
	c.ours()
	a.Compared = c.rows()
}

// A comparison gathers who says what, by vulnerability and package.
type comparison struct {
	a         *Assessment
	sources   map[string]string    // of packages, the name of what they were built from
	found     map[string]Component // by the name of what they were built from, those that were not checked first
	parent    map[string]string    // of names of vulnerabilities: another name of the same
	reporters []int                // indexes into a.External
	entries   []entry
}

// An entry is what one reporter says; ours is its index where there is none of External.
type entry struct {
	by    int
	names []string
	pkg   string
	said  Said
}

const ours = -1

func newComparison(a *Assessment) *comparison {
	c := &comparison{a: a, sources: map[string]string{}, found: map[string]Component{}, parent: map[string]string{}}
	for _, component := range a.Scan.Components {
		source := normal(cmp.Or(component.SourceName, component.Name))
		c.sources[normal(component.Name)] = source
		if c.found[source].Unchecked == "" {
			c.found[source] = component
		}
	}
	return c
}

// normal is a package's name in the form in which scanners agree on it.
func normal(name string) string {
	return strings.ReplaceAll(strings.TrimPrefix(strings.ToLower(name), "go/"), "_", "-")
}

func (c *comparison) source(name string) string { return cmp.Or(c.sources[normal(name)], normal(name)) }

func (c *comparison) theirs(i int, e *External) {
	c.reporters = append(c.reporters, i)
	for _, v := range e.Vulnerabilities {
		c.add(entry{i, append([]string{v.ID}, v.Aliases...), c.source(v.Package), Said{
			By: e.Integration.Name, Versions: given(v.Version), Severity: v.Severity, SaidSeverity: v.SaidSeverity, FixedVersion: v.FixedVersion, Link: v.Link,
		}})
	}
}

func (c *comparison) ours() {
	for _, f := range c.a.found() {
		names := slices.Concat([]string{f.ID}, given(f.CVE), f.Aliases)
		c.add(entry{ours, names, c.source(f.Component), Said{
			By: Ourselves, Ours: true, Versions: given(f.Version), Severity: f.Severity, FixedVersion: f.FixedVersion, Link: f.URL,
		}})
	}
}

func given(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

// add takes an advisory that is about several CVEs for one entry of each.
func (c *comparison) add(e entry) {
	var cves []string
	for _, name := range e.names {
		if strings.HasPrefix(name, "CVE-") && !slices.Contains(cves, name) {
			cves = append(cves, name)
		}
	}
	if len(cves) > 1 {
		for _, cve := range cves {
			c.entries = append(c.entries, entry{e.by, []string{cve, e.names[0]}, e.pkg, e.said})
		}
		return
	}
	for _, name := range e.names[1:] {
		c.parent[c.root(name)] = c.root(e.names[0])
	}
	c.entries = append(c.entries, e)
}

// root is the one name that stands for all of a vulnerability.
func (c *comparison) root(name string) string {
	for c.parent[name] != "" && c.parent[name] != name {
		if above := c.parent[c.parent[name]]; above != "" { // so that chains stay short
			c.parent[name] = above
		}
		name = c.parent[name]
	}
	return name
}

type place struct{ vulnerability, pkg string }

func (c *comparison) rows() []Compared {
	byPlace := map[place]*Compared{}
	said := map[place]map[int]*Said{}
	for _, e := range c.entries {
		at := place{c.root(e.names[0]), e.pkg}
		if byPlace[at] == nil {
			byPlace[at], said[at] = &Compared{Package: e.pkg}, map[int]*Said{}
		}
		byPlace[at].name(e.names)
		if had := said[at][e.by]; had != nil {
			had.join(e.said)
		} else {
			said[at][e.by] = &e.said
		}
	}
	rows := make([]Compared, 0, len(byPlace))
	for at, row := range byPlace {
		c.judge(row, said[at])
		rows = append(rows, *row)
	}
	slices.SortFunc(rows, func(x, y Compared) int {
		return cmp.Or(
			cmp.Compare(min(len(y.Differences), 1), min(len(x.Differences), 1)),
			cmp.Compare(x.worst(), y.worst()),
			strings.Compare(x.ID, y.ID),
			strings.Compare(x.Package, y.Package),
		)
	})
	return rows
}

// maxNames bounds the aliases of one vulnerability. Real ones have some.
const maxNames = 20

// name adds names, and chooses a CVE to be called by.
func (r *Compared) name(names []string) {
	for _, n := range names {
		switch {
		case n == r.ID || slices.Contains(r.Aliases, n) || len(r.Aliases) == maxNames:
		case r.ID == "":
			r.ID = n
		case strings.HasPrefix(n, "CVE-") && !strings.HasPrefix(r.ID, "CVE-"):
			r.Aliases, r.ID = append(r.Aliases, r.ID), n
		default:
			r.Aliases = append(r.Aliases, n)
		}
	}
}

func (r *Compared) worst() int {
	worst := vuln.Unknown.Rank()
	for _, s := range r.Said {
		worst = min(worst, s.Severity.Rank())
	}
	return worst
}

// join adds what the same reporter says of another package that was built from the same source.
func (s *Said) join(other Said) {
	for _, v := range other.Versions {
		if !slices.Contains(s.Versions, v) {
			s.Versions = append(s.Versions, v)
		}
	}
	if other.Severity.Rank() < s.Severity.Rank() {
		s.Severity, s.SaidSeverity = other.Severity, other.SaidSeverity
	}
	s.FixedVersion, s.Link = cmp.Or(s.FixedVersion, other.FixedVersion), cmp.Or(s.Link, other.Link)
}

// judge says where the reporters differ, and counts it.
func (c *comparison) judge(row *Compared, said map[int]*Said) {
	mine := said[ours]
	differs := map[string]bool{}
	if mine != nil {
		row.Said = append(row.Said, *mine)
	}
	for _, i := range c.reporters {
		agreement, theirs := c.a.External[i].Agreement, said[i]
		switch {
		case mine == nil && theirs == nil: // another scanner's
		case mine == nil:
			agreement.OnlyTheirs++
			differs[onlyTheirs] = true
		case theirs == nil:
			agreement.OnlyOurs++
			differs[onlyOurs] = true
		default:
			agreement.Both++
			if differentSeverity(mine.Severity, theirs.Severity) {
				agreement.SeverityDiffers++
				differs[severityDiffer] = true
			}
			if differentFix(mine.FixedVersion, theirs.FixedVersion) {
				agreement.FixDiffers++
				differs[fixDiffers] = true
			}
		}
		if theirs != nil {
			row.Said = append(row.Said, *theirs)
		}
	}
	if mine == nil {
		row.Why = c.why(row)
	}
	for _, d := range []string{onlyOurs, onlyTheirs, severityDiffer, fixDiffers} {
		if differs[d] {
			row.Differences = append(row.Differences, d)
		}
	}
}

// differentSeverity: one that is not known contradicts none.
func differentSeverity(a, b vuln.Severity) bool {
	return a != b && a != vuln.Unknown && b != vuln.Unknown
}

// differentFix: some scanners name the fixed version of each line of versions, with commas between them.
func differentFix(a, b string) bool {
	if a == "" || b == "" {
		return a != b
	}
	list := func(text string) []string {
		return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
	}
	return !slices.ContainsFunc(list(a), func(v string) bool { return slices.Contains(list(b), v) })
}

// why is the reason why a package's vulnerability is not among the findings.
func (c *comparison) why(row *Compared) string {
	component, found := c.found[row.Package]
	switch {
	case !found:
		return "no such package was found here"
	case component.Unchecked != "":
		return "the package was not checked: " + component.Unchecked
	}
	return "the advisories that were imported do not say so of version " + component.Version
}
