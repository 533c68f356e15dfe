// Package version turns versions into keys: byte strings that compare as the versions do. A key is computed once, when
// advisories are imported, and then costs one comparison of bytes.
package version

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// A Scheme appends the key of a version to b. Two keys of one scheme compare bytewise as the versions do. Keys are part of
// the advisory index's format.
type Scheme func(b []byte, version string) ([]byte, error)

var errControl = errors.New("it holds control characters")

// number appends an integer of any length, given as decimal digits; none are 0. It begins with a byte of at least smallest,
// which leaves the lower ones to mark what stands in a number's place.
func number(b []byte, digits string) []byte {
	digits = strings.TrimLeft(digits, "0")
	if len(digits) > 18 {
		b = binary.BigEndian.AppendUint16(append(b, 0xff), uint16(len(digits)))
		return append(b, digits...)
	}
	v := uint64(0)
	for i := range len(digits) {
		v = 10*v + uint64(digits[i]-'0')
	}
	if v < oneByte {
		return append(b, smallest+byte(v))
	}
	var raw [8]byte
	binary.BigEndian.PutUint64(raw[:], v)
	n := 8
	for raw[8-n] == 0 {
		n--
	}
	return append(append(b, smallest+oneByte+byte(n)), raw[8-n:]...)
}

const (
	smallest = 0x20
	oneByte  = 160
)

// text appends a string so that a shorter one comes before those that it begins. It must not hold zero bytes.
func text(b []byte, s string) []byte { return append(append(b, s...), 0) }

func digit(c byte) bool { return '0' <= c && c <= '9' }

func lower(c byte) bool { return 'a' <= c && c <= 'z' }

func letter(c byte) bool { return lower(c | 0x20) }

// digits reports whether s is a number.
func digits(s string) bool {
	for i := range len(s) {
		if !digit(s[i]) {
			return false
		}
	}
	return s != ""
}

// run splits s where bytes stop to be of a kind.
func run(s string, kind func(byte) bool) (head, rest string) {
	for i := range len(s) {
		if !kind(s[i]) {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

func printable(s string) error {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return errControl
		}
	}
	return nil
}

func invalid(scheme, s string) error { return fmt.Errorf("%q is not a version of %s", s, scheme) }
