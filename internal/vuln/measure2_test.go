package vuln

import (
	"archive/zip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestDiffTMP(t *testing.T) {
	src := os.Getenv("OSV")
	if src == "" {
		t.Skip()
	}
	dir := t.TempDir()
	if _, err := Import(context.Background(), dir, src, ImportOptions{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	x, _ := Open(dir)
	zips, _ := filepath.Glob(src + "/*/all.zip")
	type pk struct{ eco, name string }
	recs := map[pk][]*osvRecord{}
	var all []Package
	r := rand.New(rand.NewPCG(1, 2))
	for _, z := range zips {
		zr, _ := zip.OpenReader(z)
		for _, f := range zr.File {
			rc, _ := f.Open()
			b, _ := io.ReadAll(rc)
			var o osvRecord
			if json.Unmarshal(b, &o) != nil || o.Withdrawn != "" || !validID.MatchString(o.ID) {
				continue
			}
			for _, a := range o.Affected {
				k := pk{a.Package.Ecosystem, a.Package.Name}
				if l := recs[k]; len(l) == 0 || l[len(l)-1] != &o {
					recs[k] = append(recs[k], &o)
				}
				for _, g := range a.Ranges {
					for _, e := range g.Events {
						for _, s := range []*string{e.Introduced, e.Fixed, e.LastAffected} {
							if s != nil && g.Type != "GIT" && *s != "0" && r.IntN(40) == 0 {
								all = append(all, Package{a.Package.Ecosystem, a.Package.Name, *s})
							}
						}
					}
				}
				if len(a.Versions) > 0 {
					all = append(all, Package{a.Package.Ecosystem, a.Package.Name, a.Versions[r.IntN(len(a.Versions))]})
				}
			}
		}
	}
	fmt.Println(len(all), "packages")
	spec := func(a osvAffected, p Package) bool {
		if slices.Contains(a.Versions, p.Version) {
			return true
		}
		base := parseEcosystem(p.Ecosystem).base
		vs := versionsOf(base)
		v, _ := vs.parse(p.Version)
		for _, g := range a.Ranges {
			if g.Type == "GIT" {
				continue
			}
			// the specification's evaluation, events sorted
			ev := slices.Clone(g.Events)
			val := func(e event) string {
				for _, s := range []*string{e.Introduced, e.Fixed, e.LastAffected} {
					if s != nil {
						return *s
					}
				}
				return ""
			}
			slices.SortStableFunc(ev, func(a, b event) int {
				av, bv := val(a), val(b)
				if av == "0" && bv == "0" {
					return 0
				}
				if av == "0" {
					return -1
				}
				if bv == "0" {
					return 1
				}
				pv, _ := vs.parse(av)
				c, _ := vs.compare(pv, bv)
				return c
			})
			in := false
			for _, e := range ev {
				c, _ := vs.compare(v, val(e))
				switch {
				case e.Introduced != nil && (*e.Introduced == "0" || c >= 0):
					in = true
				case e.Fixed != nil && c >= 0:
					in = false
				case e.LastAffected != nil && c > 0:
					in = false
				}
			}
			if in {
				return true
			}
		}
		return false
	}
	miss, extra, n := 0, 0, 0
	for _, p := range all {
		want := map[string]bool{}
		for _, o := range recs[pk{p.Ecosystem, p.Name}] {
			for _, a := range o.Affected {
				if a.Package.Ecosystem == p.Ecosystem && a.Package.Name == p.Name && spec(a, p) {
					want[o.ID] = true
				}
			}
		}
		got, err := x.Match(context.Background(), p)
		if err != nil {
			fmt.Println("ERR", p, err)
			continue
		}
		names := map[string]bool{}
		for _, v := range got {
			names[v.ID] = true
			for _, a := range v.Aliases {
				names[a] = true
			}
		}
		n += len(got)
		for w := range want {
			if !names[w] {
				miss++
				if miss < 10 {
					fmt.Println("MISS", p, w)
				}
			}
		}
		for _, v := range got {
			if !want[v.ID] {
				extra++
				if extra < 10 {
					fmt.Println("EXTRA", p, v.ID)
				}
			}
		}
	}
	fmt.Println("findings", n, "miss", miss, "extra", extra)
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for range 3 {
		x.Close()
		x, _ = Open(dir)
		start := time.Now()
		n = 0
		for _, p := range all[:1000] {
			v, _ := x.Match(context.Background(), p)
			n += len(v)
		}
		fmt.Println("1000 packages", time.Since(start), n)
	}
}
