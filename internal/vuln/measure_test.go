package vuln

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"
)

func TestMeasureTMP(t *testing.T) {
	src := os.Getenv("OSV")
	if src == "" {
		t.Skip()
	}
	dir := t.TempDir()
	start := time.Now()
	res, err := Import(context.Background(), dir, src, ImportOptions{Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	b, _ := os.ReadFile("/proc/self/status")
	fmt.Println("import", time.Since(start), "sys", ms.Sys>>20, "size", res.Status.Size, "rec", res.Records, res.Skipped, res.Withdrawn, res.Unusable, res.Problems, res.Replaced)
	fmt.Println(string(b[len("Name"):][0:0]))
	for _, l := range splitLines(string(b)) {
		if len(l) > 5 && (l[:5] == "VmHWM" || l[:5] == "VmRSS") {
			fmt.Println(l)
		}
	}
	fmt.Printf("%+v\n", res.Status)
	start = time.Now()
	res, err = Import(context.Background(), dir, src+"/npm", ImportOptions{Now: time.Now()})
	fmt.Println("reimport npm", time.Since(start), err, res.Status.Records, res.Status.Size, res.Replaced)
	start = time.Now()
	x, err := Open(dir)
	fmt.Println("open", time.Since(start), err)
	fmt.Printf("%+v\n", x.contents)
	for _, p := range []Package{{"Debian:11", "openssl", "1.1.1k-1"}, {"Go", "golang.org/x/net", "v0.7.0"}, {"PyPI", "Django", "3.2.1"}, {"AlmaLinux:9", "openssl", "1:3.0.1-20.el9"}, {"npm", "lodash", "4.17.4"}, {"Go", "stdlib", "go1.20.3"}} {
		start = time.Now()
		v, err := x.Match(context.Background(), p)
		fmt.Println(p, len(v), err, time.Since(start))
		for i := range v {
			if i < 2 {
				fmt.Printf("  %+v\n", v[i])
			}
		}
	}
}

func splitLines(s string) (out []string) {
	for len(s) > 0 {
		i := 0
		for i < len(s) && s[i] != '\n' {
			i++
		}
		out = append(out, s[:i])
		if i == len(s) {
			break
		}
		s = s[i+1:]
	}
	return
}
