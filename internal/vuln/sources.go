package vuln

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A Source is where data were taken from, and when they were last known to be what it has.
type Source struct {
	URL      string    `json:"url"`
	Version  string    `json:"version,omitempty"` // the source's name for the state that was taken, such as an ETag
	Imported time.Time `json:"imported"`
	Checked  time.Time `json:"checked"`
}

// Sources are those of each ecosystem, without release, and of the tables.
type Sources map[string]Source

// The names of the tables in Sources.
const (
	SourceEPSS      = "EPSS"
	SourceExploited = "known exploited vulnerabilities"
)

const (
	sourcesName = "sources.json"
	maxSources  = 4 << 20
)

// ReadSources returns what WriteSources kept in dir. A file that cannot be understood counts as none: the data then look
// older than they are, and are fetched again.
func ReadSources(dir string) (Sources, error) {
	f, err := os.Open(filepath.Join(dir, sourcesName))
	if errors.Is(err, fs.ErrNotExist) {
		return Sources{}, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxSources))
	if err != nil {
		return nil, err
	}
	var s Sources
	if json.Unmarshal(raw, &s) != nil || s == nil {
		return Sources{}, nil
	}
	return s, nil
}

// WriteSources keeps s in dir.
func WriteSources(dir string, s Sources) error {
	raw, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return ReplaceFile(dir, sourcesName, func(f *os.File) error { _, err := f.Write(raw); return err })
}

// checked is when the source of what was imported at a time was last seen to have nothing newer; zero if what was imported
// is not of that source.
func (s Sources) checked(name string, imported time.Time) (at time.Time, url string) {
	src, ok := s[name]
	if !ok || !src.Imported.Equal(imported) {
		return time.Time{}, ""
	}
	return src.Checked, src.URL
}

// Ecosystem is the ecosystem that a name, in any case and with or without a release, is of; known says whether its versions can be compared.
func Ecosystem(name string) (base string, known bool) {
	base = parseEcosystem(name).base
	for e := range ecosystems {
		if strings.EqualFold(base, e) {
			return e, true
		}
	}
	return base, false
}
