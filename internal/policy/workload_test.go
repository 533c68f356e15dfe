package policy

import (
	"strings"
	"testing"
)

func TestEvaluateWorkload(t *testing.T) {
	gone := func(d *Deployment) {
		in := &d.Images[0]
		in.Scan, in.Unavailable = Scan{}, "no access to quay.io"
	}
	for name, c := range map[string]struct {
		condition string
		change    func(*Deployment)
		want      string
	}{
		"workload is asked once":                      {"workload.namespace == 'payments' && cluster.name == 'prod-1'", nil, "broken"},
		"container is asked once for each":            {"container.kind in ['init', 'container']", nil, "broken setup web"},
		"image is asked for each container":           {"image.tag == 'latest'", nil, "broken web"},
		"workload and image":                          {"workload.name == 'shop' && image.tag == 'latest'", nil, "broken web"},
		"nothing at all is asked once":                {"true", nil, "broken"},
		"fields inside of containers":                 {"workload.containers.exists(c, c.name == 'web' && !c.ports.exists(p, p.host > 0))", nil, "broken"},
		"an image that cannot be had":                 {"image.user == 'x'", gone, "undecided: container setup: no access to quay.io"},
		"its components":                              {"components.size() == 0", gone, "broken web; not everything could be evaluated: container setup: no access to quay.io"},
		"its name":                                    {"image.tag == '1'", gone, "broken setup"},
		"its container":                               {"container.name == 'setup'", gone, "broken setup"},
		"how it was scanned":                          {"!scan.scanned", gone, "broken setup"},
		"its name, when nobody could read it":         {"image.tag == '1'", func(d *Deployment) { d.Images[0] = Input{Unavailable: "no reference"} }, "undecided: container setup: no reference"},
		"images that nobody gave":                     {"image.user == 'x'", func(d *Deployment) { d.Images = nil }, "undecided: containers setup, web: nothing is known of the image"},
		"a workload without containers":               {"image.user == 'x'", func(d *Deployment) { d.Workload.Containers, d.Images = nil, nil }, "intact"},
		"a workload without containers is asked, too": {"workload.name == 'shop'", func(d *Deployment) { d.Workload.Containers, d.Images = nil, nil }, "broken"},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			d := shop()
			if c.change != nil {
				c.change(&d)
			}
			r := compile(t, deployed(condition("", c.condition))).EvaluateWorkload(t.Context(), d)
			if got := told(r); got != c.want || r.Evaluated+len(r.Undecided) != 1 {
				t.Errorf("got  %s (%d evaluated)\nwant %s", got, r.Evaluated, c.want)
			}
		})
	}

	t.Run("nothing_is_known_of_a_workload_when_one_image_is_asked_about", func(t *testing.T) {
		r := compile(t, deployed(condition("", "workload.name == ''"))).Evaluate(t.Context(), Deploy, cleanInput())
		if got := told(r); got != "undecided: no workload was given" {
			t.Error(got)
		}
	})
	t.Run("messages_of_all_containers_stay_within_the_bound", func(t *testing.T) {
		d := shop()
		d.Images[0].Components, d.Images[1].Components = make([]Component, 70), make([]Component, 70)
		r := compile(t, deployed(condition("components", "true"))).EvaluateWorkload(t.Context(), d)
		if v := r.Violations[0]; len(v.Messages) != maxMessages || v.More != 40 || v.Messages[99].Container != "web" {
			t.Errorf("%d messages and %d more", len(v.Messages), v.More)
		}
	})
}
