package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/landwaiter/landwaiter/internal/auth"
)

// Who may call an operation that needs no permission.
const (
	anyone   auth.Permission = ""          // without signing in
	signedIn auth.Permission = "signed in" // whatever the role
)

// An operation is one method of one path, and what it needs.
type operation struct {
	method, path string
	needs        auth.Permission
	tag          string
	summary      string
	description  string
}

// operations is every operation by its ID.
var operations = map[string]operation{
	"ping":       {"GET", "/v1/ping", anyone, "System", "Say that the server answers", ""},
	"metadata":   {"GET", "/v1/metadata", signedIn, "System", "Show the server's version", ""},
	"authStatus": {"GET", "/v1/auth/status", signedIn, "System", "Show who the caller is and what they may do", ""},

	"myPermissions": {"GET", "/v1/mypermissions", signedIn, "System", "Show what the caller may do, in RHACS's words", ""},
	"sensorUpgrades": {"POST", "/v1/sensorupgrades/config", auth.WriteIntegrations, "System", "Take RHACS's setting for upgrades of its sensors",
		"There are no sensors here: nothing is stored. Clients of RHACS, such as its Terraform provider, send this before anything else."},

	"listIntegrations": {"GET", "/v1/imageintegrations", auth.ReadIntegrations, "Integrations", "List integrations",
		"Secrets are masked as ****** when they are set and empty when they are not."},
	"getIntegration": {"GET", "/v1/imageintegrations/{id}", auth.ReadIntegrations, "Integrations", "Show an integration", ""},
	"createIntegration": {"POST", "/v1/imageintegrations", auth.WriteIntegrations, "Integrations", "Create an integration",
		"The connection is tested first unless skipTestIntegration is true. The answer is the stored integration with its secrets masked."},
	"replaceIntegration": {"PUT", "/v1/imageintegrations/{id}", auth.WriteIntegrations, "Integrations", "Replace an integration",
		"A secret sent as ****** keeps the stored one; an empty secret clears it. Fields that a kept secret is bound to must not change."},
	"patchIntegration": {"PATCH", "/v1/imageintegrations/{id}", auth.WriteIntegrations, "Integrations", "Change an integration",
		"With updatePassword false all stored secrets are kept, and the fields they are bound to must not change."},
	"deleteIntegration": {"DELETE", "/v1/imageintegrations/{id}", auth.WriteIntegrations, "Integrations", "Delete an integration", ""},
	"releaseIntegration": {"POST", "/v1/imageintegrations/{id}/release", auth.WriteIntegrations, "Integrations", "Hand an integration that a file owns over to people",
		"It stays as it is, and can then be changed here. A document that still describes it is reported as a conflict until it is gone."},
	"listIntegrationFiles": {"GET", "/v1/integrationfiles", auth.ReadIntegrations, "Integrations", "Show what became of the files that describe integrations",
		"These are the files of the server's --config-dir; directory is empty when it has none."},
	"integrationConsequences": {"GET", "/v1/imageintegrations/{id}/consequences", auth.ReadIntegrations, "Integrations",
		"Say which images would lose their source if an integration were deleted",
		"No registry is asked. Listed are the images whose latest stored assessment was served by the integration, with the candidates that would be asked instead."},
	"integrationChangeConsequences": {"POST", "/v1/imageintegrations/{id}/consequences", auth.WriteIntegrations, "Integrations",
		"Say which images would lose their source if an integration were changed",
		"The body is that of PATCH; nothing is stored and no registry is asked. Listed are the images that the changed integration would not ask for any more, or at another address."},
	"testIntegration": {"POST", "/v1/imageintegrations/test", auth.WriteIntegrations, "Integrations", "Test an integration without storing it",
		"It is tested even if skipTestIntegration is true."},
	"testUpdatedIntegration": {"POST", "/v1/imageintegrations/test/updated", auth.WriteIntegrations, "Integrations",
		"Test a change of an integration without storing it", "What is stored under config.id completes the change as PATCH would."},
	"diagnoseIntegration": {"POST", "/v1/imageintegrations/diagnose", auth.WriteIntegrations, "Integrations",
		"Test an integration step by step without storing it",
		"Every step has a verdict, what was seen, how long it took and, where something is wrong, the likely cause and what to do. What is stored under config.id completes the change as PATCH would. With Accept: application/x-ndjson each step is told as soon as it is judged."},
	"diagnoseStoredIntegration": {"POST", "/v1/imageintegrations/{id}/diagnose", auth.WriteIntegrations, "Integrations",
		"Test a stored integration step by step",
		"As diagnoseIntegration does, with what is stored. The body may name an image."},
	"listIntegrationHealth": {"GET", "/v1/integrationhealth/imageintegrations", auth.ReadIntegrations, "Integrations",
		"List the health of integrations (RHACS's shape)", "What works with a warning is HEALTHY; what could not be looked at is UNINITIALIZED."},
	"listHealth": {"GET", "/v1/integrationhealth", auth.ReadIntegrations, "Integrations", "List the health of integrations",
		"Only the registry's side and the integration's credential count, not whether images are there. events counts all there ever were; a doubt is a bad result that is not believed before it is confirmed."},
	"getHealth": {"GET", "/v1/imageintegrations/{id}/health", auth.ReadIntegrations, "Integrations", "Show the health of an integration with its history", ""},
	"checkHealth": {"POST", "/v1/imageintegrations/{id}/health", auth.WriteIntegrations, "Integrations", "Look at the health of an integration now",
		"The registry is sent a few requests. The result counts as any other does."},
	"listExpiries": {"GET", "/v1/integrationexpiries", auth.ReadIntegrations, "Integrations",
		"List when credentials and certificates of integrations end, soonest first", ""},
	"listIntegrationTypes": {"GET", "/v1/integrationtypes", auth.ReadIntegrations, "Integrations",
		"List the types of integrations with their fields", ""},
	"suggestIntegration": {"POST", "/v1/integrationtypes/suggest", auth.ReadIntegrations, "Integrations",
		"Propose how to connect the registry of an image or host",
		"Nothing is asked on the network. Send image or host: a reference, a host, an address, or a key of a pull secret. The answer's integration can be sent to create it once what is missing is filled in; grant is the least permission to ask the registry's owner for."},

	"explainImage": {"GET", "/v1/explain", auth.ReadIntegrations, "Images", "Say which integrations would be asked for an image, in which order and why",
		"No registry is asked. last says how it went for the latest stored assessment of the reference; an image that was never served has none. When no integration is for the registry, anonymous is true."},

	"assess": {"POST", "/v1/assessments", auth.ScanImages, "Images", "Assess an image",
		"Answers when the assessment is done, which can take minutes for a large image. Only assessments of depth check are kept."},
	"assessPlatforms": {"POST", "/v1/assessments/platforms", auth.ScanImages, "Images", "Assess several platforms of an image",
		"Each platform's answer is that of assess, and is kept as that is. Beside them are the union and what the platforms differ in. A platform that cannot be assessed says why; the verdict is then undecided at best."},
	"listAssessments": {"GET", "/v1/assessments", auth.ReadImages, "Images", "List the latest assessments, newest first",
		"outdated marks those that are about to be judged by newer advisories, or other VEX documents, exceptions or policies."},
	"getAssessment": {"GET", "/v1/assessments/{id}", auth.ReadImages, "Images", "Show an assessment",
		"It is judged by the newest advisories, VEX documents, exceptions and policies first if it was not. No registry is asked."},
	"assessSBOM": {"POST", "/v1/assessments/sbom", auth.ScanImages, "Images", "Assess a software bill of materials",
		"The body is a CycloneDX (1.2 to 1.7) or SPDX (2.2, 2.3, 3.0) document in JSON, or an assessment, of at most 64 MiB. Its components are matched and judged as if they had been scanned. The answer is not kept."},
	"getSBOM": {"GET", "/v1/assessments/{id}/sbom", auth.ReadImages, "Images", "Write an assessment as a software bill of materials",
		"The same assessment gives the same bytes. An image that was only partly read says so in the document; one that was not scanned has none."},
	"deleteAssessment": {"DELETE", "/v1/assessments/{id}", auth.ScanImages, "Images", "Forget an assessment", ""},

	"checkDeployments": {"POST", "/v1/deployments/check", auth.ScanImages, "Deployments", "Check Kubernetes workloads by the policies of the stage deploy",
		"Answers when every image is assessed, each once, which can take minutes; these assessments are kept. An image that cannot be had says why and leaves the policies that look into it undecided. Objects that run no containers are listed as ignored; a malformed manifest is an error."},
	"listImages": {"GET", "/v1/images", auth.ReadImages, "Images", "List the stored images by digest (RHACS's shape)",
		"query is RHACS's: Field:value,value+Field:value with the fields Image, Image Sha and CVE; a value is the beginning, \"the whole\" or r/a regular expression, and ! is for all others. Another field is refused, since an answer without it would be too long. At most 1000 are listed at once; they are never sorted otherwise."},
	"countImages": {"GET", "/v1/imagescount", auth.ReadImages, "Images", "Count the stored images (RHACS's shape)", "As listImages selects them."},
	"getImage": {"GET", "/v1/images/{id}", auth.ReadImages, "Images", "Show the newest assessment of an image (RHACS's shape)",
		"The ID is the digest of the manifest, with or without sha256:."},
	"deleteImages": {"DELETE", "/v1/images", auth.ScanImages, "Images", "Forget the stored images that a query selects (RHACS's shape)",
		"Without confirm it is only counted how many that are."},

	"listWatched": {"GET", "/v1/watchedimages", auth.ReadImages, "Images", "List the images that are watched, and how that goes",
		"They are assessed again and again, whoever asks for them, and each time it is looked up what the tag stands for."},
	"watchImage": {"POST", "/v1/watchedimages", auth.ScanImages, "Images", "Watch an image",
		"It is assessed in the background at once, also if it is watched already; listWatched says how that went. What is no tag is told in errorType, as RHACS does."},
	"unwatchImage": {"DELETE", "/v1/watchedimages", auth.ScanImages, "Images", "Watch an image no longer", "It is no error if it is not watched."},

	"imageHistory": {"GET", "/v1/history", auth.ReadImages, "Images", "Show what changed for an image: findings, severities, fixes, the verdict",
		"Kept are the last 100 changes of each platform, each with what it was because of. No registry is asked."},
	"rematching": {"GET", "/v1/rematching", auth.ReadImages, "Images", "Show how far the stored images are judged by the newest advisories, VEX documents, exceptions and policies", ""},

	"advisoryStatus": {"GET", "/v1/advisories", auth.ReadImages, "Advisories", "Show which advisory data there is, and its age", ""},
	"importAdvisories": {"POST", "/v1/advisories", auth.WriteAdvisories, "Advisories", "Import advisory data",
		"The body is a zip archive of OSV records. What it brings replaces, ecosystem by ecosystem, what was there."},

	"listVEX": {"GET", "/v1/vex", auth.ReadImages, "VEX", "List the VEX documents that count", ""},
	"importVEX": {"POST", "/v1/vex", auth.WriteAdvisories, "VEX", "Import a VEX document",
		"The body is an OpenVEX, CycloneDX or CSAF VEX document of at most 8 MiB. It replaces the one of the same ID, unless that is newer. Stored images are judged again within seconds."},
	"deleteVEX": {"DELETE", "/v1/vex/{key}", auth.WriteAdvisories, "VEX", "Delete a VEX document", "What it set aside counts again."},

	"listExceptions": {"GET", "/v1/exceptions", auth.ReadImages, "Exceptions", "List the exceptions for vulnerabilities, those in force first",
		"Those that are expired or revoked stay listed as history, until somebody deletes them."},
	"getException": {"GET", "/v1/exceptions/{id}", auth.ReadImages, "Exceptions", "Show an exception", ""},
	"createException": {"POST", "/v1/exceptions", auth.WriteExceptions, "Exceptions", "Add an exception",
		"Its author is whoever calls. Without an id it is given one. Stored images are judged again within seconds."},
	"putException": {"PUT", "/v1/exceptions/{id}", auth.WriteExceptions, "Exceptions", "Change an exception, or add it if there is none of the id",
		"Its author is whoever calls, unless it says what was there before. One that was revoked is refused."},
	"revokeException": {"POST", "/v1/exceptions/{id}/revoke", auth.WriteExceptions, "Exceptions", "End an exception now, and keep it as history", ""},
	"deleteException": {"DELETE", "/v1/exceptions/{id}", auth.WriteExceptions, "Exceptions", "Forget an exception that is expired or revoked", ""},
	"exportExceptions": {"GET", "/v1/openvex", auth.ReadImages, "Exceptions", "Write the exceptions in force as an OpenVEX document",
		"Patterns of images and components are resolved with the stored images."},

	"listPolicies": {"GET", "/v1/policies", auth.ReadImages, "Policies", "List the policies (RHACS's shape)",
		"query and pagination are RHACS's. What Landwaiter knows of its policies beyond that is at /v1/policydocuments."},
	"getPolicy": {"GET", "/v1/policies/{id}", auth.ReadImages, "Policies", "Show a policy (RHACS's shape)", "What it says is in its document."},
	"patchPolicy": {"PATCH", "/v1/policies/{id}", auth.WritePolicies, "Policies", "Switch a policy on or off, or enforce it",
		"What is left out stays. The policy's document is written anew."},
	"deletePolicy": {"DELETE", "/v1/policies/{id}", auth.WritePolicies, "Policies", "Delete a policy",
		"Of a built-in policy that was changed, the built-in one comes back; one that was not cannot be deleted, but disabled."},
	"applyPolicies": {"POST", "/v1/policies", auth.WritePolicies, "Policies", "Create or replace policies",
		"All of them or, if there is a mistake in one, none: details of the error then lists every mistake with its place. A document of the name of a built-in policy replaces that."},
	"replacePolicy": {"PUT", "/v1/policies/{id}", auth.WritePolicies, "Policies", "Create or replace one policy", "The document's metadata.name must be the one of the path."},
	"getPolicyDocument": {"GET", "/v1/policies/{id}/document", auth.ReadImages, "Policies", "Show a policy's document",
		"YAML as it was written, or JSON if that is accepted."},
	"listPolicyDocuments": {"GET", "/v1/policydocuments", auth.ReadImages, "Policies", "List what the policies say, and where they come from",
		"source is built-in, changed (a document replaces the built-in policy of its name) or own."},
	"importPolicies": {"POST", "/v1/policies/import", auth.WritePolicies, "Policies", "Import policies of RHACS",
		"Takes RHACS's export, or SecurityPolicy resources. Every policy is answered for, with what of it cannot be said here; those that are not refused are created, or replace what was imported before."},
	"validatePolicies": {"POST", "/v1/policies/validate", auth.ReadImages, "Policies", "Check policies without storing them",
		"Every mistake is reported with its line and column."},
	"testPolicies": {"POST", "/v1/policies/test", auth.ScanImages, "Policies", "Say why an image breaks policies, or why not",
		"Each part of a condition is shown with its values, for the image or for the items of a list: those it holds for, and those that come nearest. Nothing is kept. Disabled policies are tried, too."},
	"dryRunPolicies": {"POST", "/v1/policies/dryrun", auth.ReadImages, "Policies", "Say which stored images policies would refuse, and since when",
		"No registry is asked. Each policy is tried at its first stage, disabled or not. since.atLeast says that what was before is not known."},

	"listTrusts": {"GET", "/v1/auth/m2m", auth.ManageTokens, "API tokens", "List the issuers of identity tokens that are trusted", ""},
	"getTrust":   {"GET", "/v1/auth/m2m/{id}", auth.ManageTokens, "API tokens", "Show a trusted issuer", ""},
	"createTrust": {"POST", "/v1/auth/m2m", auth.ManageTokens, "API tokens", "Trust an issuer of identity tokens",
		"The issuer is an OpenID Connect provider, such as that of GitHub's workflows. An issuer can be trusted once."},
	"replaceTrust": {"PUT", "/v1/auth/m2m/{id}", auth.ManageTokens, "API tokens", "Replace what is trusted of an issuer",
		"Tokens that were exchanged before end at once. A trust of that ID is made if there is none."},
	"deleteTrust": {"DELETE", "/v1/auth/m2m/{id}", auth.ManageTokens, "API tokens", "Trust an issuer no longer",
		"Tokens that were exchanged end at once. It is no error if there is no such trust."},
	"exchangeToken": {"POST", "/v1/auth/m2m/exchange", anyone, "API tokens", "Exchange an identity token for an API token",
		"The identity token is a JWT of a trusted issuer. The API token that is given for it is valid for as long as the trust says."},

	"rhacsScanImage": {"POST", "/v1/images/scan", auth.ScanImages, "RHACS", "Scan an image (RHACS's shape)",
		"Takes imageName and includeSnoozed, which adds the findings that are set aside. The image is read anew each time and its assessment is kept; force, cluster and namespace change nothing. What was not checked or not read is a vulnerability NOT-CHECKED or NOT-READ of unknown severity."},
	"rhacsCheckImage": {"POST", "/v1/detect/build", auth.ScanImages, "RHACS", "Check an image against the policies of the build stage (RHACS's shape)",
		"Takes imageName or image, and policyCategories. A policy that could not be evaluated is an alert, too."},
	"rhacsCheckWorkloads": {"POST", "/v1/detect/deploy/yaml", auth.ScanImages, "RHACS", "Check Kubernetes manifests against the policies of the stage deploy (RHACS's shape)",
		"Takes yaml, policyCategories, enforcementOnly, cluster and namespace, which are those that the workloads are meant for."},
	"rhacsSBOM": {"POST", "/api/v1/images/sbom", auth.ScanImages, "RHACS", "Scan an image and write its bill of materials in SPDX 2.3 (RHACS's path)", ""},
	"rhacsScanSBOM": {"POST", "/api/v1/sboms/scan", auth.ScanImages, "RHACS", "Scan a software bill of materials (RHACS's shape)",
		"Takes what assessSBOM takes. The answer has the shape of an image's scan, and is not kept."},

	"listTokens": {"GET", "/v1/apitokens", auth.ManageTokens, "API tokens", "List the API tokens", ""},
	"createToken": {"POST", "/v1/apitokens", auth.ManageTokens, "API tokens", "Create an API token",
		"The token is shown in this answer only."},
	"generateToken": {"POST", "/v1/apitokens/generate", auth.ManageTokens, "API tokens", "Create an API token (RHACS's path)",
		"The token is shown in this answer only."},
	"getToken":           {"GET", "/v1/apitokens/{id}", auth.ManageTokens, "API tokens", "Show an API token", "The token itself cannot be shown again."},
	"allowedRoles":       {"GET", "/v1/apitokens/generate/allowed-roles", auth.ManageTokens, "API tokens", "List the roles that an API token can have", ""},
	"revokeTokenAsRHACS": {"PATCH", "/v1/apitokens/revoke/{id}", auth.ManageTokens, "API tokens", "Revoke an API token (RHACS's path)", ""},
	"revokeToken":        {"DELETE", "/v1/apitokens/{id}", auth.ManageTokens, "API tokens", "Revoke an API token", ""},
}

