package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/client"
	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/policy"
)

func (p *program) policyTestCommand() *cobra.Command {
	var f imageFlags
	var live bool
	var stage string
	cmd := &cobra.Command{
		Use:   "test POLICY|FILE IMAGE",
		Short: "Show why an image breaks a policy, or why not",
		Long: `Test asks a policy, or those of a file, about an image, and shows every part of their conditions with its values: for the image, or
for the items of a list that the condition holds for and those that come nearest. Disabled policies are asked, too. Nothing is
kept.

With --server, the latest stored check of the image is taken, unless --live is given. Exit status: 0, whatever the policies say;
2 the image cannot be had, or a policy has a mistake.`,
		Example: "  landwaiter policy test latest-tag nginx\n  landwaiter policy test policy.yaml quay.io/org/app:1.2 --server https://landwaiter.example",
		Args:    exactArgs(2, "a policy or a file of policies, and an image"),
	}
	flags := cmd.Flags()
	f.platform = text(flags, settingPlatform)
	f.declareFlow(flags)
	flags.BoolVar(&live, "live", false, "with --server: look at the image anew")
	flags.StringVar(&stage, "stage", "", "build or deploy (default: each policy's first)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if stage != "" && stage != string(policy.Build) && stage != string(policy.Deploy) {
			return fault.New(fault.Invalid, cmd.CommandPath(), "--stage cannot be %q", stage).WithFix("Give build or deploy.")
		}
		ref, err := image.ParseReference(args[1])
		if err != nil {
			return err
		}
		platform, err := image.ParsePlatform(*f.platform)
		if err != nil {
			return err
		}
		chosen, err := p.choosePolicies(args[:1])
		if err != nil {
			return err
		}
		var test *assess.PolicyTest
		if f.remote.given() {
			err = p.onServer(f, "policy test", func(c *client.Client) error {
				test, err = c.Policies().Test(cmd.Context(), client.PolicyTest{
					ChosenPolicies: chosen, Image: ref.String(), Platform: platform.String(), Stage: policy.Stage(stage), Live: live,
				})
				return err
			})
		} else {
			test, err = p.testAlone(cmd.Context(), f, chosen, assess.Request{Reference: ref, Platform: platform, Depth: assess.ScanIt}, policy.Stage(stage))
		}
		if err != nil {
			return err
		}
		return p.print(*f.output, test, func() error { return renderPolicyTest(p.out, test) })
	}
	return cmd
}

// choosePolicies takes arguments that are files for files of policies, and others for names.
func (p *program) choosePolicies(args []string) (client.ChosenPolicies, error) {
	var chosen client.ChosenPolicies
	var paths []string
	for _, a := range args {
		if _, err := os.Stat(a); err == nil || a == "-" || strings.ContainsAny(a, "./") {
			paths = append(paths, a)
		} else {
			chosen.IDs = append(chosen.IDs, a)
		}
	}
	if len(paths) == 0 {
		return chosen, nil
	}
	if len(chosen.IDs) > 0 {
		return chosen, fault.Wrap(fault.Invalid, "choose policies", "", &fs.PathError{Op: "stat", Path: chosen.IDs[0], Err: fs.ErrNotExist}).
			WithFix("Give files of policies, or names of policies that are stored, but not both.")
	}
	read, err := p.readPolicies(paths)
	if err != nil {
		return chosen, err
	}
	if read.broken() {
		return chosen, fault.New(fault.Invalid, "read policies", "%s", read.problems())
	}
	chosen.Document = string(read.joined())
	return chosen, nil
}

func (p *program) testAlone(ctx context.Context, f imageFlags, chosen client.ChosenPolicies, req assess.Request, stage policy.Stage) (test *assess.PolicyTest, err error) {
	set, err := p.chosenAlone(ctx, f, chosen)
	if err != nil {
		return nil, err
	}
	err = p.alone(ctx, f, req.Depth, func(s *assess.Service, progress assess.Progress) error {
		a, err := s.Assess(ctx, req, progress)
		if err != nil {
			return adviseAlone(err, req.Reference.Registry)
		}
		test, err = s.TestPolicies(ctx, set, stage, a)
		return err
	})
	return test, err
}

