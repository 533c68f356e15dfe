package assess

import (
	"context"

	"github.com/landwaiter/landwaiter/internal/exception"
	"github.com/landwaiter/landwaiter/internal/fault"
)

// exportRead bounds how many assessments one document of exceptions is resolved with.
const exportRead = 10_000

// ExportExceptions writes those in force as OpenVEX, with the stored images for its patterns.
func (s *Service) ExportExceptions(ctx context.Context, from *exception.Ledger) (document []byte, left []exception.LeftOut, err error) {
	listed, err := from.List(ctx)
	if err != nil {
		return nil, nil, err
	}
	list := make([]exception.Exception, len(listed))
	parts := false
	for i, e := range listed {
		list[i] = e.Exception
		parts = parts || e.State == exception.InForce && len(e.Components) > 0
	}
	set, err := from.Current(ctx)
	if err != nil {
		return nil, nil, err
	}
	var known []exception.Known
	for after := ""; ; {
		page, next, err := s.o.Store.Assessments(ctx, "", consequencesPage, after)
		if err != nil {
			return nil, nil, err
		}
		if len(known)+len(page) > exportRead {
			return nil, nil, fault.New(fault.Limited, "write OpenVEX", "there are more than %d stored images", exportRead).WithFix("Delete assessments that are not needed.")
		}
		for _, summary := range page {
			a := Assessment{Reference: summary.Reference}
			a.Facts.Digest = summary.Digest
			if parts && set.AboutParts(a.subject()) {
				if a, err = s.o.Store.Assessment(ctx, summary.ID); fault.CodeOf(err) == fault.NotFound && err != nil {
					continue // it was deleted meanwhile
				} else if err != nil {
					return nil, nil, err
				}
			}
			known = append(known, a.Known())
		}
		if after = next; after == "" {
			break
		}
	}
	return exception.OpenVEX(list, known, "Landwaiter", s.o.Now())
}

// Known is what patterns of exceptions are resolved with.
func (a *Assessment) Known() exception.Known {
	k := exception.Known{Image: a.subject()}
	for _, c := range a.Scan.Components {
		k.Components = append(k.Components, exception.KnownComponent{
			Component: exception.Component{Name: c.Name, Version: c.Version, SourceName: c.SourceName, SourceVersion: c.SourceVersion}, PURL: c.PURL,
		})
	}
	return k
}
