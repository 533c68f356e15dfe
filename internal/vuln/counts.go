package vuln

import (
	"math/bits"
	"slices"
	"time"
)

// An ecosystemTable counts records per ecosystem while keys are written.
type ecosystemTable struct {
	names  []string
	place  []int // in the index's table, which is sorted
	rows   [][]uint64
	newest []int64
}

func (b *builder) ecosystemTable() *ecosystemTable {
	sorted := slices.Sorted(slices.Values(b.names))
	t := &ecosystemTable{names: b.names, newest: make([]int64, len(b.names))}
	for _, n := range b.names {
		at, _ := slices.BinarySearch(sorted, n)
		t.place = append(t.place, at)
		t.rows = append(t.rows, make([]uint64, (len(b.rows)+63)/64))
	}
	return t
}

func (t *ecosystemTable) count(eco uint64, row int32, newest int64) {
	t.rows[eco][row/64] |= 1 << (row % 64)
	t.newest[eco] = max(t.newest[eco], newest)
}

func (t *ecosystemTable) status() (list []EcosystemStatus, newest time.Time) {
	list = make([]EcosystemStatus, len(t.names))
	for i, name := range t.names {
		s := EcosystemStatus{Name: name}
		for _, w := range t.rows[i] {
			s.Records += bits.OnesCount64(w)
		}
		if at := timeOf(t.newest[i]); at != nil {
			if s.Newest = *at; at.After(newest) {
				newest = *at
			}
		}
		list[t.place[i]] = s
	}
	return list, newest
}
