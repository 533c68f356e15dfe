package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
)

const (
	defaultPage = 50
	maxPage     = 1000
)

// PutAssessment replaces what is stored for the reference and platform, unless that is newer.
func (s *Store) PutAssessment(ctx context.Context, a assess.Assessment, m assess.Matching, change *assess.Change) error {
	const op = "store assessment"
	m.ID = a.ID
	summary, body, err := s.packAssessment(op, a)
	if err != nil {
		return err
	}
	err = s.change(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `INSERT INTO assessments (id, reference, platform, assessed_at, summary, body, digest)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (reference, platform) DO UPDATE SET id = excluded.id, assessed_at = excluded.assessed_at,
			summary = excluded.summary, body = excluded.body, digest = excluded.digest WHERE assessments.assessed_at <= excluded.assessed_at`,
			a.ID, a.Reference, a.Platform, nanos(a.AssessedAt), summary, body, string(a.Facts.Digest))
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return err
		}
		if err := s.putMatching(ctx, tx, m); err != nil {
			return err
		}
		if err := putFindings(ctx, tx, a); err != nil {
			return err
		}
		return addChange(ctx, tx, a.ID, change)
	})
	return failed(op, a.Reference, err)
}

func (s *Store) packAssessment(op string, a assess.Assessment) (summary string, body []byte, err error) {
	encoded, err := json.Marshal(assess.Summarize(&a))
	if err != nil {
		return "", nil, fault.Wrap(fault.Internal, op, a.Reference, err)
	}
	plain, err := json.Marshal(a)
	if err != nil {
		return "", nil, fault.Wrap(fault.Internal, op, a.Reference, err)
	}
	body, err = s.pack.pack(op, a.Reference, plain)
	return string(encoded), body, err
}

// Assessment returns one by ID, or fault.NotFound.
func (s *Store) Assessment(ctx context.Context, id string) (assess.Assessment, error) {
	a, _, err := s.unpackAssessment("assessment "+id, s.reader.QueryRowContext(ctx, `SELECT `+matchedColumns+`, body
		FROM assessments JOIN matches ON assessment_id = id WHERE id = $1`, id))
	return a, err
}

// LatestAssessment returns the one of a reference and platform, or fault.NotFound.
func (s *Store) LatestAssessment(ctx context.Context, reference, platform string) (assess.Assessment, assess.Basis, error) {
	return s.unpackAssessment("assessment of "+reference, s.reader.QueryRowContext(ctx, `SELECT `+matchedColumns+`, body
		FROM assessments JOIN matches ON assessment_id = id WHERE reference = $1 AND platform = $2`, reference, platform))
}

// SummariesOf lists what is stored about a reference, in the order of platforms.
func (s *Store) SummariesOf(ctx context.Context, reference string) ([]assess.Summary, error) {
	const op = "list assessments"
	rows, err := s.reader.QueryContext(ctx, `SELECT `+matchedColumns+`, summary FROM assessments JOIN matches ON assessment_id = id
		WHERE reference = $1 ORDER BY platform LIMIT $2`, reference, maxPage)
	if err != nil {
		return nil, failed(op, reference, err)
	}
	defer rows.Close()
	var list []assess.Summary
	for rows.Next() {
		summary, err := scanSummary(op, rows)
		if err != nil {
			return nil, err
		}
		list = append(list, summary)
	}
	return list, failed(op, reference, rows.Err())
}

// scanSummary reads a row of matchedColumns, more columns, and the summary.
func scanSummary(op string, from row, more ...any) (assess.Summary, error) {
	var encoded string
	m, err := scanMatching(op, from, append(more, &encoded)...)
	if err != nil {
		return assess.Summary{}, failed(op, "", err)
	}
	summary, err := decodeSummary(op, m.ID, encoded)
	if err != nil {
		return summary, err
	}
	if summary.Basis = m.Basis; m.Check.Status != "" {
		summary.Recheck(m.Check)
	}
	return summary, nil
}

