package typestest

import (
	"net/http"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/integrations/ecr/awstest"
	"github.com/landwaiter/landwaiter/internal/integrations/google/googletest"
	"github.com/landwaiter/landwaiter/internal/integrations/harbor/harbortest"
	"github.com/landwaiter/landwaiter/internal/integrations/quay/quaytest"
)

// ScannedAt is when the fakes' scanners looked at an image, where they say it.
var ScannedAt = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

// A Finding is what a scanner reports, in its own word for the severity.
type Finding struct{ ID, Package, Version, Fixed, Severity, Link string }

// A Scanner is a registry with a scanner of its own, and how to bring it into each of its states. A state that its protocol does
// not have is nil.
type Scanner struct {
	*integrationtest.Internet
	Machine  integrationtest.Machine
	Type     string
	Settings map[string]any
	Image    string
	Owned    []string
	Secrets  []string

	SaysWhen  bool
	NoFixed   bool // the protocol does not tell in which version something is fixed
	High      string
	Scan      func(digest string, found ...Finding)
	Queue     func(digest string)
	Refuse    func(digest string) // what it cannot read
	Unscanned func(digest string)
	Fail      func(digest string)
	Other     func(digest string) // answers about another image
	Answer    func(digest, raw string)
	Hang      func(digest string)
	Endless   func(digest string, found ...Finding)
	Withhold  func() // the right to ask
	Disable   func()
}

const otherDigest = "sha256:1111111111111111111111111111111111111111111111111111111111111111"

// Scanners are those of all types, by name.
func Scanners() map[string]func(t testing.TB) *Scanner {
	return map[string]func(t testing.TB) *Scanner{
		"quay_robot": func(t testing.TB) *Scanner {
			s := quayScanner(t)
			s.Settings = map[string]any{"endpoint": quaytest.Host, "registryRobotCredentials.username": quaytest.Robot, "registryRobotCredentials.password": quaytest.Password}
			s.Secrets = []string{quaytest.Password}
			return s
		},
		"quay_OAuth_token": func(t testing.TB) *Scanner {
			s := quayScanner(t)
			s.Settings = map[string]any{"endpoint": quaytest.Host, "oauthToken": quaytest.OAuthToken}
			s.Secrets = []string{quaytest.OAuthToken}
			return s
		},
		"harbor": harborScanner,
		"google_key": func(t testing.TB) *Scanner {
			s := googleScanner(t)
			s.Type, s.Settings = "google", map[string]any{"endpoint": googletest.Host, "project": "my-project", "serviceAccount": googletest.ServiceAccountKey(nil)}
			return s
		},
		"artifactregistry_metadata_server": func(t testing.TB) *Scanner {
			s := googleScanner(t)
			s.Type, s.Settings = "artifactregistry", map[string]any{"endpoint": googletest.Host, "wifEnabled": true}
			return s
		},
		"ecr_basic":    func(t testing.TB) *Scanner { return ecrScanner(t, false) },
		"ecr_enhanced": func(t testing.TB) *Scanner { return ecrScanner(t, true) },
	}
}

func quayScanner(t testing.TB) *Scanner {
	q := quaytest.New(t)
	q.Scans, q.Private = map[string]quaytest.Scan{}, true
	put := func(change func(*quaytest.Scan)) func(string) {
		return func(digest string) {
			s := quaytest.Scan{Status: "scanned"}
			change(&s)
			q.Scans[digest] = s
		}
	}
	return &Scanner{
		Internet: q.Internet, Type: "quay", Image: quaytest.Host + "/team/app:1", Owned: []string{quaytest.Host}, High: "High",
		Scan: func(digest string, found ...Finding) {
			s := quaytest.Scan{Status: "scanned"}
			for _, f := range found {
				s.Features = append(s.Features, quaytest.Feature{Name: f.Package, Version: f.Version, Vulnerabilities: []quaytest.Vulnerability{
					{Name: f.ID, Severity: f.Severity, FixedBy: f.Fixed, Link: f.Link},
				}})
			}
			q.Scans[digest] = s
		},
		Queue:    put(func(s *quaytest.Scan) { s.Status = "queued" }),
		Refuse:   put(func(s *quaytest.Scan) { s.Status = "unsupported" }),
		Fail:     put(func(s *quaytest.Scan) { s.Status = "failed" }),
		Other:    put(func(s *quaytest.Scan) { s.Digest = otherDigest }),
		Hang:     put(func(s *quaytest.Scan) { s.Hang = true }),
		Answer:   func(digest, raw string) { q.Scans[digest] = quaytest.Scan{Raw: raw} },
		Withhold: func() { q.Withheld = true },
		Disable:  func() { q.NoScanner = true },
	}
}

func harborScanner(t testing.TB) *Scanner {
	h := harbortest.New(t)
	put := func(change func(*harbortest.Scan)) func(string) {
		return func(digest string) {
			s := harbortest.Scan{Status: "Success", Ended: ScannedAt, Pushed: ScannedAt.Add(-time.Hour)}
			change(&s)
			h.Scans[digest] = s
		}
	}
	return &Scanner{
		Internet: h.Internet, Type: "harbor", Image: harbortest.Host + "/team/group/app:1", Owned: []string{harbortest.Host}, High: "High", SaysWhen: true,
		Settings: map[string]any{"endpoint": harbortest.Host, "username": harbortest.Robot, "password": harbortest.Secret}, Secrets: []string{harbortest.Secret},
		Scan: func(digest string, found ...Finding) {
			put(func(s *harbortest.Scan) {
				for _, f := range found {
					s.Found = append(s.Found, harbortest.Found{ID: f.ID, Package: f.Package, Version: f.Version, Fixed: f.Fixed, Severity: f.Severity, Links: []string{f.Link}})
				}
			})(digest)
		},
		Queue:     put(func(s *harbortest.Scan) { s.Status = "Running" }),
		Refuse:    put(func(s *harbortest.Scan) { s.Status, s.Unsupported = "", true }),
		Unscanned: put(func(s *harbortest.Scan) { s.Status = "" }),
		Fail:      put(func(s *harbortest.Scan) { s.Status = "Error" }),
		Other:     put(func(s *harbortest.Scan) { s.Of = otherDigest }),
		Hang:      put(func(s *harbortest.Scan) { s.Hang = true }),
		Answer:    func(digest, raw string) { put(func(s *harbortest.Scan) { s.Raw = raw })(digest) },
		Withhold:  func() { h.PullOnly = true },
		Disable:   func() { h.NoScanner = true },
	}
}

