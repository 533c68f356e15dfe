package vuln

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// osvRecord is what of an OSV record is used. Parts that are only shown are decoded leniently, later.
type osvRecord struct {
	ID         string            `json:"id"`
	Modified   string            `json:"modified"`
	Published  string            `json:"published"`
	Withdrawn  string            `json:"withdrawn"`
	Aliases    []string          `json:"aliases"`
	Upstream   []string          `json:"upstream"`
	Related    json.RawMessage   `json:"related"`
	Summary    string            `json:"summary"`
	Details    string            `json:"details"`
	Severity   json.RawMessage   `json:"severity"`
	Affected   []json.RawMessage `json:"affected"` // each an osvAffected, decoded one at a time
	References json.RawMessage   `json:"references"`
	Specific   json.RawMessage   `json:"database_specific"`
}

type osvAffected struct {
	Package struct {
		Ecosystem string `json:"ecosystem"`
		Name      string `json:"name"`
	} `json:"package"`
	Ranges []struct {
		Type   string  `json:"type"`
		Events []event `json:"events"`
	} `json:"ranges"`
	Versions          []string        `json:"versions"`
	Severity          json.RawMessage `json:"severity"`
	DatabaseSpecific  json.RawMessage `json:"database_specific"`
	EcosystemSpecific json.RawMessage `json:"ecosystem_specific"`
}

// A record is one advisory, ready for the index.
type record struct {
	detail
	affected []affected
}

// detail is what is shown of an advisory.
type detail struct {
	id                  string
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
}

var (
	errWithdrawn = errors.New("withdrawn")
	errUnusable  = errors.New("names no package whose versions can be compared")
)

const (
	maxAliases    = 1000
	maxReferences = 25
	maxAffected   = 100_000
)

