package diagnosis_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

func TestTest_is_an_error_with_cause_and_fix(t *testing.T) {
	var p patient
	r := p.real(t, registrytest.Options{})
	doctor := p.doctor()
	if err := doctor.Test(t.Context(), p.open(t)); err != nil {
		t.Error(err)
	}
	p.at(r.URL, zooUser, zooWrong)
	err := doctor.Test(t.Context(), p.open(t))
	if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "“jane”") || fault.FixOf(err) == "" {
		t.Errorf("got %v, %s", err, fault.FixOf(err))
	}
}

func TestDiagnose_ends_with_its_context(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var p patient
	hang := p.fake(t, nil, registrytest.Quirks{Answer: func(w http.ResponseWriter, r *http.Request) bool {
		cancel()
		<-r.Context().Done()
		return true
	}})
	p.at(hang.URL, zooUser, zooRight)
	d := p.doctor().Diagnose(ctx, p.open(t), image.Reference{}, func(diagnosis.Step) {})
	if d.Verdict != diagnosis.Failed {
		t.Errorf("%s: %s", d.Verdict, d.Summary)
	}
}