func googleScanner(t testing.TB) *Scanner {
	c := googletest.New(t)
	c.Analyses = map[string]googletest.Analysis{}
	c.Add(metadata+":80", http.HandlerFunc(c.Metadata))
	at := func(digest string) string { return "https://" + googletest.Host + "/my-project/team/app@" + digest }
	put := func(change func(*googletest.Analysis)) func(string) {
		return func(digest string) {
			a := googletest.Analysis{Status: "FINISHED_SUCCESS", ScannedAt: ScannedAt.Format(time.RFC3339Nano), Continuous: "ACTIVE"}
			change(&a)
			c.Analyses[at(digest)] = a
		}
	}
	scan := func(digest string, endless bool, found []Finding) {
		put(func(a *googletest.Analysis) {
			a.Endless = endless
			for _, f := range found {
				a.Found = append(a.Found, googletest.Found{ID: f.ID, Package: f.Package, Version: f.Version, Fixed: f.Fixed, Severity: f.Severity, URL: f.Link})
			}
		})(digest)
	}
	return &Scanner{
		Internet: c.Internet, Image: googletest.Host + "/my-project/team/app:1", High: "HIGH", SaysWhen: true, Secrets: Lent,
		Owned:     []string{googletest.Host, "oauth2.googleapis.com", "containeranalysis.googleapis.com", metadata},
		Scan:      func(digest string, found ...Finding) { scan(digest, false, found) },
		Endless:   func(digest string, found ...Finding) { scan(digest, true, found) },
		Queue:     put(func(a *googletest.Analysis) { a.Status = "SCANNING" }),
		Refuse:    put(func(a *googletest.Analysis) { a.Status = "FINISHED_UNSUPPORTED" }),
		Unscanned: put(func(a *googletest.Analysis) { a.Status = "" }),
		Fail:      put(func(a *googletest.Analysis) { a.Status, a.Error = "FINISHED_FAILED", "internal error" }),
		Other:     put(func(a *googletest.Analysis) { a.Of = at(otherDigest) }),
		Hang:      put(func(a *googletest.Analysis) { a.Hang = true }),
		Answer:    func(digest, raw string) { put(func(a *googletest.Analysis) { a.Raw = raw })(digest) },
		Withhold:  func() { c.AnalysisDenied = true },
		Disable:   func() { c.AnalysisDisabled = true },
	}
}

func ecrScanner(t testing.TB, enhanced bool) *Scanner {
	w, cloud := aws(t, "ecr")
	user := cloud.Users[0]
	user.Actions = append(user.Actions, "ecr:DescribeImageScanFindings")
	cloud.Scans = map[string]awstest.Scan{}
	put := func(change func(*awstest.Scan)) func(string) {
		return func(digest string) {
			s := awstest.Scan{Status: "COMPLETE", Completed: float64(ScannedAt.Unix()), Enhanced: enhanced}
			if enhanced {
				s.Status = "ACTIVE"
			}
			change(&s)
			cloud.Scans[digest] = s
		}
	}
	scan := func(digest string, endless bool, found []Finding) {
		put(func(s *awstest.Scan) {
			s.Endless = endless
			for _, f := range found {
				s.Found = append(s.Found, awstest.Found{ID: f.ID, Package: f.Package, Version: f.Version, Fixed: f.Fixed, Severity: f.Severity, URL: f.Link})
			}
		})(digest)
	}
	w.Settings["accessKeyId"], w.Settings["secretAccessKey"] = "AKIA"+Mark, password
	return &Scanner{
		Internet: w.Internet, Type: "ecr", Image: w.Image, Settings: w.Settings, Owned: w.Owned, Secrets: []string{Mark}, High: "HIGH", SaysWhen: true, NoFixed: !enhanced,
		Scan:    func(digest string, found ...Finding) { scan(digest, false, found) },
		Endless: func(digest string, found ...Finding) { scan(digest, true, found) },
		Queue:   put(func(s *awstest.Scan) { s.Status = "PENDING" }),
		Refuse: put(func(s *awstest.Scan) {
			s.Status, s.Description = "UNSUPPORTED_IMAGE", "UnsupportedImageError: the operating system is not supported"
		}),
		Unscanned: put(func(s *awstest.Scan) { s.Status = "" }),
		Fail:      put(func(s *awstest.Scan) { s.Status = "FAILED" }),
		Other:     put(func(s *awstest.Scan) { s.Of = otherDigest }),
		Hang:      put(func(s *awstest.Scan) { s.Hang = true }),
		Answer:    func(digest, raw string) { put(func(s *awstest.Scan) { s.Raw = raw })(digest) },
		Withhold:  func() { user.Actions = user.Actions[:len(user.Actions)-1] },
	}
}
