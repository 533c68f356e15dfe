package google

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"strconv"
	"strings"

	"github.com/landwaiter/landwaiter/internal/fault"
)

const op = "sign in to Google"

// explain says what went wrong with a sign-in, and what to do.
func (w *wire) explain(ctx context.Context, err error) error {
	switch {
	case w.withheld:
		return fault.New(fault.Unauthenticated, op, "the file that credential_source names holds no token for the audience of the configuration, and nothing else is sent").
			Named("google-federation-audience").WithFix("Let the file hold a token for the audience %s. Whoever runs this program can allow others: put the configuration into a file, name it in the variable GOOGLE_APPLICATION_CREDENTIALS, and use workload identity.", w.onlyFor)
	case w.refusal != nil:
		return w.explainRefusal(w.refusal)
	case ctx.Err() != nil:
		return w.unreachable().of(fault.Wrap(fault.Unavailable, op, "no answer in time", ctx.Err()))
	case w.lost != nil:
		return w.unreachable().of(fault.New(fault.Unavailable, op, "%s", w.shown(w.lost.Error())))
	case errors.Is(err, fs.ErrNotExist), strings.Contains(err.Error(), "failed to open credential file"):
		return fault.New(fault.Internal, op, "%s", w.shown(err.Error())).
			Named("google-no-subject-token").WithFix("Mount the token of the pod or machine where credential_source says, readable for the user that this program runs as.")
	}
	f := fault.New(fault.Unavailable, op, "%s", w.shown(err.Error()))
	if w.metadata != "" {
		return w.unreachable().of(f)
	}
	return advice{"google-no-token", "Check that what answers is Google, and not a proxy or a sign-in page."}.of(f)
}

func (w *wire) unreachable() advice {
	if w.metadata != "" {
		return advice{"google-no-metadata-server", "Workload identity needs the metadata server at " + w.metadata + ", which there is only on Google Cloud. Check that this program runs there and that no network policy keeps it from that address; elsewhere, use a service account key or a federation file named by GOOGLE_APPLICATION_CREDENTIALS."}
	}
	return advice{"google-unreachable", "Check that this machine reaches Google's services (https://oauth2.googleapis.com, https://sts.googleapis.com, https://iamcredentials.googleapis.com), and its proxy."}
}

func (w *wire) explainRefusal(r *refusal) error {
	said := strings.TrimSpace(r.reason + ": " + r.text)
	if r.reason == "" {
		said = cmp.Or(r.text, http.StatusText(r.status))
	}
	f := fault.New(codeOf(r), op, "%s answers %s", r.host, strconv.Itoa(r.status)+" "+w.shown(strings.Trim(said, ": ")))
	return w.advice(r).of(f)
}

func codeOf(r *refusal) fault.Code {
	switch {
	case r.status/100 == 3:
		return fault.Unavailable
	case r.reason == "invalid_grant", r.reason == "invalid_client", r.reason == "unauthorized_client", r.reason == "invalid_target",
		r.status == http.StatusBadRequest:
		return fault.Unauthenticated
	}
	return fault.OfHTTPStatus(r.status)
}

// An advice is what a failure is called, and what to do about it.
type advice struct{ name, fix string }

func (a advice) of(f *fault.Error) error { return f.Named(a.name).WithFix("%s", a.fix) }

