package vuln

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// Match returns the vulnerabilities of one package, one per alias group, most severe first. A version that cannot be
// parsed is an error (fault.Invalid), and so is an ecosystem that the index does not cover (fault.NotFound): the package
// then counts as not checked.
func (x *Index) Match(ctx context.Context, p Package) ([]Vulnerability, error) {
	return x.match(ctx, p, nil)
}

// MatchBinary is Match for an installed package of an operating system that was built from a source package. Red Hat's
// family writes advisories about what is installed (krb5-libs, never krb5), SUSE and others about sources. Where a
// distribution may name either, both are looked up, else the source only.
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
			WithFix("Fetch or import advisories of this ecosystem: landwaiter vuln update --ecosystem NAME, landwaiter vuln import PATH")
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
	hits, err := x.lookUp(e, p)
	if err != nil {
		return nil, err
	}
	if binary != nil && binary.Name != p.Name && ecosystems[e.base].binary {
		more, err := x.lookUp(e, *binary)
		if err != nil {
			return nil, err
		}
		hits = append(hits, more...)
	}
	found := group(hits, ecosystems[e.base].os)
	x.exploitation.annotate(found)
	for i := range found {
		found[i].SourceAsOf = x.asOf[found[i].Source]
	}
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

// A probe is a version to be looked for.
type probe struct {
	text   string
	key    []byte
	module string
}

// lookUp finds what affects a version of the package that advisories call by this name.
func (x *Index) lookUp(e ecosystem, pkg Package) ([]*hit, error) {
	const op = "match advisories"
	name, version := pkg.Name, pkg.Version
	text, err := cleanVersion(e.base, name, version)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, name, err)
	}
	p := probe{text: text, module: pkg.Module}
	if p.key, err = ecosystems[e.base].key(text); err != nil {
		return nil, fault.Wrap(fault.Invalid, op, name+" "+version, err)
	}
	all, err := x.entries(packageKey(e.base, name), func(ecosystem int) bool { return x.ecosystems[ecosystem].appliesTo(e) })
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, name+" "+version, err)
	}
	var hits []*hit
	var scratch []interval
	for len(all) > 0 {
		n := slices.IndexFunc(all, func(en entry) bool { return en.row != all[0].row })
		if n < 0 {
			n = len(all)
		}
		h, err := x.hit(x.speaking(all[:n], e), p, &scratch)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, op, name+" "+version, err)
		}
		if h != nil {
			hits = append(hits, h)
		}
		all = all[n:]
	}
	return hits, nil
}

// speaking keeps the entries that decide. What only Ubuntu Pro's entries know of a release is true of its packages without
// Pro too (the fix is then to be had with Pro only), but where a record has an entry for the release itself, that one decides.
func (x *Index) speaking(row []entry, e ecosystem) []entry {
	isPro := func(en entry) bool { return x.ecosystems[en.ecosystem].pro }
	if !slices.ContainsFunc(row, isPro) {
		return row
	}
	if kept := slices.DeleteFunc(slices.Clone(row), func(en entry) bool { return isPro(en) != e.pro }); len(kept) > 0 {
		return kept
	}
	return row
}

// hit evaluates the entries of one row; it is nil if none affects the version. scratch is memory for their intervals.
func (x *Index) hit(row []entry, p probe, scratch *[]interval) (h *hit, err error) {
	all := (*scratch)[:0]
	defer func() { *scratch = all }()
	for _, en := range row {
		var j judgment
		if j, all, err = judge(en.body, p, all); err != nil {
			return nil, err
		}
		if h != nil || !j.affected {
			continue
		}
		h = &hit{source: x.contents.Ecosystems[en.ecosystem].Name}
		if h.detail, err = x.detail(en.row); err != nil {
			return nil, err
		}
		if j.rating.word != Unknown {
			h.rating.word = j.rating.word
		}
		if j.rating.vector != "" {
			h.rating.vector, h.rating.score = j.rating.vector, j.rating.score
		}
	}
	if h != nil {
		h.fixed = fixAbove(p.key, all)
	}
	return h, nil
}
