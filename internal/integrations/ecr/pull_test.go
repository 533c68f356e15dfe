package ecr

import (
	"context"
	"fmt"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/integrations/ecr/awstest"
)

// A world is a cloud, a registry that takes one of its passwords, and a network in which every host is that registry.
type world struct {
	cloud  *awstest.Cloud
	net    *integrationtest.Internet
	client *distribution.Client
	digest image.Digest
	now    func() time.Time
}

var foreign = []string{
	"210987654321.dkr.ecr.us-east-1.amazonaws.com", account + ".dkr.ecr.eu-central-1.amazonaws.com", "docker.io",
	"evil-" + homeHost + ".evil.example", homeHost + ".evil.example", homeHost + ".cn",
}

const repository = "docker-hub/library/nginx"

// newWorld starts one whose registry accepts the nth password only; 0 for all, which are then the same.
func newWorld(t *testing.T, nth int) *world {
	t.Helper()
	w := &world{cloud: newCloud(), now: time.Now}
	if nth == 0 {
		w.cloud.Password = func(int) string { return "password:0" }
	}
	registry := registrytest.Start(t, registrytest.Options{Users: map[string]string{"AWS": fmt.Sprint("password:", nth)}})
	w.digest = registrytest.Push(t, registry, repository, "1", registrytest.Image{}).Digest
	to, err := url.Parse(registry.URL)
	if err != nil {
		t.Fatal(err)
	}
	w.net = integrationtest.NewInternet(t)
	for _, host := range slices.Concat(hostsOf(account, home), publicHosts, foreign) {
		w.net.Add(host, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }})
	}
	w.client = distribution.New(distribution.Options{Now: time.Now, Transport: w.net.Transport()})
	return w
}