func (w *wire) advice(r *refusal) advice {
	text := strings.ToLower(r.text)
	says := func(words ...string) bool {
		for _, word := range words {
			if strings.Contains(text, word) {
				return true
			}
		}
		return false
	}
	account := cmp.Or(w.account, "ACCOUNT")
	switch {
	case r.status == http.StatusTooManyRequests:
		return advice{"google-throttled", "Google limits how often tokens may be had. Try again later."}
	case r.status/100 == 3:
		return advice{"google-not-google", "Google's services do not redirect. Check what stands between this machine and " + r.host + ", such as a proxy or a sign-in page."}
	case r.status >= 500:
		return advice{"google-service-failure", "The service has a problem of its own. Try again later, and look at https://status.cloud.google.com."}
	case r.host == w.metadata:
		return metadataAdvice(r)
	case w.audience != "" && impersonationHost.MatchString(r.host):
		switch {
		case says("has not been used", "is disabled"):
			return advice{"google-iamcredentials-disabled", "Enable the service that lends tokens: gcloud services enable iamcredentials.googleapis.com --project=PROJECT"}
		case r.status == http.StatusNotFound:
			return advice{"google-no-service-account", "The service account of service_account_impersonation_url does not exist. Check its address, and whether it was deleted."}
		}
		return advice{"google-impersonation-denied", "Allow the federated identity to act as the service account: gcloud iam service-accounts add-iam-policy-binding ACCOUNT --role=roles/iam.workloadIdentityUser --member=\"principalSet://iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/*\""}
	case w.audience != "":
		return w.federationAdvice(r, says)
	case says("short-lived token", "iat and exp", "timeframe"):
		return advice{"google-clock-skew", "The clock of this machine is wrong, so that Google takes the request for one of another time. Set it, for example with NTP."}
	case says("signature"):
		return advice{"google-key-deleted", "The key was deleted or is another account's. " + strings.Replace(makeKey, "ACCOUNT", account, 1)}
	case says("not found"):
		return advice{"google-no-service-account", "The service account " + account + " does not exist any more. Use the key of another one."}
	case says("disabled") || r.reason == "disabled_client":
		return advice{"google-service-account-disabled", "The service account is disabled. Enable it with: gcloud iam service-accounts enable " + account}
	}
	return advice{"google-key-refused", "Check that the service account " + account + " exists and is enabled, and that its key was not deleted: gcloud iam service-accounts keys list --iam-account=" + account}
}

func (w *wire) federationAdvice(r *refusal, says func(...string) bool) advice {
	switch {
	case says("attribute condition"):
		return advice{"google-attribute-condition", "The provider's attribute condition does not let this identity in. Look at it with: gcloud iam workload-identity-pools providers describe PROVIDER --workload-identity-pool=POOL --location=global"}
	case says("audience") && r.reason != "invalid_target":
		return advice{"google-federation-audience", "The token was issued for another audience than the provider allows. Ask for it with the audience of the configuration (https:" + w.audience + "), or add the token's audience to the provider's allowed audiences."}
	case r.reason == "invalid_target":
		return advice{"google-no-provider", "The provider of identities that the configuration names (audience) does not exist or is disabled. Check its name, the project's number in it, and whether it or its pool was deleted."}
	case says("stale", "expired", "issued in the future", "not yet valid"):
		return advice{"google-subject-token-expired", "The token of this machine's own identity has expired or comes from another time. Check that it is renewed (a projected service account token is), and this machine's clock."}
	case says("signature", "jwk", "connecting to the given credential's issuer", "issuer"):
		return advice{"google-subject-token-unverified", "Google could not verify the token with the keys of its issuer. Check the provider's issuer; if Google cannot reach it, upload its keys: gcloud iam workload-identity-pools providers update-oidc PROVIDER --jwk-json-path=KEYS --workload-identity-pool=POOL --location=global"}
	}
	return advice{"google-federation-refused", "Check the provider of identities that the configuration names: its issuer, allowed audiences, attribute mapping and condition."}
}

func metadataAdvice(r *refusal) advice {
	switch r.status {
	case http.StatusNotFound:
		return advice{"google-no-machine-account", "The machine has no service account. Attach one that has the role Artifact Registry Reader, or use a service account key."}
	case http.StatusForbidden:
		return advice{"google-workload-identity-unbound", "The Kubernetes service account of this program may not act as the service account that it names. Bind it: gcloud iam service-accounts add-iam-policy-binding ACCOUNT --role=roles/iam.workloadIdentityUser --member=\"serviceAccount:PROJECT.svc.id.goog[NAMESPACE/NAME]\""}
	}
	return advice{"google-metadata-refused", "Check the service account that this machine or pod is given."}
}
