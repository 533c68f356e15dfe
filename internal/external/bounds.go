package external

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// Bounds of a report, far above what scanners say about real images.
const (
	maxVulnerabilities = 5000
	maxAliases         = 20
	maxLink            = 2000
)

// bounded is the report fit to be kept and shown: printable, of a size that can be stored, without what names nothing.
func (r Report) bounded() Report {
	r.Scanner = Tool{integration.Said(r.Scanner.Name), integration.Said(r.Scanner.Version)}
	kept := make([]Vulnerability, 0, min(len(r.Vulnerabilities), maxVulnerabilities))
	for _, v := range r.Vulnerabilities {
		switch v = v.bounded(); {
		case v.ID == "":
		case len(kept) == maxVulnerabilities:
			r.Omitted++
		default:
			kept = append(kept, v)
		}
	}
	r.Vulnerabilities = kept
	return r
}

func (v Vulnerability) bounded() Vulnerability {
	said := v.Aliases
	v.ID, v.Aliases = integration.Said(v.ID), nil
	for _, name := range slices.Concat(namesIn(v.ID), said) {
		if name = integration.Said(name); name != "" && name != v.ID && !slices.Contains(v.Aliases, name) && len(v.Aliases) < maxAliases {
			v.Aliases = append(v.Aliases, name)
		}
	}
	v.Package, v.Version, v.FixedVersion = integration.Said(v.Package), integration.Said(v.Version), integration.Said(v.FixedVersion)
	v.SaidSeverity = integration.Said(v.SaidSeverity)
	v.Severity = severityOf(v.SaidSeverity)
	if u, err := url.Parse(v.Link); err != nil || len(v.Link) > maxLink || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		v.Link = ""
	}
	return v
}

// name is what vulnerabilities are called everywhere. Scanners write them into titles, such as those of Red Hat's errata.
var name = regexp.MustCompile(`\b(CVE-[0-9]{4}-[0-9]{4,10}|GHSA(-[0-9a-z]{4}){3}|RH[SBE]A-[0-9]{4}:[0-9]{1,6})\b`)

func namesIn(title string) []string { return name.FindAllString(title, maxAliases) }

// severityOf reads the word of a scanner. Those of Clair, Inspector and Grafeas are besides what advisories say.
func severityOf(word string) vuln.Severity {
	switch strings.ToLower(word) {
	case "minimal", "informational":
		return vuln.Negligible
	case "defcon1":
		return vuln.Critical
	}
	return vuln.SeverityOfWord(word)
}
