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
	hits, err := x.lookUp(e, p.Name, p.Version)
	if err != nil {
		return nil, err
	}
	if binary != nil && binary.Name != p.Name && ecosystems[e.base].rpm {
		more, err := x.lookUp(e, binary.Name, binary.Version)
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
	ecosystem ecosystem
	text      string
	key       []byte
}

// lookUp finds what affects a version of the package that advisories call by this name.
func (x *Index) lookUp(e ecosystem, name, version string) ([]hit, error) {
	const op = "match advisories"
	text, err := cleanVersion(e.base, name, version)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, name, err)
	}
	p := probe{ecosystem: e, text: text}
	if p.key, err = ecosystems[e.base].key(text); err != nil {
		return nil, fault.Wrap(fault.Invalid, op, name+" "+version, err)
	}
	all, err := x.entries(packageKey(e.base, name))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, name+" "+version, err)
	}
	var hits []hit
	for len(all) > 0 {
		n := slices.IndexFunc(all, func(en entry) bool { return en.row != all[0].row })
		if n < 0 {
			n = len(all)
		}
		h, ok, err := x.hit(x.applicable(all[:n], e), p)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, op, name+" "+version, err)
		}
		if ok {
			hits = append(hits, h)
		}
		all = all[n:]
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
func (x *Index) hit(row []entry, p probe) (h hit, ok bool, err error) {
	var all []interval
	for _, en := range row {
		var j judgment
		if j, all, err = judge(en.body, p, all); err != nil {
			return h, false, err
		}
		if ok || !j.affected {
			continue
		}
		ok = true
		if h.detail, err = x.detail(en.row); err != nil {
			return h, false, err
		}
		h.source = x.contents.Ecosystems[en.ecosystem].Name
		if j.rating.word != Unknown {
			h.rating.word = j.rating.word
		}
		if j.rating.vector != "" {
			h.rating.vector, h.rating.score = j.rating.vector, j.rating.score
		}
	}
	if ok {
		h.fixed = fixAbove(p.key, all)
	}
	return h, ok, nil
}
