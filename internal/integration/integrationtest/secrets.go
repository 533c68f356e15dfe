package integrationtest

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
)

func (s suite) secrets() map[string]string {
	found := map[string]string{}
	for _, f := range s.typ.Fields {
		if v, _ := s.c.Settings[f.Name].(string); f.IsSecret() && v != "" {
			found[f.Name] = v
		}
	}
	return found
}

func (s suite) masked(t *testing.T) {
	secrets := s.secrets()
	if len(secrets) == 0 && slices.ContainsFunc(s.typ.Fields, integration.Field.IsSecret) {
		t.Fatal("the case sets none of the type's secrets")
	}
	in := s.valid(t, s.c.Settings)
	encoded, err := json.Marshal(s.types.Encode(in))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(encoded), `"`+secret.Mask+`"`); got != len(secrets) {
		t.Errorf("%d masks for %d secrets: %s", got, len(secrets), encoded)
	}
	plain, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("made", "integration", in, "config", in.Config, "group", slog.GroupValue(slog.Any("c", in.Config)))
	}
	shown := []string{string(encoded), string(plain), log.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		shown = append(shown, fmt.Sprintf(verb+verb+verb, in, &in, in.Config))
	}
	for name, value := range secrets {
		quoted, _ := json.Marshal(value)
		for _, text := range shown {
			if strings.Contains(text, value) || strings.Contains(text, strings.Trim(string(quoted), `"`)) ||
				strings.Contains(text, fmt.Sprintf("%x", value)) {
				t.Errorf("%s is shown in %s", name, text)
			}
		}
	}
}

// masks is what a client sends back after reading Settings.
func (s suite) masks() map[string]any {
	settings := maps.Clone(s.c.Settings)
	for name := range s.secrets() {
		settings[name] = secret.Mask
	}
	return settings
}

func (s suite) keep(t *testing.T) {
	stored := s.valid(t, s.c.Settings)
	read, err := json.Marshal(s.types.Encode(stored))
	if err != nil {
		t.Fatal(err)
	}
	for _, updatePassword := range []bool{false, true} {
		d, err := s.types.Keep(stored, s.decode(t, read), updatePassword)
		if err == nil {
			d, err = s.types.Validate(d)
		}
		if err != nil {
			t.Fatalf("updatePassword %t: %v", updatePassword, err)
		}
		if !sameConfig(d.Config, stored.Config) {
			t.Errorf("updatePassword %t: %v came back as %v", updatePassword, stored.Config, d.Config)
		}
	}
	if len(s.secrets()) > 0 {
		if _, err := s.types.Validate(s.decode(t, read)); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("a mask is taken for a secret where nothing is stored: %v", err)
		}
	}
}

func (s suite) bound(t *testing.T) {
	if len(s.secrets()) == 0 {
		t.Skip("the type has no secrets")
	}
	stored := s.valid(t, s.c.Settings)
	bound := 0
	for _, f := range s.typ.Fields {
		if !f.BindsSecret {
			continue
		}
		bound++
		settings := s.masks()
		switch {
		case f.Kind == integration.Toggle:
			settings[f.Name] = !stored.Config.On(f.Name)
		case f.Kind == integration.Endpoint:
			settings[f.Name] = "elsewhere.example"
		default:
			settings[f.Name] = stored.Config.Text(f.Name) + "x"
		}
		want := "credentials required to update field '" + s.typ.ConfigKey + "." + f.Name + "'"
		for _, updatePassword := range []bool{false, true} {
			_, err := s.types.Keep(stored, s.decode(t, s.body(settings, camel)), updatePassword)
			if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), want) {
				t.Errorf("changed %s with updatePassword %t gives %v, want %q", f.Name, updatePassword, err, want)
			}
		}
	}
	if bound == 0 {
		t.Error("the type has secrets and no field that binds them")
	}
}