func (w *world) open(t *testing.T, typ integration.Type, c integration.Config, env func(string) string) integration.Candidate {
	t.Helper()
	c, err := validate(t, typ, c)
	if err != nil {
		t.Fatal(err)
	}
	types, err := integration.NewTypes(typ)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := types.Open(
		integration.Integration{Type: typ.ID, Categories: []integration.Category{integration.CategoryRegistry}, Config: c},
		integration.Deps{Now: w.now, HTTP: w.cloud, Identity: env})
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// resolve is what is done for an image: the integration is asked only if it serves it.
func (w *world) resolve(c integration.Candidate, host string) error {
	ref := image.Reference{Registry: host, Repository: repository, Tag: "1"}
	list := integration.Candidates([]integration.Candidate{c}, ref)
	if len(list) == 0 {
		return errNotServed
	}
	got, err := w.client.Resolve(context.Background(), list[0].Source(context.Background(), ref), ref)
	if err == nil && got.Digest != w.digest {
		return fmt.Errorf("resolved %s, pushed %s", got.Digest, w.digest)
	}
	return err
}

var errNotServed = fault.New(fault.NotFound, "resolve", "no candidate")

func TestPull(t *testing.T) {
	t.Run("from_the_pods_identity_to_the_image_at_every_host_of_the_registry", func(t *testing.T) {
		w := newWorld(t, 0)
		c := w.open(t, Type(), config(byRole, useAssumeRole, true, assumeRoleID, "reader"),
			from("AWS_WEB_IDENTITY_TOKEN_FILE", integrationtest.File(t, podToken), "AWS_ROLE_ARN", podRole))
		for _, host := range hostsOf(account, home) {
			if err := w.resolve(c, host); err != nil {
				t.Errorf("%s: %v", host, err)
			}
			signedIn := false
			for _, sent := range w.net.Requests() {
				signedIn = signedIn || strings.Contains(sent.Dump, "Authorization: Basic ")
				if sent.Host != host {
					t.Errorf("for %s, %s was called", host, sent.Host)
				}
			}
			if !signedIn {
				t.Errorf("%s was not signed in to", host)
			}
		}
		if n := w.cloud.Issued(); n != 1 {
			t.Errorf("%d passwords for one identity", n)
		}
	})
	t.Run("images_of_other_registries_are_neither_served_nor_signed_in_for", func(t *testing.T) {
		w := newWorld(t, 0)
		c := w.open(t, Type(), config(byKeys), nil)
		for _, host := range slices.Concat(foreign, publicHosts) {
			if err := w.resolve(c, host); err != errNotServed {
				t.Errorf("%s: %v", host, err)
			}
		}
		if calls, sent := w.cloud.Calls(), w.net.Requests(); len(calls) != 0 || len(sent) != 0 {
			t.Errorf("asked %v and %v", calls, sent)
		}
	})
	t.Run("callers_share_one_password", func(t *testing.T) {
		w := newWorld(t, 0)
		c := w.open(t, Type(), config(byKeys), nil)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if err := w.resolve(c, homeHost); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := w.cloud.Issued(); n != 1 {
			t.Errorf("%d passwords", n)
		}
	})
	t.Run("the_password_is_renewed_before_it_ends", func(t *testing.T) {
		w := newWorld(t, 0)
		start, passed := time.Now(), time.Duration(0)
		w.now = func() time.Time { return start.Add(passed) }
		c := w.open(t, Type(), config(byKeys), nil)
		for _, step := range []struct {
			after time.Duration
			want  int
		}{{0, 1}, {9 * time.Hour, 1}, {11*time.Hour + 55*time.Minute, 2}} {
			passed = step.after
			if err := w.resolve(c, homeHost); err != nil {
				t.Fatal(err)
			}
			if n := w.cloud.Issued(); n != step.want {
				t.Errorf("after %s: %d passwords, want %d", step.after, n, step.want)
			}
		}
	})
	t.Run("a_refused_password_is_renewed_once", func(t *testing.T) {
		w := newWorld(t, 2)
		c := w.open(t, Type(), config(byKeys), nil)
		for range 2 {
			if err := w.resolve(c, homeHost); err != nil {
				t.Fatal(err)
			}
		}
		if n := w.cloud.Issued(); n != 2 {
			t.Errorf("%d passwords, want the refused one and one more", n)
		}
	})
	t.Run("a_registry_that_refuses_every_password_is_not_tried_for_ever", func(t *testing.T) {
		w := newWorld(t, 99)
		c := w.open(t, Type(), config(byKeys), nil)
		err := w.resolve(c, homeHost)
		if fault.CodeOf(err) != fault.Unauthenticated {
			t.Errorf("%v", err)
		}
		if n := w.cloud.Issued(); n != 2 {
			t.Errorf("%d passwords", n)
		}
		if strings.Contains(err.Error(), "password:") {
			t.Errorf("the password is shown: %v", err)
		}
	})
	t.Run("the_reason_of_a_failed_sign_in_arrives", func(t *testing.T) {
		w := newWorld(t, 0)
		c := w.open(t, Type(), config(byKeys, secretAccessKey, "wrong-secret"), nil)
		err := w.resolve(c, homeHost)
		if fault.CodeOf(err) != fault.Unauthenticated || !strings.Contains(err.Error(), "InvalidSignatureException") || !strings.Contains(fault.FixOf(err), "secret access key") {
			t.Errorf("%v (%s)", err, fault.FixOf(err))
		}
	})
	t.Run("ECR_Public", func(t *testing.T) {
		w := newWorld(t, 0)
		w.cloud.Users[0].Actions = []string{"ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken"}
		c := w.open(t, PublicType(), config(map[string]any{accessKeyID: "AKIAUSER", secretAccessKey: "user-secret"}), nil)
		for _, host := range publicHosts {
			if err := w.resolve(c, host); err != nil {
				t.Errorf("%s: %v", host, err)
			}
		}
		if err := w.resolve(c, homeHost); err != errNotServed {
			t.Errorf("a private registry: %v", err)
		}
	})
}
