package scan

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strings"
)

// osRelease is what an os-release file says that a report needs.
type osRelease struct {
	ID, VersionID, Codename, Name, PrettyName, CPE, BuildID string
}

func readRelease(_ context.Context, c *content, f *found) (err error) {
	f.os, err = readOSRelease(c.reader())
	return err
}

// readOSRelease understands the shell-like assignments of os-release(5).
func readOSRelease(r io.Reader) (*osRelease, error) {
	var o osRelease
	fields := map[string]*string{
		"ID": &o.ID, "VERSION_ID": &o.VersionID, "VERSION_CODENAME": &o.Codename, "NAME": &o.Name,
		"PRETTY_NAME": &o.PrettyName, "CPE_NAME": &o.CPE, "BUILD_ID": &o.BuildID,
	}
	lines := newLineReader(r)
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if field := fields[key]; ok && field != nil && len(value) <= maxName {
			*field = printable(unquote(value))
		}
	}
	o.ID = strings.ToLower(o.ID)
	if o == (osRelease{}) {
		return nil, nil
	}
	return &o, nil
}

// unquote removes shell quotes and, outside single quotes, backslashes.
func unquote(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && s[0] == '\'' && s[len(s)-1] == '\'' {
		return s[1 : len(s)-1]
	}
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func (o *osRelease) report() *OS {
	if o == nil {
		return nil
	}
	name := o.PrettyName
	if name == "" {
		name = o.Name
	}
	return &OS{ID: o.ID, VersionID: o.VersionID, Codename: o.Codename, Name: name}
}

// knownDistribution reports whether this is a distribution whose packages can be read and have advisories.
func (o *osRelease) knownDistribution() bool {
	return o != nil && cmp.Or(debianEcosystem(o), apkEcosystem(o), rpmEcosystem(o)) != ""
}
