package report

// place is where in File something is that a line of the image's own Dockerfile brought, or what is about the subject as a
// whole (line 0). The line is 0 when that is not known.
func (s Subject) place(line int) (file string, at int) {
	if s.Kind != KindImage {
		return s.File, s.Line
	}
	return s.File, s.lines[line]
}
