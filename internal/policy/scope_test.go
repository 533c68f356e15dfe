package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/yamldoc"
)

var tomorrow = noon.AddDate(0, 0, 1)

func testImage(registry, repository, tag string) Image {
	return Image{Reference: registry + "/" + repository + ":" + tag, Registry: registry, Repository: repository, Tag: tag}
}

// shop runs an nginx and, before it, a tool.
func shop() Deployment {
	return Deployment{
		Workload: Workload{
			Kind: "Deployment", Name: "shop", Namespace: "payments", Labels: map[string]string{"team": "a"}, PodLabels: map[string]string{"tier": "web"},
			Containers: []Container{{Name: "setup", Kind: InitContainer}, {Name: "web", Kind: MainContainer}},
		},
		Cluster: Cluster{Name: "prod-1"},
		Images: []Input{
			{Image: testImage("quay.io", "team/setup", "1"), Scan: Scan{Scanned: true, Complete: true, VulnsChecked: true}},
			{Image: testImage("docker.io", "library/nginx", "latest"), Scan: Scan{Scanned: true, Complete: true, VulnsChecked: true}},
		},
		Now: noon,
	}
}

// told is what a result says of one policy: the containers of its messages, what was excluded, and the notes.
func told(r Result) string {
	s := "intact"
	for _, v := range r.Violations {
		s = "broken"
		for _, m := range v.Messages {
			s = strings.TrimSpace(s + " " + m.Container)
		}
	}
	for _, u := range r.Undecided {
		s = "undecided: " + u.Reason
	}
	for _, e := range r.Excluded {
		s += fmt.Sprintf("; %s hid %d", e.Exclusion, e.Messages)
	}
	for _, n := range r.Notes {
		s += "; " + n.Text
	}
	return s
}

func deployed(change func(*Policy)) func(*Policy) {
	return func(p *Policy) {
		p.Stages, p.Enforce = []Stage{Deploy}, nil
		change(p)
	}
}

