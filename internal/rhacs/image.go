package rhacs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/exception"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/rhacs/storage"
	"github.com/landwaiter/landwaiter/internal/scan"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// NotChecked and NotRead stand where a vulnerability's name does, with the components that were not checked for
// vulnerabilities and the part of an image that was not read: nothing else would show in a table that they are not clean.
const (
	NotChecked = "NOT-CHECKED"
	NotRead    = "NOT-READ"
)

// Image is an assessment in RHACS's shape. setAside adds the findings that an exception or a VEX document sets aside. An image
// that was not scanned has no scan.
func Image(a *assess.Assessment, setAside bool) *storage.Image {
	f := &a.Facts
	id := string(cmp.Or(f.ManifestDigest, f.Digest))
	name := imageName(a.Reference)
	out := &storage.Image{
		Id: id, Name: name, Names: []*storage.ImageName{name}, LastUpdated: timestamppb.New(a.AssessedAt),
		Metadata: &storage.ImageMetadata{
			V1: &storage.V1Metadata{
				Digest: string(f.ConfigDigest), Created: timestamp(f.Created), Author: f.Author, User: f.User, Command: f.Command,
				Entrypoint: f.Entrypoint, Volumes: f.Volumes, Labels: f.Labels,
			},
			V2:         &storage.V2Metadata{Digest: id},
			DataSource: &storage.DataSource{Id: a.Source.ID, Name: a.Source.Name},
		},
		Notes: []storage.Image_Note{storage.Image_MISSING_SIGNATURE_VERIFICATION_DATA},
	}
	for _, l := range f.Layers {
		out.Metadata.LayerShas = append(out.Metadata.LayerShas, string(l.Digest))
	}
	for _, i := range f.Instructions {
		out.Metadata.V1.Layers = append(out.Metadata.V1.Layers, &storage.ImageLayer{
			Instruction: i.Keyword, Value: i.Value, Created: timestamp(i.Created), Author: i.Author, Empty: i.Empty,
		})
	}
	if !slices.ContainsFunc(a.Attachments, func(at assess.Attachment) bool { return at.Kind == assess.Signature }) {
		out.Notes = append(out.Notes, storage.Image_MISSING_SIGNATURE)
	}
	if a.Scan.Status == assess.NotScanned {
		out.Notes = append(out.Notes, storage.Image_MISSING_SCAN_DATA)
	} else {
		out.Scan = scanOf(a, setAside)
		// roxctl looks up the layer of everything that is found.
		if len(out.Metadata.V1.Layers) == 0 {
			out.Metadata.V1.Layers = []*storage.ImageLayer{{Value: "(unknown)"}}
		}
		count(out, a)
	}
	slices.Sort(out.Notes)
	return out
}

func imageName(reference string) *storage.ImageName {
	ref, err := image.ParseReference(reference)
	if err != nil { // a bill of materials may name something else
		return &storage.ImageName{FullName: reference}
	}
	return &storage.ImageName{Registry: ref.Registry, Remote: ref.Repository, Tag: ref.Tag, FullName: ref.String()}
}

func timestamp(t *time.Time) *timestamppb.Timestamp {
	if t == nil || t.IsZero() {
		return nil
	}
	return timestamppb.New(*t)
}

func scanOf(a *assess.Assessment, setAside bool) *storage.ImageScan {
	out := &storage.ImageScan{
		ScanTime: timestamppb.New(a.AssessedAt), DataSource: &storage.DataSource{Name: "Landwaiter"}, Notes: scanNotes(a),
	}
	if a.Check.MatchedAt != nil {
		out.ScanTime = timestamppb.New(*a.Check.MatchedAt)
	}
	if os := a.Scan.OS; os != nil {
		out.OperatingSystem = strings.TrimSuffix(os.ID+":"+os.VersionID, ":")
	}
	by := map[[4]string]*storage.EmbeddedImageScanComponent{}
	for _, c := range a.Scan.Components {
		key := [4]string{c.Type, c.Name, c.Version, c.Location}
		if by[key] != nil {
			continue
		}
		component := &storage.EmbeddedImageScanComponent{
			Name: c.Name, Version: c.Version, Source: sourceType(c.Type), Location: c.Location, Architecture: c.Architecture,
		}
		if len(c.Licenses) > 0 {
			component.License = &storage.License{Name: strings.Join(c.Licenses, ", ")}
		}
		if c.Line > 0 {
			component.HasLayerIndex = &storage.EmbeddedImageScanComponent_LayerIndex{LayerIndex: int32(c.Line - 1)}
		}
		by[key] = component
		out.Components = append(out.Components, component)
	}
	add := func(f assess.Finding, v *storage.EmbeddedVulnerability) {
		c := by[[4]string{f.Type, f.Component, f.Version, f.Location}]
		if c == nil {
			return
		}
		c.Vulns = append(c.Vulns, v)
		if score := float32(f.Score); score > c.GetTopCvss() {
			c.SetTopCvss = &storage.EmbeddedImageScanComponent_TopCvss{TopCvss: score}
		}
	}
	for _, f := range a.Findings {
		add(f, vulnerability(f))
	}
	if setAside {
		for _, s := range a.Suppressed {
			v := vulnerability(s.Finding)
			v.Suppressed, v.State = true, storage.VulnerabilityState_FALSE_POSITIVE
			if e := s.By.Exception; e != nil {
				v.SuppressActivation, v.SuppressExpiry = timestamp(&e.Created), timestamp(e.Until)
				if e.Kind != exception.FalsePositive {
					v.State = storage.VulnerabilityState_DEFERRED
				}
			}
			add(s.Finding, v)
		}
	}
	out.Components = append(out.Components, gaps(a)...)
	return out
}

