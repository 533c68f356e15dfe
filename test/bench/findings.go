//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A finding is a vulnerability of a package under all the names that a tool gives it.
type finding struct {
	component
	ids []string
}

func (f finding) String() string { return f.component.String() + " " + strings.Join(f.ids, " ") }

func parseOurFindings(answer []byte) ([]finding, error) {
	var doc struct {
		Vulnerabilities []struct {
			ID, CVE, Component, Version, Type string
			Aliases                           []string
		}
	}
	if err := json.Unmarshal(answer, &doc); err != nil {
		return nil, err
	}
	var list []finding
	for _, v := range doc.Vulnerabilities {
		ids := append([]string{v.ID}, v.Aliases...)
		if v.CVE != "" {
			ids = append(ids, v.CVE)
		}
		list = append(list, finding{newComponent(v.Type, v.Component, v.Version), ids})
	}
	return list, nil
}

func parseOSVFindings(answer []byte) ([]finding, error) {
	doc, err := readOSVScanner(answer)
	if err != nil {
		return nil, err
	}
	var list []finding
	for _, r := range doc.Results {
		for _, p := range r.Packages {
			for _, g := range p.Groups {
				list = append(list, finding{p.Package.component(), append(g.IDs, g.Aliases...)})
			}
		}
	}
	return list, nil
}

// without are the findings of list that others do not have under any of their names.
func without(list, others []finding) []finding {
	known := map[string]bool{}
	for _, f := range others {
		for _, id := range f.ids {
			known[f.component.String()+" "+id] = true
		}
	}
	var missing []finding
	for _, f := range list {
		if !slices.ContainsFunc(f.ids, func(id string) bool { return known[f.component.String()+" "+id] }) {
			missing = append(missing, f)
		}
	}
	return missing
}

// agreement prints how far landwaiter's and osv-scanner's answers in dir agree.
func (b *bench) agreement(title, dir string) error {
	read := func(name string, parse func([]byte) ([]finding, error)) ([]finding, error) {
		text, err := os.ReadFile(filepath.Join(dir, name+".json"))
		if err != nil {
			return nil, err
		}
		return parse(text)
	}
	ours, err := read(rowOurs, parseOurFindings)
	if err != nil {
		return err
	}
	theirs, err := read("osv-scanner", parseOSVFindings)
	if err != nil {
		return err
	}
	missing, extra := without(theirs, ours), without(ours, theirs)
	var text strings.Builder
	for _, f := range missing {
		fmt.Fprintf(&text, "- %s\n", f)
	}
	for _, f := range extra {
		fmt.Fprintf(&text, "+ %s\n", f)
	}
	file := filepath.Join(b.cache, "answers", title+"-findings.diff")
	fmt.Fprintf(b.out, "  findings of %s, ours/osv-scanner: %d/%d; only ours %d, only theirs %d (%s)\n", title, len(ours), len(theirs), len(extra), len(missing), file)
	return os.WriteFile(file, []byte(text.String()), 0o644)
}
