package ecr

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// identity is who signs in first.
func (s *signIn) identity(ctx context.Context) (aws.Credentials, error) {
	_, lend := s.source()
	return lend(ctx)
}

// source is where the first identity comes from: the integration's keys, or what the SDKs' default chain finds on this
// machine, in its order and without its configuration files.
func (s *signIn) source() (name string, lend func(context.Context) (aws.Credentials, error)) {
	given := func(c aws.Credentials) func(context.Context) (aws.Credentials, error) {
		return func(context.Context) (aws.Credentials, error) { return c, nil }
	}
	if s.keyID.IsSet() {
		return "access keys of the integration", given(aws.Credentials{AccessKeyID: s.keyID.Reveal(), SecretAccessKey: s.key.Reveal()})
	}
	key, keySecret := s.env("AWS_ACCESS_KEY_ID"), s.env("AWS_SECRET_ACCESS_KEY")
	full, relative := s.env("AWS_CONTAINER_CREDENTIALS_FULL_URI"), s.env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
	container := func(at string) func(context.Context) (aws.Credentials, error) {
		return func(ctx context.Context) (aws.Credentials, error) { return s.container(ctx, at) }
	}
	switch {
	case key != "" && keySecret != "":
		return "AWS_ACCESS_KEY_ID in the server's environment", given(aws.Credentials{AccessKeyID: key, SecretAccessKey: keySecret, SessionToken: s.env("AWS_SESSION_TOKEN")})
	case s.env("AWS_WEB_IDENTITY_TOKEN_FILE") != "":
		return "IAM role for service accounts (IRSA)", s.webIdentity
	case relative != "":
		return "ECS task role", container("http://169.254.170.2" + relative)
	case full != "":
		return "EKS Pod Identity, or another credential service of the container at " + hostOf(full), container(full)
	case s.isTrue("AWS_EC2_METADATA_DISABLED"):
		return "nothing", func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, fault.New(fault.Unauthenticated, "find container IAM role", "nothing on this machine lends AWS credentials, and AWS_EC2_METADATA_DISABLED forbids asking EC2").
				Named("ecr-no-machine-identity").WithFix("%s", fixNoIdentity)
		}
	}
	return "role of the EC2 instance (IMDS)", s.instance
}

const fixNoIdentity = "Give the server's pod a role (IAM role for service accounts, or EKS Pod Identity), its ECS task a task role, or its EC2 instance an instance profile; or turn \"Use container IAM role\" off and give access keys."

// webIdentity trades the token of a Kubernetes service account for a role's credentials.
func (s *signIn) webIdentity(ctx context.Context) (aws.Credentials, error) {
	const op = "sign in with the service account's token"
	file, role := s.env("AWS_WEB_IDENTITY_TOKEN_FILE"), s.env("AWS_ROLE_ARN")
	if role == "" {
		return aws.Credentials{}, fault.New(fault.Unauthenticated, op, "AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not").
			Named("ecr-web-identity-incomplete").WithFix("Annotate the pod's service account with eks.amazonaws.com/role-arn, and restart the pod.")
	}
	token, err := integration.ReadToken(file)
	if err != nil {
		return aws.Credentials{}, fault.Wrap(fault.Unauthenticated, op, "read the token", err).
			Named("ecr-web-identity-incomplete").WithFix("The pod must mount it: annotate the service account with eks.amazonaws.com/role-arn and restart the pod.")
	}
	region := s.region
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if home := s.env(name); regionPattern.MatchString(home) {
			region = home
			break
		}
	}
	name := cmp.Or(s.env("AWS_ROLE_SESSION_NAME"), sessionName)
	out, err := s.sts(region, aws.Credentials{}).AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: &role, RoleSessionName: &name, WebIdentityToken: aws.String(token.Reveal()),
	})
	if err != nil {
		return aws.Credentials{}, s.explain(call{op: op, what: role, action: actionWebIdentity, region: region}, err, aws.Credentials{SessionToken: token.Reveal()})
	}
	if out.Credentials == nil {
		return aws.Credentials{}, fault.New(fault.Unavailable, op, "%s: the answer of STS holds no credentials", role).
			Named("ecr-not-aws").WithFix("%s", fixNotAWS)
	}
	return aws.Credentials{
		AccessKeyID: aws.ToString(out.Credentials.AccessKeyId), SecretAccessKey: aws.ToString(out.Credentials.SecretAccessKey),
		SessionToken: aws.ToString(out.Credentials.SessionToken),
	}, nil
}

