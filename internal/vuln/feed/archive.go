package feed

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/vuln"
)

// Bounds of what a source may send. The largest list, Chainguard's, has about 55 MB, the largest archive some hundred.
const (
	maxList     = 512 << 20
	maxArchive  = 8 << 30
	maxRecord   = 8 << 20
	maxRecords  = 5_000_000
	listName    = "modified_id.csv"
	archiveName = "all.zip"
)

// A list says of each record when it was last modified.
type list map[string]time.Time

var validID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:+-]{1,127}$`)

// readList reads lines of time and ID. A line that is neither is an error: a list that is read in part would look as if the rest
// had been deleted.
func readList(data []byte) (list, error) {
	l := make(list, bytes.Count(data, []byte{'\n'})+1)
	for line := range bytes.Lines(data) {
		text := strings.TrimSpace(string(line))
		if text == "" {
			continue
		}
		modified, id, _ := strings.Cut(text, ",")
		at, err := time.Parse(time.RFC3339Nano, modified)
		if err != nil || !validID.MatchString(id) {
			return nil, fmt.Errorf("%s: %.100q is not a time and an ID", listName, text)
		}
		if l[id] = at.UTC(); len(l) > maxRecords {
			return nil, fmt.Errorf("%s names more than %d records", listName, maxRecords)
		}
	}
	if len(l) == 0 {
		return nil, errors.New(listName + " is empty")
	}
	return l, nil
}

// compare says which records of l are missing in held or others there, and which of held are not in l.
func (l list) compare(held list) (changed []string, gone map[string]bool) {
	gone = map[string]bool{}
	for id, at := range l {
		if was, ok := held[id]; !ok || !was.Equal(at) {
			changed = append(changed, id)
		}
	}
	for id := range held {
		if _, ok := l[id]; !ok {
			gone[id] = true
		}
	}
	slices.Sort(changed)
	return changed, gone
}

// An archive holds the records of one ecosystem, as files of a zip named for their IDs. One that was kept also has a list of
// them, which is made from the records themselves: what a source says of its archive may be newer or older than it.
type archive struct {
	file *os.File
	zip  *zip.Reader
	held list
}

// openKept opens the archive that was kept. It returns nil if there is none that could be used.
func openKept(path string) *archive {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	a := &archive{file: f}
	st, err := f.Stat()
	if err == nil {
		a.zip, err = zip.NewReader(f, st.Size())
	}
	if err == nil {
		a.held, err = a.readHeld()
	}
	if err != nil {
		f.Close()
		return nil
	}
	return a
}

func (a *archive) readHeld() (list, error) {
	i := slices.IndexFunc(a.zip.File, func(e *zip.File) bool { return e.Name == listName })
	if i < 0 {
		return nil, errors.New("it has no list")
	}
	r, err := a.zip.File[i].Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw, err := io.ReadAll(io.LimitReader(r, maxList))
	if err != nil {
		return nil, err
	}
	return readList(raw)
}

func (a *archive) close() {
	if a != nil {
		a.file.Close()
	}
}

// openFetched opens an archive as a source has it, and reads from each record when it was modified.
func openFetched(ctx context.Context, f *os.File) (*archive, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	z, err := zip.NewReader(f, st.Size())
	if err != nil {
		return nil, err
	}
	if len(z.File) > maxRecords {
		return nil, fmt.Errorf("it has more than %d files", maxRecords)
	}
	a := &archive{file: f, zip: z, held: make(list, len(z.File))}
	for _, e := range z.File {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		id, ok := recordID(e)
		if !ok {
			continue
		}
		r, err := e.Open()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name, err)
		}
		at, err := modified(io.LimitReader(r, maxRecord))
		r.Close()
		if err != nil {
			at = time.Time{} // the import tells of it; the next update asks for it again
		}
		a.held[id] = at
	}
	if len(a.held) == 0 {
		return nil, errors.New("it holds no record")
	}
	return a, nil
}

func recordID(e *zip.File) (string, bool) {
	id, ok := strings.CutSuffix(e.Name, ".json")
	return id, ok && validID.MatchString(id)
}

// modified reads no more of a record than it must.
func modified(r io.Reader) (time.Time, error) {
	d := json.NewDecoder(r)
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return time.Time{}, errors.New("it is no record")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return time.Time{}, err
		}
		if name == "modified" {
			var at time.Time
			err := d.Decode(&at)
			return at.UTC(), err
		}
		var skipped json.RawMessage
		if err := d.Decode(&skipped); err != nil {
			return time.Time{}, err
		}
	}
	return time.Time{}, errors.New("it does not say when it was modified")
}

// keep writes base without the records that are gone, and with those that are fresh, to dir/name. Entries go over as they are
// compressed.
func keep(ctx context.Context, dir, name string, base *archive, gone map[string]bool, fresh map[string][]byte) error {
	if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o750); err != nil {
		return err
	}
	return vuln.ReplaceFile(dir, name, func(f *os.File) error {
		buffered := bufio.NewWriterSize(f, 1<<20)
		w := zip.NewWriter(buffered)
		held := list{}
		for _, e := range base.zip.File {
			if err := ctx.Err(); err != nil {
				return err
			}
			id, ok := recordID(e)
			if _, again := held[id]; !ok || gone[id] || again || fresh[id] != nil {
				continue
			}
			if err := w.Copy(e); err != nil {
				return err
			}
			held[id] = base.held[id]
		}
		for id, record := range fresh {
			at, err := modified(bytes.NewReader(record))
			if err != nil {
				return fmt.Errorf("%s: %w", id, err)
			}
			e, err := w.Create(id + ".json")
			if err == nil {
				_, err = e.Write(record)
			}
			if err != nil {
				return err
			}
			held[id] = at
		}
		e, err := w.Create(listName)
		if err != nil {
			return err
		}
		lines := bufio.NewWriter(e)
		for id, at := range held {
			fmt.Fprintf(lines, "%s,%s\n", at.Format(time.RFC3339Nano), id)
		}
		return errors.Join(lines.Flush(), w.Close(), buffered.Flush())
	})
}
