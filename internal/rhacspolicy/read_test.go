package rhacspolicy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/policy"
)

const exported = `{"policies":[{"id":"p-1","name":"No latest","severity":"LOW_SEVERITY","lifecycleStages":["BUILD","DEPLOY"],"eventSource":"NOT_APPLICABLE",
"exclusions":[{"name":"system","deployment":{"name":"","scope":{"cluster":"","namespace":"kube-system","label":null}},"image":null,"expiration":null}],
"policyVersion":"1.1","isDefault":false,"lastUpdated":"2026-01-01T00:00:00Z","SORTName":"No latest",
"policySections":[{"sectionName":"","policyGroups":[{"fieldName":"Image Tag","booleanOperator":"OR","negate":false,"values":[{"value":"latest"}]}]}]}]}`

const resource = `apiVersion: config.stackrox.io/v1alpha1
kind: SecurityPolicy
metadata:
  name: no-latest
  namespace: stackrox
spec:
  policyName: No latest
  severity: LOW_SEVERITY
  lifecycleStages: [BUILD, DEPLOY]
  categories: [DevOps Best Practices]
  exclusions:
  - name: system
    deployment: {scope: {namespace: kube-system}}
  policySections:
  - policyGroups:
    - fieldName: Image Tag
      values: [{value: latest}]
status:
  accepted: true
`

func TestRead(t *testing.T) {
	single := strings.TrimSuffix(strings.TrimPrefix(exported, `{"policies":[`), "]}")
	list := "apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(resource), "\n", "\n  ")
	for name, c := range map[string]struct {
		document string
		count    int
	}{
		"export": {exported, 1}, "one policy": {single, 1}, "list of policies": {"[" + single + "," + single + "]", 2}, "lines": {single + "\n" + single, 2},
		"resource": {resource, 1}, "resources": {resource + "---\n" + resource, 2}, "list of resources": {list, 1},
	} {
		t.Run(name, func(t *testing.T) {
			policies, err := Read([]byte(c.document))
			if err != nil || len(policies) != c.count {
				t.Fatal(len(policies), err)
			}
			for _, translated := range Translate(policies, Options{}) {
				p := translated.Policy
				if p == nil || p.Title != "No latest" || p.Condition != `image.tag.matches("^(?i:latest)$")` || len(p.Stages) != 2 || len(p.Exclusions) != 1 ||
					len(translated.Notes) != 0 {
					t.Errorf("%+v", translated)
				}
			}
		})
	}
}

func TestRead_refuses(t *testing.T) {
	for document, message := range map[string]string{
		"":                  "there is no policy in it",
		`{"policies":[]}`:   "there is no policy in it",
		`{"policies":[{}]}`: "policy 1 of the document has no name",
		`{"policies":[[]]}`: "something is not a policy: it is of the type array",
		`{"policies":[{"name":"a","severity":1}]}`: `the policy "a": severity is of the type number`,
		`{"policies":`:                "not JSON",
		"a: [":                        "line 1: not YAML",
		"kind: Pod\napiVersion: v1\n": "a document is a Pod of v1, not a SecurityPolicy of config.stackrox.io/v1alpha1",
		"just text":                   "there are no policies in it",
		"apiVersion: config.stackrox.io/v1alpha1\nkind: SecurityPolicy\n":               "a SecurityPolicy has no spec",
		`{"policies":[` + strings.Repeat(`{"name":"a"},`, 1000) + `{"name":"a"}` + "]}": "it has 1001 policies; at most 1000 are read at once",
		strings.Repeat(" ", MaxBytes+1):                                                 "at most 8388608 are read",
	} {
		_, err := Read([]byte(document))
		if err == nil || !strings.Contains(err.Error(), message) || fault.CodeOf(err) != fault.Invalid || fault.FixOf(err) == "" {
			t.Errorf("%.60q: %v", document, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(exported))
	f.Add([]byte(resource))
	f.Add([]byte(fmt.Sprintf(`{"name":"a","lifecycleStages":["DEPLOY"],"policySections":[{"policyGroups":[{"fieldName":"Volume Source","negate":true,"values":[{"value":%q}]}]}]}`, `a"\d|b`)))
	f.Fuzz(func(t *testing.T, document []byte) {
		policies, err := Read(document)
		if err != nil {
			return
		}
		for _, translated := range Translate(policies, Options{Partial: true}) {
			if (translated.Policy == nil) != (translated.Outcome == Refused) {
				t.Fatalf("%+v", translated)
			}
			if translated.Policy != nil {
				if _, err := policy.Parse(policy.Format(*translated.Policy)); err != nil {
					t.Fatalf("%v\n%s", err, policy.Format(*translated.Policy))
				}
			}
		}
	})
}
