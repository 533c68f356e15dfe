package store

import (
	"context"
	"database/sql"

	"github.com/landwaiter/landwaiter/internal/policy"
)

const policiesRevision = "policies revision"

// PutPolicies keeps all of the documents or none, and replaces those of the same ID.
func (s *Store) PutPolicies(ctx context.Context, documents []policy.Stored) error {
	err := s.changeRevised(ctx, policiesRevision, func(tx *sql.Tx) error {
		for _, d := range documents {
			if _, err := tx.ExecContext(ctx, `INSERT INTO policies (id, document, changed, changed_by) VALUES ($1, $2, $3, $4)
				ON CONFLICT (id) DO UPDATE SET document = excluded.document, changed = excluded.changed, changed_by = excluded.changed_by`,
				d.ID, d.Document, nanos(d.Changed), d.By); err != nil {
				return err
			}
		}
		return nil
	})
	return failed("store policies", "", err)
}

// ListPolicies lists the documents by ID.
func (s *Store) ListPolicies(ctx context.Context) ([]policy.Stored, error) {
	const op = "list policies"
	rows, err := s.reader.QueryContext(ctx, `SELECT id, document, changed, changed_by FROM policies ORDER BY id`)
	if err != nil {
		return nil, failed(op, "", err)
	}
	defer rows.Close()
	list := []policy.Stored{}
	for rows.Next() {
		var d policy.Stored
		var changed int64
		if err := rows.Scan(&d.ID, &d.Document, &changed, &d.By); err != nil {
			return nil, failed(op, "", err)
		}
		d.Changed = fromNanos(changed)
		list = append(list, d)
	}
	return list, failed(op, "", rows.Err())
}

// DeletePolicy removes a document, or fails with fault.NotFound.
func (s *Store) DeletePolicy(ctx context.Context, id string) error {
	const op, what = "delete policy", "policy "
	err := s.changeRevised(ctx, policiesRevision, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `DELETE FROM policies WHERE id = $1`, id)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return notFoundOr(op, what+id, err)
		}
		return nil
	})
	return failed(op, what+id, err)
}

// PoliciesRevision is another text after every change of the policies; empty before the first.
func (s *Store) PoliciesRevision(ctx context.Context) (string, error) {
	return s.revision(ctx, policiesRevision)
}