const actionWebIdentity = "sts:AssumeRoleWithWebIdentity"

// container asks the agent of ECS, or that of EKS Pod Identity, on this machine.
func (s *signIn) container(ctx context.Context, at string) (aws.Credentials, error) {
	const op = "ask the container's credential service"
	if !localOrVerified(at) {
		return aws.Credentials{}, fault.New(fault.Unauthenticated, op, "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither on this machine nor https").
			Named("ecr-container-credentials").WithFix("Correct or remove the variable in the server's environment.")
	}
	token := secret.New(s.env("AWS_CONTAINER_AUTHORIZATION_TOKEN"))
	if file := s.env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
		var err error
		if token, err = integration.ReadToken(file); err != nil {
			return aws.Credentials{}, fault.Wrap(fault.Unauthenticated, op, "read the token", err).
				Named("ecr-container-credentials").WithFix("The pod must mount it: restart the pod after the Pod Identity association was made.")
		}
	}
	ctx, cancel := context.WithTimeout(ctx, machineLimit)
	defer cancel()
	client, seen := s.machineClient()
	provider := endpointcreds.New(at, func(o *endpointcreds.Options) {
		o.HTTPClient, o.AuthorizationToken, o.Retryer = client, token.Reveal(), s.retryer(machineAttempts)
	})
	lent, err := provider.Retrieve(ctx)
	if err != nil {
		return aws.Credentials{}, machineError(op, hostOf(at), seen, err, token.Reveal()).Named("ecr-container-credentials").WithFix("%s", fixContainer)
	}
	return lent, nil
}

// localOrVerified reports whether a credential service may be asked: by plain HTTP only on this machine.
func localOrVerified(at string) bool {
	u, err := url.Parse(at)
	if err != nil || u.Host == "" {
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	local := u.Hostname() == "localhost"
	if err == nil {
		addr = addr.Unmap()
		local = addr.IsLoopback() || addr == ecsAgent || addr == podIdentityAgent || addr == podIdentityAgent6
	}
	return u.Scheme == "https" || (u.Scheme == "http" && local)
}

var (
	ecsAgent          = netip.MustParseAddr("169.254.170.2")
	podIdentityAgent  = netip.MustParseAddr("169.254.170.23")
	podIdentityAgent6 = netip.MustParseAddr("fd00:ec2::23")
)

func hostOf(at string) string {
	u, err := url.Parse(at)
	if err != nil {
		return ""
	}
	return u.Host
}

// Limits of what answers on the machine itself, if it answers at all: for one request, and for all of them.
const (
	machineAttempts = 2
	machineStep     = time.Second
	machineLimit    = 10 * time.Second
)

func (s *signIn) machineClient() (*http.Client, *machineTransport) {
	seen := &machineTransport{next: s.http.Transport}
	return &http.Client{Transport: seen, CheckRedirect: s.http.CheckRedirect, Timeout: machineStep}, seen
}

// instance asks EC2's metadata service, or a proxy on the node that stands in for it. Such proxies may know the first
// version of the protocol only.
func (s *signIn) instance(ctx context.Context) (aws.Credentials, error) {
	client, seen := s.machineClient()
	o := imds.Options{
		HTTPClient: client, Retryer: s.retryer(machineAttempts), ClientEnableState: imds.ClientEnabled,
		Endpoint: s.env("AWS_EC2_METADATA_SERVICE_ENDPOINT"), DisableDefaultMaxBackoff: true,
	}
	if o.Endpoint == "" {
		o.Endpoint = "http://169.254.169.254"
		if strings.EqualFold(s.env("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"), "ipv6") {
			o.Endpoint = "http://[fd00:ec2::254]"
		}
	}
	if s.isTrue("AWS_EC2_METADATA_V1_DISABLED") {
		o.EnableFallback = aws.FalseTernary
	}
	ctx, cancel := context.WithTimeout(ctx, machineLimit)
	defer cancel()
	provider := ec2rolecreds.New(func(p *ec2rolecreds.Options) { p.Client = imds.New(o) })
	lent, err := provider.Retrieve(ctx)
	if err != nil {
		name, fix := instanceFix(seen)
		return aws.Credentials{}, machineError("ask EC2 for the machine's role", hostOf(o.Endpoint), seen, err).Named(name).WithFix("%s", fix)
	}
	return lent, nil
}
