package google

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/oauth2/google"
	"golang.org/x/oauth2/google/externalaccount"

	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// A key is a credential file of Google's. What is read here goes to the addresses that stand in it, so these are checked.
type key struct {
	Type string `json:"type"`

	// of a service_account
	ProjectID    string      `json:"project_id"`
	ClientEmail  string      `json:"client_email"`
	PrivateKeyID string      `json:"private_key_id"`
	PrivateKey   secret.Text `json:"private_key"`
	TokenURI     string      `json:"token_uri"`

	// of an external_account
	Audience         string                            `json:"audience"`
	SubjectTokenType string                            `json:"subject_token_type"`
	TokenURL         string                            `json:"token_url"`
	ImpersonationURL string                            `json:"service_account_impersonation_url"`
	Impersonation    impersonation                     `json:"service_account_impersonation"`
	Source           *externalaccount.CredentialSource `json:"credential_source"`
	ClientID         string                            `json:"client_id"`
	ClientSecret     secret.Text                       `json:"client_secret"`
	UserProject      string                            `json:"workforce_pool_user_project"`

	UniverseDomain string `json:"universe_domain"`
}

type impersonation struct {
	Seconds int `json:"token_lifetime_seconds"`
}

const (
	typeServiceAccount = "service_account"
	typeFederation     = "external_account"
)

// otherTypes are what people have at hand and cannot be used. Other types are not repeated in messages: whoever pastes the
// wrong thing may have pasted a secret.
var otherTypes = []string{
	"authorized_user", "external_account_authorized_user", "impersonated_service_account", "gdch_service_account",
}

// googleDomain is the only universe whose tokens can be had here.
const googleDomain = "googleapis.com"

// The services that take part in signing in. Names below p.googleapis.com are private endpoints in somebody's network.
var (
	tokenHost         = regexp.MustCompile(`^((oauth2|www)\.googleapis\.com|accounts\.google\.com|oauth2-[a-z0-9-]+\.p\.googleapis\.com)$`)
	stsHost           = regexp.MustCompile(`^(sts\.googleapis\.com|sts\.[a-z0-9-]+\.rep\.googleapis\.com|sts-[a-z0-9-]+\.p\.googleapis\.com)$`)
	impersonationHost = regexp.MustCompile(`^(iamcredentials\.googleapis\.com|iamcredentials\.[a-z0-9-]+\.rep\.googleapis\.com|iamcredentials-[a-z0-9-]+\.p\.googleapis\.com)$`)
)

func problem(message, fix string) *integration.Problem {
	return &integration.Problem{Message: message, Fix: fix}
}

const makeKey = "Make a new key with: gcloud iam service-accounts keys create key.json --iam-account=ACCOUNT, and send the whole file."

// parseKey reads a credential file and checks everything but where a federated identity comes from.
func parseKey(raw []byte) (*key, *integration.Problem) {
	var k key
	if json.Unmarshal(raw, &k) != nil {
		return nil, problem("the service account key is not the JSON document of a Google credential", makeKey)
	}
	switch {
	case slices.Contains(otherTypes, k.Type):
		return nil, problem("a credential of the type "+k.Type+" is not accepted: it must be of the type service_account or external_account", makeKey)
	case k.Type != typeServiceAccount && k.Type != typeFederation:
		return nil, problem("the service account key has no \"type\" that is accepted: it must be service_account or external_account", makeKey)
	case k.UniverseDomain != "" && k.UniverseDomain != googleDomain:
		return nil, problem("a key of another universe than googleapis.com is not supported", "Use workload identity on a machine of that cloud.")
	case k.federated():
		return &k, k.federationProblem()
	}
	if k.TokenURI == "" {
		k.TokenURI = google.JWTTokenURL
	}
	switch {
	case k.ClientEmail == "" || !k.PrivateKey.IsSet():
		return nil, problem("the service account key has no client_email or no private_key", makeKey)
	case !readable(k.PrivateKey):
		return nil, problem("the private_key of the service account key is no RSA key in PEM form", makeKey)
	case !isAt(k.TokenURI, tokenHost):
		return nil, problem("the token_uri of the service account key is not Google's", "It should be "+google.JWTTokenURL+".")
	}
	return &k, nil
}

