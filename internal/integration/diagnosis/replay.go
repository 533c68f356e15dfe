package diagnosis

import (
	"encoding/json"
	"io"
	"slices"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// format is that of saved diagnoses.
const format = 1

// Limits of saved diagnoses, far above what a test gives.
const (
	maxSaved    = 8 << 20
	maxObserved = 200
)

// Read reads a saved diagnosis. The error is fault.Invalid.
func Read(from io.Reader) (*Diagnosis, error) {
	refuse := func(why string) error {
		return fault.New(fault.Invalid, "read saved connection test", "%s", why).
			WithFix("Give the JSON document that `landwaiter integration test NAME -o json` wrote.")
	}
	raw, err := io.ReadAll(io.LimitReader(from, maxSaved+1))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "read saved connection test", "", err)
	}
	var d Diagnosis
	switch {
	case len(raw) > maxSaved:
		return nil, refuse("it is longer than 8 MiB")
	case json.Unmarshal(raw, &d) != nil:
		return nil, refuse("it is not the JSON document of one")
	case d.Format > format:
		return nil, fault.New(fault.Invalid, "read saved connection test", "its format is %d, and this version knows up to %d", d.Format, format).
			WithFix("Read it with a version of Landwaiter that is as new as the one that wrote it.")
	case d.Format != format, len(d.Observations) == 0:
		return nil, refuse("it holds no connection test")
	case len(d.Observations) > maxObserved:
		return nil, refuse("it has more steps than a test can have")
	}
	for _, o := range d.Observations {
		if !o.plausible() {
			return nil, refuse("it has a step that no test has")
		}
	}
	return &d, nil
}

// plausible reports whether a test could have made an observation. What a type reports is shown as it is, so it must not pass
// for a step that is judged here.
func (o Observation) plausible() bool {
	ours := title(o.Step) != o.Step
	if o.Reported == nil {
		return ours
	}
	return !ours && o.Reported.ID == o.Step && slices.Contains([]Verdict{Passed, Warning, Failed, Skipped}, o.Reported.Verdict)
}

// Replay judges what a saved diagnosis saw by the rules of this version, without asking anybody.
func Replay(saved *Diagnosis, types *integration.Types) *Diagnosis {
	typ, _ := types.Get(saved.Subject.Type)
	j := judge{advice: typ.Advice, subject: saved.Subject}
	j.subject.Username = "" // as long as the observations have not told it
	for _, o := range saved.Observations {
		j.step(o)
	}
	d := j.conclude()
	d.Program, d.Started, d.Took = saved.Program, saved.Started, saved.Took
	return d
}
