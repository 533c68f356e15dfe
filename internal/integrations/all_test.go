package integrations

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/integration"
)

func TestAll(t *testing.T) {
	types, err := integration.NewTypes(All()...)
	if err != nil {
		t.Fatal(err)
	}
	folders, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("all.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if !folder.IsDir() || folder.Name() == "testdata" {
			continue
		}
		if line := folder.Name() + ".Type(),"; !strings.Contains(string(source), "\t"+line+"\n") {
			t.Errorf("all.go misses the line\n\t\t%s", line)
		}
		if _, ok := types.Get(folder.Name()); !ok {
			t.Errorf("folder %s declares no type with that ID", folder.Name())
		}
	}
}

func TestDefaults_are_valid_anonymous_and_open(t *testing.T) {
	types, err := integration.NewTypes(All()...)
	if err != nil {
		t.Fatal(err)
	}
	list := integration.Defaults(time.Unix(1e9, 0))
	if len(list) != 10 {
		t.Errorf("there are %d", len(list))
	}
	ids, names := map[string]bool{}, map[string]bool{}
	for _, in := range list {
		if ids[in.ID] || names[in.Name] || len(in.ID) != 36 {
			t.Errorf("%q has an ID or name that another has, or the ID is no UUID", in.Name)
		}
		ids[in.ID], names[in.Name] = true, true
		if _, err := types.Validate(integration.Draft{Integration: in}); err != nil {
			t.Errorf("%q: %v", in.Name, err)
		}
		c, err := types.Open(in, integration.Deps{})
		if err != nil {
			t.Errorf("%q: %v", in.Name, err)
			continue
		}
		if a, ok := c.Registry.(interface{ Anonymous() bool }); !ok || !a.Anonymous() {
			t.Errorf("%q is not anonymous", in.Name)
		}
	}
}
