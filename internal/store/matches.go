package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
)

const (
	matchedColumns = "assessment_id, data_as_of, vex, exceptions, policies, checked"

	// outdated rests on an older basis than that of ($1, $2, $3, $4).
	outdated = "(data_as_of < $1 OR vex <> $2 OR exceptions <> $3 OR policies <> $4)"

	// keptChanges bounds the history of an image.
	keptChanges = 100
)

// scanMatching reads matchedColumns and what follows them.
func scanMatching(op string, from row, more ...any) (m assess.Matching, err error) {
	var asOf int64
	var checked string
	if err := from.Scan(append([]any{&m.ID, &asOf, &m.VEX, &m.Exceptions, &m.Policies, &checked}, more...)...); err != nil {
		return m, err
	}
	m.Data = fromNanos(asOf)
	if checked != "" {
		if err := json.Unmarshal([]byte(checked), &m.Check); err != nil {
			return m, fault.Wrap(fault.Internal, op, m.ID, err)
		}
	}
	return m, nil
}

// encodeCheck is "" for none.
func encodeCheck(c assess.Check) (string, error) {
	if c.Status == "" {
		return "", nil
	}
	encoded, err := json.Marshal(c)
	return string(encoded), err
}

func (s *Store) putMatching(ctx context.Context, tx *sql.Tx, m assess.Matching) error {
	packages, err := s.pack.pack("store assessment", m.ID, m.Packages)
	if err != nil {
		return err
	}
	checked, err := encodeCheck(m.Check)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO matches (assessment_id, data_as_of, vex, exceptions, policies, checked, packages, found, subject, touched)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (assessment_id) DO UPDATE SET data_as_of = excluded.data_as_of, vex = excluded.vex, exceptions = excluded.exceptions,
		policies = excluded.policies, checked = excluded.checked, packages = excluded.packages, found = excluded.found,
		subject = excluded.subject, touched = excluded.touched`,
		m.ID, nanos(m.Data), m.VEX, m.Exceptions, m.Policies, checked, packages, append([]byte{}, m.Found...), append([]byte{}, m.Subject...), m.Touched)
	return err
}

func addChange(ctx context.Context, tx *sql.Tx, id string, change *assess.Change) error {
	if change == nil {
		return nil
	}
	encoded, err := json.Marshal(change)
	if err != nil {
		return err
	}
	var last int64
	if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(number), 0) FROM changes WHERE assessment_id = $1`, id).Scan(&last); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO changes (assessment_id, number, at, change) VALUES ($1, $2, $3, $4)`,
		id, last+1, nanos(change.At), string(encoded)); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM changes WHERE assessment_id = $1 AND number <= $2`, id, last+1-keptChanges)
	return err
}

// Changes lists those of an assessment's reference and platform, newest first.
func (s *Store) Changes(ctx context.Context, id string) ([]assess.Change, error) {
	const op = "read changes"
	list := []assess.Change{}
	rows, err := s.reader.QueryContext(ctx, `SELECT change FROM changes WHERE assessment_id = $1 ORDER BY number DESC`, id)
	if err != nil {
		return nil, failed(op, id, err)
	}
	defer rows.Close()
	for rows.Next() {
		var encoded string
		if err := rows.Scan(&encoded); err != nil {
			return nil, failed(op, id, err)
		}
		var c assess.Change
		if err := json.Unmarshal([]byte(encoded), &c); err != nil {
			return nil, fault.Wrap(fault.Internal, op, id, err)
		}
		list = append(list, c)
	}
	return list, failed(op, id, rows.Err())
}

// Matching returns that of an assessment, or fault.NotFound.
func (s *Store) Matching(ctx context.Context, id string) (assess.Matching, error) {
	const op = "read assessment"
	m, err := s.wholeMatching(op, s.reader.QueryRowContext(ctx, `SELECT `+matchedColumns+`, packages, found, subject, touched FROM matches WHERE assessment_id = $1`, id))
	return m, failed(op, "assessment "+id, err)
}

// wholeMatching reads the packages, what was found in them, and what exceptions may touch, too.
func (s *Store) wholeMatching(op string, from row) (assess.Matching, error) {
	var packages, found, subject []byte
	var touched string
	m, err := scanMatching(op, from, &packages, &found, &subject, &touched)
	if err != nil {
		return m, err
	}
	if m.Subject, m.Touched = subject, touched; packages == nil {
		m.Found = found
		return m, nil
	}
	if m.Packages, err = s.pack.unpack(op, m.ID, packages); err == nil {
		m.Found = found
	} // else the assessment itself has the packages, too
	return m, nil
}

