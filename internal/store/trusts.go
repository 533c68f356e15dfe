package store

import (
	"context"
	"encoding/json"

	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/fault"
)

// PutTrust stores a trust, or replaces the one of its ID. Another one for the same issuer is fault.Conflict.
func (s *Store) PutTrust(ctx context.Context, t auth.Trust) error {
	const op = "store trust"
	encoded, err := json.Marshal(t)
	if err != nil {
		return fault.Wrap(fault.Internal, op, t.Issuer, err)
	}
	_, err = s.writer.ExecContext(ctx, `INSERT INTO trusts (id, issuer, version, trust) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET issuer = excluded.issuer, version = excluded.version, trust = excluded.trust`,
		t.ID, t.Issuer, t.Version, string(encoded))
	if err != nil && duplicates(err, "trusts", "issuer") {
		return fault.New(fault.Conflict, op, "the issuer %s is trusted already", t.Issuer).WithFix("Change that trust, or delete it first.")
	}
	return failed(op, t.Issuer, err)
}

// Trusts lists them by issuer.
func (s *Store) Trusts(ctx context.Context) ([]auth.Trust, error) {
	const op = "list trusts"
	rows, err := s.reader.QueryContext(ctx, `SELECT trust FROM trusts ORDER BY issuer`)
	if err != nil {
		return nil, failed(op, "", err)
	}
	defer rows.Close()
	list := []auth.Trust{}
	for rows.Next() {
		t, err := scanTrust(op, rows)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, failed(op, "", rows.Err())
}

// TrustOfIssuer returns one, or fault.NotFound.
func (s *Store) TrustOfIssuer(ctx context.Context, issuer string) (auth.Trust, error) {
	return scanTrust("read trust", s.reader.QueryRowContext(ctx, `SELECT trust FROM trusts WHERE issuer = $1`, issuer))
}

// DeleteTrust removes one, if it is there.
func (s *Store) DeleteTrust(ctx context.Context, id string) error {
	_, err := s.writer.ExecContext(ctx, `DELETE FROM trusts WHERE id = $1`, id)
	return failed("delete trust", id, err)
}

func scanTrust(op string, from row) (t auth.Trust, err error) {
	var encoded string
	if err := from.Scan(&encoded); err != nil {
		return t, failed(op, "the trust", err)
	}
	if err := json.Unmarshal([]byte(encoded), &t); err != nil {
		return t, fault.Wrap(fault.Internal, op, "", err)
	}
	return t, nil
}
