package google

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google/externalaccount"
	"golang.org/x/oauth2/jwt"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// username tells Google's registries that the password is an access token.
const username = "oauth2accesstoken"

const (
	// readScope is the smallest that Artifact Registry's API takes.
	readScope = "https://www.googleapis.com/auth/cloud-platform.read-only"
	// wholeScope is the only one that the Container Analysis API takes. What may be done with it is up to the account's roles.
	wholeScope = "https://www.googleapis.com/auth/cloud-platform"
)

const (
	// credentialFile names the operator's credential file, metadataHost the metadata server, both as Google's SDKs read them.
	credentialFile      = "GOOGLE_APPLICATION_CREDENTIALS"
	metadataHost        = "GCE_METADATA_HOST"
	defaultMetadataHost = "169.254.169.254"
)

// maxAnswer bounds answers, files and keys.
const maxAnswer = 64 << 10

// A signIn gets access tokens.
type signIn struct {
	key   *key // nil: the machine's identity
	scope string
	deps  integration.Deps
}

func (s signIn) credential(ctx context.Context) (distribution.Credential, error) {
	w := &wire{base: s.deps.Transport()}
	source, err := s.source(ctx, w)
	if err != nil {
		return distribution.Credential{}, err
	}
	token, err := source()
	if err == nil && token.AccessToken == "" {
		err = errors.New("the answer holds no access token")
	}
	if err != nil {
		return distribution.Credential{}, w.explain(ctx, err)
	}
	return distribution.Credential{Username: username, Password: secret.New(token.AccessToken), Expires: token.Expiry}, nil
}

// source chooses one way to get a token: one that fails is not followed by another, which would be another identity.
func (s signIn) source(ctx context.Context, w *wire) (func() (*oauth2.Token, error), error) {
	k, err := s.credentialKey()
	switch {
	case err != nil:
		return nil, err
	case k == nil:
		return func() (*oauth2.Token, error) { return s.metadataToken(ctx, w) }, nil
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, w.client())
	if !k.federated() {
		w.account, w.secrets = k.ClientEmail, []string{k.PrivateKey.Reveal()}
		config := jwt.Config{
			Email: k.ClientEmail, PrivateKey: []byte(k.PrivateKey.Reveal()), PrivateKeyID: k.PrivateKeyID,
			Scopes: []string{s.scope}, TokenURL: k.TokenURI,
		}
		return config.TokenSource(ctx).Token, nil
	}
	w.audience, w.secrets = k.Audience, []string{k.ClientSecret.Reveal()}
	if k == s.key && k.Source.File != "" {
		w.onlyFor = "https:" + k.Audience
	}
	source, err := externalaccount.NewTokenSource(ctx, externalaccount.Config{
		Audience: k.Audience, SubjectTokenType: k.SubjectTokenType, TokenURL: k.TokenURL, CredentialSource: k.Source,
		ServiceAccountImpersonationURL: k.ImpersonationURL, ServiceAccountImpersonationLifetimeSeconds: k.Impersonation.Seconds,
		ClientID: k.ClientID, ClientSecret: k.ClientSecret.Reveal(), WorkforcePoolUserProject: k.UserProject,
		Scopes: []string{s.scope},
	})
	if err != nil {
		return nil, w.explain(ctx, err)
	}
	return source.Token, nil
}

// credentialKey is the integration's key, else the one of this machine; nil where the metadata server is asked.
func (s signIn) credentialKey() (*key, error) {
	path := s.deps.Variable(credentialFile)
	if s.key != nil || path == "" {
		return s.key, nil
	}
	return readFile(path)
}

// readFile reads the operator's credential file.
func readFile(path string) (*key, error) {
	wrong := func(cause error) error {
		f := fault.Wrap(fault.Internal, op, "read the file that "+credentialFile+" names", cause).Named("google-credential-file")
		return f.WithFix("%s", cmp.Or(f.Fix, "Mount the file there, readable for the user that this program runs as, or correct the variable."))
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, wrong(err)
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, maxAnswer))
	if err != nil {
		return nil, wrong(err)
	}
	k, problem := parseKey(raw)
	if problem != nil {
		return nil, wrong(fault.New(fault.Internal, "", "%s", problem.Message).WithFix("%s", problem.Fix))
	}
	return k, nil
}

// metadataToken is a token of the machine's or pod's service account. No scope is asked for: the metadata server gives what the
// machine was allowed, and refuses a request for anything else.
func (s signIn) metadataToken(ctx context.Context, w *wire) (*oauth2.Token, error) {
	body, err := s.metadata(ctx, w, "token")
	if err != nil {
		return nil, err
	}
	var answer struct {
		AccessToken secret.Text `json:"access_token"`
		ExpiresIn   int         `json:"expires_in"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.ExpiresIn <= 0 {
		return nil, errors.New("the answer of the metadata server holds no access token")
	}
	return &oauth2.Token{
		AccessToken: answer.AccessToken.Reveal(), Expiry: s.deps.Now().Add(time.Duration(answer.ExpiresIn) * time.Second),
	}, nil
}

// metadata asks the metadata server for a part of what it knows about the service account.
func (s signIn) metadata(ctx context.Context, w *wire, part string) ([]byte, error) {
	w.metadata = cmp.Or(s.deps.Variable(metadataHost), defaultMetadataHost)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.metadata+"/computeMetadata/v1/instance/service-accounts/default/"+part, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Metadata-Flavor", "Google")
	resp, err := w.client().Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Metadata-Flavor") != "Google" {
		return nil, errors.New("what answers is no metadata server of Google's")
	}
	return body, nil
}
