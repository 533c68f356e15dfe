package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/landwaiter/landwaiter/internal/exception"
	"github.com/landwaiter/landwaiter/internal/fault"
)

const exceptionsRevision = "exceptions revision"

// PutException replaces what is was, or adds one. It fails with fault.Conflict when there is another by now.
func (s *Store) PutException(ctx context.Context, e exception.Exception, was *exception.Exception) error {
	const op = "store exception"
	body, err := json.Marshal(e)
	if err != nil {
		return fault.Wrap(fault.Internal, op, e.ID, err)
	}
	query, args := `INSERT INTO exceptions (id, body) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, []any{e.ID, string(body)}
	if was != nil {
		before, err := json.Marshal(was)
		if err != nil {
			return fault.Wrap(fault.Internal, op, e.ID, err)
		}
		query, args = `UPDATE exceptions SET body = $2 WHERE id = $1 AND body = $3`, append(args, string(before))
	}
	err = s.changeExceptions(ctx, query, args...)
	if fault.CodeOf(err) == fault.NotFound {
		return exception.ErrChanged(e.ID)
	}
	return err
}

// Exceptions lists them by ID.
func (s *Store) Exceptions(ctx context.Context) ([]exception.Exception, error) {
	const op = "list exceptions"
	rows, err := s.reader.QueryContext(ctx, `SELECT body FROM exceptions ORDER BY id`)
	if err != nil {
		return nil, failed(op, "", err)
	}
	defer rows.Close()
	var list []exception.Exception
	for rows.Next() {
		e, err := scanException(op, "", rows)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, failed(op, "", rows.Err())
}

// Exception returns one, or fault.NotFound.
func (s *Store) Exception(ctx context.Context, id string) (exception.Exception, error) {
	return scanException("read exception", "exception "+id, s.reader.QueryRowContext(ctx, `SELECT body FROM exceptions WHERE id = $1`, id))
}

func scanException(op, what string, from row) (e exception.Exception, err error) {
	var body string
	if err := from.Scan(&body); err != nil {
		return e, failed(op, what, err)
	}
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		return e, fault.Wrap(fault.Internal, op, what, err)
	}
	return e, nil
}

// DeleteException removes one, or fails with fault.NotFound.
func (s *Store) DeleteException(ctx context.Context, id string) error {
	return s.changeExceptions(ctx, `DELETE FROM exceptions WHERE id = $1`, id)
}

// CountExceptions counts all there are, in force or not.
func (s *Store) CountExceptions(ctx context.Context) (n int, err error) {
	err = s.reader.QueryRowContext(ctx, `SELECT COUNT(*) FROM exceptions`).Scan(&n)
	return n, failed("count exceptions", "", err)
}

// ExceptionsRevision is another text after every change; empty before the first.
func (s *Store) ExceptionsRevision(ctx context.Context) (string, error) {
	return s.revision(ctx, exceptionsRevision)
}

// changeExceptions changes the one whose ID is the first argument, or fails with fault.NotFound.
func (s *Store) changeExceptions(ctx context.Context, query string, args ...any) error {
	const op = "change exception"
	err := s.changeRevised(ctx, exceptionsRevision, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return notFoundOr(op, "exception "+args[0].(string), err)
		}
		return nil
	})
	return failed(op, "", err)
}
