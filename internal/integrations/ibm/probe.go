package ibm

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// iam is IBM Cloud's own sign-in service, to which every API key belongs.
const iam = "https://iam.cloud.ibm.com/identity/token"

// probe lets IBM Cloud say whose key it is. Keys for other hosts than its registries are shown to nobody.
func probe(ctx context.Context, r integration.Registry, deps integration.Deps, p diagnosis.Probing) {
	cred, err := r.Credential(ctx, p.Ref)
	if _, ours := regional(r.Endpoint(p.Ref).Host); err != nil || !ours {
		return
	}
	step := diagnosis.NewStep("ibm-key", "API key at IBM Cloud IAM")
	if cred.Username != keyUser {
		step.See("trusted profile", cred.Username)
	}
	owner, err := exchange(ctx, deps, cred.Password)
	switch {
	case err != nil && fault.CodeOf(err) == fault.Unavailable:
		// The registry asks for the key by itself, and may be reached where IAM is not.
		step.Summary, step.Verdict = "IBM Cloud IAM did not answer", diagnosis.Skipped
		step.See("IAM", err.Error())
	case err != nil:
		step.Summary = "refused"
		step.Fail(err, "ibm-key-refused")
	default:
		step.Summary = "accepted"
		step.See("key of", integration.Said(owner.name(), cred.Password.Reveal()))
		step.See("IAM ID", integration.Said(owner.ID, cred.Password.Reveal()))
		step.See("account", integration.Said(owner.Account.ID, cred.Password.Reveal()))
	}
	p.Report(*step)
}

// An owner is what a token of IAM says about whom it is for.
type owner struct {
	ID      string `json:"iam_id"`
	Subject string `json:"sub"`
	Type    string `json:"sub_type"`
	Account struct {
		ID string `json:"bss"`
	} `json:"account"`
}

func (o owner) name() string {
	if o.Type == "ServiceId" {
		return "service ID " + o.Subject
	}
	return o.Subject
}

// exchange gives the key for a token, which proves the key and is not used further.
func exchange(ctx context.Context, deps integration.Deps, key secret.Text) (owner, error) {
	const op = "exchange API key"
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	form := url.Values{"grant_type": {"urn:ibm:params:oauth:grant-type:apikey"}, "apikey": {key.Reveal()}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, iam, strings.NewReader(form.Encode()))
	if err != nil {
		return owner{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	status, body, err := deps.Ask(req)
	if err != nil {
		return owner{}, fault.New(fault.Unavailable, op, "%s", integration.Said(err.Error(), key.Reveal()))
	}
	var answer struct {
		Token   secret.Text `json:"access_token"`
		Code    string      `json:"errorCode"`
		Message string      `json:"errorMessage"`
	}
	err = json.Unmarshal(body, &answer)
	if err != nil || status/100 == 3 || status == http.StatusTooManyRequests || status >= 500 {
		return owner{}, fault.New(fault.Unavailable, op, "IBM Cloud IAM answers %d %s", status, http.StatusText(status))
	}
	if status != http.StatusOK {
		return owner{}, refused(status, integration.Said(answer.Code+" "+answer.Message, key.Reveal()))
	}
	var o owner
	distribution.ReadClaims(answer.Token, &o)
	return o, nil
}

func refused(status int, said string) error {
	f := fault.New(fault.Unauthenticated, "exchange API key", "IBM Cloud IAM answers %d %s", status, said)
	switch says := strings.ToLower(said); {
	case strings.Contains(says, "could not be found"):
		return f.Named("ibm-unknown-key").WithFix("The key is mistyped or was deleted. Make another one: ibmcloud iam service-api-key-create landwaiter SERVICE-ID")
	case strings.Contains(says, "locked"):
		return f.Named("ibm-locked-key").WithFix("Unlock the key: ibmcloud iam service-api-key-unlock KEY SERVICE-ID; for a user's key, ibmcloud iam api-key-unlock KEY")
	case strings.Contains(says, "disabled"), strings.Contains(says, "suspended"), strings.Contains(says, "inactive"), strings.Contains(says, "not active"):
		return f.Named("ibm-disabled").WithFix("The key, its owner or the account is disabled. See ibmcloud iam service-api-keys SERVICE-ID and the state of the account, and ask its administrator.")
	case strings.Contains(says, "ip address"), strings.Contains(says, "network"):
		return f.Named("ibm-network").WithFix("The account lets only certain addresses in. Add that of this machine: Manage, Access (IAM), Settings, IP address access.")
	}
	return f.Named("ibm-key-refused").WithFix("Look at the key: ibmcloud iam service-api-keys SERVICE-ID; or make another one: ibmcloud iam service-api-key-create landwaiter SERVICE-ID")
}