// maxPrivateKey has room for an RSA key of 16384 bits. Larger ones take minutes to check.
const maxPrivateKey = 16 << 10

func readable(privateKey secret.Text) bool {
	if len(privateKey.Reveal()) > maxPrivateKey {
		return false
	}
	block, _ := pem.Decode([]byte(privateKey.Reveal()))
	if block == nil {
		return false
	}
	if _, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return true
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	_, isRSA := parsed.(*rsa.PrivateKey)
	return err == nil && isRSA
}

// federated reports whether the key says where another identity is found instead of being one.
func (k *key) federated() bool { return k.Type == typeFederation }

const makeFederation = "Make the file with: gcloud iam workload-identity-pools create-cred-config."

func (k *key) federationProblem() *integration.Problem {
	switch {
	case k.Audience == "" || k.SubjectTokenType == "" || k.Source == nil:
		return problem("the external_account configuration has no audience, no subject_token_type or no credential_source", makeFederation)
	case k.TokenURL != "" && !isAt(k.TokenURL, stsHost):
		return problem("the token_url of the external_account configuration is not Google's", "It should be https://sts.googleapis.com/v1/token.")
	case k.ImpersonationURL != "" && !isAt(k.ImpersonationURL, impersonationHost):
		return problem("the service_account_impersonation_url of the external_account configuration is not Google's", makeFederation)
	case k.Source.Executable != nil:
		return problem("an external_account configuration that runs a program (credential_source.executable) is not accepted", "Let the program write the token into a file, and name that file in credential_source.")
	}
	return nil
}

// azureIdentity is where a machine in Azure gets its own token.
const azureIdentity = "http://169.254.169.254/metadata/identity/oauth2/token?"

// tokenFolders are where a machine's or a pod's identity tokens are mounted.
var tokenFolders = []string{"/var/run/secrets/", "/run/secrets/"}

// pastedProblem refuses what only the operator of this program may say. Whoever edits an integration could otherwise have it
// read any file, or ask any address inside the network.
func (k *key) pastedProblem() *integration.Problem {
	if !k.federated() {
		return nil
	}
	const operator = "Whoever runs this program can allow other sources: put the configuration into a file, name it in the variable GOOGLE_APPLICATION_CREDENTIALS, and use workload identity here."
	at := k.Source.File
	switch {
	case k.Source.EnvironmentID != "":
		return problem("an external_account configuration that uses this machine's identity at AWS is not accepted in an integration", operator)
	case at != "":
		if path.Clean(at) != at || !slices.ContainsFunc(tokenFolders, func(folder string) bool { return strings.HasPrefix(at, folder) }) {
			return problem("the credential_source of the external_account configuration is a file outside of "+strings.Join(tokenFolders, " and "), operator)
		}
	case !strings.HasPrefix(k.Source.URL, azureIdentity):
		return problem("the credential_source of the external_account configuration is neither a file nor the identity service of Azure", operator)
	case !forApplication(k.Source.URL):
		return problem("the credential_source of the external_account configuration asks Azure for a token that is not for an application of yours", "Give the resource of one, as gcloud writes it for --app-id-uri: resource=api://NAME.")
	}
	return nil
}

// forApplication reports whether a token of Azure is asked for that none of Azure's own services takes.
func forApplication(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	resources := u.Query()["resource"]
	return len(resources) == 1 && strings.HasPrefix(resources[0], "api://")
}

// isAt reports whether an address is one of a service, by https and at its own port.
func isAt(address string, service *regexp.Regexp) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.User == nil && u.Opaque == "" && service.MatchString(u.Host)
}
