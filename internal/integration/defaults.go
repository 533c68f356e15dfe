package integration

import "time"

// Defaults are the public registries seeded into an empty database, all anonymous. Their IDs are the same everywhere, so
// that scripts can name them. Two are not tested when changed: gke.gcr.io does not answer /v2/, and ghcr.io refuses it
// without a token.
func Defaults(now time.Time) []Integration {
	list := []Integration{
		{ID: "d77803b4-9ea8-5fc4-9f0f-dcf9216fa2b5", Name: "Public DockerHub", Type: "docker", Config: at("registry-1.docker.io")},
		{ID: "f8a0e3cc-8f6a-59ec-908c-ae633bcdc149", Name: "Public Kubernetes GCR (deprecated)", Type: "docker", Config: at("k8s.gcr.io")},
		{ID: "fa44cc22-a18f-55ae-8357-a1763545435f", Name: "Public Kubernetes Registry", Type: "docker", Config: at("registry.k8s.io")},
		{ID: "386bc2f2-b3d8-5149-9edf-3672ebf55d3c", Name: "Public GCR", Type: "docker", Config: at("gcr.io")},
		{ID: "67a7219a-42a3-5163-beae-3708e1fc0a72", Name: "Public GKE GCR", Type: "docker", Config: at("gke.gcr.io"), SkipTest: true},
		{ID: "687b678b-2169-581f-8212-015cd8f053b4", Name: "Public Quay.io", Type: "quay", Config: at("quay.io")},
		{ID: "4260fb69-ed9d-5475-9a36-8aef47c25da5", Name: "Public Microsoft Container Registry", Type: "docker", Config: at("mcr.microsoft.com")},
		{ID: "c7f47192-8ac7-51ac-8f55-93679a419b53", Name: "Public Amazon ECR", Type: "docker", Config: at("public.ecr.aws")},
		{ID: "87d16f8e-088b-5498-ad88-bbcd269d722b", Name: "registry.access.redhat.com", Type: "rhel", Config: at("registry.access.redhat.com")},
		{ID: "cbd23dbf-9a5b-518c-89ed-8647b76976ba", Name: "Public GitHub Container Registry", Type: "ghcr", Config: at("ghcr.io"), SkipTest: true},
	}
	for i := range list {
		list[i].Categories = []Category{CategoryRegistry}
		list[i].Revision = 1
		list[i].Created, list[i].Updated = now, now
	}
	return list
}

func at(endpoint string) Config { return NewConfig(map[string]any{"endpoint": endpoint}, nil) }
