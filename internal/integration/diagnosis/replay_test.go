package diagnosis_test

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
	"github.com/landwaiter/landwaiter/internal/integrations"
)

// replays checks that a diagnosis that was saved is judged as before.
func replays(t *testing.T, d *diagnosis.Diagnosis) {
	t.Helper()
	raw, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	saved, err := diagnosis.Read(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	saved.Steps, saved.Verdict, saved.Summary = nil, "", "" // which judging needs not
	again := diagnosis.Replay(saved, types)
	for i, s := range d.Steps {
		if !reflect.DeepEqual(again.Steps[i], s) {
			t.Errorf("the replay judges %+v, the test %+v", again.Steps[i], s)
		}
	}
	if len(again.Steps) != len(d.Steps) || again.Verdict != d.Verdict || again.Summary != d.Summary || again.Proven != d.Proven || again.Subject != d.Subject {
		t.Errorf("the replay concludes %s, %s, %+v; the test %s, %s, %+v", again.Verdict, again.Summary, again.Subject, d.Verdict, d.Summary, d.Subject)
	}
}

func TestRead_refuses_what_is_no_saved_test(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":        "",
		"no JSON":        "settings passed",
		"another object": `{"name":"team"}`,
		"a list":         `[]`,
		"no steps":       `{"format":1,"observations":[]}`,
		"a later format": `{"format":2,"observations":[{"step":"settings"}]}`,
		"too many steps": `{"format":1,"observations":[` + strings.Repeat(`{"step":"tcp"},`, 300) + `{"step":"tcp"}]}`,
	} {
		if _, err := diagnosis.Read(strings.NewReader(text)); fault.CodeOf(err) != fault.Invalid || fault.FixOf(err) == "" {
			t.Errorf("%s: %v (%s)", name, err, fault.FixOf(err))
		}
	}
	endless := io.MultiReader(strings.NewReader(`{"format":1,"program":"`), strings.NewReader(strings.Repeat("x", 9<<20)))
	if _, err := diagnosis.Read(endless); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "8 MiB") {
		t.Errorf("too long: %v", err)
	}
}

// FuzzReplay holds that whatever somebody sends can be judged, and what comes of it can be saved and judged again.
func FuzzReplay(f *testing.F) {
	r := registrytest.Start(f, registrytest.Options{Users: map[string]string{zooUser: zooRight}})
	var p patient
	p.at(r.URL, zooUser, zooRight)
	raw, err := json.Marshal(p.diagnose(f, func(diagnosis.Step) {}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"format":1,"observations":[{"step":"tls","route":{"handshakes":[{"asked":true}]},"silence":{"trouble":"tls-failed"}}]}`))
	f.Add([]byte(`{"format":1,"subject":{"type":"quay"},"observations":[{"step":"credential","exchanges":[{"for":"base","answer":{"status":401}}]},{"step":"quay-user","reported":{}}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		saved, err := diagnosis.Read(bytes.NewReader(raw))
		if err != nil {
			return
		}
		first := diagnosis.Replay(saved, types)
		text, err := json.Marshal(first)
		if err != nil {
			return // times that JSON cannot say
		}
		again, err := diagnosis.Read(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%s cannot be read: %v", text, err)
		}
		if second := diagnosis.Replay(again, types); second.Verdict != first.Verdict || second.Summary != first.Summary {
			t.Errorf("judged %s, then %s", first.Summary, second.Summary)
		}
	})
}

func TestRead_refuses_steps_that_no_test_has(t *testing.T) {
	for name, observation := range map[string]string{
		"a reported step that passes for one that is judged": `{"step":"tls","reported":{"id":"tls","title":"TLS","verdict":"passed"}}`,
		"a reported step that hides its own name":            `{"step":"ecr-identity","reported":{"id":"tls","verdict":"passed"}}`,
		"a verdict that there is none":                       `{"step":"ecr-identity","reported":{"id":"ecr-identity","verdict":"perfect"}}`,
		"a step that nobody judges":                          `{"step":"magic"}`,
	} {
		_, err := diagnosis.Read(strings.NewReader(`{"format":1,"observations":[` + observation + `]}`))
		if fault.CodeOf(err) != fault.Invalid || fault.FixOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReplay_shows_no_control_characters(t *testing.T) {
	types, err := integration.NewTypes(integrations.All()...)
	if err != nil {
		t.Fatal(err)
	}
	saved, err := diagnosis.Read(strings.NewReader(`{"format":1,"observations":[{"step":"tcp","skipped":"before\u001b[2Jafter\nthat"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := diagnosis.Replay(saved, types).Steps[0].Summary; got != "before[2Jafter that" {
		t.Errorf("%q", got)
	}
}
