package vuln

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
)

// Everything in the index is written as varints, length-prefixed strings and single bytes.

var errCorrupt = errors.New("the advisory index is damaged")

func putString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func putBytes(b, v []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
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
	b    []byte
	text string // if not empty it ends as b does, and strings are taken from it
	bad  bool
}

func (r *reader) uint() uint64 {
	if len(r.b) > 0 && r.b[0] < 0x80 {
		v := r.b[0]
		r.b = r.b[1:]
		return uint64(v)
	}
	return r.long()
}

// long is uint for numbers of several bytes; apart from it so that the compiler inlines the other.
func (r *reader) long() uint64 {
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

func (r *reader) string() string {
	v := r.bytes()
	if r.text == "" {
		return string(v)
	}
	end := len(r.text) - len(r.b)
	return r.text[end-len(v) : end]
}

func (r *reader) rating() rating {
	g := rating{word: severities[min(int(r.byte()&0xf), len(severities)-1)]}
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
	b := putString([]byte{byte(btoi(d.onOSV))}, d.id)
	b = putString(b, d.summary)
	b = binary.AppendUvarint(b, uint64(d.published))
	b = binary.AppendUvarint(b, uint64(d.modified))
	b = putRating(b, d.rating)
	lists := [][]string{d.aliases, d.upstream, d.references}
	for _, l := range lists {
		b = binary.AppendUvarint(b, uint64(len(l)))
	}
	for _, l := range lists {
		for _, s := range l {
			b = putString(b, s)
		}
	}
	return b
}

func (r reader) detail() (detail, error) {
	d := detail{onOSV: r.byte() == 1, id: r.string(), summary: r.string(), published: int64(r.uint()), modified: int64(r.uint()), rating: r.rating()}
	var lengths [3]int
	total := 0
	for i := range lengths {
		lengths[i] = r.count()
		total += lengths[i]
	}
	if total > len(r.b) {
		r.fail()
	}
	if total == 0 || r.bad {
		return d, r.err()
	}
	all := make([]string, total)
	for i := range all {
		all[i] = r.string()
	}
	for i, l := range []*[]string{&d.aliases, &d.upstream, &d.references} {
		if n := lengths[i]; n > 0 {
			*l, all = all[:n:n], all[n:]
		}
	}
	return d, r.err()
}

// newest is when the advisory last changed as far as it says.
func (d detail) newest() int64 {
	if d.modified == 0 {
		return d.published
	}
	return d.modified
}

// encode leaves out ecosystem and name, which the key and the index's table of ecosystems hold. Keys of versions are in
// ascending order and mostly alike, so each is written as what it shares with the one before and what it adds.
func (a affected) encode() []byte {
	b := putRating(nil, a.rating)
	if b[0] |= byte(a.module.kind) << 4; a.module.kind == modular {
		b = putString(b, a.module.stream)
	}
	b = binary.AppendUvarint(b, uint64(len(a.intervals)))
	for _, i := range a.intervals {
		b = putBytes(append(b, byte(i.bound)), i.start)
		if i.bound != unbounded && i.bound != unplaced {
			b = putBytes(b, i.end)
		}
		if i.bound == fixed {
			b = putBytes(b, i.fix)
		}
	}
	b = putStrings(b, a.texts)
	b = binary.AppendUvarint(b, uint64(len(a.keys)))
	var last []byte
	for _, k := range a.keys {
		shared := 0
		for shared < min(len(last), len(k)) && last[shared] == k[shared] {
			shared++
		}
		b = putBytes(binary.AppendUvarint(b, uint64(shared)), k[shared:])
		last = k
	}
	return b
}

// A judgment is what an entry says of one version.
type judgment struct {
	affected bool
	rating   rating
}

// judge reads an encoded entry and says whether it is about a version. The entry's intervals are appended to all; what they
// hold lies in the entry.
func judge(entry []byte, p probe, all []interval) (judgment, []interval, error) {
	r := &reader{b: entry}
	j := judgment{rating: r.rating()}
	if r.bad {
		return j, all, r.err()
	}
	m := module{kind: moduleKind(entry[0] >> 4)}
	if m.kind == modular {
		m.stream = r.string()
	}
	if !m.concerns(p.module, p.text) {
		return j, all, r.err()
	}
	for range r.count() {
		i := interval{bound: bound(r.byte()), start: r.bytes()}
		if i.bound > unplaced {
			r.fail()
		}
		if i.bound != unbounded && i.bound != unplaced {
			i.end = r.bytes()
		}
		if i.bound == fixed {
			i.fix = r.bytes()
		}
		j.affected = j.affected || !r.bad && (i.contains(p.key) || i.bound == unplaced && pseudoVersion(p.text))
		all = append(all, i)
	}
	for range r.count() {
		j.affected = string(r.bytes()) == p.text || j.affected
	}
	var current []byte
	for range r.count() {
		shared := r.uint()
		if shared > uint64(len(current)) {
			r.fail()
			break
		}
		current = append(current[:shared], r.bytes()...)
		if c := bytes.Compare(current, p.key); c >= 0 {
			j.affected = j.affected || c == 0
			break
		}
	}
	return j, all, r.err()
}
