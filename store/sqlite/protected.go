package sqlite

import (
	"offramp/store"
)

// Every change of a protected row is made here, with its checksum and guard.
const (
	putChoice = `INSERT INTO choices (recipient, list, state, until, every, since, way, seal) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (recipient, list) DO UPDATE SET state = excluded.state, until = excluded.until, every = excluded.every,
			since = excluded.since, way = excluded.way, seal = excluded.seal`
	putSuppression = `INSERT INTO suppressions (recipient, list, reason, since, note, until, seal) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (recipient, list, reason) DO UPDATE SET since = excluded.since, note = excluded.note, until = excluded.until,
			seal = excluded.seal`
	putSharing = `INSERT INTO sharing (recipient, refused, since, way, seal) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (recipient) DO UPDATE SET refused = excluded.refused, since = excluded.since, way = excluded.way, seal = excluded.seal`

	putValue = `INSERT INTO meta (name, value, seal) VALUES (?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value, seal = excluded.seal`
	selectValue = "SELECT value, seal FROM meta WHERE name = ?"

	selectSuppression = "SELECT list, reason, since, note, until, seal FROM suppressions WHERE recipient = ? AND list = ? AND reason = ?"

	deleteSuppression    = "DELETE FROM suppressions WHERE recipient = ? AND list = ? AND reason = ? RETURNING recipient, seal"
	deleteChoicesOf      = "DELETE FROM choices WHERE recipient = ? RETURNING recipient, seal"
	deleteSuppressionsOf = "DELETE FROM suppressions WHERE recipient = ? RETURNING recipient, seal"
	deleteSharingOf      = "DELETE FROM sharing WHERE recipient = ? RETURNING recipient, seal"
)

// choiceNow returns a choice with the seal that its row has; 0: there is none.
func (s *Consent) choiceNow(c *conn, recipient, list string) (ch store.Choice, seal uint64, err error) {
	_, err = c.one(selectChoice, func(r row) { ch, seal = choiceOf(r, 0, recipient), r.seal(6) }, recipient, list)
	return ch, seal, err
}

func (s *Consent) suppressionNow(c *conn, of store.Suppression) (su store.Suppression, seal uint64, err error) {
	_, err = c.one(selectSuppression, func(r row) { su, seal = suppressionOf(r, 0, of.Recipient), r.seal(5) },
		of.Recipient, of.List, string(of.Reason))
	return su, seal, err
}

func (s *Consent) sharingNow(c *conn, recipient string) (sh store.Sharing, seal uint64, err error) {
	_, err = c.one(selectSharing, func(r row) { sh, seal = sharingOf(r, 0, recipient), r.seal(3) }, recipient)
	return sh, seal, err
}

// setChoice puts a choice in the place of one with the seal before; 0: of none.
func (s *Consent) setChoice(c *conn, ch store.Choice, before uint64) error {
	seal := s.guards.seals.choice(ch)
	s.guards.markChoice(ch)
	if _, err := c.exec(putChoice, ch.Recipient, ch.List, string(ch.State), optional(ch.Until), string(ch.Every), micros(ch.Since),
		string(ch.Way), int64(seal)); err != nil {
		return err
	}
	s.guards.change(person, ch.Recipient, before, seal)
	return nil
}

func (s *Consent) setSuppression(c *conn, su store.Suppression, before uint64) error {
	seal := s.guards.seals.suppression(su)
	s.patterns.add(su.Recipient)
	s.guards.markSuppression(su)
	if _, err := c.exec(putSuppression, su.Recipient, su.List, string(su.Reason), micros(su.Since), su.Note, optional(su.Until),
		int64(seal)); err != nil {
		return err
	}
	s.guards.change(person, su.Recipient, before, seal)
	return nil
}

func (s *Consent) setSharing(c *conn, sh store.Sharing, before uint64) error {
	seal := s.guards.seals.sharing(sh)
	s.guards.markSharing(sh.Recipient)
	if _, err := c.exec(putSharing, sh.Recipient, sh.Refused, micros(sh.Since), string(sh.Way), int64(seal)); err != nil {
		return err
	}
	s.guards.change(person, sh.Recipient, before, seal)
	return nil
}

func (s *Consent) setErased(c *conn, hash string, since int64) error {
	seal := s.guards.seals.erased(hash, since)
	s.guards.markErased(hash)
	n, err := c.exec(insertErased, hash, since, int64(seal))
	if err != nil || n == 0 {
		return err
	}
	s.guards.change(person, hash, 0, seal)
	return nil
}

func (s *Consent) dropSuppression(c *conn, su store.Suppression) (dropped bool, err error) {
	n, err := s.drop(c, deleteSuppression, su.Recipient, su.List, string(su.Reason))
	return n > 0, err
}

// drop runs a statement that deletes rows of people and returns their names and
// seals; n is how many they were.
func (s *Consent) drop(c *conn, statement string, args ...any) (n int64, err error) {
	type gone struct {
		name string
		seal uint64
	}
	var all []gone
	if err := c.query(statement, func(r row) error {
		all = append(all, gone{r.text(0), r.seal(1)})
		return nil
	}, args...); err != nil {
		return 0, err
	}
	for _, g := range all {
		s.guards.change(person, g.name, g.seal, 0)
	}
	return int64(len(all)), nil
}

// protected says whether a single value of the table meta says what may be sent.
func protected(name string) bool { return name == metaStream || name == metaPersonKey }

// setValue puts a protected value.
func (s *Consent) setValue(c *conn, name string, value []byte) error {
	_, before, err := s.valueNow(c, name)
	if err != nil {
		return err
	}
	seal := s.guards.seals.value(name, value)
	if _, err := c.exec(putValue, name, value, int64(seal)); err != nil {
		return err
	}
	s.guards.change(aValue, name, before, seal)
	return nil
}

func (s *Consent) valueNow(c *conn, name string) (value []byte, seal uint64, err error) {
	_, err = c.one(selectValue, func(r row) { value, seal = r.blob(0), r.seal(1) }, name)
	return value, seal, err
}

// seal reads a checksum. A row whose checksum is 0 has none, and so none that
// fits.
func (r row) seal(i int) uint64 { return uint64(r.int(i)) }
