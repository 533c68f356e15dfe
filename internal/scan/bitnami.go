package scan

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/package-url/packageurl-go"
)

func isBitnamiSPDX(p string) bool { return strings.HasPrefix(path.Base(p), ".spdx-") }

// bitnamiRevision counts Bitnami's builds of one version. Its advisories do not.
var bitnamiRevision = expression(`-\d+$`)

// readBitnami reads the SPDX document that Bitnami leaves beside each component of its images, for the component itself.
func readBitnami(ctx context.Context, c *content, f *found) error {
	if err := readDocument(ctx, c, f); err != nil {
		return err
	}
	err := elements(io.LimitReader(c.reader(), maxManifest), "packages", func(raw json.RawMessage) bool {
		p := object(raw)
		var references []struct{ ReferenceLocator string }
		if len(p["externalRefs"]) > maxValue || json.Unmarshal(p["externalRefs"], &references) != nil {
			return true
		}
		for _, r := range references {
			u, err := packageurl.FromString(r.ReferenceLocator)
			if err != nil || u.Type != typeBitnami {
				continue
			}
			license := text(p["licenseDeclared"])
			if license == "NOASSERTION" || license == "NONE" {
				license = ""
			}
			f.add(Component{
				Type: typeBitnami, Name: u.Name, Version: bitnamiRevision().ReplaceAllString(u.Version, ""), Architecture: u.Qualifiers.Map()["arch"],
				Licenses: licenses(license), PURL: u.ToString(),
			})
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("SPDX: %w", err)
	}
	return nil
}