func (p *program) chosenAlone(ctx context.Context, f imageFlags, chosen client.ChosenPolicies) (*policy.Set, error) {
	if chosen.Document != "" {
		policies, err := policy.Parse([]byte(chosen.Document))
		if err != nil {
			return nil, err
		}
		return policy.Compile(policies)
	}
	library, err := p.aloneLibrary(*f.data, *f.policies)
	if err != nil {
		return nil, err
	}
	for _, id := range chosen.IDs {
		if _, err := library.Entry(ctx, id); err != nil {
			return nil, err
		}
	}
	set, err := library.Current(ctx)
	if err != nil {
		return nil, err
	}
	return set.Only(func(o policy.Policy) bool { return slices.Contains(chosen.IDs, o.ID) }), nil
}

func renderPolicyTest(w io.Writer, t *assess.PolicyTest) error {
	r := &renderer{w: w}
	r.printf("%s\n", printable(t.Reference))
	r.field("platform", t.Platform)
	r.field("digest", string(t.Digest))
	if t.ID != "" {
		r.field("checked", when(t.AssessedAt)+", as the server keeps it")
	}
	for _, e := range t.Policies {
		r.printf("\n%s: %s [%s]\n", e.PolicyID, printable(e.Policy), e.Severity)
		r.explanation(e)
	}
	return r.err
}

// outcomes in the words of a person.
var outcomeWords = map[policy.Outcome]string{
	policy.Broken: "BROKEN", policy.NotBroken: "not broken", policy.Unanswered: "UNDECIDED", policy.Hidden: "excluded", policy.NotAsked: "not asked",
}

func (r *renderer) explanation(e *policy.Explanation) {
	r.printf("  %s at the stage %s\n", outcomeWords[e.Outcome], e.Result.Stage)
	for _, u := range e.Result.Undecided {
		r.printf("  because: %s\n", printable(u.Reason))
	}
	for _, x := range e.Result.Excluded {
		r.printf("  by the exclusion %s %s\n", printable(x.Exclusion), printable(x.Reason))
	}
	for _, n := range e.Result.Notes {
		r.printf("  note: %s\n", printable(n.Text))
	}
	for _, a := range e.Asked {
		if a.Container != "" {
			r.printf("\n  container %s\n", printable(a.Container))
		}
		if a.Missing != "" {
			continue // which is the reason above
		}
		if e.ForEach == "" {
			for _, c := range slices.Concat(a.Holds, a.Nearest, a.Fails) {
				r.clauses("    ", c)
			}
			continue
		}
		r.printf("\n  Of %d %s", a.Items, e.ForEach)
		if a.Looked < a.Items {
			r.printf(", %d of which were looked at", a.Looked)
		}
		r.printf(", this holds for so many:\n")
		for _, c := range a.Clauses {
			r.printf("    %6d  %s%s\n", c.Held, strings.Repeat("  ", c.Depth), printable(c.Text))
		}
		r.cases("It holds for", a.Holds, a.Held)
		if a.Held == 0 || len(a.Clauses) > 1 {
			r.cases("It does not hold for, among others", a.Nearest, 0)
		}
		r.cases("It cannot be evaluated for", a.Fails, a.Failed)
	}
}

// casesShown bounds those that are printed; JSON has more.
const casesShown = 5

func (r *renderer) cases(heading string, cases []policy.Case, all int) {
	if len(cases) == 0 {
		return
	}
	r.printf("\n  %s:\n", heading)
	for i, c := range cases {
		if i == casesShown {
			break
		}
		r.printf("    %s", printable(c.About.Text))
		if c.About.Line > 0 {
			r.printf(" (line %d)", c.About.Line)
		}
		r.printf("\n")
		r.clauses("      ", c)
	}
	if more := all - min(len(cases), casesShown); more > 0 {
		r.printf("    … and %d more\n", more)
	}
}

func (r *renderer) clauses(indent string, c policy.Case) {
	for _, k := range c.Clauses {
		mark := "no "
		switch {
		case k.Error != "":
			mark = "?  "
		case k.Holds:
			mark = "yes"
		}
		r.printf("%s%s  %s%s\n", indent, mark, strings.Repeat("  ", k.Depth), printable(k.Text))
		inner := fmt.Sprintf("%s     %s", indent, strings.Repeat("  ", k.Depth+1))
		if k.Error != "" {
			r.printf("%scould not be evaluated: %s\n", inner, printable(k.Error))
		}
		for _, v := range k.Values {
			r.printf("%s%s = %s\n", inner, printable(v.Text), printable(v.Value))
		}
	}
}
