package vuln

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-faster/jx"
)

// A record is one advisory, ready for the index.
type record struct {
	detail
	affected []affected
}

// detail is what is shown of an advisory.
type detail struct {
	id                  string
	onOSV               bool // osv.dev has a page about it
	aliases, upstream   []string
	summary             string
	published, modified int64 // Unix seconds; 0 is unknown
	rating              rating
	references          []string // an advisory page first
}

// affected says which versions of one package an advisory is about.
type affected struct {
	ecosystem string // as the record writes it
	name      string
	intervals []interval
	keys      [][]byte // of enumerated versions that no interval holds, in ascending order
	texts     []string // enumerated versions that cannot be compared
	rating    rating   // overrides the record's where it says something
	module    module
}

var errWithdrawn = errors.New("withdrawn")

// unusableError is about a good record that is of no use here.
type unusableError struct{ reason string }

func (e *unusableError) Error() string { return e.reason }

const (
	maxAliases    = 1000
	maxReferences = 25
	maxAffected   = 100_000
)

// A draft is a record while it is read, as its parts come in any order.
type draft struct {
	record
	withdrawn bool
	word      Severity // of the whole record, from where sources put their own
	related   []string // CVEs
	summary   string
	details   []byte // JSON, of use only where there is no summary
	count     int    // affected entries, also those of no use
	useless   string // why the first such is of no use
}

