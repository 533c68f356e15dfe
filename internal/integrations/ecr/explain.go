package ecr

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// A call is what was asked of AWS when an error came.
type call struct {
	op, what string
	action   string // the permission it needs
	region   string
	endpoint string // the integration's own
	external bool   // an external ID was given
}

// explain turns an error of the SDK into one that says what is wrong and what to do. Nothing of the SDK's error is kept but
// bounded text without the secrets that were used: AWS repeats parts of a request whose signature is wrong.
func (s *signIn) explain(c call, err error, as aws.Credentials) error {
	hide := s.hidden(as)
	f := &fault.Error{Op: c.op, What: c.what}
	var answered interface{ HTTPStatusCode() int }
	status := 0
	if errors.As(err, &answered) {
		status = answered.HTTPStatusCode()
	}
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() != "" && api.ErrorCode() != unknownError {
		text := firstLine(api.ErrorMessage(), hide)
		f.Code, f.Name, f.Fix = s.advice(c, api.ErrorCode(), text, status)
		f.Err = errors.New(strings.TrimSuffix(firstLine(api.ErrorCode(), hide)+": "+text, ": "))
		return f
	}
	if status != 0 {
		f.Code, f.Name, f.Fix = s.advice(c, "", "", status)
		f.Err = fmt.Errorf("the answer (%d %s) is not one that AWS gives", status, http.StatusText(status))
		var unreadable *smithy.DeserializationError
		if errors.As(err, &unreadable) {
			f.Err = fmt.Errorf("%w: %s", f.Err, firstLine(unreadable.Err.Error(), hide))
		}
		return f
	}
	f.Code, f.Name, f.Err = fault.Unavailable, "ecr-unreachable", errors.New(transportText(err, hide))
	f.Fix = "See that this server reaches AWS, by its proxy if it needs one."
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		f.Name = "ecr-wrong-region"
		if c.endpoint != "" {
			f.Name = "ecr-wrong-endpoint"
		}
		f.Fix = fmt.Sprintf("No host has the name %s. Check the region (%s)%s.", firstLine(dns.Name, hide), c.region, orEndpoint(c))
	}
	return f
}

// hidden are the secrets of what is asked as an identity.
func (s *signIn) hidden(as aws.Credentials) []string {
	return []string{as.SecretAccessKey, as.SessionToken, as.AccessKeyID, s.key.Reveal(), s.keyID.Reveal()}
}

// unknownError is the code that the SDK makes up where an answer has none.
const unknownError = "UnknownError"

func orEndpoint(c call) string {
	if c.endpoint != "" {
		return " and the endpoint"
	}
	return ""
}

// advice says what an error of AWS means, by which name it is known, and what to do about it.
func (s *signIn) advice(c call, code, text string, status int) (kind fault.Code, name, fix string) {
	switch code {
	case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId":
		name, fix = s.unknownKey()
		return fault.Unauthenticated, name, fix
	case "InvalidSignatureException", "SignatureDoesNotMatch":
		name, fix = s.badSignature(c, text)
		return fault.Unauthenticated, name, fix
	case "RequestTimeTooSkewed":
		return fault.Unauthenticated, "ecr-clock-skew", fixClock
	case "ExpiredTokenException", "ExpiredToken", "RequestExpired":
		if c.action == actionWebIdentity {
			return fault.Unauthenticated, "ecr-web-identity-expired", "The service account's token has expired: the kubelet renews the mounted file, so see whether AWS_WEB_IDENTITY_TOKEN_FILE names a mounted one and this machine's clock is right."
		}
		return fault.Unauthenticated, "ecr-credentials-expired", "The temporary credentials that this server was given have expired: renew them where they come from, and see that this machine's clock is right."
	case "InvalidIdentityToken", "InvalidIdentityTokenException", "IDPRejectedClaim":
		return fault.Unauthenticated, "ecr-unknown-oidc-provider", "Register the cluster's OIDC provider in IAM, and let the role's trust policy name it and the audience sts.amazonaws.com."
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation":
		name, fix = s.denied(c, text)
		return fault.Forbidden, name, fix
	case "RegionDisabledException", "OptInRequired":
		return fault.Forbidden, "ecr-region-disabled", fmt.Sprintf("The account must enable the region %s, and STS in it: aws account enable-region --region-name %s", c.region, c.region)
	case "Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "RequestThrottled", "SlowDown":
		return fault.Limited, "ecr-throttled", "AWS limits how often the account may ask. It is asked again when an image is needed; see what else uses up the quota."
	case "ValidationError", "ValidationException", "InvalidParameterException", "MalformedQueryString":
		return fault.Invalid, "ecr-invalid-request", "Check the role and the external ID."
	}
	switch {
	case status == http.StatusTooManyRequests:
		return fault.Limited, "ecr-throttled", "Try again later."
	case status >= 500:
		return fault.Unavailable, "ecr-service-failure", "AWS fails or a proxy before it does: try again later."
	case code != "":
		return fault.OfHTTPStatus(status), "ecr-refused", "Look the code of the error up in the documentation of Amazon ECR and AWS STS."
	case c.endpoint != "":
		return fault.Invalid, "ecr-wrong-endpoint", "The endpoint must be that of the ECR API (such as https://api.ecr." + c.region + "." + partitionOf(c.region).suffix + "), not the registry's host."
	}
	return fault.Unavailable, "ecr-not-aws", fixNotAWS
}

