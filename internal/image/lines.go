package image

import "strings"

// LineOfLayer is the Dockerfile line that produced the layer at an index, or 0 when the history does not tell.
func (f *Facts) LineOfLayer(index int) int {
	for _, i := range f.Instructions {
		if !i.Empty && i.LayerIndex == index {
			return i.Line
		}
	}
	return 0
}

// LineText is a Dockerfile line as one would write it, or "".
func (f *Facts) LineText(line int) string {
	if line < 1 || line > len(f.Instructions) {
		return ""
	}
	i := f.Instructions[line-1]
	return strings.TrimSpace(i.Keyword + " " + i.Value)
}
