package bundle

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const advisory = `{"id":"GHSA-1","modified":"2026-02-01T00:00:00Z","aliases":["CVE-2026-0001"],"affected":[{"package":{"ecosystem":"npm","name":"a"},
	"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2.0.0"}]}]}]}`

// data is a directory with an index, EPSS scores and a source.
func data(t *testing.T, record string) string {
	t.Helper()
	dir := t.TempDir()
	_, err := vuln.ImportFS(context.Background(), dir, fstest.MapFS{
		"npm/1.json": {Data: []byte(record)}, "epss_scores-2026-02-28.csv": {Data: []byte("cve,epss,percentile\nCVE-2026-0001,0.5,0.9\n")},
	}, vuln.ImportOptions{Now: now})
	if err == nil {
		err = vuln.WriteSources(dir, vuln.Sources{"npm": {URL: "https://osv.example", Imported: now, Checked: now.Add(time.Hour)}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// check wants that dir holds what data made.
func check(t *testing.T, dir, fix string) {
	t.Helper()
	x, err := vuln.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	found, err := x.Match(context.Background(), vuln.Package{Ecosystem: "npm", Name: "a", Version: "1.0.0"})
	if err != nil || len(found) != 1 || found[0].FixedVersion != fix || found[0].EPSS == nil || !found[0].SourceAsOf.Equal(now.Add(time.Hour)) {
		t.Errorf("%+v %v", found, err)
	}
	if _, err := os.Stat(filepath.Join(dir, incoming)); err == nil {
		t.Error("what was gathered is left over")
	}
}

func client() *distribution.Client {
	return distribution.New(distribution.Options{Now: time.Now, MaxAttempts: 1, Addresses: distribution.Addresses{Loopback: true}})
}

func place(t *testing.T, r *registrytest.Registry, cred distribution.Credential) (distribution.Source, image.Reference) {
	t.Helper()
	e, err := distribution.ParseEndpoint(r.URL, false)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := image.ParseReference(r.Host + "/team/advisories:v1")
	if err != nil {
		t.Fatal(err)
	}
	return distribution.Source{Endpoint: e, Credential: func(context.Context) (distribution.Credential, error) { return cred, nil }}, ref
}

func TestThroughARegistry(t *testing.T) {
	ctx := context.Background()
	r := registrytest.Start(t, registrytest.Options{Tokens: true, Users: map[string]string{"ann": "password-of-ann"}})
	r.Tokens.Actions = []string{"pull", "push"}
	src, ref := place(t, r, distribution.Credential{Username: "ann", Password: secret.New("password-of-ann")})
	from, to, c := data(t, advisory), t.TempDir(), client()
	digest, err := Push(ctx, from, c, src, ref)
	if err != nil {
		t.Fatalf("%v (%s)", err, fault.FixOf(err))
	}
	m, err := c.Artifact(ctx, src, ref.Repository, "v1")
	if err != nil || m.Digest != digest || m.ArtifactType != ArtifactType || m.Config.MediaType != image.MediaTypeOCIEmpty || len(m.Layers) != 3 || m.Annotations[records] != "1" {
		t.Errorf("%+v %v", m, err)
	}
	st, unchanged, err := Pull(ctx, to, c, src, ref)
	if err != nil || unchanged || st.Records != 1 || st.EPSS == nil {
		t.Fatalf("%+v %v (%s)", st, err, fault.FixOf(err))
	}
	check(t, to, "2.0.0")

	r.Requests()
	if _, unchanged, err = Pull(ctx, to, c, src, ref); err != nil || !unchanged {
		t.Error(unchanged, err)
	}
	if got := r.Requests(); len(got) != 1 || got[0].Method != "HEAD" {
		t.Errorf("what is unchanged cost %v", got)
	}
	if _, err := Push(ctx, data(t, strings.Replace(advisory, "2.0.0", "3.0.0", 1)), c, src, ref); err != nil {
		t.Fatal(err)
	}
	if _, unchanged, err = Pull(ctx, to, c, src, ref); err != nil || unchanged {
		t.Error(unchanged, err)
	}
	check(t, to, "3.0.0")

	t.Run("an_image_is_no_advisory_data", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{})
		src, ref := place(t, r, distribution.Credential{})
		registrytest.Push(t, r, "team/advisories", "v1", registrytest.Image{})
		if _, _, err := Pull(ctx, t.TempDir(), c, src, ref); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "no advisory data") || fault.FixOf(err) == "" {
			t.Error(err)
		}
	})
	t.Run("without_data_there_is_nothing_to_export", func(t *testing.T) {
		if _, err := Push(ctx, t.TempDir(), c, src, ref); fault.CodeOf(err) != fault.NotFound {
			t.Error(err)
		}
	})
}

func TestThroughAFile(t *testing.T) {
	ctx := context.Background()
	file := filepath.Join(t.TempDir(), "advisories.tar")
	digest, err := Write(ctx, data(t, advisory), file)
	if err != nil {
		t.Fatal(err)
	}
	if !Is(file) || digest == "" {
		t.Error("it is not recognised")
	}
	to := t.TempDir()
	st, err := Read(ctx, to, file)
	if err != nil || st.Records != 1 {
		t.Fatalf("%+v %v (%s)", st, err, fault.FixOf(err))
	}
	check(t, to, "2.0.0")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	// refused imports an archive over data that must stay as they are.
	refused := func(t *testing.T, archive []byte, want string) {
		t.Helper()
		bad := filepath.Join(t.TempDir(), "bad.tar")
		if err := os.WriteFile(bad, archive, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(ctx, to, bad); fault.CodeOf(err) != fault.Invalid || fault.FixOf(err) == "" || !strings.Contains(err.Error(), want) {
			t.Errorf("%v (%s), want %s", err, fault.FixOf(err), want)
		}
		check(t, to, "2.0.0")
	}
	t.Run("damage_anywhere_changes_nothing", func(t *testing.T) {
		for i := 0; i < len(whole)-1024; i += 37 { // the last 1024 bytes are padding
			bad := slices.Clone(whole)
			bad[i] ^= 0x55
			path := filepath.Join(t.TempDir(), "bad.tar")
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			Read(ctx, to, path) // padding between the files may be anything
			check(t, to, "2.0.0")
		}
	})
	t.Run("cut_off", func(t *testing.T) { refused(t, whole[:len(whole)/2], "bad.tar") })
	t.Run("a_part_of_other_bytes", func(t *testing.T) {
		refused(t, rewrite(t, whole, func(name string, body []byte) []byte {
			if strings.HasPrefix(name, "blobs/") && len(body) > 300 && !bytes.Contains(body, []byte(ArtifactType)) {
				body[len(body)/2] ^= 1
			}
			return body
		}), "is damaged")
	})
	t.Run("a_manifest_of_other_bytes", func(t *testing.T) {
		refused(t, rewrite(t, whole, func(_ string, body []byte) []byte {
			return bytes.Replace(body, []byte(`"dev.landwaiter.advisories.records":"1"`), []byte(`"dev.landwaiter.advisories.records":"2"`), 1)
		}), "digest")
	})
	t.Run("a_part_that_is_missing", func(t *testing.T) {
		refused(t, rewrite(t, whole, func(name string, body []byte) []byte {
			if strings.HasPrefix(name, "blobs/") && len(body) > 300 && !bytes.Contains(body, []byte(ArtifactType)) {
				return nil
			}
			return body
		}), "is missing in it")
	})
	t.Run("another_format_of_the_index", func(t *testing.T) {
		dir := data(t, advisory)
		path := filepath.Join(dir, "advisories.idx")
		index, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		index[8]++
		if err := os.WriteFile(path, index, 0o600); err != nil {
			t.Fatal(err)
		}
		other := t.TempDir()
		for _, p := range []string{"advisories.idx", "sources.json"} {
			raw, err := os.ReadFile(filepath.Join(dir, p))
			if err == nil {
				err = os.WriteFile(filepath.Join(other, p), raw, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		_, err = vuln.Adopt(t.TempDir(), other, func(vuln.Sources, vuln.Status) {})
		if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "this version of Landwaiter reads format") || !strings.Contains(fault.FixOf(err), "by a Landwaiter of this version") {
			t.Errorf("%v (%s)", err, fault.FixOf(err))
		}
	})
}

// rewrite changes the files of an archive; nil leaves one out.
func rewrite(t *testing.T, archive []byte, change func(name string, body []byte) []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	r, w := tar.NewReader(bytes.NewReader(archive)), tar.NewWriter(&out)
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		body, err2 := io.ReadAll(r)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if body = change(h.Name, body); body == nil {
			continue
		}
		h.Size = int64(len(body))
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		w.Write(body)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("x"))
	var small bytes.Buffer
	w := tar.NewWriter(&small)
	w.WriteHeader(&tar.Header{Name: indexFile, Size: 2, Mode: 0o600})
	w.Write([]byte("{}"))
	w.Close()
	f.Add(small.Bytes())
	f.Fuzz(func(t *testing.T, archive []byte) {
		path := filepath.Join(t.TempDir(), "a.tar")
		if err := os.WriteFile(path, archive, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(context.Background(), t.TempDir(), path); err == nil {
			t.Error("it was imported")
		}
	})
}
