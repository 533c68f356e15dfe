// Package feed keeps advisory data up to date: it fetches OSV's bulk archives, EPSS's scores and CISA's catalogue of known
// exploited vulnerabilities, as far as they have changed, and imports them. What it fetched of OSV stays beside the index, so
// that later updates fetch single records.
package feed

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// DefaultSource is where OSV publishes its bulk archives: ECOSYSTEM/all.zip with all records, ECOSYSTEM/modified_id.csv with
// the time and the ID of each, ECOSYSTEM/ID.json with one, and ecosystems.txt.
const DefaultSource = "https://osv-vulnerabilities.storage.googleapis.com"

// Options say what to update. Dir, Transport and Now are needed.
type Options struct {
	Dir           string // of the advisories
	Source        string // a server with the layout of DefaultSource; "" means that one
	Authorization secret.Text
	Ecosystems    []string                                // none means those that there are data of, and those of InUse
	InUse         func(context.Context) ([]string, error) // may be nil; names that are not known are left out
	All           bool                                    // all that the source has and that can be matched
	EPSS          string                                  // URL of epss_scores-current.csv.gz; "" leaves the scores alone
	Exploited     string                                  // URL of known_exploited_vulnerabilities.json; "" leaves the catalogue alone
	Transport     http.RoundTripper
	UserAgent     string
	Now           func() time.Time
	Progress      func(what string, done, total int64) // bytes; total is -1 when there is none; may be nil
	Sleep         func(context.Context, time.Duration) error
}

// A Result tells what an update did.
type Result struct {
	Sources  []SourceResult     `json:"sources"`
	Imported *vuln.ImportResult `json:"imported,omitempty"` // nil when nothing had changed
	Status   vuln.Status        `json:"status"`
}

// A SourceResult is about one ecosystem, or one table.
type SourceResult struct {
	Name    string `json:"name"`
	How     How    `json:"how"`
	Changed int    `json:"changed"` // records that are new or another version; all of them for an archive
	Removed int    `json:"removed"` // records that the source has no more
	Bytes   int64  `json:"bytes"`   // fetched
	Error   string `json:"error,omitempty"`
	Fix     string `json:"fix,omitempty"`
}

// How is how a source was brought up to date.
type How string

const (
	Unchanged How = "unchanged" // the source has nothing newer
	Records   How = "records"   // record by record
	Archive   How = "archive"   // all of it
	Failed    How = "failed"    // the data are as they were
)

// Failed reports whether any source could not be brought up to date.
func (r Result) Failed() bool {
	return slices.ContainsFunc(r.Sources, func(s SourceResult) bool { return s.How == Failed })
}

const (
	downloads = "downloads" // below the directory of the advisories
	lockName  = "update.lock"
)

// updater is one update.
type updater struct {
	Options
	base    string // of the source, without a slash at the end
	dir     string // of the downloads
	fetch   *fetcher
	sources vuln.Sources
	status  vuln.Status // before the update
}

// Update fetches and imports what has changed. A source that fails is told of in the result, and the others are brought up to
// date all the same; an error says that nothing could be done. It may be killed at any moment: what is there stays usable, and
// the next update goes on where it stopped.
func Update(ctx context.Context, o Options) (Result, error) {
	const op = "update advisories"
	u := &updater{Options: o, dir: filepath.Join(o.Dir, downloads)}
	if u.Progress == nil {
		u.Progress = func(string, int64, int64) {}
	}
	home, err := ParseSource(o.Source)
	if err != nil {
		return Result{}, err
	}
	u.base = home.String()
	u.fetch = &fetcher{home: home, authorization: o.Authorization, userAgent: o.UserAgent, sleep: o.Sleep}
	if u.fetch.sleep == nil {
		u.fetch.sleep = sleep
	}
	u.fetch.init(o.Transport)
	unlock, err := vuln.Lock(u.dir, lockName)
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	if u.sources, err = vuln.ReadSources(u.Dir); err != nil {
		return Result{}, fault.Wrap(fault.Internal, op, "", err)
	}
	if u.status, err = u.readStatus(); err != nil {
		return Result{}, err
	}
	names, err := u.ecosystems(ctx)
	if err != nil {
		return Result{}, err
	}
	return u.run(ctx, names)
}

