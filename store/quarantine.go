package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
)

// quarantine keeps the records that could not be read, each once, and drops those of its source that a complete answer
// no longer holds.
func (p snapshot) quarantine(ctx context.Context, tx conn) error {
	for _, q := range p.malformed {
		sum := sha256.Sum256([]byte(q.Payload))
		_, err := tx.exec(ctx, `
			INSERT INTO game_platform_quarantined_records
				(syned_user_id, source, payload_hash, payload, reason, first_seen_at, last_seen_at)
			VALUES ($1, $2, $3, $4, $5, $6, $6)
			ON CONFLICT (syned_user_id, source, payload_hash) DO UPDATE SET
				reason = excluded.reason, last_seen_at = excluded.last_seen_at`,
			p.id, string(p.source), hex.EncodeToString(sum[:]), q.Payload, q.Reason, micros(p.at))
		if err != nil {
			return wrap(err, "quarantine")
		}
	}
	if !p.complete {
		return nil
	}
	_, err := tx.exec(ctx, `
		DELETE FROM game_platform_quarantined_records WHERE syned_user_id = $1 AND source = $2 AND last_seen_at < $3`,
		p.id, string(p.source), micros(p.at))
	return wrap(err, "empty quarantine")
}
