package distribution

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
)

func TestTags(t *testing.T) {
	ctx := context.Background()

	t.Run("of_a_real_registry", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{Tokens: true})
		starter(t, r)
		registrytest.Push(t, r, "team/app", "v2", registrytest.Image{})
		b := newBench(t, Options{})
		tags, err := b.Tags(ctx, source(t, r.URL), "team/app")
		ok(t, err)
		if !slices.Equal(tags, []string{"v1", "v2"}) {
			t.Errorf("tags %v", tags)
		}
		wantDid(t, b, "GET challenge, GET token, GET tags")
		_, err = b.Tags(ctx, source(t, r.URL), "team/none")
		wantFault(t, err, fault.NotFound, "NAME_UNKNOWN")
	})

	// paged answers with one tag a page, the link written by link.
	paged := func(t *testing.T, pages int, link func(f *registrytest.Fake, last int) string) (*registrytest.Fake, *bench) {
		f := registrytest.NewFake(t, nil, registrytest.Quirks{})
		f.Set(registrytest.Quirks{Answer: func(w http.ResponseWriter, r *http.Request) bool {
			var last int
			fmt.Sscan(r.URL.Query().Get("last"), &last)
			if last++; last < pages {
				w.Header().Set("Link", link(f, last))
			}
			fmt.Fprintf(w, `{"tags":["t%d"]}`, last)
			return true
		}})
		return f, newBench(t, Options{})
	}
	for name, link := range map[string]func(f *registrytest.Fake, last int) string{
		"relative": func(_ *registrytest.Fake, last int) string {
			return fmt.Sprintf(`</v2/team/app/tags/list?last=%d&n=1>; rel="next"`, last)
		},
		"absolute": func(f *registrytest.Fake, last int) string {
			return fmt.Sprintf(`<%s/v2/team/app/tags/list?last=%d>; rel="next"`, f.URL, last)
		},
		"without_brackets": func(_ *registrytest.Fake, last int) string {
			return fmt.Sprintf(`/v2/team/app/tags/list?last=%d; rel=next`, last)
		},
		"path_cut_short": func(_ *registrytest.Fake, last int) string {
			return fmt.Sprintf(`</app/tags/list?last=%d>; rel="next"`, last)
		},
		"another_host": func(_ *registrytest.Fake, last int) string {
			return fmt.Sprintf(`<http://internal.invalid/x?last=%d>; rel="next"`, last)
		},
		"second_of_two": func(_ *registrytest.Fake, last int) string {
			return fmt.Sprintf(`<?a=1,2>; rel="first", <?last=%d>; rel="next"`, last)
		},
	} {
		t.Run("pages_linked_"+name, func(t *testing.T) {
			f, b := paged(t, 3, link)
			tags, err := b.Tags(ctx, source(t, f.URL), "team/app")
			ok(t, err)
			if !slices.Equal(tags, []string{"t1", "t2", "t3"}) {
				t.Errorf("tags %v", tags)
			}
			for _, r := range f.Requests() {
				if r.Path != "/v2/team/app/tags/list" {
					t.Errorf("asked for %s", r)
				}
			}
		})
	}

	t.Run("pages_without_end", func(t *testing.T) {
		f, b := paged(t, 1<<30, func(_ *registrytest.Fake, last int) string { return fmt.Sprintf(`<?last=%d>; rel="next"`, last) })
		_, err := b.Tags(ctx, source(t, f.URL), "team/app")
		wantFault(t, err, fault.Invalid, "more than 500 pages")
	})

	t.Run("page_that_links_to_itself", func(t *testing.T) {
		f, b := paged(t, 1<<30, func(*registrytest.Fake, int) string { return `<?n=1000>; rel="next"` })
		tags, err := b.Tags(ctx, source(t, f.URL), "team/app")
		ok(t, err)
		if len(tags) != 1 {
			t.Errorf("tags %v", tags)
		}
	})
}

func TestReferrers(t *testing.T) {
	ctx := context.Background()
	subject := image.DigestOf([]byte("subject"))
	entry := func(artifactType string) image.Descriptor {
		return image.Descriptor{MediaType: image.MediaTypeOCIManifest, Digest: image.DigestOf([]byte(artifactType)), Size: 1, ArtifactType: artifactType}
	}
	signature, sbom := entry("application/signature"), entry("application/sbom")
	index, _ := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": image.MediaTypeOCIIndex, "manifests": []image.Descriptor{signature, sbom}})
	types := func(list []image.Descriptor) string {
		var names []string
		for _, d := range list {
			names = append(names, d.ArtifactType)
		}
		return strings.Join(names, " ")
	}

	t.Run("by_the_API_filtered_here_if_not_there", func(t *testing.T) {
		f := registrytest.NewFake(t, nil, registrytest.Quirks{Answer: func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/v2/team/app/referrers/"+string(subject) {
				return false
			}
			w.Header().Set("Content-Type", image.MediaTypeOCIIndex)
			w.Write(index)
			return true
		}})
		b := newBench(t, Options{})
		all, err := b.Referrers(ctx, source(t, f.URL), "team/app", subject, "")
		ok(t, err)
		one, err := b.Referrers(ctx, source(t, f.URL), "team/app", subject, "application/sbom")
		ok(t, err)
		if types(all) != "application/signature application/sbom" || types(one) != "application/sbom" {
			t.Errorf("all: %s; one: %s", types(all), types(one))
		}
		if got := f.Requests(); got[1].Query != "artifactType=application%2Fsbom" {
			t.Errorf("asked for %q", got[1].Query)
		}
	})

	t.Run("by_the_tag_that_stands_in", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{}) // distribution has no referrers API
		r.PutManifest(t, "team/app", strings.Replace(string(subject), ":", "-", 1), image.MediaTypeOCIIndex, index)
		b := newBench(t, Options{})
		list, err := b.Referrers(ctx, source(t, r.URL), "team/app", subject, "application/signature")
		ok(t, err)
		if types(list) != "application/signature" {
			t.Errorf("got %s", types(list))
		}
		list, err = b.Referrers(ctx, source(t, r.URL), "team/app", image.DigestOf([]byte("lonely")), "")
		ok(t, err)
		if list == nil || len(list) != 0 {
			t.Errorf("got %v, want an empty list", list)
		}
		if asked := r.Requests(); len(asked) != 3 || strings.Contains(asked[2].Path, "/referrers/") {
			t.Errorf("a registry without the API was asked for it again: %v", asked)
		}
	})

	t.Run("not_allowed_is_not_none", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{Users: map[string]string{"ann": testPassword}})
		_, err := newBench(t, Options{}).Referrers(ctx, source(t, r.URL), "team/app", subject, "")
		wantFault(t, err, fault.Unauthenticated)
	})
}