var validID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:+-]{1,127}$`)

// decodeRecord reads one OSV record. errWithdrawn and errUnusable say that a good record is of no use here; every other
// error says what is broken.
func decodeRecord(data []byte) (*record, error) {
	var o osvRecord
	if err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &o); err != nil {
		return nil, fmt.Errorf("not an OSV record: %w", err)
	}
	switch {
	case o.ID == "":
		return nil, errors.New("not an OSV record: it has no id")
	case !validID.MatchString(o.ID):
		return nil, fmt.Errorf("its id is not usable: %.40q", o.ID)
	case len(o.Affected) > maxAffected:
		return nil, fmt.Errorf("it names more than %d packages", maxAffected)
	case !parseTime(o.Withdrawn).IsZero():
		return nil, errWithdrawn
	}
	r := &record{detail: detail{
		id:         o.ID,
		aliases:    ids(o.Aliases),
		upstream:   ids(o.Upstream),
		summary:    summaryOf(o),
		published:  seconds(parseTime(o.Published)),
		modified:   seconds(parseTime(o.Modified)),
		rating:     ratingOf(o.Severity),
		references: referencesOf(o.References),
	}}
	if w := severityOfSpecific(o.Specific); w != Unknown {
		r.rating.word = w
	}
	for i, raw := range o.Affected {
		var a osvAffected
		if err := json.Unmarshal(raw, &a); err != nil {
			return nil, fmt.Errorf("not an OSV record: affected[%d]: %w", i, err)
		}
		if _, known := ecosystems[parseEcosystem(a.Package.Ecosystem).base]; !known || a.Package.Name == "" {
			continue
		}
		got, err := affectedOf(a, o.Summary)
		if err != nil {
			return nil, fmt.Errorf("affected[%d] (%s): %w", i, a.Package.Name, err)
		}
		if len(got.intervals) > 0 || len(got.keys) > 0 || len(got.texts) > 0 {
			r.affected = append(r.affected, got)
		}
	}
	if len(r.affected) == 0 {
		return nil, errUnusable
	}
	// Errata that predate the field "upstream" name their CVEs as related.
	if len(r.aliases) == 0 && len(r.upstream) == 0 && ecosystems[parseEcosystem(r.affected[0].ecosystem).base].os {
		var related []string
		_ = json.Unmarshal(o.Related, &related)
		r.upstream = slices.DeleteFunc(ids(related), func(s string) bool { return cveOf(s) == "" })
	}
	r.hoistRating()
	return r, nil
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

func affectedOf(a osvAffected, summary string) (affected, error) {
	got := affected{ecosystem: a.Package.Ecosystem, name: a.Package.Name, rating: ratingOf(a.Severity)}
	if len(a.Package.Name) > 512 || len(a.Package.Ecosystem) > 128 || hasControl(a.Package.Name+a.Package.Ecosystem) {
		return got, errors.New("its name is not usable")
	}
	base := parseEcosystem(a.Package.Ecosystem).base
	eco := ecosystems[base]
	for _, w := range []Severity{
		severityOfSpecific(a.EcosystemSpecific), severityOfSpecific(a.DatabaseSpecific), severityOfSummary(base, summary),
	} {
		if w != Unknown {
			got.rating.word = w
			break
		}
	}
	for _, r := range a.Ranges {
		if r.Type != "SEMVER" && r.Type != "ECOSYSTEM" {
			continue // GIT ranges speak of commits
		}
		found, err := intervals(eco, r.Events)
		if err != nil {
			return got, err
		}
		got.intervals = append(got.intervals, found...)
	}
	got.keys, got.texts = leftOver(eco, a.Versions, got.intervals)
	return got, nil
}

// maxHeld bounds the comparisons of enumerated versions with intervals. Beyond it versions are kept that need not be.
const maxHeld = 1_000_000

// leftOver returns the enumerated versions that no interval holds.
func leftOver(r rules, list []string, in []interval) (keys [][]byte, texts []string) {
	if len(list)*len(in) > maxHeld {
		in = nil
	}
	for _, text := range list {
		key, err := r.key(text)
		switch {
		case err != nil && text != "" && len(text) <= maxVersion:
			texts = append(texts, text)
		case err == nil && !slices.ContainsFunc(in, func(i interval) bool { return i.contains(key) }):
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, bytes.Compare)
	return slices.CompactFunc(keys, bytes.Equal), texts
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

// ids keeps what can be an identifier, once each.
func ids(list []string) []string {
	var out []string
	for _, s := range list {
		if len(out) < maxAliases && validID.MatchString(s) && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// summaryOf is the record's summary, or how its details begin, as one line without control characters.
func summaryOf(o osvRecord) string {
	s := o.Summary
	if strings.TrimSpace(s) == "" {
		s = strings.TrimSpace(o.Details)
		if i := strings.Index(s, "\n\n"); i > 0 {
			s = s[:i]
		}
		if i := strings.Index(s, ". "); i > 0 {
			s = s[:i+1]
		}
	}
	if len(s) > 4096 {
		s = s[:4096]
	}
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 240 {
		s = strings.TrimSpace(string(r[:239])) + "…"
	}
	return s
}

func referencesOf(raw json.RawMessage) []string {
	var list []struct{ Type, URL string }
	if len(raw) == 0 || json.Unmarshal(raw, &list) != nil {
		return nil
	}
	slices.SortStableFunc(list, func(a, b struct{ Type, URL string }) int {
		return btoi(b.Type == "ADVISORY") - btoi(a.Type == "ADVISORY")
	})
	var out []string
	for _, l := range list {
		web := strings.HasPrefix(l.URL, "https://") || strings.HasPrefix(l.URL, "http://")
		if len(out) < maxReferences && web && len(l.URL) <= 500 && !hasControl(l.URL) && !slices.Contains(out, l.URL) {
			out = append(out, l.URL)
		}
	}
	return out
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar })
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

var cve = regexp.MustCompile(`^(?:[A-Za-z]+-)?(CVE-\d{4}-\d{4,})$`)

// cveOf returns the CVE that an identifier is, or is one distribution's view of (DEBIAN-CVE-2024-1234), or "".
func cveOf(id string) string {
	if !strings.Contains(id, "CVE-") {
		return ""
	}
	if m := cve.FindStringSubmatch(id); m != nil {
		return m[1]
	}
	return ""
}
