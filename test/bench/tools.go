//go:build linux

package main

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // registers the driver
)

// A tool is a scanner as a command. Its answer is on standard output.
type tool struct {
	name    string
	program string
	forgets bool                    // its cold run leaves nothing behind
	prepare func(home string) error // before all runs in a home; nil for nothing
	cold    func(ref, home string) []string
	warm    func(ref, home string) []string          // nil: it keeps nothing between runs
	sources bool                                     // it names what Debian's packages were built from
	parse   func(answer []byte) ([]component, error) // nil for landwaiter
}

func scanners(landwaiter, self string) []tool {
	return []tool{
		{
			name: "landwaiter", program: landwaiter, forgets: true,
			cold: func(ref, _ string) []string {
				return []string{landwaiter, "image", "scan", "--no-cache", "-o", "json", ref}
			},
			warm: func(ref, _ string) []string { return []string{landwaiter, "image", "scan", "-o", "json", ref} },
		},
		{
			name: "trivy", program: "trivy", parse: parseCycloneDX,
			cold: trivy, warm: trivy, prepare: emptyJavaDatabase,
		},
		{
			name: "syft", program: "syft", parse: parseCycloneDX,
			cold: func(ref, _ string) []string {
				return []string{"syft", "scan", "--quiet", "-o", "cyclonedx-json", "registry:" + ref}
			},
		},
		{
			name: "osv-scanner", program: "osv-scanner", sources: true, parse: parseOSVScanner,
			// It reads archives only. What it does not know an advisory file of is an error to it, as are findings.
			cold: func(ref, home string) []string {
				archive := filepath.Join(home, "image.tar")
				return []string{"sh", "-c", fmt.Sprintf("%s %s %s %s && osv-scanner scan image --archive --offline --all-packages --format json %s || [ $? -eq 127 ]",
					quote(self), roleArchive, ref, quote(archive), quote(archive))}
			},
		},
	}
}

func trivy(ref, home string) []string {
	return []string{"trivy", "image", "--quiet", "--image-src", "remote", "--cache-dir", filepath.Join(home, "trivy"), "--format", "cyclonedx",
		"--offline-scan", "--skip-db-update", "--skip-java-db-update", "--skip-version-check", ref}
}

// emptyJavaDatabase makes what trivy does not run without and would download. The real one names jars by their checksums.
func emptyJavaDatabase(home string) (err error) {
	dir := filepath.Join(home, "trivy", "java-db")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	const metadata = `{"Version":1,"NextUpdate":"2100-01-01T00:00:00Z","UpdatedAt":"2026-01-01T00:00:00Z","DownloadedAt":"2026-01-01T00:00:00Z"}`
	if err := os.WriteFile(filepath.Join(dir, "metadata.json"), []byte(metadata), 0o644); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "trivy-java.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.Exec(`CREATE TABLE artifacts(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT);
		CREATE TABLE indices(artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT)`)
	return err
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
