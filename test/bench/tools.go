//go:build linux

package main

import (
	"fmt"
	"path/filepath"
	"strings"
)

// A tool is a scanner as a command. Its answer is on standard output.
type tool struct {
	name    string
	program string
	forgets bool // its cold run leaves nothing behind
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
			cold: trivy, warm: trivy,
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

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
