package vuln

import (
	"bytes"

	"github.com/go-faster/jx"
)

// Reports of Go's database that nobody has reviewed may name versions that the module never had by Go's rules, such as
// v2.12.2 of a module without /v2 in its path. They stand in ecosystem_specific.custom_ranges, and "ranges" then says that
// all versions are affected, for lack of better. But builds do record such tags, and those tell where a build stands.

// withCustomRanges adds custom ranges to those of the module's versions. They are about releases: of pseudo-versions without
// one before them (v0.0.0-20240101000000-abcdefabcdef) only "ranges" can tell.
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
	kept := all[:0]
	for _, i := range all {
		if i.bound == unbounded {
			i.end, i.bound = release, limit
		}
		if i.bound != limit || bytes.Compare(i.start, i.end) < 0 {
			kept = append(kept, i)
		}
	}
	return append(kept, custom...), nil
}
