package client_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/client"
	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/policy"
)

const ownPolicy = `# why we have it
apiVersion: landwaiter.dev/v1
kind: Policy
metadata: {name: mine}
spec: {title: Mine, severity: low, stages: [build], condition: 'image.tag == "1.0"'}
`

func TestPolicies(t *testing.T) {
	f, c := connect(t, auth.Administrator)
	ctx, policies := t.Context(), c.Policies()
	stored, err := policies.Apply(ctx, []byte(ownPolicy))
	must(t, err)
	if len(stored) != 1 || stored[0].ID != "mine" || stored[0].Source != policy.SourceOwn || stored[0].Changed.IsZero() {
		t.Errorf("%+v", stored)
	}
	_, err = policies.Apply(ctx, []byte(strings.Replace(ownPolicy, "image.tag", "image.tagg", 1)))
	wants(t, err, fault.Invalid, "line 5", "undefined field 'tagg'")
	if document, err := policies.Document(ctx, "mine"); err != nil || string(document) != ownPolicy {
		t.Errorf("%s %v", document, err)
	}
	must(t, policies.Turn(ctx, "mine", policy.Switch{Enforce: &[]policy.Stage{policy.Build}}))
	entries, err := policies.Entries(ctx)
	must(t, err)
	for _, e := range entries {
		if e.ID == "mine" && len(e.Enforce) != 1 {
			t.Errorf("%+v", e)
		}
	}

	_, err = c.CreateIntegration(ctx, docker(f, "first"))
	must(t, err)
	a, err := c.Assess(ctx, f.Image, "", assess.Judge)
	must(t, err)
	found, err := policies.DryRun(ctx, client.ChosenPolicies{IDs: []string{"mine"}}, "", 10)
	must(t, err)
	if found.Looked != 1 || found.Policies[0].Outcomes[policy.Broken] != 1 || found.Images[0].ID != a.ID {
		t.Errorf("%+v", found)
	}
	must(t, policies.Delete(ctx, "mine"))
	wants(t, policies.Delete(ctx, "mine"), fault.NotFound)
}

// What a server answers is what the same policies say of the same image in process.
func TestPolicies_test_as_in_process(t *testing.T) {
	f, c := connect(t, auth.Administrator)
	ctx := t.Context()
	_, err := c.CreateIntegration(ctx, docker(f, "first"))
	must(t, err)
	_, err = c.Assess(ctx, f.Image, "", assess.Judge)
	must(t, err)
	ref, err := image.ParseReference(f.Image)
	must(t, err)
	live, err := f.Assess.Assess(ctx, assess.Request{Reference: ref, Depth: assess.ScanIt}, assess.Progress{})
	must(t, err)
	here, err := f.Assess.TestPolicies(ctx, policy.BuiltinSet(), "", live)
	must(t, err)
	var documents []string
	for _, p := range policy.Builtin() {
		documents = append(documents, string(policy.Format(p)))
	}
	for name, chosen := range map[string]client.PolicyTest{
		"stored": {}, "live": {Live: true},
	} {
		chosen.Image, chosen.Document = f.Image, strings.Join(documents, "---\n")
		there, err := c.Policies().Test(ctx, chosen)
		must(t, err)
		if len(there.Policies) != len(here.Policies) || (there.ID == "") != chosen.Live {
			t.Fatalf("%s: %d policies, ID %q", name, len(there.Policies), there.ID)
		}
		for i, e := range there.Policies {
			if got, want := told(e), told(here.Policies[i]); got != want {
				t.Errorf("%s: %s\n%s\nis not\n%s", name, e.PolicyID, got, want)
			}
		}
	}
}

// told is all of an explanation but the values, which may be times.
func told(e *policy.Explanation) string {
	var b strings.Builder
	fmt.Fprintln(&b, e.PolicyID, e.Outcome, e.Result.Stage, e.Result.Undecided, e.Result.Notes)
	for _, a := range e.Asked {
		fmt.Fprintln(&b, a.Missing, a.Items, a.Held, a.Failed, a.Clauses)
		for _, k := range slices.Concat(a.Holds, a.Nearest, a.Fails) {
			fmt.Fprintln(&b, k.About)
			for _, clause := range k.Clauses {
				fmt.Fprintln(&b, clause.Text, clause.Holds, clause.Error)
			}
		}
	}
	return b.String()
}
