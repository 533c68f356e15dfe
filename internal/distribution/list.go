package distribution

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
)

// Bounds of lists that come in pages.
const (
	pageSize   = 1000 // more is refused by some registries
	maxPages   = 500
	maxEntries = 200_000
)

// Tags lists a repository's tags in the registry's order.
func (c *Client) Tags(ctx context.Context, src Source, repository string) ([]string, error) {
	const op = "list tags"
	s, err := c.session(src, repository)
	if err != nil {
		return nil, fault.Wrap(fault.CodeOf(err), op, repository, err)
	}
	what := s.endpoint.RegistryHost() + "/" + repository
	u := s.endpoint.url(repository + "/tags/list")
	u.RawQuery = url.Values{"n": {fmt.Sprint(pageSize)}}.Encode()
	tags := []string{}
	err = s.pages(ctx, request{kind: KindTags, method: http.MethodGet, url: u, repository: repository, list: true}, func(a *answer) (int, error) {
		var page struct {
			Tags []string `json:"tags"`
		}
		if err := json.Unmarshal(a.body, &page); err != nil {
			return 0, fault.New(fault.Invalid, "", "the registry's list of tags is not the JSON document it should be").WithFix("%s", s.notARegistry())
		}
		tags = append(tags, page.Tags...)
		return len(tags), nil
	})
	if err != nil {
		return nil, s.problem(op, what, err)
	}
	return tags, nil
}

// Referrers lists what refers to a manifest: signatures, bills of materials, attestations. An empty artifactType stands for
// any. Registries without the referrers API are asked for the tag that stands in for it.
func (c *Client) Referrers(ctx context.Context, src Source, repository string, d image.Digest, artifactType string) ([]image.Descriptor, error) {
	const op = "list referrers"
	s, err := c.session(src, repository)
	if err != nil {
		return nil, fault.Wrap(fault.CodeOf(err), op, repository, err)
	}
	what := s.endpoint.RegistryHost() + "/" + repository + "@" + string(d)
	if _, err := image.ParseDigest(string(d)); err != nil {
		return nil, fault.Wrap(fault.Invalid, op, what, err)
	}
	list, err := s.referrers(ctx, repository, d, artifactType)
	if err != nil {
		return nil, s.problem(op, what, err)
	}
	if artifactType != "" { // servers need not filter
		list = slices.DeleteFunc(list, func(d image.Descriptor) bool { return d.ArtifactType != artifactType })
	}
	return list, nil
}

func (s *session) referrers(ctx context.Context, repository string, d image.Digest, artifactType string) ([]image.Descriptor, error) {
	if unknown, _ := s.c.unreferred.get(s.home); unknown {
		return s.referrersByTag(ctx, repository, d)
	}
	u := s.endpoint.url(repository + "/referrers/" + string(d))
	if artifactType != "" {
		u.RawQuery = url.Values{"artifactType": {artifactType}}.Encode()
	}
	list := []image.Descriptor{}
	err := s.pages(ctx, request{kind: KindReferrers, method: http.MethodGet, url: u, accept: image.MediaTypeOCIIndex, repository: repository}, func(a *answer) (int, error) {
		index, err := image.ParseManifest(a.header.Get("Content-Type"), a.body)
		if err != nil {
			return 0, err
		}
		if !index.IsIndex {
			return 0, fault.New(fault.Invalid, "", "the registry's list of referrers is not an index")
		}
		list = append(list, index.Manifests...)
		return len(list), nil
	})
	var e *Error
	if !errors.As(err, &e) || e.kind == KindToken {
		return list, err
	}
	switch e.Status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusBadRequest, http.StatusNotImplemented:
	default:
		return nil, err
	}
	if e.Code != "NAME_UNKNOWN" { // which is about the repository
		s.c.unreferred.put(s.home, true)
	}
	return s.referrersByTag(ctx, repository, d)
}

// referrersByTag reads the list that clients keep where there is no API for it.
func (s *session) referrersByTag(ctx context.Context, repository string, d image.Digest) ([]image.Descriptor, error) {
	m, err := s.manifest(ctx, repository, strings.Replace(string(d), ":", "-", 1), "")
	switch {
	case hasStatus(err, http.StatusNotFound):
		return []image.Descriptor{}, nil
	case err != nil:
		return nil, err
	case !m.IsIndex:
		return nil, fault.New(fault.Invalid, "", "the tag that stands in for the list of referrers is not an index")
	}
	return m.Manifests, nil
}

// pages reads a list to its end. add returns how many entries there are by now. Of a link to the next page only the query
// counts: the next page is always asked for at the same origin and path, as some servers leave out a part of the path and
// others name a host that only they can reach.
func (s *session) pages(ctx context.Context, r request, add func(*answer) (int, error)) error {
	r.limit = s.c.o.MaxManifest
	for range maxPages {
		a, err := s.do(ctx, r)
		if err != nil {
			return err
		}
		n, err := add(a)
		if err != nil {
			return err
		}
		if n > maxEntries {
			return fault.New(fault.Invalid, "", "the list has more than %d entries", maxEntries)
		}
		query, more := nextPage(a.header.Values("Link"))
		if !more || query == r.url.RawQuery {
			return nil
		}
		next := *r.url
		next.RawQuery = query
		r.url = &next
	}
	return fault.New(fault.Invalid, "", "the list has more than %d pages", maxPages)
}

var (
	linkPattern = regexp.MustCompile(`<([^>]*)>([^<]*)`)
	bareLink    = regexp.MustCompile(`^\s*([^\s;,]+)(.*)$`) // as written by servers that leave the brackets out
	nextPattern = regexp.MustCompile(`(?i);\s*rel\s*=\s*"?next\b`)
)

// nextPage finds the query of the link with rel="next".
func nextPage(links []string) (query string, ok bool) {
	for _, header := range links {
		found := linkPattern.FindAllStringSubmatch(header, 16)
		if found == nil {
			found = bareLink.FindAllStringSubmatch(header, 1)
		}
		for _, link := range found {
			if !nextPattern.MatchString(link[2]) {
				continue
			}
			u, err := url.Parse(link[1])
			if err != nil || u.RawQuery == "" {
				return "", false
			}
			return u.RawQuery, true
		}
	}
	return "", false
}
