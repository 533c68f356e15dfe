package ecr

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// lender gives a registry's credential out.
type lender func(context.Context) (distribution.Credential, error)

func (r *registry) Credential(ctx context.Context, _ image.Reference) (distribution.Credential, error) {
	return r.lend(ctx)
}

// pushedCredential is one that an agent got from AWS. It cannot be renewed here.
func pushedCredential(c integration.Config, deps integration.Deps) lender {
	ends, _ := time.Parse(time.RFC3339, c.Text(pushedExpiry))
	given := distribution.Credential{Username: c.Text(pushedUsername), Password: c.Secret(pushedPassword), Expires: ends}
	return func(context.Context) (distribution.Credential, error) {
		if !deps.Now().Before(ends) {
			return distribution.Credential{}, fault.New(fault.Unauthenticated, "sign in to ECR", "the password that was pushed ended at %s", ends.UTC().Format(time.RFC3339)).
				Named("ecr-pushed-expired").WithFix("%s", fixPushed)
		}
		return given, nil
	}
}

const fixPushed = "The cluster's agent must push a new one: see whether it runs. Or give the integration access keys or the container IAM role."

// sessionName is what AWS's audit trail shows for assumed roles.
const sessionName = "landwaiter"

// A signIn gets the password of a registry from AWS, for one integration. It keeps nothing between two times.
type signIn struct {
	deps       integration.Deps
	region     string
	account    string      // of the registry; "" for ECR Public
	keyID, key secret.Text // not set: the identity of this machine
	roles      []string    // ARNs, in the order in which they are assumed
	externalID string
	endpoint   string // of the ECR API if it is not the region's
	api        func(context.Context, aws.Credentials) (authorization, error)
	http       *http.Client
}

// authorization is what ECR's API lends.
type authorization struct {
	token   *string // base64 of user name, colon and password
	expires *time.Time
}

// newSignIn reads checked settings. Names of roles are of the account.
func newSignIn(c integration.Config, deps integration.Deps, account, region string) (*signIn, error) {
	s := &signIn{deps: deps, region: region, account: account, http: &http.Client{
		Transport:     boundedTransport{deps.Transport()},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if !c.On(useIAM) {
		s.keyID, s.key = c.Secret(accessKeyID), c.Secret(secretAccessKey)
	}
	if c.On(useAssumeRole) {
		var err error
		if s.roles, err = parseRoles(c.Text(assumeRoleID), account, partitionOf(region).id); err != nil {
			return nil, fault.Wrap(fault.Invalid, "open integration", assumeRoleID, err)
		}
		s.externalID = c.Text(externalID)
	}
	return s, nil
}

// last is the identity that is there in the end, with all roles assumed.
func (s *signIn) last(ctx context.Context) (aws.Credentials, error) {
	as, err := s.identity(ctx)
	for i := 0; err == nil && i < len(s.roles); i++ {
		as, err = s.assume(ctx, as, i)
	}
	return as, err
}

// credential goes the whole way from the first identity to the registry's password.
func (s *signIn) credential(ctx context.Context) (distribution.Credential, error) {
	as, err := s.last(ctx)
	if err != nil {
		return distribution.Credential{}, err
	}
	return s.password(ctx, as)
}

// password is what ECR lends to an identity.
func (s *signIn) password(ctx context.Context, as aws.Credentials) (distribution.Credential, error) {
	lent, err := s.api(ctx, as)
	if err != nil {
		return distribution.Credential{}, err
	}
	plain, err := base64.StdEncoding.DecodeString(aws.ToString(lent.token))
	username, password, ok := strings.Cut(string(plain), ":")
	if err != nil || !ok || username == "" || password == "" {
		return distribution.Credential{}, fault.New(fault.Unavailable, "get authorization token", "the answer of ECR holds no user name and password").
			Named("ecr-not-aws").WithFix("If the integration has an endpoint, it must be that of the ECR API.")
	}
	return distribution.Credential{Username: username, Password: secret.New(password), Expires: aws.ToTime(lent.expires)}, nil
}

const actionAssumeRole = "sts:AssumeRole"

// assume is as the i-th role from there on. The external ID is for the last one.
func (s *signIn) assume(ctx context.Context, as aws.Credentials, i int) (aws.Credentials, error) {
	role := s.roles[i]
	in := &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String(sessionName)}
	if s.externalID != "" && i == len(s.roles)-1 {
		in.ExternalId = &s.externalID
	}
	out, err := s.sts(s.region, as).AssumeRole(ctx, in)
	if err != nil {
		return aws.Credentials{}, s.explain(call{
			op: "assume role", what: role, action: actionAssumeRole, external: in.ExternalId != nil, region: s.region,
		}, err, as)
	}
	if out.Credentials == nil {
		return aws.Credentials{}, fault.New(fault.Unavailable, "assume role", "%s: the answer of STS holds no credentials", role).
			Named("ecr-not-aws").WithFix("%s", fixNotAWS)
	}
	return aws.Credentials{
		AccessKeyID: aws.ToString(out.Credentials.AccessKeyId), SecretAccessKey: aws.ToString(out.Credentials.SecretAccessKey),
		SessionToken: aws.ToString(out.Credentials.SessionToken),
	}, nil
}

// ecr is a client of the region's API, or that of the endpoint.
func (s *signIn) ecr(as aws.Credentials) *ecr.Client {
	o := ecr.Options{
		Region: s.region, Credentials: lends(as), HTTPClient: s.http, Retryer: s.retryer(attempts), BaseEndpoint: s.baseEndpoint("ECR"),
	}
	if s.endpoint != "" {
		o.BaseEndpoint = &s.endpoint
	}
	if o.BaseEndpoint == nil {
		o.EndpointOptions.UseFIPSEndpoint, o.EndpointOptions.UseDualStackEndpoint = s.endpointVariant()
	}
	return ecr.New(o)
}

func (s *signIn) privateToken(ctx context.Context, as aws.Credentials) (authorization, error) {
	out, err := s.ecr(as).GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		return authorization{}, s.explain(call{
			op: "get authorization token", what: "ECR in " + s.region, action: actionToken,
			region: s.region, endpoint: s.endpoint,
		}, err, as)
	}
	if len(out.AuthorizationData) == 0 {
		return authorization{}, nil
	}
	return authorization{out.AuthorizationData[0].AuthorizationToken, out.AuthorizationData[0].ExpiresAt}, nil
}

