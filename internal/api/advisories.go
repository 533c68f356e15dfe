package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// Advisories is the server's advisory data. Import brings it into use, too.
type Advisories interface {
	Status() vuln.Status // the zero Status when nothing was imported
	Import(ctx context.Context, source string) (vuln.ImportResult, error)
}

type advisoryStatus struct {
	Records    int               `json:"records"`
	Ecosystems []ecosystemStatus `json:"ecosystems" nullable:"false"`
	Imported   *time.Time        `json:"imported" doc:"null when nothing was imported"`
	Newest     *time.Time        `json:"newest" doc:"the latest change of any record"`
	Size       int64             `json:"size" doc:"bytes on disk"`

	EPSS           *vuln.TableStatus `json:"epss,omitempty" doc:"the scores of the Exploit Prediction Scoring System, if they were imported"`
	KnownExploited *vuln.TableStatus `json:"knownExploited,omitempty" doc:"CISA's catalogue of known exploited vulnerabilities, if it was imported"`
	Warnings       []vuln.Warning    `json:"warnings" nullable:"false" doc:"that data are old"`
}

type ecosystemStatus struct {
	Name     string     `json:"name"`
	Records  int        `json:"records"`
	Newest   *time.Time `json:"newest"`
	Imported time.Time  `json:"imported"`
	Checked  *time.Time `json:"checked,omitempty" doc:"when the source was last found to have nothing newer"`
	Origin   string     `json:"origin,omitempty" doc:"URL of the source; empty when it was imported from a file"`
}

func statusOf(s vuln.Status) advisoryStatus {
	known := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	out := advisoryStatus{Records: s.Records, Size: s.Size, Imported: known(s.Imported), Newest: known(s.Newest),
		EPSS: s.EPSS, KnownExploited: s.KnownExploited, Warnings: append([]vuln.Warning{}, s.Warnings...)}
	out.Ecosystems = make([]ecosystemStatus, len(s.Ecosystems))
	for i, e := range s.Ecosystems {
		out.Ecosystems[i] = ecosystemStatus{Name: e.Name, Records: e.Records, Newest: known(e.Newest), Imported: e.Imported, Checked: known(e.Checked), Origin: e.Origin}
	}
	return out
}

type advisoryStatusOutput struct {
	Body advisoryStatus
}

type importOutput struct {
	Body struct {
		Records   int            `json:"records"`
		Skipped   int            `json:"skipped" doc:"records that could not be read"`
		Withdrawn int            `json:"withdrawn"`
		Tables    []string       `json:"tables" nullable:"false" doc:"what was imported besides records: EPSS, known exploited vulnerabilities"`
		Problems  []string       `json:"problems" nullable:"false" doc:"the first skipped records, with the reason"`
		Status    advisoryStatus `json:"status"`
	}
}

// uploadInput takes the body as a stream.
type uploadInput struct {
	body   io.Reader
	length int64
}

func (in *uploadInput) Resolve(ctx huma.Context) []error {
	in.body = ctx.BodyReader()
	in.length, _ = strconv.ParseInt(ctx.Header("Content-Length"), 10, 64)
	return nil
}

func (a *API) registerAdvisories() {
	register(a, "advisoryStatus", func(context.Context, *struct{}) (*advisoryStatusOutput, error) {
		return &advisoryStatusOutput{statusOf(a.Advisories.Status())}, nil
	})
	register(a, "importAdvisories", a.importAdvisories, func(op *huma.Operation) {
		op.RequestBody = &huma.RequestBody{
			Required: true, Description: "A zip archive of OSV records.",
			Content: map[string]*huma.MediaType{"application/zip": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
		}
	})
}

func (a *API) importAdvisories(ctx context.Context, in *uploadInput) (*importOutput, error) {
	if in.length > a.MaxUpload {
		return nil, a.uploadTooLarge(ctx)
	}
	if !a.importing.TryLock() {
		return nil, fault.New(fault.Conflict, "import advisories", "another import is running").WithFix("Try again when it is done.")
	}
	defer a.importing.Unlock()
	path, err := a.keepUpload(ctx, in.body)
	if path != "" {
		defer os.Remove(path)
	}
	if err != nil {
		return nil, err
	}
	result, err := a.Advisories.Import(ctx, path)
	if err != nil {
		return nil, err
	}
	var out importOutput
	out.Body.Records, out.Body.Skipped, out.Body.Withdrawn = result.Records, result.Skipped, result.Withdrawn
	out.Body.Problems = append([]string{}, result.Problems...)
	out.Body.Tables = append([]string{}, result.Tables...)
	out.Body.Status = statusOf(result.Status)
	return &out, nil
}

// keepUpload writes the body to a file. The path is "" only when there is no file.
func (a *API) keepUpload(ctx context.Context, body io.Reader) (path string, err error) {
	const op = "import advisories"
	in := bufio.NewReader(body)
	if start, _ := in.Peek(2); string(start) != "PK" {
		return "", fault.New(fault.Invalid, op, "the body is not a zip archive").
			WithFix("Send a zip of OSV records, e.g. curl --data-binary @all.zip.")
	}
	file, err := os.CreateTemp(a.UploadDir, "advisories-*.zip")
	if err != nil {
		return "", fault.Wrap(fault.Internal, op, "keep upload", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	n, err := io.Copy(file, io.LimitReader(in, a.MaxUpload+1))
	switch {
	case n > a.MaxUpload:
		return file.Name(), a.uploadTooLarge(ctx)
	case errors.As(err, new(*os.PathError)):
		return file.Name(), fault.Wrap(fault.Internal, op, "keep upload", err)
	case err != nil:
		return file.Name(), fault.New(fault.Invalid, op, "the body ended early")
	}
	return file.Name(), nil
}

func (a *API) uploadTooLarge(ctx context.Context) *Error {
	e := newError(ctx, http.StatusRequestEntityTooLarge, fmt.Sprintf("the archive is larger than %d MiB", a.MaxUpload>>20))
	e.Details = append(e.Details, Detail{Fix: "Import fewer ecosystems at a time."})
	return e
}
