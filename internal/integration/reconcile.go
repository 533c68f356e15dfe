package integration

import "context"

// Reconcile makes what is stored what owners declare, as far as it can, and says what it did; see Plan. No registry is asked.
// The error is the store's, when it cannot say what there is.
func (s *Service) Reconcile(ctx context.Context, declared []Declared, prune func(Integration) bool) ([]Action, error) {
	current, err := s.store.Integrations(ctx)
	if err != nil {
		return nil, err
	}
	actions := s.types.Plan(declared, current, prune)
	for i, a := range actions {
		if err := s.carryOut(ctx, a); err != nil {
			actions[i] = a.Failed(err)
		}
	}
	return actions, nil
}

func (s *Service) carryOut(ctx context.Context, a Action) error {
	defer s.opened.changed()
	switch a.Verb {
	case Create, Update:
		if _, err := s.types.Open(a.want, s.deps); err != nil {
			return err
		}
	case Delete:
		return s.store.DeleteIntegration(ctx, a.stored.ID)
	default:
		return nil
	}
	in := s.next(a.want)
	if a.Verb == Update {
		return s.store.UpdateIntegration(ctx, in, a.stored.Revision)
	}
	in.ID, in.Created = s.newID(), in.Updated
	return s.store.CreateIntegration(ctx, in)
}
