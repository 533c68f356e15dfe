package feed

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// Single records are fetched when they are few, by number and as a part of all: else the archive costs less.
const (
	fewRecords    = 1000
	partOfAll     = 4
	recordsAtOnce = 8
)

func few(changed, all int) bool { return changed <= fewRecords && changed*partOfAll <= all }

// archivePrefix marks versions of the archive, of sources that have no list.
const archivePrefix = "archive "

// ecosystem brings what was kept of one ecosystem up to date. The version names the state that it then has; it is "" when the
// source was seen between two states, so that the next update looks again.
func (u *updater) ecosystem(ctx context.Context, name string) (SourceResult, string, error) {
	r := SourceResult{Name: name, How: Unchanged}
	var imported []time.Time
	for _, e := range u.status.Ecosystems {
		if base, _ := vuln.Ecosystem(e.Name); base == name {
			imported = append(imported, e.Imported)
		}
	}
	current, known := u.current(name, u.base, imported), ""
	if current {
		known = u.sources[name].Version
	}
	u.Progress("Asking for changes of "+name, 0, -1)
	raw, version, unchanged, err := u.fetch.read(ctx, u.address(name, listName), known, maxList)
	if fault.CodeOf(err) == fault.NotFound { // a mirror of archives only
		return u.whole(ctx, name, known)
	}
	if err != nil || unchanged {
		return r, version, err
	}
	r.Bytes = int64(len(raw))
	wanted, err := readList(raw)
	if err != nil {
		return r, "", fault.Wrap(fault.Invalid, "update advisories", name, err).WithFix("Try again later; if it stays so, the source is broken.")
	}
	base := openKept(filepath.Join(u.dir, u.kept(name)))
	defer func() { base.close() }()
	changed, gone := []string{}, map[string]bool{}
	if base != nil {
		changed, gone = wanted.compare(base.held)
		r.How, r.Changed, r.Removed = Records, len(changed), len(gone)
	}
	// A list that lost most of its records is not believed: the archive has to say the same.
	if base == nil || !few(len(changed), len(wanted)) || len(gone) > len(base.held)/2 {
		base.close()
		var n int64
		if base, n, _, _, err = u.fetchArchive(ctx, name, ""); err != nil {
			return r, "", err
		}
		r.How, r.Changed, r.Bytes = Archive, len(base.held), r.Bytes+n
		if changed, gone = wanted.compare(base.held); len(changed)+len(gone) > 0 {
			// The archive and the list are of different moments. What the archive has more is taken for newer.
			version, gone = "", map[string]bool{}
			if !few(len(changed), len(wanted)) {
				changed = nil
			}
		}
	} else if len(changed)+len(gone) == 0 {
		if current {
			r.How = Unchanged
		} // else it was fetched by an update that did not come to its end
		return r, version, nil
	}
	fresh, n, complete, err := u.records(ctx, name, changed, wanted)
	if err != nil {
		return r, "", err
	}
	r.Bytes += n
	if !complete {
		version = ""
	}
	return r, version, u.keep(ctx, name, base, gone, fresh)
}

// whole fetches the archive if it is another one than the last time.
func (u *updater) whole(ctx context.Context, name, known string) (SourceResult, string, error) {
	r := SourceResult{Name: name, How: Unchanged}
	etag := ""
	if v, ok := strings.CutPrefix(known, archivePrefix); ok {
		etag = v
	}
	base, n, version, unchanged, err := u.fetchArchive(ctx, name, etag)
	if err != nil || unchanged {
		return r, known, err
	}
	defer base.close()
	r.How, r.Changed, r.Bytes = Archive, len(base.held), n
	if version != "" {
		version = archivePrefix + version
	}
	return r, version, u.keep(ctx, name, base, nil, nil)
}

func (u *updater) address(name, file string) string {
	return u.base + "/" + url.PathEscape(name) + "/" + url.PathEscape(file)
}

// kept is where the archive of an ecosystem is, below the downloads.
func (u *updater) kept(name string) string { return path.Join(name, archiveName) }

func (u *updater) fetchArchive(ctx context.Context, name, known string) (a *archive, n int64, version string, unchanged bool, err error) {
	folder := filepath.Join(u.dir, name)
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, 0, "", false, err
	}
	file, version, unchanged, err := u.fetch.download(ctx, u.address(name, archiveName), filepath.Join(folder, archiveName), known, maxArchive,
		func(done, total int64) { u.Progress("Fetching "+name, done, total) })
	if err != nil || unchanged {
		return nil, 0, version, unchanged, err
	}
	u.Progress("Reading "+name, 0, -1)
	if a, err = openFetched(ctx, file); err != nil {
		file.Close()
		removePartial(filepath.Join(folder, archiveName))
		return nil, 0, "", false, fault.Wrap(fault.Invalid, "update advisories", u.address(name, archiveName)+" is not a readable archive", err).
			WithFix("Try again later; if it stays so, the source is broken.")
	}
	st, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, 0, "", false, err
	}
	return a, st.Size(), version, false, nil
}

// records fetches single records. Not complete means that the source did not have one of them as its list says.
func (u *updater) records(ctx context.Context, name string, ids []string, wanted list) (fresh map[string][]byte, n int64, complete bool, err error) {
	fresh, complete = map[string][]byte{}, true
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(recordsAtOnce)
	for _, id := range ids {
		group.Go(func() error {
			body, _, _, err := u.fetch.read(ctx, u.address(name, id+".json"), "", maxRecord)
			mu.Lock()
			defer mu.Unlock()
			if fault.CodeOf(err) == fault.NotFound {
				complete = false
				return nil
			}
			if err != nil {
				return err
			}
			var says struct {
				ID       string    `json:"id"`
				Modified time.Time `json:"modified"`
			}
			if err := json.Unmarshal(body, &says); err != nil || says.ID != id {
				return fault.New(fault.Invalid, "update advisories", "%s is not the record %s", u.address(name, id+".json"), id).
					WithFix("Try again later; if it stays so, the source is broken.")
			}
			complete = complete && says.Modified.Equal(wanted[id])
			fresh[id] = body
			n += int64(len(body))
			u.Progress(fmt.Sprintf("Fetching record %d of %d of %s", len(fresh), len(ids), name), 0, -1)
			return nil
		})
	}
	return fresh, n, complete, group.Wait()
}

// keep replaces what was kept of an ecosystem. First of all it is forgotten that the index has what is there now: if it comes to
// no import, the next update must not believe that.
func (u *updater) keep(ctx context.Context, name string, base *archive, gone map[string]bool, fresh map[string][]byte) error {
	delete(u.sources, name)
	if err := vuln.WriteSources(u.Dir, u.sources); err != nil {
		return err
	}
	if err := keep(ctx, u.dir, u.kept(name), base, gone, fresh); err != nil {
		return err
	}
	removePartial(filepath.Join(u.dir, u.kept(name)))
	return nil
}