// ParseSource reads Options.Source.
func ParseSource(s string) (*url.URL, error) {
	s = strings.TrimRight(cmp.Or(s, DefaultSource), "/")
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fault.New(fault.Invalid, "update advisories", "%q is not the address of a source", cmp.Or(redacted(u), s)).
			WithFix("Give a URL such as https://mirror.example/osv, without user name, password and query. A credential comes from LANDWAITER_ADVISORY_CREDENTIAL.")
	}
	return u, nil
}

func redacted(u *url.URL) string {
	if u == nil || u.User == nil && u.RawQuery == "" {
		return ""
	}
	return u.Scheme + "://…@" + u.Host + u.Path
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (u *updater) readStatus() (vuln.Status, error) {
	x, err := vuln.Open(u.Dir)
	if err != nil && !errors.Is(err, vuln.ErrOlderFormat) {
		return vuln.Status{}, err
	}
	defer x.Close()
	return x.Status(), nil
}

// ecosystems are those to update, in order.
func (u *updater) ecosystems(ctx context.Context) ([]string, error) {
	const op = "update advisories"
	wanted := map[string]bool{}
	switch {
	case u.All:
		raw, _, _, err := u.fetch.read(ctx, u.base+"/ecosystems.txt", "", maxRecord)
		if err != nil {
			return nil, err
		}
		for name := range strings.Lines(string(raw)) {
			if base, known := vuln.Ecosystem(strings.TrimSpace(name)); known {
				wanted[base] = true
			}
		}
	case len(u.Ecosystems) > 0:
		for _, name := range u.Ecosystems {
			base, known := vuln.Ecosystem(name)
			if !known {
				return nil, fault.New(fault.Invalid, op, "%q is no ecosystem of OSV whose versions can be compared", name).
					WithFix("Write it as OSV does, e.g. Debian, Alpine, npm, PyPI, Go: https://ossf.github.io/osv-schema/#defined-ecosystems.")
			}
			wanted[base] = true
		}
	default:
		used := slices.Collect(maps.Keys(u.sources)) // an ecosystem may have lost its last record, or the index may be of an older format
		for _, e := range u.status.Ecosystems {
			used = append(used, e.Name)
		}
		if u.InUse != nil {
			more, err := u.InUse(ctx)
			if err != nil {
				return nil, err
			}
			used = append(used, more...)
		}
		for _, name := range used {
			if base, known := vuln.Ecosystem(name); known {
				wanted[base] = true
			}
		}
	}
	if len(wanted) == 0 && u.EPSS == "" && u.Exploited == "" {
		return nil, fault.New(fault.Invalid, op, "there is no advisory data yet, so it is not known which ecosystems to fetch").
			WithFix("Name them, e.g. --ecosystem Debian --ecosystem npm, or fetch --all, which is more than a gigabyte.")
	}
	return slices.Sorted(maps.Keys(wanted)), nil
}

func (u *updater) run(ctx context.Context, names []string) (Result, error) {
	var res Result
	failed := func(name string, err error) SourceResult {
		return SourceResult{Name: name, How: Failed, Error: err.Error(), Fix: fault.FixOf(err)}
	}
	versions := map[string]string{} // of what is to be imported
	checked := map[string]string{}  // the versions of what is as it was
	for _, name := range names {
		r, version, err := u.ecosystem(ctx, name)
		switch {
		case ctx.Err() != nil:
			return res, fault.Wrap(fault.Unavailable, "update advisories", "it was stopped; what was fetched so far is kept", ctx.Err())
		case errors.As(err, new(*net.OpError)) && len(res.Sources) == 0: // the others will not be reached either
			return res, err
		case err != nil:
			r = failed(name, err)
		case r.How == Unchanged:
			checked[name] = version
		default:
			versions[name] = version
		}
		res.Sources = append(res.Sources, r)
	}
	at := u.Now().UTC()
	if len(versions) > 0 {
		imported, err := u.importFrom(ctx, at, func(name string) bool { _, ok := versions[name]; return ok })
		if err != nil {
			return res, err
		}
		res.Imported = &imported
		for name, version := range versions {
			u.sources[name] = vuln.Source{URL: u.base, Version: version, Imported: at, Checked: at}
		}
	}
	for _, t := range []struct {
		name, url, file string
		status          *vuln.TableStatus
	}{
		{vuln.SourceEPSS, u.EPSS, "epss_scores.csv.gz", u.status.EPSS},
		{vuln.SourceExploited, u.Exploited, "known_exploited_vulnerabilities.json", u.status.KnownExploited},
	} {
		if t.url == "" {
			continue
		}
		r, version, err := u.table(ctx, at, t.name, t.url, t.file, t.status)
		if err != nil {
			r = failed(t.name, err)
		} else if r.How == Unchanged {
			checked[t.name] = version
		}
		res.Sources = append(res.Sources, r)
	}
	for name, version := range checked {
		s := u.sources[name]
		s.Version, s.Checked = version, at
		u.sources[name] = s
	}
	if err := vuln.WriteSources(u.Dir, u.sources); err != nil {
		return res, fault.Wrap(fault.Internal, "update advisories", "", err)
	}
	var err error
	res.Status, err = u.readStatus()
	return res, err
}

// importFrom imports what wanted names of the downloads.
func (u *updater) importFrom(ctx context.Context, at time.Time, wanted func(name string) bool) (vuln.ImportResult, error) {
	return vuln.ImportFS(ctx, u.Dir, chosen{os.DirFS(u.dir), wanted}, vuln.ImportOptions{
		Now: at, Progress: func(done, total int64) { u.Progress("Importing", done, total) },
	})
}

// chosen is a file system of which only some of the top is seen.
type chosen struct {
	fs.FS
	wanted func(name string) bool
}

func (c chosen) ReadDir(name string) ([]fs.DirEntry, error) {
	list, err := fs.ReadDir(c.FS, name)
	if name == "." {
		list = slices.DeleteFunc(list, func(e fs.DirEntry) bool { return !c.wanted(e.Name()) })
	}
	return list, err
}

// current reports whether the index has what was last taken from an address. What was imported by hand since is not that.
func (u *updater) current(name, address string, imported []time.Time) bool {
	src := u.sources[name]
	return src.URL == address && len(imported) > 0 &&
		!slices.ContainsFunc(imported, func(t time.Time) bool { return !t.Equal(src.Imported) })
}

// table brings a table up to date.
func (u *updater) table(ctx context.Context, at time.Time, name, address, file string, status *vuln.TableStatus) (SourceResult, string, error) {
	r := SourceResult{Name: name, How: Unchanged}
	u.Progress("Fetching "+name, 0, -1)
	known := ""
	if status != nil && u.current(name, address, []time.Time{status.Imported}) {
		known = u.sources[name].Version
	}
	body, version, unchanged, err := u.fetch.read(ctx, address, known, maxTable)
	if err != nil || unchanged {
		return r, version, err
	}
	if err := vuln.ReplaceFile(u.dir, file, func(f *os.File) error { _, err := f.Write(body); return err }); err != nil {
		return r, version, err
	}
	defer os.Remove(filepath.Join(u.dir, file))
	if _, err := u.importFrom(ctx, at, func(name string) bool { return name == file }); err != nil {
		return r, version, err
	}
	u.sources[name] = vuln.Source{URL: address, Version: version, Imported: at, Checked: at}
	return SourceResult{Name: name, How: Archive, Bytes: int64(len(body))}, version, nil
}

const maxTable = 64 << 20
