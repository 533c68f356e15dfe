package integration_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
)

func TestValidate(t *testing.T) {
	b := newService(t)
	for _, test := range []struct {
		name    string
		changes map[string]any
		want    string // whole message, or "" if accepted
	}{
		{"complete", nil, ""},
		{"no name", map[string]any{"name": "  "}, "Validation error: name for integration is required: invalid arguments"},
		{"no categories", map[string]any{"categories": []string{}}, "Validation error: integrations require a category: invalid arguments"},
		{"several problems", map[string]any{"name": "", "categories": nil, "plain.endpoint": " "},
			"Validation errors: [integrations require a category, name for integration is required, An endpoint is required]: invalid arguments"},
		{"category not offered", map[string]any{"categories": []string{"SCANNER"}},
			"Validation error: type 'plain' does not offer category SCANNER: invalid arguments"},
		{"unknown type", map[string]any{"type": "foo"}, "registry with type 'foo' does not exist"},
		{"no settings", map[string]any{"plain": nil}, "Validation error: Plain configuration required: invalid arguments"},
		{"settings of another kind", map[string]any{"plain": nil, "fancyCloud": map[string]any{}},
			"Validation error: Plain configuration required, not 'fancyCloud': invalid arguments"},
		{"metadata service", map[string]any{"plain.endpoint": "http://169.254.169.254/latest"},
			"Validation error: invalid endpoint: endpoint cannot reference the cluster metadata service: invalid arguments"},
		{"endpoint that cannot be read", map[string]any{"plain.endpoint": "jane:31337@registry.example"},
			"Validation error: invalid endpoint: the endpoint contains an '@': invalid arguments"},
		{"loopback is the client's business", map[string]any{"plain.endpoint": "http://localhost:5000"}, ""},
		{"name with a line break", map[string]any{"name": "a\nb"}, "Validation error: name for integration contains control characters: invalid arguments"},
		{"name too long", map[string]any{"name": strings.Repeat("a", 300)}, "Validation error: name for integration is too long: invalid arguments"},
		{"user name with NUL", map[string]any{"plain.username": "a\x00"}, "Validation error: 'plain.username' contains control characters: invalid arguments"},
		{"password with a line break", map[string]any{"plain.password": "a\nb"}, "Validation error: 'plain.password' contains control characters: invalid arguments"},
		{"password too long", map[string]any{"plain.password": strings.Repeat("a", 70_000)}, "Validation error: 'plain.password' is too long: invalid arguments"},
		{"masked password", map[string]any{"plain.password": "******"},
			"Validation error: 'plain.password' is the mask, not a credential: invalid arguments"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := b.types.Validate(b.draft(t, test.changes))
			if test.want == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if err == nil || err.Error() != test.want || fault.CodeOf(err) != fault.Invalid {
				t.Errorf("got %v (%s)\nwant %s", err, fault.CodeOf(err), test.want)
			}
		})
	}
}

func TestValidate_metadata_services(t *testing.T) {
	b := newService(t)
	for _, endpoint := range []string{
		"169.254.169.254", "http://169.254.169.254:80/", "169.254.170.2", "metadata.google.internal", "METADATA.google.internal.",
		"https://metadata:443", "http://[fd00:ec2::254]", "http://[fe80::1]:5000", "http://[::ffff:169.254.169.254]/v2", "100.100.100.200", "[::ffff:100.100.100.200]",
		"168.63.129.16", "169.254.0.23", "[fd00:ec2::23]", "[64:ff9b::a9fe:a9fe]:443", "[2002:a9fe:a9fe::1]",
	} {
		_, err := b.types.Validate(b.draft(t, map[string]any{"plain.endpoint": endpoint}))
		if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "invalid endpoint: ") {
			t.Errorf("%s gives %v", endpoint, err)
		}
	}
	for _, endpoint := range []string{"registry.example/metadata", "metadata.google.internal.example", "metadata-registry:5000", "169.253.1.1"} {
		if _, err := b.types.Validate(b.draft(t, map[string]any{"plain.endpoint": endpoint})); err != nil {
			t.Errorf("%s gives %v", endpoint, err)
		}
	}
}

func TestValidate_trims(t *testing.T) {
	b := newService(t)
	d, err := b.types.Validate(b.draft(t, map[string]any{
		"name": " one ", "plain.endpoint": "\tregistry.example\n", "plain.username": " jane", "plain.password": " pass word \r\n",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "one" || d.Config.Text("endpoint") != "registry.example" || d.Config.Text("username") != "jane" {
		t.Errorf("got %q and %v", d.Name, d.Config)
	}
	if got := d.Config.Secret("password").Reveal(); got != " pass word " {
		t.Errorf("only line ends are taken from secrets, got %q", got)
	}
}

func TestValidate_conditions_choices_and_checks(t *testing.T) {
	types := newTypes(t)
	base := map[string]any{"accountId": "a1", "region": "north"}
	key := func(text string) map[string]secret.Text {
		return map[string]secret.Text{"serviceKey": secret.New(text)}
	}
	for _, test := range []struct {
		name    string
		values  map[string]any
		secrets map[string]secret.Text
		want    []integration.Problem
	}{
		{"disabled and hidden fields are not required", map[string]any{"useIdentity": true}, nil, nil},
		{"enabled and shown ones are", nil, nil, []integration.Problem{
			{Field: "serviceKey", Message: "A service key is required"}, {Field: "robotAccount.token", Message: "A token is required"},
		}},
		{"a key that is no JSON", map[string]any{"useIdentity": true}, key("{secret"), []integration.Problem{
			{Field: "serviceKey", Message: "Valid JSON is required for service key"},
		}},
		{"a key that is JSON", map[string]any{"useIdentity": true}, key("{\n}"), nil},
		{"no such option", map[string]any{"useIdentity": true, "region": "west"}, nil, []integration.Problem{
			{Field: "region", Message: "'fancyCloud.region' must be one of: north, south"},
		}},
		{"a rule across fields", map[string]any{"useIdentity": true, "accountId": "forbidden"}, nil, []integration.Problem{
			{Field: "accountId", Message: "This account is closed"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			values := map[string]any{}
			for _, m := range []map[string]any{base, test.values} {
				for k, v := range m {
					values[k] = v
				}
			}
			_, err := types.Validate(integration.Draft{Integration: integration.Integration{
				Name: "n", Type: "fancy", Categories: []integration.Category{integration.CategoryRegistry},
				Config: integration.NewConfig(values, test.secrets),
			}})
			var got integration.Problems
			errors.As(err, &got)
			if len(got) != len(test.want) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			for i := range got {
				if got[i] != test.want[i] {
					t.Errorf("got %v, want %v", got[i], test.want[i])
				}
			}
		})
	}
}
