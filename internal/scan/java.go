package scan

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/google/osv-scalibr/extractor/filesystem/language/java/archive"
	"github.com/google/osv-scalibr/extractor/filesystem/language/java/groupid"
	"github.com/google/osv-scalibr/purl"
)

var javaArchives = []string{"*.jar", "*.war", "*.ear", "*.par", "*.sar", "*.jpi", "*.hpi", "*.lpkg", "*.nar", "*.kar"}

func isJavaArchive(p string) bool {
	return slices.Contains(javaArchives, "*"+strings.ToLower(path.Ext(p)))
}

// maxZipDirectory bounds the directory of a zip file; each entry takes a few hundred bytes of memory.
const maxZipDirectory = 16 << 20

var errBigDirectory = errors.New("the archive's directory is too large")

// directoryReader fails once more is read through it than a zip file's directory should need.
type directoryReader struct {
	io.ReaderAt
	left int64 // < 0: no limit any more
}

func (d *directoryReader) ReadAt(p []byte, off int64) (int, error) {
	if d.left >= 0 {
		if d.left -= int64(len(p)); d.left < 0 {
			d.left = 0
			return 0, errBigDirectory
		}
	}
	return d.ReaderAt.ReadAt(p, off)
}

func openZip(r io.ReaderAt, size int64) (*zip.Reader, error) {
	d := &directoryReader{ReaderAt: r, left: maxZipDirectory}
	z, err := zip.NewReader(d, size)
	if err != nil {
		return nil, err
	}
	d.left = -1
	return z, nil
}

// A javaReader reads archives within archives. One scanner reads only one archive's nested archives at a time, so that
// they cannot add up.
type javaReader struct {
	maxBytes int64
	maxDepth int
	nested   chan struct{} // holds one token
}

func (j *javaReader) read(ctx context.Context, c *content, f *found) error {
	left := j.maxBytes
	held := false
	defer func() {
		if held {
			<-j.nested
		}
	}()
	hold := func() error {
		if held {
			return nil
		}
		select {
		case j.nested <- struct{}{}:
			held = true
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return j.archive(ctx, c, c.size, c.path, "", 0, &left, hold, f)
}

// archive reads one archive. name is its path, for what its file name tells; inside is where it lies in the outermost one.
func (j *javaReader) archive(ctx context.Context, r io.ReaderAt, size int64, name, inside string, depth int, left *int64, hold func() error, f *found) error {
	z, err := openZip(r, size)
	if err != nil {
		return fmt.Errorf("%s%w", describe(inside), err)
	}
	var problems []error
	problem := func(err error) {
		if len(problems) < maxProblems {
			problems = append(problems, err)
		}
	}
	var manifest map[string]string
	projects := map[string]Component{} // by the folder of their descriptions
	licensed := map[string][]string{}
entries:
	for _, entry := range z.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		base := path.Base(entry.Name)
		switch {
		case base == "pom.properties" || base == "pom.xml":
			size := min(entry.UncompressedSize64, maxJarText)
			if *left -= int64(size); *left < 0 {
				problem(fmt.Errorf("%snot read further: %s", describe(inside), j.tooMuch()))
				break entries
			}
			dir := path.Dir(entry.Name)
			if base == "pom.xml" {
				licensed[dir] = pomLicenses(entry)
				continue
			}
			p, err := pomProperties(entry)
			if err != nil {
				problem(fmt.Errorf("%s%s: %w", describe(inside), entry.Name, err))
			} else if p.Name != "" {
				projects[dir] = p
			}
		case strings.EqualFold(entry.Name, "META-INF/MANIFEST.MF"):
			if manifest, err = jarManifest(entry); err != nil {
				problem(fmt.Errorf("%s%s: %w", describe(inside), entry.Name, err))
			}
		case isJavaArchive(entry.Name) && !entry.FileInfo().IsDir():
			place := inside + "!/" + entry.Name
			if err := j.inner(ctx, entry, place, depth+1, left, hold, f); err != nil {
				problem(err)
			}
		}
	}
	if len(projects) == 0 {
		projects[""] = guessJar(name, manifest)
	}
	for _, dir := range slices.Sorted(maps.Keys(projects)) {
		p := projects[dir]
		p.Location, p.Licenses = inside, licensed[dir]
		if len(p.Licenses) == 0 && len(projects) == 1 {
			text, _, _ := strings.Cut(manifest["bundle-license"], ";")
			p.Licenses = licenses(text)
		}
		f.add(p)
	}
	return errors.Join(problems...)
}

// pomLicenses reads the names of licenses in a project's description. One that cannot be read has none.
func pomLicenses(entry *zip.File) []string {
	r, err := entry.Open()
	if err != nil {
		return nil
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxJarText))
	start := bytes.Index(b, []byte("<licenses>"))
	if err != nil || start < 0 {
		return nil
	}
	var part struct {
		Names []string `xml:"license>name"`
	}
	_ = xml.NewDecoder(bytes.NewReader(b[start:])).Decode(&part)
	return licenses(part.Names...)
}

