package ecr

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

// Probe goes the way of a sign-in part by part, and then tries what the identity at its end may do.
func (r *registry) Probe(ctx context.Context, p diagnosis.Probing) {
	if r.from == nil {
		p.Report(r.probePushed(ctx, p))
		return
	}
	step, as, account := r.probeIdentity(ctx)
	p.Report(step)
	for i := 0; step.Verdict != diagnosis.Failed && i < len(r.from.roles); i++ {
		step, as = r.probeRole(ctx, as, i)
		p.Report(step)
		account = accountOf(r.from.roles[i])
	}
	if step.Verdict == diagnosis.Failed {
		return
	}
	step = r.probePassword(ctx, as)
	p.Report(step)
	if r.from.account == "" { // ECR Public lets everybody read every repository
		return
	}
	if repository := p.Ref.Repository; step.Verdict != diagnosis.Failed && repository != "" && r.Serves(p.Ref) {
		p.Report(r.probeRights(ctx, as, account, repository))
	}
}

// probePushed also asks the registry, since a password can end before the time that came with it.
func (r *registry) probePushed(ctx context.Context, p diagnosis.Probing) diagnosis.Step {
	step := diagnosis.NewStep(r.id+"-pushed", "Password pushed by an agent")
	lent, err := r.lend(ctx)
	if err != nil {
		step.Summary = "ended"
		step.Fail(err, "ecr-pushed-expired")
		return *step
	}
	step.Summary = "ends " + lent.Expires.UTC().Format(time.RFC3339)
	if answer, err := p.Get(ctx, "/v2/", lent); err == nil && strings.Contains(strings.ToLower(answer.Message), "token has expired") {
		step.Summary = "ended early"
		step.Find(diagnosis.Finding{Name: "ecr-pushed-expired", Verdict: diagnosis.Failed, Cause: "The registry says: " + answer.Message, Fix: fixPushed})
	}
	return *step
}

// probeIdentity finds out who signs in first. AWS answers the question who one is to everybody whose keys are good, but the
// service that does may be out of reach where ECR itself is not.
func (r *registry) probeIdentity(ctx context.Context) (_ diagnosis.Step, as aws.Credentials, account string) {
	step := diagnosis.NewStep(r.id+"-identity", "AWS identity")
	source, lend := r.from.source()
	step.See("from", source)
	as, err := lend(ctx)
	if err != nil {
		step.Summary = "none"
		step.Fail(err, "ecr-no-machine-identity")
		return *step, as, ""
	}
	step.See("access key ID", masked(as.AccessKeyID))
	who, err := r.from.sts(r.from.region, as).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		err = r.from.explain(call{op: "ask who signs in", what: "STS in " + r.from.region, action: "sts:GetCallerIdentity", region: r.from.region}, err, as)
		step.Summary = "unknown to AWS"
		if fault.CodeOf(err) == fault.Unauthenticated {
			step.Fail(err, "ecr-unknown-key")
			return *step, as, ""
		}
		step.Summary = "found; whose it is could not be asked"
		step.See("STS", err.Error())
		return *step, as, ""
	}
	account = aws.ToString(who.Account)
	step.Summary = aws.ToString(who.Arn)
	step.See("identity", aws.ToString(who.Arn))
	step.See("account", account)
	if len(r.from.roles) == 0 && r.from.account != "" && account != r.from.account {
		step.See("account of the registry", r.from.account+", another one: its repository policies must let this identity in")
	}
	return *step, as, account
}

// masked is what tells a key from others.
func masked(keyID string) string {
	if len(keyID) < 12 {
		return "****"
	}
	return "****" + keyID[len(keyID)-4:]
}

func accountOf(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 4 {
		return parts[4]
	}
	return ""
}

func (r *registry) probeRole(ctx context.Context, as aws.Credentials, i int) (diagnosis.Step, aws.Credentials) {
	role := r.from.roles[i]
	step := diagnosis.NewStep(fmt.Sprintf("%s-role-%d", r.id, i+1), "Assume role "+baseName(role))
	step.Summary = "assumed"
	step.See("role", role)
	if i == len(r.from.roles)-1 {
		step.See("external ID", map[bool]string{true: "given", false: "none"}[r.from.externalID != ""])
	}
	next, err := r.from.assume(ctx, as, i)
	if err != nil {
		step.Summary = "refused"
		step.Fail(err, "ecr-assume-role-failed")
	}
	return *step, next
}

func baseName(role string) string { return role[strings.LastIndexByte(role, '/')+1:] }

func (r *registry) probePassword(ctx context.Context, as aws.Credentials) diagnosis.Step {
	step := diagnosis.NewStep(r.id+"-token", "ECR authorization token")
	step.See("region", r.from.region)
	step.See("endpoint", r.from.endpoint)
	lent, err := r.from.password(ctx, as)
	if err != nil {
		step.Summary = "refused"
		step.Fail(err, "ecr-token-failed")
		return *step
	}
	step.Summary = "lent until " + lent.Expires.UTC().Format(time.RFC3339)
	return *step
}
