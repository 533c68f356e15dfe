package azure

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
)

const op = "sign in to Azure"

// explainIdentity says why the machine's identity gave no token. What the SDK writes about an answer holds all of it and is
// not passed on.
func (s *signIn) explainIdentity(ctx context.Context, w *wire, err error) error {
	switch {
	case ctx.Err() != nil:
		return s.silent(fault.Wrap(fault.Unavailable, op, "no answer in time", ctx.Err()))
	case w.status != 0:
		return s.explainRefusal(w.status, w.refusal)
	case w.lost != nil:
		return s.silent(fault.New(fault.Unavailable, op, "%s", clean(w.lost.Error())))
	}
	text, _, _ := strings.Cut(err.Error(), ". To troubleshoot")
	return s.silent(fault.New(fault.Unavailable, op, "%s", clean(text)))
}

// silent is about an identity service that cannot be asked.
func (s *signIn) silent(f *fault.Error) error {
	if s.workload() {
		return f.Named("azure-entra-unreachable").WithFix("%s", s.identityFix())
	}
	return f.Named("azure-no-identity-service").WithFix("%s", s.identityFix())
}

func (s *signIn) identityFix() string {
	if s.workload() {
		return "Check that this machine reaches " + s.cloud.ActiveDirectoryAuthorityHost + ", and its proxy."
	}
	return "A managed identity needs the identity service at 169.254.169.254, which there is only on Azure. Check that this program runs there, that the machine has an identity, and that no network policy keeps it from that address. On AKS, prefer workload identity; elsewhere, use a user name and a password."
}

// entraCode begins a message of Microsoft Entra ID.
var entraCode = regexp.MustCompile(`AADSTS[0-9]+`)

// An advice is what a failure is called, and what to do about it.
type advice struct{ name, fix string }

// entraAdvice is for what goes wrong with workload identity, by the code of Microsoft Entra ID.
var entraAdvice = map[string]advice{
	"AADSTS90002":   {"azure-unknown-tenant", "There is no such tenant in this cloud. Check AZURE_TENANT_ID, and that the registry belongs to the same cloud."},
	"AADSTS700016":  {"azure-unknown-client", "The tenant knows no application with this client ID. Check AZURE_CLIENT_ID and AZURE_TENANT_ID."},
	"AADSTS70021":   {"azure-no-federated-credential", "The identity has no federated credential that matches the token. " + federate},
	"AADSTS700211":  {"azure-no-federated-credential", "The identity has no federated credential for the issuer of the token. " + federate},
	"AADSTS700212":  {"azure-federated-audience", "The identity has no federated credential for the audience of the token, which must be api://AzureADTokenExchange. " + federate},
	"AADSTS700213":  {"azure-no-federated-credential", "The identity has no federated credential for the service account of the token. " + federate},
	"AADSTS700024":  {"azure-pod-token-expired", "The token of the pod is not valid at this time. Check this machine's clock, and that the token file is renewed."},
	"AADSTS700027":  {"azure-pod-token-signature", "The signature of the pod's token could not be verified. Check that the issuer publishes the cluster's current keys."},
	"AADSTS50166":   {"azure-pod-token-signature", "Microsoft Entra ID could not read the keys of the token's issuer. Check that the issuer's address is public."},
	"AADSTS500011":  {"azure-provider-unregistered", "The tenant does not know Azure Container Registry. Register the resource provider: az provider register --namespace Microsoft.ContainerRegistry"},
	"AADSTS7000112": {"azure-application-disabled", "The application is disabled. Enable it in Microsoft Entra ID."},
	"AADSTS53003":   {"azure-conditional-access", "A conditional access policy of the tenant blocks this sign-in. Ask its administrator."},
}

const federate = "Add one: az identity federated-credential create --name landwaiter --identity-name IDENTITY --resource-group GROUP --issuer ISSUER --subject system:serviceaccount:NAMESPACE:NAME --audience api://AzureADTokenExchange"

// withOwnToken fills in what the pod's token says about itself.
func (s *signIn) withOwnToken(fix string) string {
	var claims struct {
		Issuer  string `json:"iss"`
		Subject string `json:"sub"`
	}
	token, err := integration.ReadToken(s.deps.Variable(federatedTokenFile))
	if err != nil || !distribution.ReadClaims(token, &claims) || claims.Issuer == "" || claims.Subject == "" {
		return fix
	}
	return strings.NewReplacer("ISSUER", clean(claims.Issuer), "system:serviceaccount:NAMESPACE:NAME", clean(claims.Subject)).Replace(fix)
}

