package main

import (
	"context"
	"os"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/sbom"
)

// assessSBOM has the document that --sbom names assessed, by the server if there is one.
func (p *program) assessSBOM(ctx context.Context, f imageFlags, depth assess.Depth) (*assess.Assessment, error) {
	if f.plainHTTP || f.insecure || f.noCache {
		return nil, fault.New(fault.Invalid, "image "+depth.String(), "--sbom reads a document; --plain-http, --insecure and --no-cache are about images").
			WithFix("Leave them out.")
	}
	in, name := p.in, "standard input"
	if f.sbom != "-" {
		file, err := os.Open(f.sbom)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, "read SBOM", "", err)
		}
		defer file.Close()
		in, name = file, f.sbom
	}
	if f.remote.given() {
		c, err := p.client(f.remote)
		if err != nil {
			return nil, err
		}
		return c.AssessSBOM(ctx, in, depth)
	}
	d, err := sbom.Read(in)
	if err != nil {
		return nil, fault.Wrap(fault.CodeOf(err), "", name, err)
	}
	options, done, err := p.aloneOptions(f, depth)
	if err != nil {
		return nil, err
	}
	defer done()
	return assess.New(options).AssessDocument(ctx, d, depth)
}

func (p *program) writeSBOM(a *assess.Assessment, format sbom.Format) error {
	d, err := a.Document(product())
	if err != nil {
		return err
	}
	return sbom.Write(p.out, format, d)
}

// product is how documents name what made them.
func product() string { return "landwaiter " + versionString() }