// decodeRecord reads one OSV record. errWithdrawn and an unusableError say that a good record is of no use here; every other
// error says what is broken. Parts that are only shown are passed over if they have odd shapes.
func decodeRecord(data []byte) (*record, error) {
	d := jx.DecodeBytes(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	r := draft{record: record{detail: detail{rating: rating{word: Unknown}}}, word: Unknown}
	if err := d.ObjBytes(r.field); err != nil {
		return nil, notOSV(err)
	}
	if err := d.Skip(); err != io.EOF {
		return nil, errors.New("not an OSV record: something follows its end")
	}
	switch {
	case r.id == "":
		return nil, errors.New("not an OSV record: it has no id")
	case !validID(r.id):
		return nil, fmt.Errorf("its id is not usable: %.40q", r.id)
	case r.withdrawn:
		return nil, errWithdrawn
	case len(r.affected) == 0:
		return nil, &unusableError{cmp.Or(r.useless, aboutCommits)}
	}
	return r.finish(), nil
}

// notOSV keeps what an error says short: the decoder's tells of every level of nesting.
func notOSV(err error) error {
	if f := new(brokenError); errors.As(err, &f) {
		return f
	}
	text := err.Error()
	if len(text) > 200 {
		text = "…" + text[len(text)-200:]
	}
	return errors.New("not an OSV record: " + text)
}

// brokenError is about a record that is well-formed JSON.
type brokenError struct{ error }

func (r *draft) field(d *jx.Decoder, key []byte) (err error) {
	var text string
	switch string(key) {
	case "id":
		r.id, err = stringOrNull(d)
	case "modified":
		text, err = stringOrNull(d)
		r.modified = seconds(parseTime(text))
	case "published":
		text, err = stringOrNull(d)
		r.published = seconds(parseTime(text))
	case "withdrawn":
		text, err = stringOrNull(d)
		r.withdrawn = !parseTime(text).IsZero()
	case "aliases":
		r.aliases, err = ids(d)
	case "upstream":
		r.upstream, err = ids(d)
	case "related":
		return looseList(d, func(d *jx.Decoder) error {
			s, err := looseString(d)
			if cveOf(s) != "" && len(r.related) < maxAliases && !slices.Contains(r.related, s) {
				r.related = append(r.related, s)
			}
			return err
		})
	case "summary":
		r.summary, err = stringOrNull(d)
	case "details":
		r.details, err = d.Raw()
	case "severity":
		r.rating, err = ratingOf(d)
	case "references":
		r.references, err = referencesOf(d)
	case "database_specific":
		r.word, err = severityOfSpecific(d)
	case "affected":
		return list(d, r.entry)
	default:
		return d.Skip()
	}
	return err
}

// entry reads one affected entry.
func (r *draft) entry(d *jx.Decoder) error {
	if r.count++; r.count > maxAffected {
		return &brokenError{fmt.Errorf("it names more than %d packages", maxAffected)}
	}
	a := affected{rating: rating{word: Unknown}}
	own := [2]Severity{Unknown, Unknown} // the ecosystem's word before the database's
	var ranges, versions, custom jx.Raw
	err := fields(d, func(d *jx.Decoder, key []byte) (err error) {
		switch string(key) {
		case "package":
			return fields(d, func(d *jx.Decoder, key []byte) (err error) {
				switch string(key) {
				case "ecosystem":
					a.ecosystem, err = stringOrNull(d)
				case "name":
					a.name, err = stringOrNull(d)
				default:
					err = d.Skip()
				}
				return err
			})
		case "ranges":
			ranges, err = d.Raw()
		case "versions":
			versions, err = d.Raw()
		case "severity":
			a.rating, err = ratingOf(d)
		case "ecosystem_specific":
			if custom, err = d.Raw(); err == nil {
				own[0], err = severityOfSpecific(jx.DecodeBytes(custom))
			}
		case "database_specific":
			own[1], err = severityOfSpecific(d)
		default:
			err = d.Skip()
		}
		return err
	})
	if err != nil {
		return err
	}
	base := parseEcosystem(a.ecosystem).base
	rules, known := ecosystems[base]
	if !known || a.name == "" {
		r.useless = cmp.Or(r.useless, whyUseless(base))
		return nil
	}
	broken := func(err error) error {
		return &brokenError{fmt.Errorf("affected[%d] (%.80s): %w", r.count-1, a.name, err)}
	}
	if len(a.name) > 512 || len(a.ecosystem) > 128 || hasControl(a.name+a.ecosystem) {
		return broken(errors.New("its name is not usable"))
	}
	if a.intervals, err = intervalsOf(rules, ranges); err != nil {
		return broken(err)
	}
	if base == "Go" && custom != nil {
		if a.intervals, err = withCustomRanges(rules, a.intervals, custom); err != nil {
			return broken(err)
		}
	}
	if a.keys, a.texts, err = leftOver(rules, versions, a.intervals); err != nil {
		return broken(err)
	}
	for _, w := range own {
		if w != Unknown {
			a.rating.word = w
			break
		}
	}
	if rules.rpm {
		a.module.kind = moduleKindOf(a.intervals)
	}
	if len(a.intervals) > 0 || len(a.keys) > 0 || len(a.texts) > 0 {
		r.affected = append(r.affected, a)
	}
	return nil
}

const (
	aboutCommits     = "about commits only"
	unknownEcosystem = "of ecosystems that are not known here"
)

func whyUseless(base string) string {
	switch why, ok := unmatched[base]; {
	case base == "":
		return aboutCommits
	case ok:
		return base + ": " + why
	case len(base) > 128 || hasControl(base):
		return unknownEcosystem
	}
	return base + ": not known here"
}

// finish fills in what parts of the record say about others.
func (r *draft) finish() *record {
	if r.word != Unknown {
		r.rating.word = r.word
	}
	r.onOSV = slices.ContainsFunc(osvDatabases, func(p string) bool { return strings.HasPrefix(r.id, p) })
	r.detail.summary = summaryOf(r.summary, r.details)
	for i := range r.affected {
		a := &r.affected[i]
		if a.rating.word == Unknown {
			a.rating.word = severityOfSummary(parseEcosystem(a.ecosystem).base, r.summary)
		}
		if a.module.kind == modular {
			a.module.stream = streamOfSummary(r.summary)
		}
	}
	// Errata that predate the field "upstream" name their CVEs as related.
	if len(r.aliases) == 0 && len(r.upstream) == 0 && ecosystems[parseEcosystem(r.affected[0].ecosystem).base].os {
		r.upstream = r.related
	}
	r.hoistRating()
	return &r.record
}

// hoistRating keeps what every affected entry says alike once, in the record.
func (r *record) hoistRating() {
	first := r.affected[0].rating
	for _, a := range r.affected {
		if a.rating != first {
			return
		}
	}
	if first.vector != "" {
		r.rating.vector, r.rating.score = first.vector, first.score
	}
	if first.word != Unknown {
		r.rating.word = first.word
	}
	for i := range r.affected {
		r.affected[i].rating = rating{word: Unknown}
	}
}

// intervalsOf reads the ranges that speak of versions; others speak of commits.
func intervalsOf(r rules, raw jx.Raw) (all []interval, err error) {
	if raw == nil {
		return nil, nil
	}
	err = list(jx.DecodeBytes(raw), func(d *jx.Decoder) error {
		var kind string
		var events []event
		err := fields(d, func(d *jx.Decoder, key []byte) (err error) {
			switch string(key) {
			case "type":
				kind, err = stringOrNull(d)
			case "events":
				err = list(d, func(d *jx.Decoder) error {
					e, err := eventOf(d)
					events = append(events, e...)
					return err
				})
			default:
				err = d.Skip()
			}
			return err
		})
		if err != nil || kind != "SEMVER" && kind != "ECOSYSTEM" {
			return err
		}
		found, err := intervals(r, events)
		all = append(all, found...)
		return err
	})
	return all, err
}

// maxHeld bounds the comparisons of enumerated versions with intervals. Beyond it versions are kept that need not be.
const maxHeld = 1_000_000

// leftOver returns the enumerated versions that no interval holds.
func leftOver(r rules, raw jx.Raw, in []interval) (keys [][]byte, texts []string, err error) {
	if raw == nil {
		return nil, nil, nil
	}
	compared := 0
	err = list(jx.DecodeBytes(raw), func(d *jx.Decoder) error {
		text, err := stringOrNull(d)
		if err != nil || text == "" || len(text) > maxVersion {
			return err
		}
		key, err := r.key(text)
		if err != nil {
			texts = append(texts, text)
			return nil
		}
		if compared += len(in); compared > maxHeld || !slices.ContainsFunc(in, func(i interval) bool { return i.contains(key) }) {
			keys = append(keys, key)
		}
		return nil
	})
	slices.SortFunc(keys, bytes.Compare)
	return slices.CompactFunc(keys, bytes.Equal), texts, err
}

func parseTime(s string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() > 1 {
			return t
		}
	}
	return time.Time{}
}

func seconds(t time.Time) int64 {
	if t.IsZero() || t.Unix() < 0 {
		return 0
	}
	return t.Unix()
}