func (s *signIn) unknownKey() (name, fix string) {
	switch {
	case !s.keyID.IsSet():
		return "ecr-unknown-machine-identity", "AWS does not know the credentials that this machine lends. A machine of one partition (aws, aws-cn, aws-us-gov, ...) cannot sign in to another one."
	case strings.HasPrefix(s.keyID.Reveal(), "ASIA"):
		return "ecr-temporary-key", "The access key is a temporary one, which works only together with a session token. Use an IAM user's key (AKIA...) or the container IAM role."
	}
	return "ecr-unknown-key", "AWS does not know the access key ID: it is mistyped, was deleted or deactivated, or belongs to another partition (aws, aws-cn, aws-us-gov, ...) than the region."
}

const fixNotAWS = "See that what answers is AWS, and not a proxy."

const fixClock = "The clock of this machine is wrong: AWS accepts five minutes of difference. Let it be set by NTP."

func (s *signIn) badSignature(c call, text string) (name, fix string) {
	switch {
	case strings.Contains(text, "scoped to a valid region") || strings.Contains(text, "scoped to correct"):
		return "ecr-wrong-region", fmt.Sprintf("The endpoint belongs to another region than %s: correct the region or the endpoint.", c.region)
	case strings.Contains(text, "xpired") || strings.Contains(text, "not yet current"):
		return "ecr-clock-skew", fixClock
	case s.keyID.IsSet():
		return "ecr-wrong-secret-key", "The secret access key does not belong to the access key ID. Copy both again, or make a new key: AWS shows a secret only once."
	}
	return "ecr-mismatched-machine-keys", "The credentials that this machine lends do not fit together. See AWS_SECRET_ACCESS_KEY in the server's environment if it is set there."
}

// denied tells the policies apart that may be the matter. AWS answers a wrong external ID as it answers a role that does not
// exist, and does not always name the policy that lacks something.
func (s *signIn) denied(c call, text string) (name, fix string) {
	wanted := "Three things are needed: the identity that signs in is allowed sts:AssumeRole on the role, the role exists under that name and account, and the role's trust policy names that identity" + trust(text) + ". "
	switch {
	case c.action == actionWebIdentity:
		return "ecr-web-identity-denied", "The role's trust policy must allow " + actionWebIdentity + " to the cluster's OIDC provider for this service account (its namespace and name) and the audience sts.amazonaws.com."
	case c.action == actionAssumeRole && strings.Contains(text, "no identity-based policy allows"):
		return "ecr-assume-role-denied", "The identity that signs in lacks a permission. Add this statement to its policy: " + statement("", c.what, actionAssumeRole)
	case c.action == actionAssumeRole && c.external:
		return "ecr-wrong-external-id", "Most likely the external ID is wrong: it must be exactly the one in the role's trust policy (sts:ExternalId), upper and lower case included. If it is right, something else is missing. " + wanted +
			"Look at the trust policy: aws iam get-role --role-name " + baseName(c.what) + " --query Role.AssumeRolePolicyDocument"
	case c.action == actionAssumeRole:
		return "ecr-assume-role-denied", wanted + "If the trust policy asks for an external ID (sts:ExternalId), enter it. Look at the trust policy: aws iam get-role --role-name " + baseName(c.what) + " --query Role.AssumeRolePolicyDocument"
	}
	return "ecr-token-denied", "Allow the action " + c.action + " to the identity named in the message, by this statement in its policy: " + statement("", "*", strings.Split(c.action, " and ")...)
}

