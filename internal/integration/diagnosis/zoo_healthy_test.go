package diagnosis_test

import (
	"net/http"
	"testing"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
)

// public makes a product serve everybody.
func public(product registrytest.Product, typ string) func(*testing.T, *patient) {
	return func(t *testing.T, p *patient) {
		shop := p.shop(t, product, registrytest.Site{Public: func(string) bool { return true }})
		p.typ = typ
		p.at(shop.URL, "", "")
		p.named(shop.Host)
	}
}

// healthyRows are about what is all right.
var healthyRows = []row{
	{name: "htpasswd", begin: func(t *testing.T, p *patient) { p.named(p.real(t, registrytest.Options{}).Host) }},
	{name: "htpasswd, below a base path", begin: func(t *testing.T, p *patient) { p.real(t, registrytest.Options{Prefix: "/base"}) }},
	{name: "htpasswd, for one folder of repositories", begin: func(t *testing.T, p *patient) {
		r := p.real(t, registrytest.Options{})
		p.at(r.URL+"/team", zooUser, zooRight)
		p.named(r.Host)
	}},
	{name: "htpasswd over TLS of a private authority", begin: func(t *testing.T, p *patient) {
		p.trust = registrytest.NewAuthority(t)
		p.named(p.real(t, registrytest.Options{TLS: p.trust}).Host)
	}},
	{name: "an intermediate certificate that is sent", begin: func(t *testing.T, p *patient) {
		p.trust = registrytest.NewAuthority(t)
		p.named(p.real(t, registrytest.Options{TLS: p.trust.Below(t, "issuing authority")}).Host)
	}},
	{name: "a token service", begin: func(t *testing.T, p *patient) {
		p.trust = registrytest.NewAuthority(t)
		p.named(p.real(t, registrytest.Options{TLS: p.trust, Tokens: true}).Host)
	}},
	{name: "a client certificate", begin: func(t *testing.T, p *patient) {
		f := mutual(t, p, registrytest.Leaf{Ends: 1000 * 24 * 60 * 60 * 1e9, Common: "landwaiter"})
		p.named(f.Host)
	}},
	{name: "a proxy", begin: func(t *testing.T, p *patient) {
		proxied(t, p)
		p.named("registry.test")
	}},
	{name: "Quay", begin: withImage(sold(registrytest.Quay, "quay", zooRobot, zooRight))},
	{name: "Artifactory", begin: withImage(sold(registrytest.Artifactory, "artifactory", zooUser, zooRight))},
	{name: "Artifactory with anonymous access on", begin: func(t *testing.T, p *patient) {
		public(registrytest.Artifactory, "artifactory")(t, p)
		p.settings["username"], p.settings["password"] = zooUser, zooRight
	}},
	{name: "Docker Hub's protocol", begin: withImage(sold(registrytest.DockerHub, "docker", zooUser, zooRight))},
	{name: "GHCR", begin: withImage(sold(registrytest.GHCR, "ghcr", zooOctocat, zooClassic))},
	{name: "Harbor", begin: withImage(sold(registrytest.Harbor, "harbor", zooUser, zooRight))},
	{name: "GitLab", begin: withImage(sold(registrytest.GitLab, "gitlab", zooUser, zooRight))},
	{name: "Nexus", begin: withImage(sold(registrytest.Nexus, "nexus", zooUser, zooRight))},
	{name: "OpenShift", begin: withImage(sold(registrytest.OpenShift, "docker", zooUser, zooRight))},
	{name: "zot", begin: withImage(sold(registrytest.Zot, "zot", zooUser, zooRight))},
	{name: "Gitea", begin: withImage(sold(registrytest.Gitea, "gitea", zooUser, zooRight))},
	{name: "MSR", begin: withImage(sold(registrytest.MSR, "msr", zooUser, zooRight))},

	{name: "a token service for everybody", begin: func(t *testing.T, p *patient) {
		r := registrytest.Start(t, registrytest.Options{Tokens: true})
		p.at(r.URL, "", "")
	}},
	{name: "an open registry", begin: func(t *testing.T, p *patient) { p.named(p.fake(t, nil, registrytest.Quirks{}).Host) }},
	{name: "a registry that does not know HEAD", begin: func(t *testing.T, p *patient) {
		p.named(p.fake(t, nil, registrytest.Quirks{RefuseHEAD: http.StatusMethodNotAllowed}).Host)
	}},
	{name: "GHCR anonymous, without an image", begin: func(t *testing.T, p *patient) {
		public(registrytest.GHCR, "ghcr")(t, p)
		p.image = ""
	}},
	{name: "GHCR anonymous", begin: public(registrytest.GHCR, "ghcr")},
	{name: "Docker Hub anonymous", begin: public(registrytest.DockerHub, "docker")},
	{name: "Quay anonymous", begin: public(registrytest.Quay, "quay")},
	{name: "Harbor anonymous", begin: public(registrytest.Harbor, "harbor")},
	{name: "Gitea anonymous", begin: public(registrytest.Gitea, "gitea")},
	{name: "Nexus anonymous", begin: public(registrytest.Nexus, "nexus")},
}