// maxProblems is how many problems of one archive are told.
const maxProblems = 5

func (j *javaReader) tooMuch() string {
	return fmt.Sprintf("what is read inside one file may unpack to %d MiB", j.maxBytes>>20)
}

func (j *javaReader) inner(ctx context.Context, entry *zip.File, place string, depth int, left *int64, hold func() error, f *found) error {
	size := int64(entry.UncompressedSize64)
	if size > 0 && uint64(size) > deflateRatio*min(entry.CompressedSize64+1, 1<<40) {
		return fmt.Errorf("%s: not read: it cannot unpack to %d bytes", place, size)
	}
	if depth > j.maxDepth {
		return fmt.Errorf("%s: not read: more than %d archives within each other", place, j.maxDepth)
	}
	if size < 0 || size > *left {
		return fmt.Errorf("%s: not read: %s", place, j.tooMuch())
	}
	if err := hold(); err != nil {
		return err
	}
	*left -= size
	r, err := entry.Open()
	if err != nil {
		return fmt.Errorf("%s: %w", place, err)
	}
	defer r.Close()
	if size == 0 {
		return nil
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(r, b); err != nil {
		return fmt.Errorf("%s: %w", place, err)
	}
	return j.archive(ctx, bytes.NewReader(b), size, entry.Name, place, depth, left, hold, f)
}

// deflateRatio is more than any byte of a compressed entry can unpack to.
const deflateRatio = 1040

func describe(inside string) string {
	if inside == "" {
		return ""
	}
	return inside + ": "
}

// maxJarText bounds the two text files that are read of an archive.
const maxJarText = 1 << 20

func pomProperties(entry *zip.File) (Component, error) {
	r, err := entry.Open()
	if err != nil {
		return Component{}, err
	}
	defer r.Close()
	fields, err := newLineReader(io.LimitReader(r, maxJarText)).assignments("=", "groupId", "artifactId", "version")
	if err != nil {
		return Component{}, err
	}
	group, artifact, version := fields["groupId"], fields["artifactId"], fields["version"]
	if group == "" || artifact == "" || version == "" || strings.ContainsAny(group+artifact+version, "${} ") {
		return Component{}, nil
	}
	return Component{Type: purl.TypeMaven, Name: group + ":" + artifact, Version: version}, nil
}

func jarManifest(entry *zip.File) (map[string]string, error) {
	r, err := entry.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	fields, err := newLineReader(io.LimitReader(r, maxJarText)).stanza(true,
		"Implementation-Title", "Implementation-Version", "Implementation-Vendor-Id", "Specification-Version",
		"Bundle-SymbolicName", "Bundle-Version", "Extension-Name", "Automatic-Module-Name", "Plugin-Version", "Short-Name", "Bundle-License")
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	return fields, err
}

// guessJar names an archive that was not built by Maven from its manifest and its file name. Without a group of its own an
// artifact is its own group, as with the oldest packages of Maven Central.
func guessJar(name string, manifest map[string]string) Component {
	var artifact, version, group string
	if p := archive.ParseFilename(name); p != nil {
		artifact, version, group = p.ArtifactID, p.Version, strings.ToLower(p.GroupID)
	}
	artifact = cmp.Or(artifact, word(manifest["implementation-title"]), word(manifest["short-name"]), word(manifest["extension-name"]))
	if manifest["implementation-version"] != "" {
		base := path.Base(name)
		artifact = cmp.Or(artifact, word(strings.TrimSuffix(base, path.Ext(base))))
	}
	version = cmp.Or(version, word(manifest["implementation-version"]), word(manifest["specification-version"]),
		word(manifest["plugin-version"]), word(manifest["bundle-version"]))
	if artifact == "" || version == "" {
		return Component{}
	}
	symbolic, _, _ := strings.Cut(manifest["bundle-symbolicname"], ";")
	group = cmp.Or(groupid.FromArtifactID(artifact), word(manifest["implementation-vendor-id"]), group,
		word(strings.TrimSpace(symbolic)), word(manifest["extension-name"]), word(manifest["automatic-module-name"]), artifact)
	return Component{Type: purl.TypeMaven, Name: group + ":" + artifact, Version: version}
}

// word is a manifest value if it is one plain word.
func word(s string) string {
	if strings.ContainsAny(s, " ${}%") {
		return ""
	}
	return s
}
