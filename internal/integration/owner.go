package integration

import (
	"context"
	"strings"

	"github.com/landwaiter/landwaiter/internal/fault"
)

const fileOwner = "file:"

// FileOwner is the owner of the integrations that a file describes. The path is relative to the server's directory of
// integrations, so that servers which have it in different places agree.
func FileOwner(path string) string { return fileOwner + path }

// OwnerFile is the path that FileOwner was given; "" when no file owns the integration.
func (in Integration) OwnerFile() string {
	path, _ := strings.CutPrefix(in.Owner, fileOwner)
	return path
}

// changeable is a stored integration that people and programs may change.
func (s *Service) changeable(ctx context.Context, id string) (Integration, error) {
	in, err := s.store.Integration(ctx, id)
	if err != nil {
		return Integration{}, err
	}
	if in.Owner != "" {
		return Integration{}, ownedByFile(in)
	}
	return in, nil
}

func ownedByFile(in Integration) *fault.Error {
	return fault.New(fault.Conflict, "", "integration \"%s\" is described by the file %s and is read-only here", in.Name, in.OwnerFile()).
		WithFix("Change the file in the server's directory of integrations. If it is there no more, hand the integration over to people with `landwaiter integration release`.")
}

// Release hands an integration that a file owns over to people, as it is. It fails with fault.NotFound.
func (s *Service) Release(ctx context.Context, id string) error {
	in, err := s.store.Integration(ctx, id)
	if err != nil || in.Owner == "" {
		return err
	}
	in.Owner = ""
	return s.store.UpdateIntegration(ctx, s.next(in), in.Revision)
}