func vulnerability(f assess.Finding) *storage.EmbeddedVulnerability {
	v := &storage.EmbeddedVulnerability{
		Cve: f.Name(), Cvss: float32(f.Score), Summary: f.Summary, Link: f.URL, PublishedOn: timestamp(f.Published), LastModified: timestamp(f.Modified),
		VulnerabilityType: storage.EmbeddedVulnerability_IMAGE_VULNERABILITY, Severity: severities[f.Severity], Origin: origin(f.Source),
		CisaKev: f.KnownExploited != nil,
	}
	if f.ID != v.Cve {
		v.Advisory = &storage.Advisory{Name: f.ID, Link: f.URL}
	}
	if f.FixedVersion != "" {
		v.SetFixedBy = &storage.EmbeddedVulnerability_FixedBy{FixedBy: f.FixedVersion}
	}
	switch {
	case f.Vector == "":
	case strings.HasPrefix(f.Vector, "CVSS:3"):
		v.ScoreVersion, v.CvssV3 = storage.EmbeddedVulnerability_V3, &storage.CVSSV3{Vector: f.Vector, Score: v.Cvss}
	case strings.HasPrefix(f.Vector, "CVSS:"): // there is no V4
		v.ScoreVersion = storage.EmbeddedVulnerability_V3
	default:
		v.CvssV2 = &storage.CVSSV2{Vector: f.Vector, Score: v.Cvss}
	}
	if f.EPSS != nil {
		v.Epss = &storage.EPSS{EpssProbability: float32(f.EPSS.Score), EpssPercentile: float32(f.EPSS.Percentile)}
	}
	if k := f.KnownExploited; k != nil {
		v.Exploit = &storage.Exploit{DateAdded: timestamp(&k.Added), DueDate: timestamp(k.Due), KnownRansomwareCampaignUse: "Unknown"}
		if k.Ransomware {
			v.Exploit.KnownRansomwareCampaignUse = "Known"
		}
	}
	return v
}

var severities = map[vuln.Severity]storage.VulnerabilitySeverity{
	vuln.Critical:   storage.VulnerabilitySeverity_CRITICAL_VULNERABILITY_SEVERITY,
	vuln.Important:  storage.VulnerabilitySeverity_IMPORTANT_VULNERABILITY_SEVERITY,
	vuln.Moderate:   storage.VulnerabilitySeverity_MODERATE_VULNERABILITY_SEVERITY,
	vuln.Low:        storage.VulnerabilitySeverity_LOW_VULNERABILITY_SEVERITY,
	vuln.Negligible: storage.VulnerabilitySeverity_LOW_VULNERABILITY_SEVERITY,
}

// osTypes are the package URL types of operating systems' packages.
var osTypes = map[string]bool{"apk": true, "deb": true, "rpm": true, "alpm": true}

func sourceType(purl string) storage.SourceType {
	switch purl {
	case "pypi":
		return storage.SourceType_PYTHON
	case "maven":
		return storage.SourceType_JAVA
	case "gem":
		return storage.SourceType_RUBY
	case "npm":
		return storage.SourceType_NODEJS
	case "nuget":
		return storage.SourceType_DOTNETCORERUNTIME
	case "golang":
		return storage.SourceType_GO
	}
	if osTypes[purl] {
		return storage.SourceType_OS
	}
	return storage.SourceType_INFRASTRUCTURE
}

