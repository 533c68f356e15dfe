package vuln

import (
	"math"
	"slices"
	"strings"

	"github.com/go-faster/jx"
	cvss20 "github.com/pandatix/go-cvss/20"
	cvss30 "github.com/pandatix/go-cvss/30"
	cvss31 "github.com/pandatix/go-cvss/31"
	cvss40 "github.com/pandatix/go-cvss/40"
)

// Severity is how bad a vulnerability is, in the words RHACS uses.
type Severity string

const (
	Critical   Severity = "critical"
	Important  Severity = "important"
	Moderate   Severity = "moderate"
	Low        Severity = "low"
	Negligible Severity = "negligible"
	Unknown    Severity = "unknown"
)

// severities is every Severity, most severe first. Its order is part of the index format.
var severities = []Severity{Critical, Important, Moderate, Low, Negligible, Unknown}

// Severities lists every Severity, most severe first.
func Severities() []Severity { return slices.Clone(severities) }

// Rank is 0 for the most severe; Unknown and anything unheard-of come last.
func (s Severity) Rank() int {
	if i := slices.Index(severities, s); i >= 0 {
		return i
	}
	return len(severities) - 1
}

// words are what distributions and advisory databases call severities. "Not yet assigned" and the like are absent: the
// source then has not spoken.
var words = map[string]Severity{
	"critical": Critical,
	"high":     Important, "important": Important,
	"medium": Moderate, "moderate": Moderate,
	"low":        Low,
	"negligible": Negligible, "unimportant": Negligible,
}

// SeverityOfWord returns Unknown for a word that says nothing. Debian marks urgencies it guessed with asterisks.
func SeverityOfWord(word string) Severity {
	if s, ok := words[strings.ToLower(strings.Trim(strings.TrimSpace(word), "*"))]; ok {
		return s
	}
	return Unknown
}

// severityOfSpecific reads the fields in which sources put their own word: database_specific.severity (GitHub, Bitnami,
// openEuler), ecosystem_specific.urgency (Debian), ecosystem_specific.severity, ubuntu_priority and priority.
func severityOfSpecific(d *jx.Decoder) (Severity, error) {
	found := [4]Severity{Unknown, Unknown, Unknown, Unknown}
	err := looseFields(d, func(d *jx.Decoder, key []byte) error {
		i := slices.Index(severityFields, string(key))
		if i < 0 {
			return d.Skip()
		}
		word, err := looseString(d)
		found[i] = SeverityOfWord(word)
		return err
	})
	for _, s := range found {
		if s != Unknown {
			return s, err
		}
	}
	return Unknown, err
}

// severityFields are in the order in which they count.
var severityFields = []string{"severity", "urgency", "ubuntu_priority", "priority"}

// severityOfSummary reads the word that errata of Red Hat's rebuilds begin with: "Important: podman security update".
func severityOfSummary(base, summary string) Severity {
	if base != "AlmaLinux" && base != "Rocky Linux" && base != "Red Hat" {
		return Unknown
	}
	word, _, ok := strings.Cut(summary, ":")
	if !ok {
		return Unknown
	}
	return SeverityOfWord(word)
}

// A rating is what can be said about severity: the source's own word, and a CVSS vector with its base score.
type rating struct {
	word   Severity
	vector string
	score  float64
}

// severity is the source's word, else the band of the score, else Unknown.
func (r rating) severity() Severity {
	switch {
	case r.word != Unknown && r.word != "":
		return r.word
	case r.vector == "":
		return Unknown
	}
	return severityOfScore(r.score)
}

// severityOfScore maps CVSS's bands. A score of 0 is CVSS's "none", for which there is no word here.
func severityOfScore(score float64) Severity {
	switch {
	case score >= 9:
		return Critical
	case score >= 7:
		return Important
	case score >= 4:
		return Moderate
	case score > 0:
		return Low
	}
	return Unknown
}

// ratingOf reads an OSV severity array: a distribution's word (type "Ubuntu"), and the newest CVSS version that parses.
func ratingOf(d *jx.Decoder) (rating, error) {
	r := rating{word: Unknown}
	best := 0
	err := looseList(d, func(d *jx.Decoder) error {
		var kind, text string
		err := looseFields(d, func(d *jx.Decoder, key []byte) (err error) {
			switch string(key) {
			case "type":
				kind, err = looseString(d)
			case "score":
				text, err = looseString(d)
			default:
				err = d.Skip()
			}
			return err
		})
		if !strings.HasPrefix(kind, "CVSS_") {
			if w := SeverityOfWord(text); w != Unknown {
				r.word = w
			}
			return err
		}
		if score, generation, ok := scoreOf(text); ok && generation > best {
			best, r.vector, r.score = generation, text, score
		}
		return err
	})
	return r, err
}

// scoreOf computes the base score of a CVSS vector; generation orders versions.
func scoreOf(vector string) (score float64, generation int, ok bool) {
	if len(vector) > 300 {
		return 0, 0, false
	}
	switch {
	case strings.HasPrefix(vector, "CVSS:4.0/"):
		if v, err := cvss40.ParseVector(vector); err == nil {
			return round1(v.Score()), 40, true
		}
	case strings.HasPrefix(vector, "CVSS:3.1/"):
		if v, err := cvss31.ParseVector(vector); err == nil {
			return round1(v.BaseScore()), 31, true
		}
	case strings.HasPrefix(vector, "CVSS:3.0/"):
		if v, err := cvss30.ParseVector(vector); err == nil {
			return round1(v.BaseScore()), 30, true
		}
	default:
		if v, err := cvss20.ParseVector(vector); err == nil {
			return round1(v.BaseScore()), 20, true
		}
	}
	return 0, 0, false
}

func round1(f float64) float64 { return math.Round(f*10) / 10 }
