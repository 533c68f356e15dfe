package client_test

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/landwaiter/landwaiter/client"
	"github.com/landwaiter/landwaiter/internal/api"
	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// A slowDoctor goes on to its second step when it is told to.
type slowDoctor struct {
	goOn chan struct{}
	ref  image.Reference
	gone chan struct{} // closed when the caller is gone
}

func (d *slowDoctor) diagnose(ctx context.Context, c integration.Candidate, ref image.Reference, emit func(diagnosis.Step)) *diagnosis.Diagnosis {
	d.ref = ref
	first := diagnosis.Step{ID: "settings", Verdict: diagnosis.Passed, Summary: c.Integration.Type + " at " + c.Registry.Endpoint(ref).Host}
	emit(first)
	select {
	case <-d.goOn:
	case <-ctx.Done():
		close(d.gone)
	}
	second := diagnosis.Step{ID: "tls", Verdict: diagnosis.Failed}
	emit(second)
	return &diagnosis.Diagnosis{Verdict: diagnosis.Failed, Steps: []diagnosis.Step{first, second}}
}

func slow(t *testing.T) (*slowDoctor, *apitest.Fixture, *client.Client, client.Integration) {
	t.Helper()
	doctor := &slowDoctor{goOn: make(chan struct{}), gone: make(chan struct{})}
	f := apitest.Start(t, func(o *api.Options) { o.Diagnose = doctor.diagnose })
	srv := httptest.NewServer(f.API)
	t.Cleanup(srv.Close)
	c := open(t, client.Options{URL: srv.URL, Token: secret.New(f.Token(auth.Administrator))})
	in := client.Integration{
		"name": "team", "type": "docker", "categories": []string{"REGISTRY"}, "skipTestIntegration": true,
		"docker": map[string]any{"endpoint": "http://" + f.Registry, "username": "robot", "password": apitest.Marked},
	}
	return doctor, f, c, in
}

func TestDiagnose(t *testing.T) {
	ctx := context.Background()

	t.Run("a step is told before the next one is done", func(t *testing.T) {
		doctor, f, c, in := slow(t)
		var steps []string
		d, err := c.DiagnoseIntegration(ctx, in, true, f.Image, func(s diagnosis.Step) {
			if len(steps) == 0 {
				close(doctor.goOn) // which it waits for before the second
			}
			steps = append(steps, s.ID)
		})
		must(t, err)
		if len(steps) != 2 || d.Verdict != diagnosis.Failed || len(d.Steps) != 2 || d.Steps[0].Summary != "docker at "+f.Registry {
			t.Errorf("told %v, then %+v", steps, d)
		}
		if doctor.ref.String() != f.Image {
			t.Errorf("the image is %s, want %s", doctor.ref, f.Image)
		}
	})

	t.Run("a stored integration is tested by its ID", func(t *testing.T) {
		doctor, _, c, in := slow(t)
		close(doctor.goOn)
		stored, err := c.CreateIntegration(ctx, in)
		must(t, err)
		d, err := c.DiagnoseStoredIntegration(ctx, stored.Text("id"), "", func(diagnosis.Step) {})
		must(t, err)
		if len(d.Steps) != 2 || doctor.ref.Repository != "" {
			t.Errorf("%+v with %s", d, doctor.ref)
		}
		_, err = c.DiagnoseStoredIntegration(ctx, "unknown", "", nil)
		wants(t, err, fault.NotFound)
	})

	t.Run("an image of another registry is refused", func(t *testing.T) {
		_, _, c, in := slow(t)
		_, err := c.DiagnoseIntegration(ctx, in, true, "quay.io/org/app:1", nil)
		wants(t, err, fault.Invalid, "quay.io/org/app:1")
	})

	t.Run("a test ends when nobody waits for it any more", func(t *testing.T) {
		doctor, _, c, in := slow(t)
		ctx, cancel := context.WithCancel(ctx)
		_, err := c.DiagnoseIntegration(ctx, in, true, "", func(diagnosis.Step) { cancel() })
		wants(t, err, fault.Unavailable)
		<-doctor.gone
	})
}
