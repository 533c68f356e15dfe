package vuln

import "github.com/go-faster/jx"

// jx reads records in a fifth of the time that encoding/json takes, and like it bounds nesting and stays within its input; of
// libraries that decode into structs as fast, one overflows the stack on deep nesting and one reads out of bounds.

// What is wrong in the parts that decide about matches makes a record broken; null is absent. Parts that are only shown are
// read by the loose functions, which take anything else for absent.

func stringOrNull(d *jx.Decoder) (string, error) {
	if d.Next() == jx.Null {
		return "", d.Null()
	}
	return d.Str()
}

func list(d *jx.Decoder, each func(*jx.Decoder) error) error {
	if d.Next() == jx.Null {
		return d.Null()
	}
	return d.Arr(each)
}

func fields(d *jx.Decoder, each func(d *jx.Decoder, key []byte) error) error {
	if d.Next() == jx.Null {
		return d.Null()
	}
	return d.ObjBytes(each)
}

func looseString(d *jx.Decoder) (string, error) {
	if d.Next() == jx.String {
		return d.Str()
	}
	return "", d.Skip()
}

func looseList(d *jx.Decoder, each func(*jx.Decoder) error) error {
	if d.Next() == jx.Array {
		return d.Arr(each)
	}
	return d.Skip()
}

func looseFields(d *jx.Decoder, each func(d *jx.Decoder, key []byte) error) error {
	if d.Next() == jx.Object {
		return d.ObjBytes(each)
	}
	return d.Skip()
}