// OutdatedMatchings lists some that rest on an older basis, by ID, from after one on. Only those that are to be matched again have
// their packages, which are the most of it.
func (s *Store) OutdatedMatchings(ctx context.Context, b assess.Basis, limit int, after string) ([]assess.Matching, error) {
	const op = "list outdated assessments"
	rows, err := s.reader.QueryContext(ctx, `SELECT `+matchedColumns+`, CASE WHEN data_as_of < $1 THEN packages END, found, subject, touched
		FROM matches WHERE `+outdated+` AND assessment_id > $5 ORDER BY assessment_id LIMIT $6`, nanos(b.Data), b.VEX, b.Exceptions, b.Policies, after, limit)
	if err != nil {
		return nil, failed(op, "", err)
	}
	defer rows.Close()
	var list []assess.Matching
	for rows.Next() {
		m, err := s.wholeMatching(op, rows)
		if err != nil {
			return nil, failed(op, "", err)
		}
		list = append(list, m)
	}
	return list, failed(op, "", rows.Err())
}

// CountOutdated counts the assessments that rest on an older basis, and all there are.
func (s *Store) CountOutdated(ctx context.Context, b assess.Basis) (stale, all int, err error) {
	err = s.reader.QueryRowContext(ctx, `SELECT COUNT(CASE WHEN `+outdated+` THEN 1 END), COUNT(*) FROM matches`,
		nanos(b.Data), b.VEX, b.Exceptions, b.Policies).Scan(&stale, &all)
	return stale, all, failed("count outdated assessments", "", err)
}

// ConfirmMatchings makes assessments rest on another basis, but for those that rest on another one than given here by now.
func (s *Store) ConfirmMatchings(ctx context.Context, list []assess.Matching, b assess.Basis) error {
	const op = "confirm assessments"
	if len(list) == 0 {
		return nil
	}
	err := s.change(ctx, func(tx *sql.Tx) error {
		confirm, err := tx.PrepareContext(ctx, `UPDATE matches SET data_as_of = $1, vex = $2, exceptions = $3, policies = $4, checked = $5, subject = $6, touched = $7
			WHERE assessment_id = $8 AND data_as_of = $9 AND vex = $10 AND exceptions = $11 AND policies = $12`)
		if err != nil {
			return err
		}
		defer confirm.Close()
		for _, m := range list {
			checked, err := encodeCheck(m.Check)
			if err != nil {
				return err
			}
			to := b.After(m.Basis)
			if _, err := confirm.ExecContext(ctx, nanos(to.Data), to.VEX, to.Exceptions, to.Policies, checked, append([]byte{}, m.Subject...), m.Touched,
				m.ID, nanos(m.Data), m.VEX, m.Exceptions, m.Policies); err != nil {
				return err
			}
		}
		return nil
	})
	return failed(op, "", err)
}

// PutRematched replaces an assessment by one of the same ID, if it still rests on was.
func (s *Store) PutRematched(ctx context.Context, a assess.Assessment, m assess.Matching, was assess.Basis, change *assess.Change) (bool, error) {
	const op = "store assessment"
	summary, body, err := s.packAssessment(op, a)
	if err != nil {
		return false, err
	}
	checked, err := encodeCheck(m.Check)
	if err != nil {
		return false, err
	}
	var packages []byte // NULL when there are none
	if m.Packages != nil {
		if packages, err = s.pack.pack(op, m.ID, m.Packages); err != nil {
			return false, err
		}
	}
	err = s.change(ctx, func(tx *sql.Tx) error {
		// In the order in which PutAssessment locks them.
		for _, update := range []struct {
			query string
			args  []any
		}{
			{`UPDATE assessments SET summary = $1, body = $2 WHERE id = $3`, []any{summary, body, a.ID}},
			{`UPDATE matches SET data_as_of = $1, vex = $2, exceptions = $3, policies = $4, checked = $5, found = $6, packages = COALESCE($7, packages),
				subject = $8, touched = $9 WHERE assessment_id = $10 AND data_as_of = $11 AND vex = $12 AND exceptions = $13 AND policies = $14`,
				[]any{nanos(m.Data), m.VEX, m.Exceptions, m.Policies, checked, append([]byte{}, m.Found...), packages, append([]byte{}, m.Subject...), m.Touched,
					a.ID, nanos(was.Data), was.VEX, was.Exceptions, was.Policies}},
		} {
			result, err := tx.ExecContext(ctx, update.query, update.args...)
			if err != nil {
				return err
			}
			if n, err := result.RowsAffected(); err != nil || n == 0 {
				return cmp.Or(err, errSuperseded)
			}
		}
		if err := putFindings(ctx, tx, a); err != nil {
			return err
		}
		return addChange(ctx, tx, a.ID, change)
	})
	if errors.Is(err, errSuperseded) {
		return false, nil
	}
	return err == nil, failed(op, a.Reference, err)
}

// errSuperseded undoes a transaction that came too late.
var errSuperseded = errors.New("somebody else was quicker")

// TakeLease gives work of a name to one holder until a time, or prolongs that.
func (s *Store) TakeLease(ctx context.Context, name, holder string, now, until time.Time) (bool, error) {
	result, err := s.writer.ExecContext(ctx, `INSERT INTO leases (name, holder, until) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
		WHERE leases.holder = excluded.holder OR leases.until <= $4`, name, holder, nanos(until), nanos(now))
	if err != nil {
		return false, failed("take the lease", name, err)
	}
	n, err := result.RowsAffected()
	return n > 0, failed("take the lease", name, err)
}
