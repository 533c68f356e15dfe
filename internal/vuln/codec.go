package vuln

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

// Everything in the index is written as varints, length-prefixed strings and single bytes.

var errCorrupt = errors.New("the advisory index is damaged")

func putString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func putStrings(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = putString(b, s)
	}
	return b
}

func putRating(b []byte, r rating) []byte {
	b = append(b, byte(r.word.Rank()))
	if b = putString(b, r.vector); r.vector != "" {
		b = append(b, byte(math.Round(r.score*10)))
	}
	return b
}

// A reader takes values off the front of b. After the first failure everything it returns is zero.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

// count reads a number of things of which each takes at least one byte.
func (r *reader) count() int {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) bytes() []byte {
	n := r.count()
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) string() string { return string(r.bytes()) }

func (r *reader) strings() []string {
	n := r.count()
	if n == 0 {
		return nil
	}
	list := make([]string, 0, min(n, 1024))
	for range n {
		list = append(list, r.string())
	}
	return list
}

func (r *reader) rating() rating {
	g := rating{word: severities[min(int(r.byte()), len(severities)-1)]}
	if g.vector = r.string(); g.vector != "" {
		g.score = float64(r.byte()) / 10
	}
	return g
}

func (r *reader) fail() { r.bad, r.b = true, nil }

func (r *reader) err() error {
	if r.bad {
		return errCorrupt
	}
	return nil
}

func (d detail) encode() []byte {
	b := putString(nil, d.id)
	b = putStrings(b, d.aliases)
	b = putStrings(b, d.upstream)
	b = putString(b, d.summary)
	b = binary.AppendUvarint(b, uint64(d.published))
	b = binary.AppendUvarint(b, uint64(d.modified))
	b = putRating(b, d.rating)
	return putStrings(b, d.references)
}

func decodeDetail(b []byte) (detail, error) {
	r := &reader{b: b}
	d := detail{id: r.string(), aliases: r.strings(), upstream: r.strings(), summary: r.string()}
	d.published, d.modified = int64(r.uint()), int64(r.uint())
	d.rating, d.references = r.rating(), r.strings()
	return d, r.err()
}

// newest is when the advisory last changed as far as it says.
func (d detail) newest() int64 {
	if d.modified == 0 {
		return d.published
	}
	return d.modified
}

// encode leaves out ecosystem and name, which the key and the index's table of ecosystems hold.
func (a affected) encode() []byte {
	b := []byte{byte(btoi(a.sorted))}
	b = putRating(b, a.rating)
	b = binary.AppendUvarint(b, uint64(len(a.intervals)))
	for _, i := range a.intervals {
		b = putString(append(b, byte(i.bound)), i.start)
		if i.bound != unbounded {
			b = putString(b, i.end)
		}
	}
	return putStrings(b, a.versions)
}

func decodeAffected(b []byte) (affected, error) {
	r := &reader{b: b}
	a := affected{sorted: r.byte() == 1, rating: r.rating()}
	n := r.count()
	a.intervals = slices.Grow(a.intervals, min(n, 64))
	for range n {
		i := interval{bound: bound(r.byte())}
		if i.bound > limit {
			r.fail()
		}
		if i.start = r.string(); i.bound != unbounded {
			i.end = r.string()
		}
		a.intervals = append(a.intervals, i)
	}
	a.versions = r.strings()
	return a, r.err()
}
