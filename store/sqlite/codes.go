package sqlite

import (
	"context"

	"offramp/store"
)

const (
	selectCode   = "SELECT address FROM codes WHERE code = ?"
	insertCode   = "INSERT INTO codes (code, recipient, address) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
	emptyCodesOf = "UPDATE codes SET recipient = NULL, address = NULL WHERE recipient = ?"
)

// KeepCode makes k durable, unless it is there or its person was erased. Nearly
// always it is there, so that is looked up first, beside the writer.
func (s *Consent) KeepCode(ctx context.Context, k store.Code) (kept bool, err error) {
	var found bool
	if err := s.file.readers.do(ctx, func(c *conn) (err error) {
		found, err = c.one(selectCode, func(r row) { kept = r.text(0) != "" }, k.ID[:])
		return err
	}); err != nil || found {
		return kept && err == nil, fail("code", err)
	}
	err = s.file.write(ctx, &op{run: func(c *conn) error {
		_, erased, err := s.people.known(c, k.Recipient)
		if kept = !erased; err != nil || erased {
			return err
		}
		_, err = c.exec(insertCode, k.ID[:], k.Recipient, k.Address)
		return err
	}})
	return kept && err == nil, fail("keep code", err)
}

// AddressOfCode returns the address that a code was kept with.
func (s *Consent) AddressOfCode(ctx context.Context, id [16]byte) (address string, err error) {
	err = s.file.readers.do(ctx, func(c *conn) error {
		found, err := c.one(selectCode, func(r row) { address = r.text(0) }, id[:])
		if err == nil && !found {
			return store.ErrNotFound
		}
		return err
	})
	return address, fail("code", err)
}
