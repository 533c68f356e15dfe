package scan

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
)

const (
	maxLine   = 64 << 10 // where a line is cut; no field that is read for is longer
	maxJoined = 4 << 10  // where the lines of a continued field end
)

// A lineReader reads lines of any length and keeps at most maxLine bytes of each.
type lineReader struct{ r *bufio.Reader }

func newLineReader(r io.Reader) *lineReader {
	size := maxLine
	if sized, ok := r.(*io.SectionReader); ok {
		size = int(min(int64(size), sized.Size()+1)) // there are thousands of small files
	}
	return &lineReader{bufio.NewReaderSize(r, size)}
}

// next returns a line without its end, valid until the next call. At the end of the input the error is io.EOF and there
// is no line.
func (l *lineReader) next() (string, error) {
	line, err := l.r.ReadSlice('\n')
	kept := string(line)
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = l.r.ReadSlice('\n')
	}
	if err != nil && (len(kept) == 0 || !errors.Is(err, io.EOF)) {
		return "", err
	}
	return strings.TrimRight(kept, "\r\n"), nil
}

// each calls visit with every line.
func (l *lineReader) each(ctx context.Context, visit func(line string)) error {
	for ctx.Err() == nil {
		line, err := l.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		visit(line)
	}
	return ctx.Err()
}

// stanza reads "Key: value" lines up to an empty line and returns the wanted fields, by lower-case key, the first
// occurrence of each. A continued line is joined to its field when join is set and skipped otherwise. Lines that are
// neither are skipped. At the end of the input it returns io.EOF and no fields.
func (l *lineReader) stanza(join bool, want ...string) (map[string]string, error) {
	fields := map[string]string{}
	last, started := "", false
	for {
		line, err := l.next()
		if err != nil {
			if errors.Is(err, io.EOF) && started {
				return fields, nil
			}
			return nil, err
		}
		if strings.TrimSpace(line) == "" {
			if started {
				return fields, nil
			}
			continue
		}
		started = true
		if line[0] == ' ' || line[0] == '\t' {
			if join && last != "" && len(fields[last]) < maxJoined {
				fields[last] += line[1:]
			}
			continue
		}
		last = ""
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		key = strings.TrimSpace(key)
		for _, w := range want {
			if strings.EqualFold(w, key) {
				w = strings.ToLower(w)
				if _, seen := fields[w]; !seen {
					fields[w], last = strings.TrimSpace(value), w
				}
				break
			}
		}
	}
}
