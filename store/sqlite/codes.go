package sqlite

import (
	"context"

	"offramp/store"
)

const (
	selectCode    = "SELECT recipient, address, seal FROM codes WHERE code = ?"
	insertCode    = "INSERT INTO codes (code, recipient, address, seal) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
	selectCodesOf = "SELECT code FROM codes WHERE recipient = ?"
	emptyCode     = "UPDATE codes SET recipient = NULL, address = NULL, seal = ? WHERE code = ?"
)

// KeepCode makes k durable, unless it is there or its person was erased. Nearly
// always it is there, so that is looked up first, beside the writer.
func (s *Consent) KeepCode(ctx context.Context, k store.Code) (kept bool, err error) {
	var found bool
	if err := s.file.readers.do(ctx, func(c *conn) (err error) {
		var address string
		address, found, err = s.code(c, k.ID)
		kept = address != ""
		return err
	}); err != nil || found {
		return kept && err == nil, fail("code", uncertain(err))
	}
	err = s.file.write(ctx, &op{run: func(c *conn) error {
		_, erased, err := s.people.known(c, k.Recipient)
		if kept = !erased; err != nil || erased {
			return err
		}
		_, err = c.exec(insertCode, k.ID[:], k.Recipient, k.Address, int64(s.guards.seals.code(k.ID[:], k.Recipient, k.Address)))
		return err
	}})
	return kept && err == nil, fail("keep code", uncertain(err))
}

// AddressOfCode returns the address that a code was kept with.
func (s *Consent) AddressOfCode(ctx context.Context, id [16]byte) (address string, err error) {
	err = s.file.readers.do(ctx, func(c *conn) error {
		found := false
		if address, found, err = s.code(c, id); err == nil && !found {
			err = store.ErrNotFound
		}
		return err
	})
	return address, fail("code", uncertain(err))
}

// code reads a code. One that is damaged names nobody: an opt-out must not be
// recorded for somebody else.
func (s *Consent) code(c *conn, id [16]byte) (address string, found bool, err error) {
	whole := true
	found, err = c.one(selectCode, func(r row) {
		address = r.text(1)
		whole = s.guards.seals == nil || r.seal(2) == s.guards.seals.code(id[:], r.text(0), address)
	}, id[:])
	if err == nil && !whole {
		return "", true, s.guards.found(doubt("a code of an address is damaged"))
	}
	return address, found, err
}

// emptyCodes has a person's codes name nobody.
func (s *Consent) emptyCodes(c *conn, recipient string) error {
	var all [][]byte
	if err := c.query(selectCodesOf, func(r row) error {
		all = append(all, r.blob(0))
		return nil
	}, recipient); err != nil {
		return err
	}
	for _, id := range all {
		if _, err := c.exec(emptyCode, int64(s.guards.seals.code(id, "", "")), id); err != nil {
			return err
		}
	}
	return nil
}