// register adds an operation of the table. Whatever the handler fails with becomes the one error body.
func register[I, O any](a *API, id string, handle func(context.Context, *I) (*O, error), change ...func(*huma.Operation)) {
	o, ok := operations[id]
	if !ok || a.registered[id] {
		panic(fmt.Sprintf("api: operation %q is not in the table, or registered twice", id))
	}
	a.registered[id] = true
	op := huma.Operation{
		OperationID: id, Method: o.method, Path: o.path, Tags: []string{o.tag}, Summary: o.summary, Description: o.description,
		MaxBodyBytes:    maxBody,
		BodyReadTimeout: -1, // deadlines on slow bodies are the server's
		Middlewares:     huma.Middlewares{a.admit(o.needs)},
		DefaultStatus:   http.StatusOK,
		Security:        []map[string][]string{},
	}
	if o.needs != anyone {
		op.Security = []map[string][]string{{"bearer": {}}, {"basic": {}}}
	}
	if o.needs != anyone && o.needs != signedIn {
		op.Extensions = map[string]any{"x-permission": string(o.needs)}
	}
	for _, f := range change {
		f(&op)
	}
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return out, nil
	})
}

// done is the answer of operations that have nothing to say.
type done struct {
	Body struct{}
}

// byID is the input of operations on one thing.
type byID struct {
	ID string `path:"id" maxLength:"200"`
}
