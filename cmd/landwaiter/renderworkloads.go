package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/report"
	"github.com/landwaiter/landwaiter/internal/workload"
)

// renderWorkloads prints each workload, and then all of them in a table.
func renderWorkloads(w io.Writer, subjects []report.Subject) error {
	r := &renderer{w: w}
	rows := [][]string{{"WORKLOAD", "VERDICT"}}
	for _, s := range subjects {
		r.printf("%s (%s)\n", printable(s.Title()), printable(place(s.Workload.Workload)))
		images := [][]string{{"CONTAINER", "IMAGE", "SCAN", "VULNERABILITIES"}}
		for _, i := range s.Workload.Images {
			images = append(images, []string{containerName(i), i.Image, i.ScanStatus, i.CheckStatus})
		}
		r.table(images)
		for _, problem := range s.Problems {
			r.printf("%s\n", printable(problem.Text))
			if problem.Fix != "" {
				r.printf("  what to do: %s\n", printable(problem.Fix))
			}
		}
		r.violations(s.Policy, inContainer)
		r.undecided(s.Policy.Undecided, "", func(u policy.Undecided) bool { return !u.Stops() })
		r.printf("\n%s\n\n", s.Outcome())
		rows = append(rows, []string{s.Title(), s.Outcome()})
	}
	if len(subjects) > 1 {
		r.table(rows)
	}
	return r.err
}

// containerName says of containers that are not the usual ones what they are.
func containerName(i assess.WorkloadImage) string {
	if i.ContainerKind == policy.MainContainer {
		return i.Container
	}
	return i.Container + " (" + i.ContainerKind + ")"
}

// inContainer says which container a message is about, and which line of its image's Dockerfile.
func inContainer(m policy.Message) string {
	var parts []string
	if m.Container != "" && !strings.Contains(m.Text, "container "+m.Container) {
		parts = append(parts, "container "+m.Container)
	}
	if m.Line > 0 {
		parts = append(parts, fmt.Sprintf("line %d of its image", m.Line))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + printable(strings.Join(parts, ", ")) + ")"
}

// place is where an object stands.
func place(o workload.Object) string {
	if o.File == "" {
		return fmt.Sprintf("line %d", o.Line)
	}
	return fmt.Sprintf("%s:%d", o.File, o.Line)
}