func TestScope(t *testing.T) {
	const elsewhere = "intact; not asked, for its scope is elsewhere"
	const inDoubt = "; its scope names clusters, namespaces, images or labels; as it is not known where the image is to run, it counts"
	yesterday := noon.AddDate(0, 0, -1)
	scope := func(entries ...Scope) func(*Policy) { return func(p *Policy) { p.Scope = entries } }
	exclude := func(entries ...Exclusion) func(*Policy) { return func(p *Policy) { p.Exclusions = entries } }
	whole := func(then func(*Policy)) func(*Policy) {
		return func(p *Policy) { p.Condition = "workload.name == 'shop'"; then(p) }
	}
	for name, c := range map[string]struct {
		policy func(*Policy)
		change func(*Deployment)
		want   string
	}{
		"none":                               {scope(), nil, "broken setup web"},
		"cluster":                            {scope(Scope{Clusters: []string{"test", "prod-*"}}), nil, "broken setup web"},
		"another cluster":                    {scope(Scope{Clusters: []string{"test"}}), nil, elsewhere},
		"cluster not known":                  {scope(Scope{Clusters: []string{"test"}}), func(d *Deployment) { d.Cluster.Name = "" }, "broken setup web" + inDoubt},
		"cluster not known, other namespace": {scope(Scope{Clusters: []string{"test"}, Namespaces: []string{"x"}}), func(d *Deployment) { d.Cluster.Name = "" }, elsewhere},
		"all of an entry":                    {scope(Scope{Namespaces: []string{"payments"}, Labels: map[string]string{"team": "?", "tier": "web"}}), nil, "broken setup web"},
		"not all of an entry":                {scope(Scope{Namespaces: []string{"payments"}, Labels: map[string]string{"tier": "db"}}), nil, elsewhere},
		"a label that is missing":            {scope(Scope{Labels: map[string]string{"x": "*"}}), nil, elsewhere},
		"any entry":                          {scope(Scope{Namespaces: []string{"x"}}, Scope{Namespaces: []string{"pay*"}}), nil, "broken setup web"},
		"one container's image":              {scope(Scope{Images: []string{"docker.io/library/*"}}), nil, "broken web"},
		"image with its tag":                 {scope(Scope{Images: []string{"**:latest"}}), nil, "broken web"},
		"no container's image":               {scope(Scope{Images: []string{"ghcr.io/**"}}), nil, elsewhere},
		"any image of a workload":            {whole(scope(Scope{Images: []string{"quay.io/**"}})), nil, "broken"},
		"no image of a workload":             {whole(scope(Scope{Images: []string{"ghcr.io/**"}})), nil, elsewhere},

		"exclusion":                     {exclude(Exclusion{Name: "e", Workloads: []string{"sh*"}}), nil, "intact; e hid 2"},
		"exclusion of another workload": {exclude(Exclusion{Name: "e", Workloads: []string{"x"}}), nil, "broken setup web"},
		"exclusion of one image":        {exclude(Exclusion{Name: "e", Scope: Scope{Images: []string{"quay.io/team/setup"}}}), nil, "broken web; e hid 1"},
		"exclusion of some images":      {whole(exclude(Exclusion{Name: "e", Scope: Scope{Images: []string{"quay.io/**"}}})), nil, "broken"},
		"exclusion of all images":       {whole(exclude(Exclusion{Name: "e", Scope: Scope{Images: []string{"**"}}})), nil, "intact; e hid 1"},
		"exclusion until tomorrow":      {exclude(Exclusion{Name: "e", Workloads: []string{"**"}, Until: &tomorrow}), nil, "intact; e hid 2"},
		"exclusion until yesterday":     {exclude(Exclusion{Name: "e", Workloads: []string{"**"}, Until: &yesterday}), nil, `broken setup web; the exclusion "e" hides nothing any more: it was until ` + yamldoc.FormatUntil(yesterday)},
		"ended exclusion of what is not broken": {func(p *Policy) {
			p.Condition = "image.tag == 'x'"
			exclude(Exclusion{Name: "e", Workloads: []string{"**"}, Until: &yesterday})(p)
		}, nil, "intact"},
		"exclusion that may be meant": {exclude(Exclusion{Name: "e", Scope: Scope{Clusters: []string{"prod-*"}}}), func(d *Deployment) { d.Cluster.Name = "" }, `broken setup web; the exclusion "e" does not count, for it is not known where the image is to run`},
		"exclusion of what cannot be decided": {func(p *Policy) {
			p.Condition = "image.labels['x'] == ''"
			exclude(Exclusion{Name: "e", Workloads: []string{"**"}})(p)
		}, nil, "intact; e hid 0"},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			d := shop()
			if c.change != nil {
				c.change(&d)
			}
			set := compile(t, deployed(func(p *Policy) { p.Condition = "image.repository != ''"; c.policy(p) }))
			if got := told(set.EvaluateWorkload(t.Context(), d)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}

	t.Run("of_an_image_that_is_to_run_somewhere", func(t *testing.T) {
		set := compile(t, scope(Scope{Namespaces: []string{"payments"}}))
		for namespace, want := range map[string]string{"": "broken" + inDoubt, "payments": "broken", "x": elsewhere} {
			in := cleanInput()
			in.Namespace = namespace
			if got := told(set.Evaluate(t.Context(), Build, in)); got != want {
				t.Errorf("namespace %q: %s", namespace, got)
			}
		}
	})
}

func TestSet_Name(t *testing.T) {
	base := func(p *Policy) { p.Exclusions = []Exclusion{{Name: "e", Workloads: []string{"x"}, Until: &tomorrow}} }
	name := func(now time.Time, change func(*Policy)) string {
		return compile(t, func(p *Policy) { base(p); change(p) }).Name(Build, now)
	}
	same := func(*Policy) {}
	was := name(noon, same)
	if name(noon.Add(time.Hour), same) != was {
		t.Error("the name changes with the time alone")
	}
	names := []string{was, name(tomorrow, same), name(noon, func(p *Policy) { p.Title = "x" }), name(noon, func(p *Policy) { p.Disabled = true }),
		name(noon, func(p *Policy) { p.Scope = []Scope{{Clusters: []string{"x"}}} })}
	elsewhere := func(title string) string {
		return name(noon, func(p *Policy) { p.Stages, p.Enforce, p.Title = []Stage{Deploy}, nil, title })
	}
	if elsewhere("x") != elsewhere("y") {
		t.Error("the name changes with a policy of another stage")
	}
	slices.Sort(names)
	if len(slices.Compact(names)) != 5 {
		t.Errorf("different sets share a name: %v", names)
	}
}

func TestSet_Only(t *testing.T) {
	set, err := Compile(Builtin())
	if err != nil {
		t.Fatal(err)
	}
	one := set.Only(func(p Policy) bool { return p.ID == "latest-tag" })
	in := cleanInput()
	in.Image.Tag = "latest"
	if r := one.Evaluate(t.Context(), Build, in); r.Evaluated != 1 || len(r.Violations) != 1 {
		t.Errorf("%+v", r)
	}
}
