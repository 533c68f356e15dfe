package image

import "testing"

func TestLineOfLayer(t *testing.T) {
	f := facts(t, `{"os":"linux","architecture":"amd64","history":[{"created_by":"ENV a","empty_layer":true},{"created_by":"COPY a b # buildkit"},{"created_by":"apko"}]}`, "1", "2")
	for layer, want := range map[int]int{0: 2, 1: 3, 2: 0, -1: 0} {
		if got := f.LineOfLayer(layer); got != want {
			t.Errorf("layer %d is of line %d, want %d", layer, got, want)
		}
	}
	for line, want := range map[int]string{0: "", 1: "ENV a", 2: "COPY a b", 3: "apko", 4: ""} {
		if got := f.LineText(line); got != want {
			t.Errorf("line %d is %q", line, got)
		}
	}
}

func TestSizeText(t *testing.T) {
	for n, want := range map[int64]string{SizeUnknown: "unknown", 0: "0 B", 999: "999 B", 27_500_000: "27.5 MB", 3_000_000_000: "3.0 GB"} {
		if got := SizeText(n); got != want {
			t.Errorf("%d is %q", n, got)
		}
	}
}
