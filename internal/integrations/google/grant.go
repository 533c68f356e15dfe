package google

import (
	"cmp"
	"strings"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func grants(c integration.Config, ref image.Reference) []integration.Grant {
	id, repository := partsOf(c.Text(endpoint), ref.Repository)
	settings := map[string]any{project: id}
	id, repository = cmp.Or(id, "PROJECT"), cmp.Or(repository, "REPOSITORY")
	bind := func(member string) string { return bind(c.Text(endpoint), id, repository, member) }
	summary := " Artifact Registry Reader (roles/artifactregistry.reader) on the repository " + repository + " of the project " + id + "."
	account := "landwaiter-pull@" + accountDomain(id) + ".iam.gserviceaccount.com"
	return []integration.Grant{
		{
			Method:   "Workload identity",
			Settings: map[string]any{project: settings[project], wifEnabled: true},
			Summary:  "If Landwaiter runs on Google Cloud, or has a federated credential file: no key is stored. Its service account needs" + summary,
			Steps: []string{
				"Find the service account of the machine, or that of the pod's Workload Identity: its e-mail address stands for LANDWAITER_SERVICE_ACCOUNT.",
				bind("LANDWAITER_SERVICE_ACCOUNT"), analyse(id, "LANDWAITER_SERVICE_ACCOUNT"),
			},
		},
		{
			Method: "Service account key", Settings: settings, Fill: []string{serviceAccount},
			Summary: "If Landwaiter runs anywhere else. A service account of its own needs" + summary,
			Steps: []string{
				"gcloud iam service-accounts create landwaiter-pull --project=" + id,
				bind(account), analyse(id, account),
				"gcloud iam service-accounts keys create key.json --iam-account=" + account + ", enter what the file holds, and delete the file.",
			},
		},
	}
}

// bind lets a service account read a repository.
func bind(host, id, repository, member string) string {
	return "gcloud artifacts repositories add-iam-policy-binding " + repository + " --project=" + id + " --location=" + locationOf(host) +
		" --member=serviceAccount:" + member + " --role=roles/artifactregistry.reader"
}

// analyse lets a service account read what was found in the images of a project.
func analyse(id, member string) string {
	return "To see what Google's Artifact Analysis found (category SCANNER): gcloud projects add-iam-policy-binding " + id + " --member=serviceAccount:" + member +
		" --role=roles/containeranalysis.occurrences.viewer"
}

// partsOf are the project and the repository of Artifact Registry that an image is in, as far as its name says. That of the
// hosts of Container Registry is named like the host.
func partsOf(host, name string) (id, repository string) {
	if isContainerRegistry(host) {
		repository = host
	}
	segments := strings.Split(name, "/")
	if name == "" {
		return "", repository
	}
	id, segments = segments[0], segments[1:]
	if strings.Contains(id, ".") && len(segments) > 0 {
		id, segments = id+":"+segments[0], segments[1:]
	}
	if _, ok := projectPath(id); !ok {
		return "", repository
	}
	if repository == "" && len(segments) > 1 {
		repository = segments[0]
	}
	return id, repository
}

// accountDomain is a project in the address of its service accounts.
func accountDomain(id string) string {
	if domain, name, ok := strings.Cut(id, ":"); ok {
		return name + "." + domain
	}
	return id
}

var containerRegistryLocations = map[string]string{"gcr.io": "us", "us.gcr.io": "us", "eu.gcr.io": "europe", "asia.gcr.io": "asia"}

func locationOf(host string) string {
	location, ok := strings.CutSuffix(host, "-docker.pkg.dev")
	if !ok {
		location = cmp.Or(containerRegistryLocations[host], "LOCATION")
	}
	return location
}

// testAdvice is for findings of the connection test, by name.
var testAdvice = map[string]string{
	"wrong-password":                 "Google gave an access token that the registry does not take. Check that the service account is enabled, and that the Artifact Registry API is: gcloud services enable artifactregistry.googleapis.com --project=PROJECT",
	"pull-denied":                    noRight,
	"scope-narrowed":                 noRight,
	"repository-not-found-or-hidden": noRight,
}

const noRight = "Check the name, the project's in front included. Give the identity the role on the repository: gcloud artifacts repositories add-iam-policy-binding REPOSITORY --location=LOCATION --project=PROJECT --member=MEMBER --role=roles/artifactregistry.reader"