func origin(ecosystem string) storage.VulnOrigin {
	base, _, _ := strings.Cut(ecosystem, ":")
	switch base {
	case "Alpine":
		return storage.VulnOrigin_VULN_ORIGIN_ALPINE
	case "Debian":
		return storage.VulnOrigin_VULN_ORIGIN_DEBIAN
	case "Photon OS":
		return storage.VulnOrigin_VULN_ORIGIN_PHOTON
	case "Red Hat":
		return storage.VulnOrigin_VULN_ORIGIN_RED_HAT
	case "SUSE", "openSUSE":
		return storage.VulnOrigin_VULN_ORIGIN_SUSE
	case "Ubuntu":
		return storage.VulnOrigin_VULN_ORIGIN_UBUNTU
	}
	return storage.VulnOrigin_VULN_ORIGIN_OSV
}

func scanNotes(a *assess.Assessment) []storage.ImageScan_Note {
	has := map[storage.ImageScan_Note]bool{
		storage.ImageScan_OS_UNAVAILABLE:    a.Scan.OS == nil,
		storage.ImageScan_PARTIAL_SCAN_DATA: a.Scan.Status == string(scan.Partial),
		storage.ImageScan_OS_CVES_STALE:     len(a.Warnings) > 0,
	}
	for _, c := range a.Scan.Components {
		if c.Unchecked == "" && a.Check.Status != assess.NotChecked {
			continue
		}
		if osTypes[c.Type] {
			has[storage.ImageScan_OS_CVES_UNAVAILABLE] = true
		} else {
			has[storage.ImageScan_LANGUAGE_CVES_UNAVAILABLE] = true
		}
	}
	var notes []storage.ImageScan_Note
	for n, yes := range has {
		if yes {
			notes = append(notes, n)
		}
	}
	slices.Sort(notes)
	return notes
}

// gaps are what an image's scan says nothing about, as components with a vulnerability of unknown severity: one for the
// image's unread part, and one for each reason why components were not checked.
func gaps(a *assess.Assessment) []*storage.EmbeddedImageScanComponent {
	var out []*storage.EmbeddedImageScanComponent
	add := func(component, id, text string) {
		out = append(out, &storage.EmbeddedImageScanComponent{
			Name: component, Source: storage.SourceType_INFRASTRUCTURE,
			Vulns: []*storage.EmbeddedVulnerability{{Cve: id, Summary: text, VulnerabilityType: storage.EmbeddedVulnerability_IMAGE_VULNERABILITY}},
		})
	}
	if a.Scan.Status == string(scan.Partial) {
		var lost []string
		for _, n := range a.Scan.Notes {
			if n.Lossy {
				lost = append(lost, n.Message)
			}
		}
		add("(part of the image)", NotRead, "Not everything in the image was read: "+strings.Join(lost, "; "))
	}
	if a.Check.Status == assess.NotChecked {
		if len(a.Scan.Components) > 0 {
			add(fmt.Sprintf("(all %d components)", len(a.Scan.Components)), NotChecked, "No component was checked for vulnerabilities: "+a.Check.Reason)
		}
		return out
	}
	counts := map[string]int{}
	var reasons []string
	for _, c := range a.Scan.Components {
		if c.Unchecked == "" {
			continue
		}
		if counts[c.Unchecked] == 0 {
			reasons = append(reasons, c.Unchecked)
		}
		counts[c.Unchecked]++
	}
	for _, reason := range reasons {
		add(fmt.Sprintf("(%d of %d components)", counts[reason], len(a.Scan.Components)), NotChecked, "Not checked for vulnerabilities: "+reason)
	}
	return out
}

// count fills the numbers that lists of images show.
func count(out *storage.Image, a *assess.Assessment) {
	cves, fixable, top := map[string]bool{}, map[string]bool{}, float32(0)
	for _, f := range a.Findings {
		cves[f.Name()] = true
		if f.FixedVersion != "" {
			fixable[f.Name()] = true
		}
		top = max(top, float32(f.Score))
	}
	out.SetComponents = &storage.Image_Components{Components: int32(len(a.Scan.Components))}
	out.SetCves = &storage.Image_Cves{Cves: int32(len(cves))}
	out.SetFixable = &storage.Image_FixableCves{FixableCves: int32(len(fixable))}
	out.SetTopCvss = &storage.Image_TopCvss{TopCvss: top}
}
