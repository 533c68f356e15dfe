package quay

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// tokenFolder names the folder of the tokens that this machine's identity has for Quay. Each lies in a file that is named for
// the one host that it may be shown to: Quay does not look for whom a token was issued, so that whoever is shown it can use it.
const tokenFolder = "QUAY_ROBOT_TOKENS"

const op = "sign in to Quay"

// A federation signs a robot in with a token of this machine's identity.
type federation struct {
	host, robot string
	deps        integration.Deps
}

func (f *federation) credential(ctx context.Context) (distribution.Credential, error) {
	token, err := f.token()
	if err != nil {
		return distribution.Credential{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+f.host+"/oauth2/federation/robot/token", nil)
	if err != nil {
		return distribution.Credential{}, err
	}
	req.SetBasicAuth(f.robot, token.Reveal())
	status, body, err := f.deps.Ask(req)
	switch {
	case err != nil:
		return distribution.Credential{}, f.unreachable(ctx, err, token)
	case status != http.StatusOK:
		return distribution.Credential{}, f.refused(status, body, token)
	}
	var answer struct {
		Token secret.Text `json:"token"`
	}
	if json.Unmarshal(body, &answer) != nil || !answer.Token.IsSet() {
		return distribution.Credential{}, fault.New(fault.Unavailable, op, "the answer of %s holds no token", f.host).
			Named("quay-not-quay").WithFix("Check that the endpoint is that of a Quay, and that nothing stands before it that answers in its place.")
	}
	return distribution.Credential{
		Username: f.robot, Password: answer.Token, Expires: integration.LentUntil(answer.Token, f.deps.Now()),
	}, nil
}

func (f *federation) token() (secret.Text, error) {
	folder := f.deps.Variable(tokenFolder)
	if folder == "" {
		return secret.Text{}, fault.New(fault.Unauthenticated, op, "this machine has no identity for Quay: %s is not set", tokenFolder).
			Named("quay-no-machine-token").WithFix("Whoever runs this program sets it to a folder, and mounts a service account token there as the file %s. Or use the robot's password.", f.host)
	}
	token, err := integration.ReadToken(filepath.Join(folder, f.host))
	if errors.Is(err, fs.ErrNotExist) {
		return secret.Text{}, fault.New(fault.Unauthenticated, op, "this machine has no identity for %s: the folder that %s names has no such file", f.host, tokenFolder).
			Named("quay-no-machine-token").WithFix("Whoever runs this program mounts a service account token there as the file %s.", f.host)
	}
	if err != nil {
		return secret.Text{}, fault.Wrap(fault.Internal, op, "read the token for "+f.host, err).
			Named("quay-no-machine-token").WithFix("The file must hold a token, and be readable for the user that this program runs as.")
	}
	return token, nil
}

func (f *federation) unreachable(ctx context.Context, err error, token secret.Text) error {
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return fault.New(fault.Unavailable, op, "%s", integration.Said(err.Error(), token.Reveal())).
		Named("quay-unreachable").WithFix("Check that this machine reaches https://%s, and its proxy.", f.host)
}

// refused is about an answer that is not a token.
func (f *federation) refused(status int, body []byte, token secret.Text) error {
	var answer struct{ Error, Message, Detail string }
	said := http.StatusText(status)
	if json.Unmarshal(body, &answer) == nil {
		said = cmp.Or(answer.Error, answer.Message, answer.Detail, said)
	}
	said = integration.Said(said, token.Reveal())
	code := fault.OfHTTPStatus(status)
	if status/100 == 3 || status == http.StatusNotFound {
		code = fault.Unavailable
	}
	e := fault.New(code, op, "%s answers %d %s", f.host, status, said)
	const set = "At Quay, open Robot Accounts, the robot, Set robot federation, and "
	switch says := strings.ToLower(said); {
	case status == http.StatusTooManyRequests:
		return e.Named("quay-throttled").WithFix("Quay limits how often tokens may be had. Try again later.")
	case status/100 == 3:
		return e.Named("quay-not-quay").WithFix("Quay does not redirect here. Check what stands between this machine and it, such as a sign-in page.")
	case status == http.StatusNotFound:
		return e.Named("quay-no-federation").WithFix("The endpoint is not that of a Quay, or of one older than 3.13, which has no federation of robots: use the robot's password.")
	case strings.Contains(says, "does not match robot"):
		return e.Named("quay-federation-subject").WithFix("%s", set+"correct the subject: for a pod, system:serviceaccount:NAMESPACE:NAME of its service account.")
	case strings.Contains(says, "not configured for this robot"), strings.Contains(says, "not have federated login"):
		return e.Named("quay-federation-issuer").WithFix("%s", set+"add the issuer of this machine's token, exactly as the token says it, and the subject.")
	case strings.Contains(says, "invalid token"), strings.Contains(says, "signature"), strings.Contains(says, "expired"):
		return e.Named("quay-federation-token").WithFix("Check that the token's file is renewed, this machine's clock, and that Quay reaches the issuer's public keys (ISSUER/.well-known/openid-configuration).")
	case status >= 500:
		return e.Named("quay-no-such-robot").WithFix("Check that the robot %s exists, and that Quay reaches the issuer's public keys; else try again later.", f.robot)
	}
	return e.Named("quay-federation-refused").WithFix("Check the robot's name, ORGANIZATION+ROBOT, and its federation: the issuer and the subject of this machine's token.")
}
