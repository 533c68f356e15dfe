package store

import (
	"context"
	"encoding/json"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/vex"
)

// PutVEX keeps a document, and replaces that of the same key.
func (s *Store) PutVEX(ctx context.Context, i vex.Info, body []byte) error {
	const op = "store VEX document"
	encoded, err := json.Marshal(i)
	if err != nil {
		return fault.Wrap(fault.Internal, op, i.ID, err)
	}
	packed, err := s.pack.pack(op, i.ID, body)
	if err != nil {
		return err
	}
	_, err = s.writer.ExecContext(ctx, `INSERT INTO vex_documents (key, id, info, body) VALUES ($1, $2, $3, $4)
		ON CONFLICT (key) DO UPDATE SET id = excluded.id, info = excluded.info, body = excluded.body`, i.Key, i.ID, string(encoded), packed)
	return failed(op, i.ID, err)
}

// ListVEX lists the documents by ID.
func (s *Store) ListVEX(ctx context.Context) ([]vex.Info, error) {
	const op = "list VEX documents"
	list := []vex.Info{}
	rows, err := s.reader.QueryContext(ctx, `SELECT info FROM vex_documents ORDER BY id`)
	if err != nil {
		return nil, failed(op, "", err)
	}
	defer rows.Close()
	for rows.Next() {
		var encoded string
		if err := rows.Scan(&encoded); err != nil {
			return nil, failed(op, "", err)
		}
		var i vex.Info
		if err := json.Unmarshal([]byte(encoded), &i); err != nil {
			return nil, fault.Wrap(fault.Internal, op, "", err)
		}
		list = append(list, i)
	}
	return list, failed(op, "", rows.Err())
}

// VEX returns a document as it came, or fault.NotFound.
func (s *Store) VEX(ctx context.Context, key string) ([]byte, error) {
	const op = "read VEX document"
	var packed []byte
	if err := s.reader.QueryRowContext(ctx, `SELECT body FROM vex_documents WHERE key = $1`, key).Scan(&packed); err != nil {
		return nil, failed(op, "VEX document "+key, err)
	}
	return s.pack.unpack(op, key, packed)
}

// DeleteVEX removes a document, or fails with fault.NotFound.
func (s *Store) DeleteVEX(ctx context.Context, key string) error {
	return s.changeOne(ctx, "delete VEX document", "VEX document "+key, `DELETE FROM vex_documents WHERE key = $1`, key)
}
