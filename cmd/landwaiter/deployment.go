package main

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/client"
	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/report"
	"github.com/landwaiter/landwaiter/internal/workload"
)

func (p *program) deploymentCommand() *cobra.Command {
	return group("deployment", "Check Kubernetes workloads before they are deployed",
		`The deployment commands work alone or against a server, as the image commands do.`,
		p.deploymentCheckCommand())
}

// deploymentFlags are those of deployment check.
type deploymentFlags struct {
	imageFlags
	report    reportFlags
	files     []string
	namespace string
	cluster   string
}

func (p *program) deploymentCheckCommand() *cobra.Command {
	f := deploymentFlags{}
	cmd := &cobra.Command{
		Use:   "check -f FILE|DIR|-…",
		Short: "Judge Kubernetes workloads by the policies of the stage deploy",
		Long: `Check reads manifests, assesses the image of every container in them, init and ephemeral containers included, and asks the
policies of the stage deploy. Any object that has a pod template is a workload: Deployments and CronJobs as well as Argo's
Rollouts or Knative's Services. Other objects are named on standard error and otherwise ignored.

Exit status: 0 every workload passes, or violates only policies that are not enforced; 1 one violates an enforced policy, or
fails by --fail-on; 2 none does, but an enforced policy could not be decided, a manifest is malformed, or nothing could be
checked.`,
		Example: `  landwaiter deployment check -f app.yaml
  kustomize build overlays/production | landwaiter deployment check -f - -n shop --cluster production
  helm template ./chart | landwaiter deployment check --server https://landwaiter.example -f - -o json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.checkDeployments(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.files, "file", "f", nil, "file of manifests, directory that is searched for *.yaml, *.yml and *.json, or - for standard input; may be repeated")
	flags.StringVarP(&f.namespace, "namespace", "n", workload.DefaultNamespace, "namespace of objects whose manifest names none")
	flags.StringVar(&f.cluster, "cluster", "", "name of the cluster that the workloads are meant for")
	f.platform = text(flags, settingPlatform)
	f.declareFlow(flags, report.Formats()...)
	f.declareCategories(flags)
	f.report.declare(flags)
	return cmd
}

func (p *program) checkDeployments(ctx context.Context, f deploymentFlags) error {
	const op = "deployment check"
	options, err := f.report.read()
	if err != nil {
		return err
	}
	if !options.failOn.OnlyViolations() {
		return fault.New(fault.Invalid, op, "--fail-on can be about violations only here").
			WithFix("Give violation or e.g. violation-high; whether vulnerabilities stop a workload is up to policies, or see landwaiter image check.")
	}
	platform, err := image.ParsePlatform(*f.platform)
	if err != nil {
		return err
	}
	files, err := p.manifestFiles(f.files)
	if err != nil {
		return err
	}
	r := report.Report{Version: versionString(), Started: time.Now()}
	var found *assess.WorkloadsReport
	if f.remote.given() {
		err = p.onServer(f.imageFlags, op, func(c *client.Client) error {
			found, err = c.CheckDeployments(ctx, client.DeploymentsCheck{
				Files: files, Namespace: f.namespace, Cluster: f.cluster, Platform: platform.String(), Categories: f.categories,
			})
			return err
		})
	} else {
		found, err = p.checkDeploymentsAlone(ctx, f, files, platform)
	}
	if err != nil {
		return err
	}
	r.Ended = time.Now()
	for _, o := range found.Ignored {
		p.complain("landwaiter: ignored: %s (%s)", o, place(o))
	}
	if len(found.Workloads) == 0 {
		return fault.New(fault.Invalid, op, "there is no workload in the manifests").WithFix("Name the files that hold the workloads.")
	}
	for _, w := range found.Workloads {
		r.Subjects = append(r.Subjects, report.OfWorkload(w))
	}
	r.FailOn(options.failOn)
	return p.conclude(*f.output, options, &r, func() error {
		return p.print(*f.output, found, func() error { return renderWorkloads(p.out, r.Subjects) })
	})
}

func (p *program) checkDeploymentsAlone(ctx context.Context, f deploymentFlags, files []workload.File, platform image.Platform) (found *assess.WorkloadsReport, err error) {
	manifests, err := workload.Read(files, f.namespace)
	if err != nil {
		return nil, err
	}
	err = p.alone(ctx, f.imageFlags, assess.Judge, func(s *assess.Service, progress assess.Progress) error {
		found, err = s.CheckWorkloads(ctx, assess.WorkloadsRequest{
			Manifests: manifests, Cluster: policy.Cluster{Name: f.cluster}, Platform: platform, Categories: f.categories,
		}, progress)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, w := range found.Workloads {
		for i, c := range w.Images {
			if ref, err := image.ParseReference(c.Reference); err == nil && c.Err != nil {
				w.Images[i].Fix = fault.FixOf(adviseAlone(c.Err, ref.Registry))
			}
		}
	}
	return found, nil
}

// manifestFiles reads what -f names.
func (p *program) manifestFiles(names []string) ([]workload.File, error) {
	const op = "read manifests"
	if len(names) == 0 {
		return nil, fault.New(fault.Invalid, op, "no file is named").WithFix("Give -f FILE, -f DIR, or -f - for standard input.")
	}
	var files []workload.File
	left := int64(workload.MaxBytes)
	add := func(name string, in io.Reader) error {
		content, err := io.ReadAll(io.LimitReader(in, left+1))
		if left -= int64(len(content)); left < 0 {
			return fault.New(fault.Invalid, "", "they have more than %d MiB", workload.MaxBytes>>20).WithFix("Check fewer files at once.")
		}
		files = append(files, workload.File{Name: name, Content: string(content)})
		return err
	}
	open := func(name string) error {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		return add(name, f)
	}
	for _, name := range names {
		var err error
		if name == "-" {
			err = add("standard input", p.in)
		} else {
			err = manifestsIn(name, open)
		}
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, op, "", err)
		}
	}
	return files, nil
}

// manifestsIn visits a file, or those of a directory that may hold manifests.
func manifestsIn(name string, visit func(string) error) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return visit(name)
	}
	n := 0
	err = filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)) {
			return err
		}
		n++
		return visit(path)
	})
	if err == nil && n == 0 {
		return fault.New(fault.Invalid, "", "%s holds no *.yaml, *.yml or *.json", name).WithFix("Name a directory of manifests, or the files themselves.")
	}
	return err
}
