package sbom

import (
	"bytes"
	"testing"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// FuzzParse wants that whatever is read is refused with a reason, or can be written and read again as it is.
func FuzzParse(f *testing.F) {
	for _, format := range Formats() {
		f.Add(write(f, format, example()))
	}
	f.Add([]byte(`{"reference":"a","scan":{"status":"complete","components":[{"name":"a","version":"1","type":"npm","location":"/x"}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse(data)
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid {
				t.Fatalf("%v", err)
			}
			return
		}
		for _, format := range Formats() {
			var out bytes.Buffer
			if err := Write(&out, format, d); err != nil {
				t.Fatalf("%s: %v", format, err)
			}
			if _, err := Parse(out.Bytes()); err != nil {
				t.Fatalf("%s: %v\n%s", format, err, out.Bytes())
			}
		}
	})
}
