package diagnosis_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/integrations"
)

const password = "MARKED-SECRET-right"

var types = func() *integration.Types {
	t, err := integration.NewTypes(integrations.All()...)
	if err != nil {
		panic(err)
	}
	return t
}()

func doctor(client *distribution.Client) *diagnosis.Doctor {
	return diagnosis.New(diagnosis.Options{
		Client: client, Types: types, Now: time.Now, NewID: uuid.NewString, Program: "landwaiter/test", StepLimit: 3 * time.Second,
	})
}

func client() *distribution.Client {
	return distribution.New(distribution.Options{Now: time.Now, Addresses: distribution.Addresses{Loopback: true}, ConnectTimeout: time.Second, HeaderTimeout: time.Second})
}

func open(t *testing.T, typ, endpoint, username, password string) integration.Candidate {
	t.Helper()
	declared, _ := types.Get(typ)
	settings := map[string]any{"endpoint": endpoint}
	if username != "" {
		settings["username"], settings["password"] = username, password
	}
	return integrationtest.Open(t, declared, settings, integration.Deps{Now: time.Now})
}

// diagnose tests, checks what holds of every diagnosis, and writes it down for who looks at the test.
func diagnose(t *testing.T, c integration.Candidate, img string) *diagnosis.Diagnosis {
	t.Helper()
	var ref image.Reference
	if img != "" {
		ref = integrationtest.Reference(t, img)
	}
	var told []diagnosis.Step
	d := doctor(client()).Diagnose(t.Context(), c, ref, func(s diagnosis.Step) { told = append(told, s) })
	check(t, d, told)
	return d
}

func check(t *testing.T, d *diagnosis.Diagnosis, told []diagnosis.Step) {
	t.Helper()
	if len(told) != len(d.Steps) || len(d.Steps) != len(d.Observations) {
		t.Errorf("%d steps were told, %d are in the diagnosis, of %d observations", len(told), len(d.Steps), len(d.Observations))
	}
	t.Logf("%s, proven %t: %s", d.Verdict, d.Proven, d.Summary)
	for _, s := range d.Steps {
		t.Logf("%-16s %-8s %s", s.ID, s.Verdict, s.Summary)
		for _, f := range s.Seen {
			t.Logf("    %s: %s", f.Name, f.Value)
		}
		for _, f := range s.Findings {
			t.Logf("  * %s (%s)\n    %s\n    %s", f.Name, f.Verdict, f.Cause, f.Fix)
		}
	}
	if text := fmt.Sprintf("%+v", d); strings.Contains(text, "MARKED-SECRET") {
		t.Error("a secret is told")
	}
	for _, text := range sentences(d) {
		if unfilled.MatchString(text) {
			t.Errorf("a placeholder is left: %s", text)
		}
	}
}

// unfilled matches placeholders, and not the JSON documents of policies.
var unfilled = regexp.MustCompile(`\{[A-Za-z0-9]+\}`)

func sentences(d *diagnosis.Diagnosis) (list []string) {
	for _, s := range d.Steps {
		for _, f := range s.Findings {
			list = append(list, f.Cause, f.Fix)
		}
	}
	return list
}

func found(d *diagnosis.Diagnosis) (names []string) {
	for _, s := range d.Steps {
		for _, f := range s.Findings {
			names = append(names, f.Name)
		}
	}
	return names
}

func verdicts(d *diagnosis.Diagnosis) string {
	var list []string
	for _, s := range d.Steps {
		list = append(list, s.ID+" "+string(s.Verdict))
	}
	return strings.Join(list, ", ")
}

func TestDiagnose(t *testing.T) {
	users := map[string]string{"jane": password}
	for _, test := range []struct {
		name               string
		typ                string
		registry           registrytest.Options
		username, password string
		want               []string // findings
		proven             bool
	}{
		{"user name and password", "docker", registrytest.Options{Users: users}, "jane", password, nil, true},
		{"wrong password", "docker", registrytest.Options{Users: users}, "jane", "MARKED-SECRET-wrong", []string{"wrong-password"}, false},
		{"token", "docker", registrytest.Options{Tokens: true, Users: users}, "jane", password, nil, true},
		{"token and wrong password", "docker", registrytest.Options{Tokens: true, Users: users}, "jane", "MARKED-SECRET-wrong", []string{"wrong-password"}, false},
		{"anonymous", "docker", registrytest.Options{}, "", "", nil, false},
		{"anonymous by token", "docker", registrytest.Options{Tokens: true}, "", "", nil, false},
		{"anonymous where nobody is served", "docker", registrytest.Options{Users: users}, "", "", []string{"credential-needed"}, false},
		{"anonymous where nobody gets a token", "docker", registrytest.Options{Tokens: true, Users: users}, "", "", []string{"credential-needed"}, false},
		{"credential where everybody is served", "docker", registrytest.Options{}, "jane", password, []string{"credential-ignored"}, false},
		{"a path of repositories", "docker", registrytest.Options{Users: users}, "jane", password, nil, true},
		{"a base path", "docker", registrytest.Options{Users: users, Prefix: "/base"}, "jane", password, nil, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := registrytest.Start(t, test.registry)
			url := r.URL
			if strings.HasPrefix(test.name, "a path") {
				url += "/team"
			}
			d := diagnose(t, open(t, test.typ, url, test.username, test.password), "")
			if got := found(d); !slices.Equal(got, test.want) || d.Proven != test.proven {
				t.Errorf("found %v, proven %t", got, d.Proven)
			}
		})
	}
}

func TestDiagnose_with_an_image(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{Tokens: true, Users: map[string]string{"jane": password}})
	registrytest.Push(t, r, "team/app", "1", registrytest.Image{})
	d := diagnose(t, open(t, "docker", r.URL, "jane", password), r.Host+"/team/app:1")
	if d.Verdict != diagnosis.Passed || !d.Proven {
		t.Error(verdicts(d))
	}
}

func TestTest_is_an_error_with_cause_and_fix(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{Users: map[string]string{"jane": password}})
	err := doctor(client()).Test(t.Context(), open(t, "docker", r.URL, "jane", "wrong"))
	if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "“jane”") || fault.FixOf(err) == "" {
		t.Errorf("got %v, %s", err, fault.FixOf(err))
	}
	if err := doctor(client()).Test(t.Context(), open(t, "docker", r.URL, "jane", password)); err != nil {
		t.Error(err)
	}
}

func TestDiagnose_ends_with_its_context(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	hang := registrytest.NewFake(t, nil, registrytest.Quirks{Answer: func(w http.ResponseWriter, r *http.Request) bool {
		cancel()
		<-r.Context().Done()
		return true
	}})
	d := doctor(client()).Diagnose(ctx, open(t, "docker", hang.URL, "jane", password), image.Reference{}, func(diagnosis.Step) {})
	if d.Verdict != diagnosis.Failed {
		t.Errorf("%s: %s", d.Verdict, verdicts(d))
	}
}
