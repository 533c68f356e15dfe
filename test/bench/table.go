//go:build linux

package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"
)

// A table is the measured rounds of one image, by row.
type table map[string][]usage

func (t table) add(row string, u usage) { t[row] = append(t[row], u) }

// Goals for every image.
const (
	floorGoal   = 1.2
	memoryGoal  = 128 << 20
	writtenGoal = 1 << 20 // what a process may write by the way; no image is that small
	warmGoal    = 30 * time.Millisecond
)

// peerGoals are how many times more than ours a tool should need at least.
var peerGoals = []struct {
	row, ours string
	cpu, wall float64
}{
	{"trivy", rowOurs, 2.5, 2},
	{"syft", rowOurs, 4.5, 4.5},
	{"osv-scanner", rowOurs, 5, 5},
	{"trivy" + warm, rowOurs + warm, 0, 10},
	{"trivy" + warm, rowServer, 0, 10},
}

func cpu(u usage) float64  { return u.cpu.Seconds() }
func wall(u usage) float64 { return u.wall.Seconds() }

func (t table) print(out io.Writer, title string) {
	fmt.Fprintf(out, "\n%s (medians of %d rounds; × is the median of the rounds' ratios to %s)\n", title, len(t[rowOurs]), rowOurs)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\twall s\tCPU s\tpeak MB\twritten MB\twall ×\tCPU ×\t")
	for _, row := range slices.Sorted(maps.Keys(t)) {
		of := func(value func(usage) float64) float64 { return median(values(t[row], value)) }
		if row == rowServer {
			fmt.Fprintf(w, "%s\t%.3f\t\t\t\t%.3f\t\t\n", row, of(wall), median(t.ratios(row, rowOurs, wall)))
			continue
		}
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%.0f\t%.1f\t%.2f\t%.2f\t\n", row, of(wall), of(cpu),
			of(func(u usage) float64 { return float64(u.rss) / 1e6 }), of(func(u usage) float64 { return float64(u.written) / 1e6 }),
			median(t.ratios(row, rowOurs, wall)), median(t.ratios(row, rowOurs, cpu)))
	}
	w.Flush()
}

// judge compares with the goals.
func (t table) judge(out io.Writer, r recipe) {
	ours := t[rowOurs]
	if len(ours) == 0 {
		return
	}
	atLeast := func(row, than, what string, value func(usage) float64, goal float64) {
		if ratios := t.ratios(row, than, value); goal > 0 && len(ratios) > 0 {
			say(out, median(ratios) >= goal, "%s needs %s the %s of %s, goal at least %.1f", row, spread(ratios), what, than, goal)
		}
	}
	if r.knows == "" && r.name != bombLayer {
		for _, g := range peerGoals {
			atLeast(g.row, g.ours, "CPU", cpu, g.cpu)
			atLeast(g.row, g.ours, "wall time", wall, g.wall)
		}
		for _, m := range []struct {
			what  string
			value func(usage) float64
		}{{"CPU", cpu}, {"wall time", wall}} {
			ratios := t.ratios(rowOurs, rowFloor, m.value)
			say(out, median(ratios) <= floorGoal, "%s the floor's %s, goal at most %.1f", spread(ratios), m.what, floorGoal)
		}
	}
	if r.knows != "" {
		extra := make([]float64, len(ours))
		for i := range ours {
			extra[i] = (cpu(ours[i]) - cpu(t[rowOurs+warm][i])) / cpu(t[rowFloor][i])
		}
		say(out, median(extra) <= floorGoal, "the new layer costs %s of the CPU of its floor, goal at most %.1f", spread(extra), floorGoal)
	}
	for _, row := range []string{rowOurs + warm, rowServer} {
		if len(t[row]) > 0 {
			took := 1000 * median(values(t[row], wall))
			say(out, took <= float64(warmGoal.Milliseconds()), "%s takes %.0f ms, goal at most %s", row, took, warmGoal)
		}
	}
	peak := slices.MaxFunc(ours, func(a, b usage) int { return int(a.rss - b.rss) }).rss
	limit := int64(cmp.Or(r.memory, memoryGoal))
	say(out, peak <= limit, "peak memory %d MB, goal at most %d MB", peak>>20, limit>>20)
	written := slices.MaxFunc(ours, func(a, b usage) int { return int(a.written - b.written) }).written
	say(out, written <= writtenGoal, "%.2f MB written to disk, goal nothing of the image", float64(written)/1e6)
	if r.wall > 0 {
		slowest := slices.MaxFunc(ours, func(a, b usage) int { return int(a.wall - b.wall) }).wall
		say(out, slowest <= r.wall, "%.1f s, goal at most %s", slowest.Seconds(), r.wall)
	}
}

// say tells of a goal.
func say(out io.Writer, reached bool, format string, args ...any) {
	word := "reached"
	if !reached {
		word = "MISSED "
	}
	fmt.Fprintf(out, "  %s  %s\n", word, fmt.Sprintf(format, args...))
}

// ratios are those of the rounds.
func (t table) ratios(row, than string, value func(usage) float64) []float64 {
	var list []float64
	for i := range min(len(t[row]), len(t[than])) {
		list = append(list, value(t[row][i])/value(t[than][i]))
	}
	return list
}

func values(list []usage, value func(usage) float64) []float64 {
	var v []float64
	for _, u := range list {
		v = append(v, value(u))
	}
	return v
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

func spread(v []float64) string {
	return fmt.Sprintf("%.2f × [%.2f..%.2f]", median(v), slices.Min(v), slices.Max(v))
}
