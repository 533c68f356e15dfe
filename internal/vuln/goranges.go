package vuln

import (
	"bytes"
	"regexp"

	"github.com/go-faster/jx"
)

// Reports of Go's database that nobody has reviewed may name versions that the module never had by Go's rules, such as
// v2.12.2 of a module without /v2 in its path. They stand in ecosystem_specific.custom_ranges, and "ranges" then says that
// all versions are affected, for lack of better. But builds do record such tags, and those tell where a build stands.

var pseudo = regexp.MustCompile(`[-.]\d{14}-[0-9a-f]{12}(?:\+.*)?$`)

// pseudoVersion reports whether a version stands for a commit, such as v0.0.0-20240101000000-abcdefabcdef.
func pseudoVersion(v string) bool { return pseudo.MatchString(v) }

// withCustomRanges adds custom ranges to those of the module's versions. They are about releases; of pseudo-versions only
// "ranges" can tell.
func withCustomRanges(r rules, all []interval, specific jx.Raw) ([]interval, error) {
	var custom []interval
	err := looseFields(jx.DecodeBytes(specific), func(d *jx.Decoder, key []byte) error {
		if string(key) != "custom_ranges" {
			return d.Skip()
		}
		raw, err := d.Raw()
		if err == nil {
			custom, err = intervalsOf(r, raw)
		}
		return err
	})
	if err != nil || len(custom) == 0 {
		return all, err
	}
	release, err := r.key("0.0.0")
	if err != nil {
		return nil, err
	}
	for i := range custom {
		if bytes.Compare(custom[i].start, release) < 0 {
			custom[i].start = release
		}
	}
	for i := range all {
		if all[i].bound == unbounded {
			all[i].bound = unplaced
		}
	}
	return append(all, custom...), nil
}