// caller is who was denied something, in the words of AWS.
var caller = regexp.MustCompile(`User: arn:([a-z-]+):(iam|sts)::([0-9]{12}):(user/[\w+=,.@/-]+|assumed-role/[\w+=,.@-]+)`)

// trust is the statement of a trust policy that lets in who was denied, if the message says who. A session belongs to a role.
func trust(text string) string {
	m := caller.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	who := "arn:" + m[1] + ":iam::" + m[3] + ":" + strings.Replace(m[4], "assumed-role/", "role/", 1)
	return ": " + statement(who, "", actionAssumeRole)
}

// A machineTransport remembers how the last request ended, which the SDK's errors do not always tell.
type machineTransport struct {
	next      http.RoundTripper
	status    int   // 0 when no answer came
	err       error // why none came
	connected bool  // somebody was there
}

func (t *machineTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	t.status, t.connected = 0, false
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { t.connected = true }}
	resp, err := t.next.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	t.err = err
	if err == nil {
		t.status = resp.StatusCode
	}
	return resp, err
}

// machineError says why what should lend this machine an identity does not.
func machineError(op, host string, seen *machineTransport, err error, hide ...string) *fault.Error {
	f := &fault.Error{Code: fault.Unauthenticated, Op: op, What: host}
	var api smithy.APIError
	switch {
	case errors.As(err, &api):
		f.Err = errors.New(strings.Trim(firstLine(api.ErrorCode()+": "+api.ErrorMessage(), hide), ": "))
	case seen.err != nil:
		f.Err = errors.New(transportText(seen.err, hide))
	case seen.status >= 300:
		f.Err = fmt.Errorf("it answers %d %s", seen.status, http.StatusText(seen.status))
	case seen.status != 0:
		f.Err = errors.New("its answer holds no credentials")
	default:
		f.Err = errors.New(transportText(err, hide))
	}
	return f
}

const fixContainer = "See that the ECS task has a task role, or that the pod's service account has a Pod Identity association and the node runs the EKS Pod Identity agent; then restart the pod."

// instanceFix tells what is wrong with a metadata service by how it answers. The hop limit counts for the answer to the
// request for a token alone, which is lost on its way into a container: others are answered, and so are connections.
func instanceFix(seen *machineTransport) (name, fix string) {
	const hopLimit = "aws ec2 modify-instance-metadata-options --instance-id ID --http-put-response-hop-limit 2"
	switch {
	case seen.status == http.StatusNotFound:
		return "ecr-no-instance-role", "The machine has no role. " + fixNoIdentity
	case seen.status == http.StatusUnauthorized, seen.status == 0 && seen.connected:
		return "ecr-imds-hop-limit", "The metadata service wants a session token (IMDSv2), which does not reach containers while the instance's hop limit is 1: " + hopLimit + ". Better, give the pod a role of its own."
	case seen.status == http.StatusForbidden:
		return "ecr-imds-forbidden", "The metadata service is turned off for this machine, or something on the node forbids it to pods. " + fixNoIdentity
	}
	return "ecr-no-machine-identity", "Nothing here lends AWS credentials. If this is EC2, a network policy or a hop limit of 1 may be in the way: " + hopLimit + ". " + fixNoIdentity
}

// firstLine is what AWS said. It writes what a signature was made of in the lines after the first.
func firstLine(text string, hide []string) string {
	text, _, _ = strings.Cut(text, "\n")
	return integration.Said(text, hide...)
}

// transportText is why no answer came, without the address that was asked.
func transportText(err error, hide []string) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var slow interface{ Timeout() bool }
	if errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &slow) && slow.Timeout()) {
		return "no answer in time"
	}
	return firstLine(err.Error(), hide)
}
