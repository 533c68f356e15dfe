package azure

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// tokenUser tells the registry that the password is a refresh token of its own. The registry's token service takes the two
// by Basic as well as by OAuth2's refresh_token; the former is what the kubelet's credential provider sends.
const tokenUser = "00000000-0000-0000-0000-000000000000"

// audience is the registries', in all clouds. A token for the Resource Manager would be one for the whole subscription, and
// registries can be set to refuse it.
const audience = "https://containerregistry.azure.net/.default"

// The variables by which a pod's workload identity is named, and the cloud that it belongs to.
const (
	clientID           = "AZURE_CLIENT_ID"
	tenantID           = "AZURE_TENANT_ID"
	federatedTokenFile = "AZURE_FEDERATED_TOKEN_FILE"
	authorityHost      = "AZURE_AUTHORITY_HOST"
)

// A signIn gets the registry's refresh tokens.
type signIn struct {
	host  string
	cloud cloud.Configuration
	deps  integration.Deps
}

func (s *signIn) credential(ctx context.Context) (distribution.Credential, error) {
	token, err := s.identity(ctx)
	if err != nil {
		return distribution.Credential{}, err
	}
	return s.exchange(ctx, token)
}

// identity is a token of the machine's or pod's identity, for the registries.
func (s *signIn) identity(ctx context.Context) (secret.Text, error) {
	w := &wire{base: s.deps.Transport()}
	machine, err := s.machine(w)
	if err != nil {
		return secret.Text{}, err
	}
	token, err := machine.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{audience}})
	if err != nil {
		return secret.Text{}, s.explainIdentity(ctx, w, err)
	}
	return secret.New(token.Token), nil
}

// workload reports whether the variables name a workload identity.
func (s *signIn) workload() bool { return s.deps.Variable(federatedTokenFile) != "" }

// machine is the identity of the machine or pod. It chooses one: one that fails is not followed by another.
func (s *signIn) machine(w *wire) (azcore.TokenCredential, error) {
	if err := s.ownCloud(); err != nil {
		return nil, err
	}
	options := azcore.ClientOptions{
		Cloud: s.cloud, Transport: w.client(),
		Retry: policy.RetryOptions{MaxRetries: 2, TryTimeout: 10 * time.Second, RetryDelay: 200 * time.Millisecond, MaxRetryDelay: 2 * time.Second},
	}
	client := s.deps.Variable(clientID)
	if !s.workload() {
		managed := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: options}
		if client != "" {
			managed.ID = azidentity.ClientID(client)
		}
		credential, err := azidentity.NewManagedIdentityCredential(managed)
		return credential, wrong(err)
	}
	tenant, path := s.deps.Variable(tenantID), s.deps.Variable(federatedTokenFile)
	if client == "" || tenant == "" {
		return nil, fault.New(fault.Internal, op, "%s is set, but not %s and %s as well", federatedTokenFile, clientID, tenantID).
			Named("azure-workload-identity-incomplete").WithFix("Annotate the service account with azure.workload.identity/client-id, so that the pod gets all the variables.")
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fault.Wrap(fault.Internal, op, "read the token file that "+federatedTokenFile+" names", err).
			Named("azure-workload-identity-incomplete").WithFix("Check that the pod has the label azure.workload.identity/use: \"true\", and that the file may be read by the user that this program runs as.")
	}
	credential, err := azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
		ClientOptions: options, ClientID: client, TenantID: tenant, TokenFilePath: path,
		// The authority is one of three that are known here, and need not be looked up.
		DisableInstanceDiscovery: true,
	})
	return credential, wrong(err)
}

// ownCloud refuses to show the identity of one cloud to another one, which the integration's endpoint would choose. Where no
// variable names its cloud, a workload identity is one of the public cloud, as the SDKs have it; the token of a managed
// identity is had from the machine's own cloud in any case.
func (s *signIn) ownCloud() error {
	own := s.deps.Variable(authorityHost)
	if own == "" && s.workload() {
		own = cloud.AzurePublic.ActiveDirectoryAuthorityHost
	}
	at, err := url.Parse(own)
	if own == "" || (err == nil && slices.Contains(authorities[s.cloud.ActiveDirectoryAuthorityHost], at.Hostname())) {
		return nil
	}
	return fault.New(fault.Unauthenticated, op, "the identity of this machine belongs to another cloud than %s: its authority is %s", s.host, integration.Said(own)).
		Named("azure-other-cloud").WithFix("Use a user name and a password for this registry. If the identity does belong to its cloud, whoever runs this program sets %s to %s.", authorityHost, s.cloud.ActiveDirectoryAuthorityHost)
}

// wrong is an error about the variables.
func wrong(err error) error {
	if err == nil {
		return nil
	}
	return fault.New(fault.Internal, op, "%s", clean(err.Error())).WithFix("Check the AZURE_ variables of this program.")
}

// exchange gives the registry a token for its audience and gets a refresh token for it. Nothing but the registry's own host
// is ever asked.
func (s *signIn) exchange(ctx context.Context, token secret.Text) (distribution.Credential, error) {
	form := url.Values{"grant_type": {"access_token"}, "service": {s.host}, "access_token": {token.Reveal()}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+s.host+"/oauth2/exchange", strings.NewReader(form.Encode()))
	if err != nil {
		return distribution.Credential{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := (&wire{base: s.deps.Transport()}).client().Do(req)
	if err != nil {
		return distribution.Credential{}, s.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case err != nil:
		return distribution.Credential{}, s.unreachable(ctx, err)
	case resp.StatusCode != http.StatusOK:
		return distribution.Credential{}, s.explainExchange(resp.StatusCode, body, token)
	}
	var answer struct {
		RefreshToken secret.Text `json:"refresh_token"`
	}
	if json.Unmarshal(body, &answer) != nil || !answer.RefreshToken.IsSet() {
		return distribution.Credential{}, fault.New(fault.Unavailable, op, "the answer of %s to the exchange of tokens holds none", s.host).
			Named("azure-not-a-registry").WithFix("Check that nothing stands between here and the registry that answers in its place.")
	}
	return distribution.Credential{Username: tokenUser, Password: answer.RefreshToken, Expires: integration.LentUntil(answer.RefreshToken, s.deps.Now())}, nil
}
