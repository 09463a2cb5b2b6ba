package sqlite

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"offramp/store"
)

const (
	keyColumns   = "id, hash, name, scope, lists, created, expires, revoked, used"
	selectKey    = "SELECT " + keyColumns + " FROM api_keys WHERE id = ?"
	selectKeys   = "SELECT " + keyColumns + " FROM api_keys ORDER BY created, id"
	insertKey    = "INSERT INTO api_keys (" + keyColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
	countKeys    = "SELECT count(*) FROM api_keys"
	deleteOldKey = "DELETE FROM api_keys WHERE revoked > 0 AND revoked < ?1 OR expires > 0 AND expires < ?1"
	revokeKey    = "UPDATE api_keys SET revoked = ? WHERE id = ? AND revoked = 0"
	useKey       = "UPDATE api_keys SET used = ?2 WHERE id = ?1 AND used < ?2"
)

// keyKept is how long a key is shown that nobody can use any more.
const keyKept = 365 * 24 * time.Hour

// AddKey adds an API key.
func (s *Consent) AddKey(ctx context.Context, k store.Key) error {
	err := s.file.write(ctx, &op{run: func(c *conn) error {
		full := false
		if _, err := c.one(countKeys, func(r row) { full = r.int(0) >= store.MaxKeys }); err != nil {
			return err
		}
		if full {
			gone, err := c.exec(deleteOldKey, micros(k.Created.Add(-keyKept)))
			if err != nil {
				return err
			}
			if gone == 0 {
				return fmt.Errorf("%w: %d API keys", store.ErrFull, store.MaxKeys)
			}
		}
		n, err := c.exec(insertKey, k.ID, k.Hash[:], k.Name, k.Scope, appendTexts(nil, k.Lists),
			micros(k.Created), optional(k.Expires), optional(k.Revoked), optional(k.Used))
		if err == nil && n == 0 {
			return store.ErrChanged
		}
		return err
	}})
	return fail("add API key", err)
}

// Key returns the API key with that ID.
func (s *Consent) Key(ctx context.Context, id string) (k store.Key, err error) {
	err = s.file.readers.do(ctx, func(c *conn) error {
		var damaged error
		found, err := c.one(selectKey, func(r row) { k, damaged = keyOf(r) }, id)
		if err == nil && !found {
			return store.ErrNotFound
		}
		if err == nil {
			err = damaged
		}
		return err
	})
	return k, fail("API key", err)
}

// Keys returns all API keys. One that is damaged is shown without its lists and
// scope: nobody can use it.
func (s *Consent) Keys(ctx context.Context) (all []store.Key, err error) {
	err = s.file.readers.do(ctx, func(c *conn) error {
		return c.query(selectKeys, func(r row) error {
			k, err := keyOf(r)
			if err != nil {
				k.Scope = ""
			}
			all = append(all, k)
			return nil
		})
	})
	return all, fail("API keys", err)
}

// RevokeKey revokes an API key.
func (s *Consent) RevokeKey(ctx context.Context, id string, at time.Time) (changed bool, err error) {
	err = s.file.write(ctx, &op{run: func(c *conn) error {
		n, err := c.exec(revokeKey, micros(at), id)
		changed = n > 0
		if err != nil || changed {
			return err
		}
		found, err := c.one(selectKey, func(row) {}, id)
		if err == nil && !found {
			return store.ErrNotFound
		}
		return err
	}})
	return changed && err == nil, fail("revoke API key", err)
}

// UseKeys records when API keys were last used.
func (s *Consent) UseKeys(ctx context.Context, used map[string]time.Time) error {
	if len(used) == 0 {
		return nil
	}
	err := s.file.write(ctx, &op{run: func(c *conn) error {
		for id, at := range used {
			if _, err := c.exec(useKey, id, micros(at)); err != nil {
				return err
			}
		}
		return nil
	}})
	return fail("use of API keys", err)
}

func keyOf(r row) (k store.Key, err error) {
	k = store.Key{
		ID: r.text(0), Name: r.text(2), Scope: r.text(3),
		Created: r.time(5), Expires: r.optional(6), Revoked: r.optional(7), Used: r.optional(8),
	}
	lists, whole := texts(r.blob(4))
	if n := copy(k.Hash[:], r.blob(1)); n != len(k.Hash) || !whole {
		return k, fmt.Errorf("API key %q: %w", k.ID, store.ErrDamaged)
	}
	k.Lists = lists
	return k, nil
}

// appendTexts appends texts, each after its length. The result is not nil.
func appendTexts(to []byte, all []string) []byte {
	if to == nil {
		to = []byte{}
	}
	for _, text := range all {
		to = append(binary.AppendUvarint(to, uint64(len(text))), text...)
	}
	return to
}

// texts reads what appendTexts wrote.
func texts(b []byte) (all []string, whole bool) {
	for len(b) > 0 {
		n, used := binary.Uvarint(b)
		if used <= 0 || n > uint64(len(b)-used) {
			return nil, false
		}
		all = append(all, string(b[used:used+int(n)]))
		b = b[used+int(n):]
	}
	return all, true
}