const actionToken = "ecr:GetAuthorizationToken"

func (s *signIn) publicToken(ctx context.Context, as aws.Credentials) (authorization, error) {
	client := ecrpublic.New(ecrpublic.Options{
		Region: s.region, Credentials: lends(as), HTTPClient: s.http, Retryer: s.retryer(attempts), BaseEndpoint: s.baseEndpoint("ECR_PUBLIC"),
	})
	out, err := client.GetAuthorizationToken(ctx, &ecrpublic.GetAuthorizationTokenInput{})
	if err != nil {
		return authorization{}, s.explain(call{
			op: "get authorization token", what: "ECR Public", region: s.region,
			action: "ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken",
		}, err, as)
	}
	if out.AuthorizationData == nil {
		return authorization{}, nil
	}
	return authorization{out.AuthorizationData.AuthorizationToken, out.AuthorizationData.ExpiresAt}, nil
}

func (s *signIn) sts(region string, as aws.Credentials) *sts.Client {
	o := sts.Options{Region: region, HTTPClient: s.http, Retryer: s.retryer(attempts), BaseEndpoint: s.baseEndpoint("STS")}
	if as.HasKeys() {
		o.Credentials = lends(as)
	}
	if o.BaseEndpoint == nil {
		o.EndpointOptions.UseFIPSEndpoint, o.EndpointOptions.UseDualStackEndpoint = s.endpointVariant()
	}
	return sts.New(o)
}

func lends(c aws.Credentials) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return c, nil })
}

// env is a variable of the machine's identity.
func (s *signIn) env(name string) string { return s.deps.Variable(name) }

// baseEndpoint is where a service is if the environment says so, in the order of the SDKs.
func (s *signIn) baseEndpoint(service string) *string {
	if s.isTrue("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
		return nil
	}
	for _, name := range []string{"AWS_ENDPOINT_URL_" + service, "AWS_ENDPOINT_URL"} {
		if at := s.env(name); at != "" {
			return &at
		}
	}
	return nil
}

func (s *signIn) endpointVariant() (fips aws.FIPSEndpointState, dual aws.DualStackEndpointState) {
	if s.isTrue("AWS_USE_FIPS_ENDPOINT") {
		fips = aws.FIPSEndpointStateEnabled
	}
	if s.isTrue("AWS_USE_DUALSTACK_ENDPOINT") {
		dual = aws.DualStackEndpointStateEnabled
	}
	return fips, dual
}

func (s *signIn) isTrue(name string) bool { return strings.EqualFold(s.env(name), "true") }

const (
	attempts   = 3
	maxBackoff = 4 * time.Second // the longest pause between two of them
)

// retryer is the SDK's, with pauses from our own randomness.
func (s *signIn) retryer(attempts int) aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
			if s.deps.Jitter == nil {
				return 0, nil
			}
			longest := min(time.Second<<min(attempt, 10), maxBackoff)
			return time.Duration(s.deps.Jitter() * float64(longest)), nil
		})
	})
}
