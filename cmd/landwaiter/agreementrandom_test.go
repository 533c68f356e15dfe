package main

import (
	"encoding/json"
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/image"
)

// conditions are by what they are asked for each of. Some fail for some images, some for all.
var conditions = map[string][]string{
	"": {
		"image.user == '' || image.user == 'root'", "image.tag == 'latest'", "size(image.exposedPorts) > 0", "image.labels['team'] == 'a'", "'team' in image.labels",
		"image.distribution.startsWith('alpine')", "size(components) > 2", "vulnerabilities.exists(v, v.severity == 'critical')", "layers[1].keyword == 'RUN'",
		"!scan.complete", "now - image.created > duration('24h')", "integration.type == 'docker'", "size(layers) / (size(components) - 1) > 0", "true",
	},
	"components": {
		"component.name == 'busybox'", "component.type == 'npm'", "component.version < '2'", "component.name.matches('^(z|l)')", "component.licenses[0] == 'MIT'", "component.line == 1",
	},
	"vulnerabilities": {
		"vulnerability.severity in ['critical', 'important']", "vulnerability.fixedVersion != ''", "vulnerability.cve == 'CVE-2026-0003'", "vulnerability.component.name == 'zlib'", "true",
	},
}

func randomPolicy(t *rapid.T, i int, now time.Time) string {
	id := fmt.Sprintf("random-%d", i)
	of := rapid.SampledFrom([]string{"", "components", "vulnerabilities"}).Draw(t, "for each of")
	condition := rapid.SampledFrom(conditions[of]).Draw(t, "condition")
	if rapid.IntRange(0, 3).Draw(t, "negated") == 0 {
		condition = "!(" + condition + ")"
	}
	spec := map[string]any{
		"title": id, "severity": rapid.SampledFrom([]string{"low", "medium", "high", "critical"}).Draw(t, "severity"),
		"categories": []string{category}, "stages": []string{"build", "deploy"}, "condition": condition,
	}
	if of != "" {
		spec["forEach"] = of
	}
	if rapid.Bool().Draw(t, "enforced") {
		spec["enforce"] = []string{"build", "deploy"}
	}
	if rapid.IntRange(0, 9).Draw(t, "disabled") == 0 {
		spec["disabled"] = true
	}
	if rapid.Bool().Draw(t, "message") {
		spec["message"] = "'it is ' + image.repository"
	}
	images := rapid.SampledFrom([][]string{{"**"}, {"**/random/app"}, {"elsewhere.example/**"}})
	if rapid.IntRange(0, 3).Draw(t, "scoped") == 0 {
		spec["scope"] = []any{map[string]any{"images": images.Draw(t, "scope")}}
	}
	if rapid.IntRange(0, 3).Draw(t, "excluded") == 0 {
		exclusion := map[string]any{"name": "random", "reason": "It is random.", "images": images.Draw(t, "exclusion")}
		if rapid.Bool().Draw(t, "until") {
			exclusion["until"] = now.AddDate(0, 0, rapid.SampledFrom([]int{-30, 30}).Draw(t, "days")).Format(time.DateOnly)
		}
		spec["exclusions"] = []any{exclusion}
	}
	document, err := json.Marshal(map[string]any{"apiVersion": "landwaiter.dev/v1", "kind": "Policy", "metadata": map[string]any{"name": id}, "spec": spec})
	if err != nil {
		t.Fatal(err)
	}
	return string(document) + "\n"
}

// push makes a random image and returns its reference.
func (w *world) push(t *rapid.T, n int) string {
	base := map[string]string{}
	switch rapid.SampledFrom([]string{"alpine", "debian", ""}).Draw(t, "base") {
	case "alpine":
		base["etc/os-release"] = "ID=alpine\nVERSION_ID=3.18.2\n"
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"busybox", "openssl", "musl"}), 1, 3, rapid.ID).Draw(t, "packages") {
			base["lib/apk/db/installed"] += "P:" + name + "\nV:" + rapid.SampledFrom([]string{"1.36.1-r0", "1.36.1-r9"}).Draw(t, "version") + "\nA:x86_64\nL:MIT\no:" + name + "\n\n"
		}
	case "debian":
		base["etc/os-release"] = "ID=debian\nVERSION_ID=\"12\"\n"
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"zlib", "bash"}), 1, 2, rapid.ID).Draw(t, "packages") {
			base["var/lib/dpkg/status"] += "Package: " + name + "\nStatus: install ok installed\nMaintainer: M\nArchitecture: amd64\nVersion: " +
				rapid.SampledFrom([]string{"1:1.2", "1:1.3"}).Draw(t, "version") + "\nDescription: d\n\n"
		}
	}
	app := map[string]string{}
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"lodash", "left-pad"}), 0, 2, rapid.ID).Draw(t, "modules") {
		app["app/node_modules/"+name+"/package.json"] = fmt.Sprintf(`{"name":%q,"version":%q,"license":"MIT"}`, name, rapid.SampledFrom([]string{"4.17.15", "4.17.21"}).Draw(t, "version"))
	}
	layers := [][]byte{registrytest.Layer(base), registrytest.Layer(app)}
	var diffs []string
	for _, l := range layers {
		diffs = append(diffs, string(image.DigestOf(l)))
	}
	config, err := json.Marshal(map[string]any{
		"os": "linux", "architecture": "amd64", "created": rapid.SampledFrom([]string{"2026-01-01T00:00:00Z", "2026-11-24T00:00:00Z"}).Draw(t, "created"),
		"config": map[string]any{
			"User": rapid.SampledFrom([]string{"", "root", "app"}).Draw(t, "user"), "Labels": rapid.SampledFrom([]map[string]string{nil, {"team": "a"}, {"team": "b"}}).Draw(t, "labels"),
			"ExposedPorts": rapid.SampledFrom([]map[string]any{nil, {"22/tcp": map[string]any{}}}).Draw(t, "ports"),
		},
		"rootfs":  map[string]any{"type": "layers", "diff_ids": diffs},
		"history": []any{map[string]any{"created_by": "COPY base / # buildkit"}, map[string]any{"created_by": rapid.SampledFrom([]string{"RUN npm ci", "COPY app /app"}).Draw(t, "line")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	tag := rapid.SampledFrom([]string{"latest", fmt.Sprint("v", n)}).Draw(t, "tag")
	pushed := registrytest.Push(w.tb, w.registry, "random/app", tag, registrytest.Image{Layers: layers, Config: config})
	ref := w.registry.Host + "/random/app:" + tag
	if rapid.Bool().Draw(t, "by digest") {
		ref = w.registry.Host + "/random/app@" + string(pushed.Digest)
	}
	return ref
}