// explainRefusal is about an answer of Microsoft Entra ID or of the machine's identity service.
func (s *signIn) explainRefusal(status int, body []byte) error {
	var answer struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &answer) != nil {
		answer.Error = string(body)
	}
	code := fault.OfHTTPStatus(status)
	if status == http.StatusBadRequest {
		code = fault.Unauthenticated
	}
	if s.workload() {
		f := fault.New(code, op, "Microsoft Entra ID answers %d %s", status, clean(cmp.Or(answer.Description, answer.Error)))
		known := entraAdvice[entraCode.FindString(answer.Description)]
		if known.fix == "" && status >= 500 {
			known = advice{"azure-service-failure", "The service has a problem of its own. Try again later."}
		}
		known = cmp.Or(known, advice{"azure-workload-identity-refused", "Check AZURE_CLIENT_ID, AZURE_TENANT_ID and the federated credentials of the identity."})
		return f.Named(known.name).WithFix("%s", s.withOwnToken(known.fix))
	}
	f := fault.New(code, op, "the machine's identity service answers %d %s", status, clean(cmp.Or(answer.Description, answer.Error)))
	switch {
	case status == http.StatusBadRequest && s.deps.Variable(clientID) != "":
		return f.Named("azure-unknown-client").WithFix("The machine has no identity with the client ID that %s names. Assign it: az vm identity assign --name VM --resource-group GROUP --identities IDENTITY", clientID)
	case status == http.StatusBadRequest:
		return f.Named("azure-no-machine-identity").WithFix("The machine has no identity of its own, or several. Assign one: az vm identity assign --name VM --resource-group GROUP. If it has several, name one by its client ID in %s.", clientID)
	}
	return f.Named("azure-no-identity-service").WithFix("%s", s.identityFix())
}

// address is that of this machine, as the registry's firewall saw it.
var address = regexp.MustCompile(`\b[0-9]{1,3}(\.[0-9]{1,3}){3}\b`)

// explainExchange is about the registry's answer to the machine's token.
func (s *signIn) explainExchange(status int, body []byte, token secret.Text) error {
	var answer struct {
		Errors []struct{ Code, Message string } `json:"errors"`
	}
	text := http.StatusText(status)
	if json.Unmarshal(body, &answer) == nil && len(answer.Errors) > 0 {
		text = strings.TrimPrefix(answer.Errors[0].Code+": "+answer.Errors[0].Message, ": ")
	} else if trimmed := bytes.TrimSpace(body); len(trimmed) > 0 && trimmed[0] != '<' {
		text = string(trimmed)
	}
	text = clean(strings.ReplaceAll(text, token.Reveal(), "..."))
	code := fault.OfHTTPStatus(status)
	if status/100 == 3 {
		code = fault.Unavailable
	}
	f := fault.New(code, op, "%s answers %d %s", s.host, status, text)
	own := strings.NewReplacer("REGISTRY", registryName(s.host), "CLIENT-ID", cmp.Or(s.deps.Variable(clientID), "CLIENT-ID"), "ADDRESS", cmp.Or(address.FindString(text), "ADDRESS"))
	advise := func(name, fix string) error { return f.Named(name).WithFix("%s", own.Replace(fix)) }
	switch lower := strings.ToLower(text); {
	case status == http.StatusTooManyRequests:
		return advise("azure-throttled", "The registry limits how often tokens may be had. Try again later.")
	case status/100 == 3:
		return advise("azure-not-a-registry", "Registries do not redirect here. Check what stands between this machine and the registry, such as a proxy or a sign-in page.")
	case status >= 500:
		return advise("azure-service-failure", "The registry has a problem of its own. Try again later.")
	case strings.Contains(lower, "ip address") || strings.Contains(lower, "not allowed access") || strings.Contains(lower, "firewall"):
		return advise("azure-firewall", "The registry's firewall does not let this machine in. Allow its address: az acr network-rule add --name REGISTRY --ip-address ADDRESS, or reach the registry by its private endpoint.")
	case strings.Contains(lower, "tenant"):
		return advise("azure-other-tenant", "The identity belongs to another tenant than the registry. Use an identity of the registry's tenant, or a user name and a password.")
	case strings.Contains(lower, "audience"):
		return advise("azure-audience", "The registry refuses tokens for the audience "+strings.TrimSuffix(audience, "/.default")+". Look at its settings: az acr config authentication-as-arm show --registry REGISTRY")
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return advise("azure-no-pull-role", "Give the identity the right to pull: az role assignment create --assignee CLIENT-ID --role AcrPull --scope $(az acr show --name REGISTRY --query id --output tsv). For a registry with ABAC repository permissions, the role is Container Registry Repository Reader. It takes some minutes to count.")
	case status == http.StatusNotFound:
		return advise("azure-no-such-registry", "Check the registry's name: az acr show --name REGISTRY --query loginServer")
	}
	return advise("azure-exchange-refused", "Check that what answers at https://"+s.host+" is the registry, and not something in its place.")
}

func (s *signIn) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return fault.New(fault.Unavailable, op, "%s", clean(err.Error())).
		Named("azure-unreachable").WithFix("Check that this machine reaches https://%s. If the registry has a private endpoint, its name must resolve to it here.", s.host)
}

// token is the form of a token of any of the services.
var token = regexp.MustCompile(`[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]*`)

// clean is text of the other side without tokens.
func clean(text string) string { return integration.Said(token.ReplaceAllString(text, "***")) }
