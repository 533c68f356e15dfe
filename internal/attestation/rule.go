package attestation

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/yamldoc"
)

// A Rule says whose attestations are believed about which images.
type Rule struct {
	Name           string
	Images         []string // patterns for registry/repository, as path.Match has them; "/**" at the end is everything below
	Keys           []Key
	PredicateTypes []string      // beginnings; what bills of materials have when there are none
	MaxAge         time.Duration // of the document; 0: any
}

// A Key is a signer's public key.
type Key struct {
	public      crypto.PublicKey
	Fingerprint string // sha256 of its DER form
}

const (
	apiVersion = "landwaiter.dev/v1"
	kind       = "SignerRule"

	maxRules    = 1000
	maxPatterns = 1000
	maxKeys     = 20
)

var predicateTypes = []string{"https://cyclonedx.org/bom", "https://spdx.dev/Document"}

// ParseRules adds the rules of a file to those of others. It has YAML documents, one rule each. The error is a fault.Invalid with
// every mistake, its line and column.
func ParseRules(rules []Rule, file string, data []byte) ([]Rule, error) {
	roots, problems := yamldoc.Documents(data, maxRules)
	for _, root := range roots {
		rule, more := readRule(root)
		for _, r := range rules {
			if r.Name == rule.Name {
				more = append(more, yamldoc.Problem{Field: "metadata.name", Line: root.Line, Column: root.Column, Message: "another rule has the name " + strconv.Quote(rule.Name)})
			}
		}
		rules, problems = append(rules, rule), append(problems, more...)
	}
	if len(roots) == 0 && len(problems) == 0 {
		problems = []yamldoc.Problem{{Line: 1, Column: 1, Message: "there is no rule in it"}}
	}
	if len(problems) > 0 {
		lines := make([]string, len(problems))
		for i, p := range problems {
			lines[i] = fmt.Sprintf("%s:%d:%d: %s", file, p.Line, p.Column, strings.TrimPrefix(p.Field+": "+p.Message, ": "))
		}
		return nil, fault.New(fault.Invalid, "read signer rules", "%s", strings.Join(lines, "\n"))
	}
	return rules, nil
}

func readRule(root *yaml.Node) (Rule, []yamldoc.Problem) {
	var rule Rule
	var version, what string
	var accept []string
	r := &yamldoc.Reader{}
	given := map[string]bool{}
	placed := func(name string, read func(*yaml.Node, string)) func(*yaml.Node, string) {
		return func(n *yaml.Node, path string) {
			given[name] = true
			read(n, path)
		}
	}
	r.Mapping(root, "", yamldoc.Fields{
		"apiVersion": r.Text(&version),
		"kind":       r.Text(&what),
		"metadata": func(n *yaml.Node, path string) {
			r.Mapping(n, path, yamldoc.Fields{"name": r.Text(&rule.Name)})
		},
		"spec": func(n *yaml.Node, path string) {
			r.Mapping(n, path, yamldoc.Fields{
				"images":         placed("spec.images", each(r, maxPatterns, func(n *yaml.Node, path, text string) { readPattern(r, n, path, text, &rule) })),
				"accept":         placed("spec.accept", each(r, 1, func(n *yaml.Node, path, text string) { readAccept(r, n, path, text, &accept) })),
				"keys":           placed("spec.keys", each(r, maxKeys, func(n *yaml.Node, path, text string) { readKey(r, n, path, text, &rule) })),
				"predicateTypes": yamldoc.Texts(r, &rule.PredicateTypes),
				"maxAge":         func(n *yaml.Node, path string) { readAge(r, n, path, &rule) },
			})
		},
	})
	if root.Kind == yaml.MappingNode {
		if version != apiVersion || what != kind {
			r.Problem(root, "", "must have apiVersion: %s and kind: %s", apiVersion, kind)
		}
		if given["metadata.name"] = rule.Name != ""; len(rule.Name) > 200 {
			r.Problem(root, "metadata.name", "must have at most 200 characters")
		}
		for _, name := range []string{"metadata.name", "spec.images", "spec.accept", "spec.keys"} {
			if !given[name] {
				r.Problem(root, name, "is missing")
			}
		}
	}
	if len(rule.PredicateTypes) == 0 {
		rule.PredicateTypes = predicateTypes
	}
	return rule, r.Problems
}

