package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration/health"
)

// ClaimDueHealth gives one integration that is due to one caller only, until the time given.
func (s *Store) ClaimDueHealth(ctx context.Context, now, until time.Time) (id string, ok bool, err error) {
	// The second condition is for PostgreSQL: a row that another server has just claimed is looked at again, and left.
	err = s.writer.QueryRowContext(ctx, `UPDATE integrations SET health_due = $1 WHERE health_due <= $2
		AND id = (SELECT id FROM integrations WHERE health_due <= $2 ORDER BY health_due, id LIMIT 1) RETURNING id`, nanos(until), nanos(now)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return id, err == nil, failed("find what is to be looked at", "", err)
}

// ClaimHealth gives a certain one, due or not.
func (s *Store) ClaimHealth(ctx context.Context, id string, until time.Time) error {
	return s.changeOne(ctx, "claim integration", id, `UPDATE integrations SET health_due = $1 WHERE id = $2`, nanos(until), id)
}

// RecordHealth stores a state and adds events if the claim still holds.
func (s *Store) RecordHealth(ctx context.Context, state health.State, events []health.Event, claim time.Time, keep int64, oldest time.Time) (bool, error) {
	const op = "store health"
	encoded, err := json.Marshal(state)
	if err != nil {
		return false, fault.Wrap(fault.Internal, op, state.IntegrationID, err)
	}
	recorded := false
	err = s.change(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE integrations SET health_due = $1 WHERE id = $2 AND health_due = $3`,
			nanos(state.NextCheck), state.IntegrationID, nanos(claim))
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO health (integration_id, state) VALUES ($1, $2)
			ON CONFLICT (integration_id) DO UPDATE SET state = excluded.state`, state.IntegrationID, string(encoded)); err != nil {
			return err
		}
		for _, e := range events {
			encoded, err := json.Marshal(e)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO health_events (integration_id, number, at, event) VALUES ($1, $2, $3, $4)`,
				state.IntegrationID, e.Number, nanos(e.At), string(encoded)); err != nil {
				return err
			}
		}
		if len(events) > 0 {
			if _, err := tx.ExecContext(ctx, `DELETE FROM health_events WHERE integration_id = $1 AND (number <= $2 OR at < $3)`,
				state.IntegrationID, state.Events-keep, nanos(oldest)); err != nil {
				return err
			}
		}
		recorded = true
		return nil
	})
	return recorded && err == nil, failed(op, state.IntegrationID, err)
}

// Health returns the state of one, uninitialized if there is none.
func (s *Store) Health(ctx context.Context, id string) (health.State, error) {
	var encoded string
	err := s.reader.QueryRowContext(ctx, `SELECT state FROM health WHERE integration_id = $1`, id).Scan(&encoded)
	if errors.Is(err, sql.ErrNoRows) {
		return health.Fresh(id), nil
	}
	if err != nil {
		return health.State{}, failed(opReadHealth, id, err)
	}
	return decodeHealth[health.State](id, encoded)
}

const opReadHealth = "read health"

func decodeHealth[T any](id, encoded string) (v T, err error) {
	if err := json.Unmarshal([]byte(encoded), &v); err != nil {
		return v, fault.Wrap(fault.Internal, opReadHealth, id, err)
	}
	return v, nil
}

// HealthStates are all that were recorded.
func (s *Store) HealthStates(ctx context.Context) (map[string]health.State, error) {
	states := map[string]health.State{}
	rows, err := s.reader.QueryContext(ctx, `SELECT integration_id, state FROM health`)
	if err != nil {
		return nil, failed(opReadHealth, "", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, encoded string
		if err := rows.Scan(&id, &encoded); err != nil {
			return nil, failed(opReadHealth, "", err)
		}
		if states[id], err = decodeHealth[health.State](id, encoded); err != nil {
			return nil, err
		}
	}
	return states, failed(opReadHealth, "", rows.Err())
}

// HealthEvents lists the history of one, newest first.
func (s *Store) HealthEvents(ctx context.Context, id string) ([]health.Event, error) {
	list := []health.Event{}
	rows, err := s.reader.QueryContext(ctx, `SELECT event FROM health_events WHERE integration_id = $1 ORDER BY number DESC`, id)
	if err != nil {
		return nil, failed(opReadHealth, id, err)
	}
	defer rows.Close()
	for rows.Next() {
		var encoded string
		if err := rows.Scan(&encoded); err != nil {
			return nil, failed(opReadHealth, id, err)
		}
		e, err := decodeHealth[health.Event](id, encoded)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, failed(opReadHealth, id, rows.Err())
}