// LatestSummary returns that of the newest assessment of a reference, of any platform, or fault.NotFound.
func (s *Store) LatestSummary(ctx context.Context, reference string) (assess.Summary, error) {
	const op = "read assessment"
	what := "assessment of " + reference
	var encoded string
	err := s.reader.QueryRowContext(ctx, `SELECT summary FROM assessments WHERE reference = $1 ORDER BY assessed_at DESC, id DESC LIMIT 1`, reference).Scan(&encoded)
	if err != nil {
		return assess.Summary{}, failed(op, what, err)
	}
	return decodeSummary(op, what, encoded)
}

func decodeSummary(op, what, encoded string) (summary assess.Summary, err error) {
	if err := json.Unmarshal([]byte(encoded), &summary); err != nil {
		return assess.Summary{}, fault.Wrap(fault.Internal, op, what, err)
	}
	return summary, nil
}

func (s *Store) unpackAssessment(what string, from row) (a assess.Assessment, basis assess.Basis, err error) {
	const op = "read assessment"
	var body []byte
	m, err := scanMatching(op, from, &body)
	if err != nil {
		return a, m.Basis, failed(op, what, err)
	}
	plain, err := s.pack.unpack(op, what, body)
	if err != nil {
		return a, m.Basis, err
	}
	if err := json.Unmarshal(plain, &a); err != nil {
		return a, m.Basis, fault.Wrap(fault.Internal, op, what, err)
	}
	if m.Check.Status != "" {
		a.Recheck(m.Check)
	}
	return a, m.Basis, nil
}

// Assessments lists newest first. An assessment that is replaced while somebody pages moves to the front and is not
// repeated on a later page.
func (s *Store) Assessments(ctx context.Context, query string, limit int, after string) ([]assess.Summary, string, error) {
	const op = "list assessments"
	if limit <= 0 {
		limit = defaultPage
	}
	limit = min(limit, maxPage)
	at, id, err := decodeCursor(after)
	if err != nil {
		return nil, "", err
	}
	list := []assess.Summary{}
	if !utf8.ValidString(query) || strings.ContainsRune(query, 0) {
		return list, "", nil // no reference holds that, and PostgreSQL would refuse the question
	}
	// One row more than asked for tells whether there is a next page.
	rows, err := s.reader.QueryContext(ctx, `SELECT `+matchedColumns+`, assessed_at, summary FROM assessments JOIN matches ON assessment_id = id
		WHERE (assessed_at, id) < ($1, $2) AND LOWER(reference) LIKE $3 ESCAPE '!'
		ORDER BY assessed_at DESC, id DESC LIMIT $4`, at, id, "%"+likeEscaper.Replace(strings.ToLower(query))+"%", limit+1)
	if err != nil {
		return nil, "", failed(op, "", err)
	}
	defer rows.Close()
	for rows.Next() {
		if len(list) == limit {
			return list, encodeCursor(at, id), nil
		}
		summary, err := scanSummary(op, rows, &at)
		if err != nil {
			return nil, "", err
		}
		id = summary.ID
		list = append(list, summary)
	}
	return list, "", failed(op, "", rows.Err())
}

// DeleteAssessment removes one, or fails with fault.NotFound.
func (s *Store) DeleteAssessment(ctx context.Context, id string) error {
	return s.changeOne(ctx, "delete assessment", id, `DELETE FROM assessments WHERE id = $1`, id)
}

var likeEscaper = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

// A cursor is the place of the last row of a page in the order.
func encodeCursor(at int64, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(at, 10) + " " + id))
}

func decodeCursor(cursor string) (at int64, id string, err error) {
	if cursor == "" {
		return 1<<63 - 1, "", nil
	}
	plain, err := base64.RawURLEncoding.DecodeString(cursor)
	number, id, ok := strings.Cut(string(plain), " ")
	at, numberErr := strconv.ParseInt(number, 10, 64)
	if err != nil || !ok || numberErr != nil || !utf8.ValidString(id) || strings.ContainsRune(id, 0) {
		return 0, "", fault.New(fault.Invalid, "list assessments", "the page marker is not one that this server gave out").
			WithFix("Start again from the first page.")
	}
	return at, id, nil
}
