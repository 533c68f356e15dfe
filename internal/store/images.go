package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/landwaiter/landwaiter/internal/assess"
)

const opImages = "list images"

// Images lists, by digest, the newest assessment of each image that a query selects.
func (s *Store) Images(ctx context.Context, q assess.ImageQuery, limit, offset int) ([]assess.Summary, error) {
	var ids []any
	seen := 0
	err := s.eachImage(ctx, q, func(digest string, of []any) bool {
		if seen++; seen > offset {
			ids = append(ids, of...)
		}
		return seen < offset+limit
	})
	if err != nil {
		return nil, err
	}
	list := []assess.Summary{}
	for len(ids) > 0 {
		some := ids[:min(len(ids), maxPage)]
		ids = ids[len(some):]
		if list, err = s.addNewest(ctx, list, some); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// addNewest keeps one summary for each digest.
func (s *Store) addNewest(ctx context.Context, list []assess.Summary, ids []any) ([]assess.Summary, error) {
	rows, err := s.reader.QueryContext(ctx, `SELECT `+matchedColumns+`, summary FROM assessments JOIN matches ON assessment_id = id
		WHERE id IN (`+parameters(1, len(ids))+`) ORDER BY digest, assessed_at DESC, id`, ids...)
	if err != nil {
		return nil, failed(opImages, "", err)
	}
	defer rows.Close()
	for rows.Next() {
		summary, err := scanSummary(opImages, rows)
		if err != nil {
			return nil, err
		}
		last := len(list) - 1
		switch {
		case last < 0 || list[last].Digest != summary.Digest:
			list = append(list, summary)
		case list[last].AssessedAt.Before(summary.AssessedAt): // of the batch before
			list[last] = summary
		}
	}
	return list, failed(opImages, "", rows.Err())
}

// CountImages counts the images that a query selects.
func (s *Store) CountImages(ctx context.Context, q assess.ImageQuery) (n int, err error) {
	err = s.eachImage(ctx, q, func(string, []any) bool { n++; return true })
	return n, err
}

// DeleteImages forgets the assessments that a query selects, and says of how many images.
func (s *Store) DeleteImages(ctx context.Context, q assess.ImageQuery) (n int, err error) {
	var ids []any
	err = s.eachImage(ctx, q, func(_ string, of []any) bool { n++; ids = append(ids, of...); return true })
	if err != nil {
		return 0, err
	}
	for len(ids) > 0 {
		some := ids[:min(len(ids), maxPage)]
		ids = ids[len(some):]
		if _, err := s.writer.ExecContext(ctx, `DELETE FROM assessments WHERE id IN (`+parameters(1, len(some))+`)`, some...); err != nil {
			return 0, failed("delete images", "", err)
		}
	}
	return n, nil
}

// eachImage goes through the digests in their order, with the IDs of the assessments that were selected. It reads an index that
// holds all that is asked for, so that nothing else need be read for those that are not selected.
func (s *Store) eachImage(ctx context.Context, q assess.ImageQuery, visit func(digest string, ids []any) bool) error {
	where, args := []string{"TRUE"}, []any{}
	for _, words := range q.Vulnerability {
		var alternatives []string
		for _, w := range words {
			condition, more := hasFinding(w, len(args)+1)
			alternatives, args = append(alternatives, condition), append(args, more...)
		}
		where = append(where, "("+strings.Join(alternatives, " OR ")+")")
	}
	for _, words := range q.Reference { // one repository must not take as long as all
		if len(words) == 1 && words[0].Regexp == nil && !words[0].Not {
			begins := repositoryPart(words[0].Text)
			args = append(args, begins, begins+"\U0010FFFF")
			where = append(where, fmt.Sprintf("reference >= $%d AND reference < $%d", len(args)-1, len(args)))
		}
	}
	for _, words := range q.Digest {
		if len(words) == 1 && words[0].Exact && !words[0].Not {
			args = append(args, strings.ToLower(words[0].Text))
			where = append(where, fmt.Sprintf("digest = $%d", len(args)))
		}
	}
	rows, err := s.reader.QueryContext(ctx, `SELECT digest, reference, id FROM assessments WHERE `+strings.Join(where, " AND ")+` ORDER BY digest, reference, id`, args...)
	if err != nil {
		return failed(opImages, "", err)
	}
	defer rows.Close()
	var digest string
	var ids []any
	for rows.Next() {
		var of, reference, id string
		if err := rows.Scan(&of, &reference, &id); err != nil {
			return failed(opImages, "", err)
		}
		if !hold(q.Digest, of) || !hold(q.Reference, reference) {
			continue
		}
		if of != digest && len(ids) > 0 && !visit(digest, ids) {
			return nil
		}
		if of != digest {
			digest, ids = of, nil
		}
		ids = append(ids, id)
	}
	if len(ids) > 0 {
		visit(digest, ids)
	}
	return failed(opImages, "", rows.Err())
}

// repositoryPart is what comes before a tag, which alone may be in upper case.
func repositoryPart(reference string) string {
	slash := strings.LastIndex(reference, "/") + 1
	name, _, _ := strings.Cut(reference[slash:], ":")
	return strings.ToLower(reference[:slash] + name)
}

func hold(all []assess.Words, text string) bool {
	for _, words := range all {
		if !words.Hold(text) {
			return false
		}
	}
	return true
}

// hasFinding is a condition, whose parameters are numbered from first on. Names of advisories are in upper case but for few,
// which are tried as they are.
func hasFinding(w assess.Word, first int) (condition string, args []any) {
	in := "IN"
	if w.Not {
		in = "NOT IN"
	}
	is := fmt.Sprintf("name IN ($%d, $%d)", first, first+1)
	args = []any{w.Text, strings.ToUpper(w.Text)}
	if !w.Exact {
		is = fmt.Sprintf("name >= $%d AND name < $%d OR name >= $%d AND name < $%d", first, first+1, first+2, first+3)
		args = nil
		for _, text := range []string{w.Text, strings.ToUpper(w.Text)} {
			args = append(args, text, text+"\U0010FFFF")
		}
	}
	return "id " + in + " (SELECT assessment_id FROM assessment_findings WHERE " + is + ")", args
}

// putFindings notes which vulnerabilities count in an image.
func putFindings(ctx context.Context, tx *sql.Tx, a assess.Assessment) error {
	now := map[string]bool{}
	for _, f := range a.Findings {
		now[f.Name()] = true
	}
	gone, err := namesOf(ctx, tx, a.ID, now)
	if err != nil {
		return err
	}
	for _, name := range gone {
		if _, err := tx.ExecContext(ctx, `DELETE FROM assessment_findings WHERE name = $1 AND assessment_id = $2`, name, a.ID); err != nil {
			return err
		}
	}
	args := []any{a.ID}
	var values []string
	add := func() error {
		if len(values) == 0 {
			return nil
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO assessment_findings (assessment_id, name) VALUES `+strings.Join(values, ", "), args...)
		args, values = args[:1], values[:0]
		return err
	}
	for name := range now {
		args = append(args, name)
		if values = append(values, fmt.Sprintf("($1, $%d)", len(args))); len(values) == 500 {
			if err := add(); err != nil {
				return err
			}
		}
	}
	return add()
}

// namesOf removes what is stored already from now, and returns what is stored besides.
func namesOf(ctx context.Context, tx *sql.Tx, id string, now map[string]bool) (besides []string, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT name FROM assessment_findings WHERE assessment_id = $1`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		if !now[name] {
			besides = append(besides, name)
		}
		delete(now, name)
	}
	return besides, rows.Err()
}

// parameters are n of them with commas in between.
func parameters(first, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("$%d", first+i)
	}
	return strings.Join(list, ", ")
}
