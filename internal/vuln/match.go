package vuln

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sort"

	"github.com/google/osv-scalibr/semantic"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// Match returns the vulnerabilities of one package, one per alias group, most severe first. A version that cannot be
// parsed is an error (fault.Invalid), and so is an ecosystem that the index does not cover (fault.NotFound): the package
// then counts as not checked.
func (x *Index) Match(ctx context.Context, p Package) ([]Vulnerability, error) {
	return x.match(ctx, p, nil)
}

// MatchBinary is Match for an installed package of an operating system that was built from a source package. Red Hat's
// family writes advisories about what is installed (krb5-libs, never krb5), SUSE and others about sources: of RPM packages
// both are looked up, of others the source only.
func (x *Index) MatchBinary(ctx context.Context, source, binary Package) ([]Vulnerability, error) {
	return x.match(ctx, source, &binary)
}

func (x *Index) match(ctx context.Context, p Package, binary *Package) (_ []Vulnerability, err error) {
	const op = "match advisories"
	what := p.Name + " " + p.Version
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !x.Covers(p.Ecosystem) {
		return nil, fault.New(fault.NotFound, op, "%s: there is no advisory data for %s", what, cmp.Or(p.Ecosystem, "packages of an unknown kind")).
			WithFix("Import advisories of this ecosystem: landwaiter vuln import PATH")
	}
	if !x.retain() {
		return nil, fault.New(fault.Internal, op, "the advisory index is closed")
	}
	defer x.release()
	// A file that somebody truncates under us faults when it is read, and the libraries below meet input nobody foresaw.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fault.Wrap(fault.Internal, op, what, fmt.Errorf("%w: %v", errCorrupt, r))
		}
	}()

	e := parseEcosystem(p.Ecosystem)
	hits, err := x.lookUp(e, p.Name, p.Version)
	if err != nil {
		return nil, err
	}
	if binary != nil && binary.Name != p.Name && ecosystems[e.base].compare == rpm {
		more, err := x.lookUp(e, binary.Name, binary.Version)
		if err != nil {
			return nil, err
		}
		hits = append(hits, more...)
	}
	found := group(hits, ecosystems[e.base].os)
	slices.SortStableFunc(found, func(a, b Vulnerability) int {
		return cmp.Or(cmp.Compare(a.Severity.Rank(), b.Severity.Rank()), cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID))
	})
	return found, nil
}

// A hit is a row that affects the version.
type hit struct {
	detail
	source string // the ecosystem of the entry that matched
	fixed  string
}

// lookUp finds what affects a version of the package that advisories call by this name.
func (x *Index) lookUp(e ecosystem, name, version string) ([]hit, error) {
	const op = "match advisories"
	text, err := cleanVersion(e.base, name, version)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, name, err)
	}
	vs := versionsOf(e.base)
	v, err := vs.checked(text)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, name+" "+version, err)
	}
	all, err := x.entries(packageKey(e.base, name))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, name+" "+version, err)
	}
	return x.hits(all, e, vs, v, text)
}

func (x *Index) hits(all []entry, e ecosystem, vs *versions, v semantic.Version, text string) ([]hit, error) {
	var hits []hit
	for i := 0; i < len(all); {
		j := i + 1
		for j < len(all) && all[j].row == all[i].row {
			j++
		}
		h, ok, err := x.hit(x.applicable(all[i:j], e), vs, v, text)
		if err != nil {
			return nil, err
		}
		if ok {
			hits = append(hits, h)
		}
		i = j
	}
	return hits, nil
}

// applicable keeps the entries that are about the package's release. What only Ubuntu Pro's entries know of a release is
// true of its packages without Pro too (the fix is then to be had with Pro only), but where a record has an entry for the
// release itself, that one decides.
func (x *Index) applicable(row []entry, e ecosystem) []entry {
	var plain, pro []entry
	for _, en := range row {
		switch of := x.ecosystems[en.ecosystem]; {
		case !of.appliesTo(e):
		case of.pro:
			pro = append(pro, en)
		default:
			plain = append(plain, en)
		}
	}
	if e.pro && len(pro) > 0 || len(plain) == 0 {
		return pro
	}
	return plain
}

// hit evaluates the entries of one row.
func (x *Index) hit(row []entry, vs *versions, v semantic.Version, text string) (h hit, ok bool, err error) {
	const op = "match advisories"
	var all []interval
	for _, en := range row {
		a, err := decodeAffected(en.body)
		if err != nil {
			return h, false, fault.Wrap(fault.Internal, op, "", err)
		}
		all = append(all, a.intervals...)
		is, err := a.affects(vs, v, text)
		if err != nil {
			return h, false, fault.Wrap(fault.Invalid, op, text, err)
		}
		if ok || !is {
			continue
		}
		ok = true
		if h.detail, err = x.detail(en.row); err != nil {
			return h, false, fault.Wrap(fault.Internal, op, "", err)
		}
		h.source = x.contents.Ecosystems[en.ecosystem].Name
		if a.rating.word != Unknown {
			h.rating.word = a.rating.word
		}
		if a.rating.vector != "" {
			h.rating.vector, h.rating.score = a.rating.vector, a.rating.score
		}
	}
	if ok {
		h.fixed, err = fixAbove(vs, v, all)
	}
	return h, ok, err
}

// fixAbove is the lowest version above v that a record calls fixed and that is not itself affected.
func fixAbove(vs *versions, v semantic.Version, all []interval) (string, error) {
	if len(all) == 1 && all[0].bound == fixed {
		return all[0].end, nil // the one that v is in, or begins below
	}
	type candidate struct {
		text    string
		version semantic.Version
	}
	var above []candidate
	for _, i := range all {
		if i.bound != fixed {
			continue
		}
		end, err := vs.parse(i.end)
		if err != nil {
			return "", err
		}
		c, err := vs.compare(v, i.end)
		if err != nil {
			return "", err
		}
		if c < 0 {
			above = append(above, candidate{i.end, end})
		}
	}
	var failed error
	slices.SortStableFunc(above, func(a, b candidate) int {
		c, err := vs.compare(a.version, b.text)
		failed = cmp.Or(failed, err)
		return c
	})
	if failed != nil {
		return "", failed
	}
	for _, c := range above[:min(len(above), maxCandidates)] {
		if !slices.ContainsFunc(all, func(o interval) bool { in, err := o.contains(vs, c.version); return in && err == nil }) {
			return c.text, nil
		}
	}
	return "", nil
}

// maxCandidates bounds the work on a record whose fixes are affected themselves, one after the other.
const maxCandidates = 100

func (a affected) affects(vs *versions, v semantic.Version, text string) (bool, error) {
	for _, i := range a.intervals {
		if in, err := i.contains(vs, v); in || err != nil {
			return in, err
		}
	}
	return a.enumerates(vs, v, text), nil
}

func (a affected) enumerates(vs *versions, v semantic.Version, text string) bool {
	if slices.Contains(a.versions, text) {
		return true
	}
	equal := func(s string) bool {
		c, err := vs.compare(v, s)
		return err == nil && c == 0
	}
	if !a.sorted {
		return slices.ContainsFunc(a.versions, equal)
	}
	i := sort.Search(len(a.versions), func(i int) bool {
		c, err := vs.compare(v, a.versions[i])
		return err != nil || c <= 0
	})
	return i < len(a.versions) && equal(a.versions[i])
}