// each reads a list of texts that is not empty, one by one.
func each(r *yamldoc.Reader, max int, read func(n *yaml.Node, path, text string)) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		count := 0
		r.Items(n, path, func(n *yaml.Node, path string) {
			count++
			var text string
			if r.Text(&text)(n, path); text != "" && count <= max {
				read(n, path, text)
			}
		})
		if count == 0 || count > max {
			r.Problem(n, path, "must have from 1 to %d entries", max)
		}
	}
}

func readPattern(r *yamldoc.Reader, n *yaml.Node, at, text string, rule *Rule) {
	if _, err := path.Match(strings.TrimSuffix(text, "/**"), ""); err != nil || !strings.Contains(text, "/") || strings.Contains(text, "://") {
		r.Problem(n, at, "must be a pattern for registry/repository, such as registry.example/team/* or registry.example/**")
		return
	}
	rule.Images = append(rule.Images, text)
}

func readAccept(r *yamldoc.Reader, n *yaml.Node, at, text string, accept *[]string) {
	if text != "sbom" {
		r.Problem(n, at, "must be sbom, which is all that can be accepted")
		return
	}
	*accept = append(*accept, text)
}

func readKey(r *yamldoc.Reader, n *yaml.Node, at, text string, rule *Rule) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "PUBLIC KEY" || strings.TrimSpace(string(rest)) != "" {
		r.Problem(n, at, "must be one public key in PEM, which begins with -----BEGIN PUBLIC KEY-----")
		return
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		r.Problem(n, at, "is no public key: %v", err)
		return
	}
	if wrong := checkKey(public); wrong != "" {
		r.Problem(n, at, "%s", wrong)
		return
	}
	rule.Keys = append(rule.Keys, Key{public, fmt.Sprintf("sha256:%x", sha256.Sum256(block.Bytes))})
}

// readAge takes days, too, which durations have not.
func readAge(r *yamldoc.Reader, n *yaml.Node, at string, rule *Rule) {
	var text string
	r.Text(&text)(n, at)
	days, isDays := strings.CutSuffix(text, "d")
	count, err := strconv.Atoi(days)
	if isDays && err == nil && count < 100_000 {
		rule.MaxAge = time.Duration(count) * 24 * time.Hour
	} else {
		rule.MaxAge, err = time.ParseDuration(text)
	}
	if err != nil || rule.MaxAge <= 0 {
		r.Problem(n, at, "must be a time such as 30d or 12h")
	}
}

// For returns the rules that are about an image.
func For(rules []Rule, ref image.Reference) []Rule {
	return slices.DeleteFunc(slices.Clone(rules), func(r Rule) bool { return !r.covers(ref.Name()) })
}

func (r *Rule) covers(name string) bool {
	return slices.ContainsFunc(r.Images, func(pattern string) bool {
		if above, deep := strings.CutSuffix(pattern, "/**"); deep {
			for parent := path.Dir(name); parent != "."; parent = path.Dir(parent) {
				if ok, _ := path.Match(above, parent); ok {
					return true
				}
			}
			return false
		}
		ok, _ := path.Match(pattern, name)
		return ok
	})
}

// Wants reports whether one of the rules takes a predicate type.
func Wants(rules []Rule, predicateType string) bool {
	return slices.ContainsFunc(rules, func(r Rule) bool { return r.takes(predicateType) })
}

func (r *Rule) takes(predicateType string) bool {
	return slices.ContainsFunc(r.PredicateTypes, func(start string) bool {
		rest, ok := strings.CutPrefix(predicateType, start)
		return ok && (rest == "" || rest[0] == '/')
	})
}
