package image

import (
	"encoding/json"
	"strings"
	"time"
)

// MaxConfigBytes bounds image configs.
const MaxConfigBytes = 8 << 20

// A configDocument is an image config, from a blob or put together from a schema 1 manifest.
type configDocument struct {
	root    object
	history []historyEntry
	diffIDs []string
}

// A historyEntry is one line of a config's history.
type historyEntry struct {
	created   *time.Time
	createdBy string
	author    string
	comment   string
	empty     bool
}

func readConfig(raw []byte, notes *[]string) (configDocument, error) {
	if err := checkJSON("read image config", "the image config", raw, MaxConfigBytes); err != nil {
		return configDocument{}, err
	}
	doc := configDocument{root: newObject("", raw, notes)}
	doc.diffIDs = doc.root.object("rootfs").texts("diff_ids")
	if history := doc.root.raw("history"); !isNull(history) {
		var entries []json.RawMessage
		if err := json.Unmarshal(history, &entries); err != nil {
			doc.root.odd("history", history, "a list", "it is left out")
		}
		for _, entry := range entries {
			o := newObject("history.", entry, notes)
			doc.history = append(doc.history, historyEntry{
				created: o.time("created"), createdBy: o.text("created_by"), author: o.text("author"), comment: o.text("comment"),
				empty: o.flag("empty_layer"),
			})
		}
	}
	return doc, nil
}

// readSchema1 takes the newest entry for the config and every entry for a line of history.
func readSchema1(entries []schema1Entry, notes *[]string) configDocument {
	var doc configDocument
	for _, entry := range entries {
		o := newObject("", entry.compatibility, notes)
		doc.history = append(doc.history, historyEntry{
			created: o.time("created"), createdBy: strings.Join(o.object("container_config").texts("Cmd"), " "), author: o.text("author"),
			comment: o.text("comment"), empty: entry.empty,
		})
		doc.root = o
	}
	return doc
}

// fill takes into the facts what the config says about running the image.
func (doc configDocument) fill(f *Facts) {
	f.Created, f.Author = doc.root.time("created"), doc.root.text("author")
	f.Platform = Platform{OS: doc.root.text("os"), Architecture: doc.root.text("architecture"), Variant: doc.root.text("variant"),
		OSVersion: doc.root.text("os.version")}.canonical()
	c := doc.root.object("config")
	f.User = strings.TrimSpace(c.text("User"))
	f.Entrypoint, f.Command, f.Shell, f.OnBuild = c.texts("Entrypoint"), c.texts("Cmd"), c.texts("Shell"), c.texts("OnBuild")
	f.WorkingDir, f.StopSignal = c.text("WorkingDir"), c.text("StopSignal")
	f.Environment = c.texts("Env")
	f.ExposedPorts, f.Volumes = c.names("ExposedPorts"), c.names("Volumes")
	f.Labels = c.pairs("Labels")
	f.Healthcheck = readHealthcheck(c)
}

func readHealthcheck(c object) *Healthcheck {
	o := c.object("Healthcheck")
	if len(o.fields) == 0 {
		return nil
	}
	return &Healthcheck{
		Test: o.texts("Test"), Interval: o.duration("Interval"), Timeout: o.duration("Timeout"), StartPeriod: o.duration("StartPeriod"),
		StartInterval: o.duration("StartInterval"), Retries: o.number("Retries"),
	}
}
