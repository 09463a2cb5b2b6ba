package sqlite

import (
	"errors"
	"fmt"

	"offramp/store"
)

// selectAll is one look at one state of the data, too.
const selectAll = `SELECT 0, list, state, until, every, since, way, seal FROM choices WHERE recipient = ?1
	UNION ALL SELECT 1, list, reason, since, note, until, NULL, seal FROM suppressions WHERE recipient = ?1
	UNION ALL SELECT 2, refused, since, way, NULL, NULL, NULL, seal FROM sharing WHERE recipient = ?1
	UNION ALL SELECT 3, since, NULL, NULL, NULL, NULL, NULL, seal FROM erased WHERE hash = ?1
	UNION ALL SELECT 4, count, sum, NULL, NULL, NULL, NULL, seal FROM guards WHERE id = ?2`

const (
	rowErased = iota + rowSharing + 1
	rowGuard
)

// allRows are all protected rows of a name.
type allRows struct {
	choices      []store.Choice
	suppressions []store.Suppression
	sharing      store.Sharing
	erased       bool
	since        int64 // of erased

	bad     bool // a row is not what was written
	rows    guard
	guard   guard
	guarded bool
}

// whole says whether these are all the rows that were written. One of the two,
// the sums or their seal, can be damaged and the other still prove it.
func (r *allRows) whole(k *sealer) bool {
	switch {
	case r.bad:
		return false
	case !r.guarded:
		return r.rows.count == 0
	case r.guard.count == r.rows.count && r.guard.sum == r.rows.sum:
		return true
	}
	return r.guard.seal == k.guard(r.rows)
}

// all reads all rows of a name, and holds them against its guard.
func (s *Consent) all(c *conn, name string) (allRows, error) {
	all, err := readAll(c, s.guards.seals, name)
	if err == nil && !all.whole(s.guards.seals) {
		err = s.guards.found(doubt("records of a person are damaged or lost"))
	}
	return all, err
}

// readAll reads what is legible.
func readAll(c *conn, k *sealer, name string) (all allRows, err error) {
	id := k.id(person, name)
	all.rows.id = id
	add := func(stored, seal uint64) {
		all.rows.count++
		all.rows.sum += stored
		all.bad = all.bad || stored != seal
	}
	err = c.query(selectAll, func(r row) error {
		seal := r.seal(7)
		all.bad = all.bad || r.odd()
		switch r.int(0) {
		case rowChoice:
			ch := choiceOf(r, 1, name)
			all.choices = append(all.choices, ch)
			add(seal, k.choice(ch))
		case rowSuppression:
			su := suppressionOf(r, 1, name)
			all.suppressions = append(all.suppressions, su)
			add(seal, k.suppression(su))
		case rowSharing:
			all.sharing = sharingOf(r, 1, name)
			add(seal, k.sharing(all.sharing))
		case rowErased:
			all.erased, all.since = true, r.int(1)
			add(seal, k.erased(name, all.since))
		case rowGuard:
			all.guarded = true
			all.guard = guard{id: id, count: r.int(1), sum: uint64(r.int(2)), seal: seal}
		}
		return nil
	}, name, id)
	return all, err
}

// carefully is a standing where some rows are known to be damaged, and the
// guards to be whole: it is certain of each person alone.
func (s *Consent) carefully(c *conn, recipient, list string) (st store.Standing, err error) {
	all, err := s.all(c, recipient)
	if err != nil {
		return st, err
	}
	if hash := s.people.hash(recipient); hash != recipient {
		under, err := s.all(c, hash)
		if err != nil {
			return st, err
		}
		if under.erased {
			all = under
		}
	}
	st.Erased, st.Sharing = all.erased, all.sharing
	scope := func(l string) bool { return l == store.AllLists || l == list }
	for _, ch := range all.choices {
		if scope(ch.List) {
			st.Choices = append(st.Choices, ch)
		}
	}
	stops := all.suppressions
	for _, pattern := range store.Patterns(recipient) {
		of, err := s.all(c, pattern)
		if err != nil {
			return store.Standing{}, err
		}
		stops = append(stops, of.suppressions...)
	}
	for _, su := range stops {
		if scope(su.List) {
			st.Suppressions = append(st.Suppressions, su)
		}
	}
	return st, nil
}

// knownTo is people.known where f, if there is one, knows of everybody who was
// erased.
func (s *Consent) knownTo(c *conn, f *filter, recipient string) (name string, erased bool, err error) {
	if f == nil || recipient == "" || s.people.erased.Load() == 0 {
		return s.people.known(c, recipient)
	}
	hash := s.people.hash(recipient)
	if !f.has(s.guards.seals.id(person, hash), erasedKey) {
		return recipient, false, nil
	}
	name, erased, err = s.people.known(c, recipient)
	if err == nil && !erased {
		_, err = s.all(c, hash)
	}
	return name, erased, err
}

// Whether there should be a row, and whether there is one by now, in one look.
const (
	selectListLost  = "SELECT coalesce((SELECT count FROM guards WHERE id = ?1), 0), EXISTS (SELECT 1 FROM lists WHERE id = ?2)"
	selectValueLost = "SELECT coalesce((SELECT count FROM guards WHERE id = ?1), 0), EXISTS (SELECT 1 FROM meta WHERE name = ?2)"
)

// missing says about a row that was not found that it is there by now, or
// returns store.ErrNotFound, or another error when there should be one.
func (s *Consent) missing(c *conn, of class, name string) (there bool, err error) {
	if s.guards.seals == nil {
		return false, store.ErrNotFound
	}
	query := selectListLost
	if of == aValue {
		query = selectValueLost
	}
	rows := int64(0)
	if _, err := c.one(query, func(r row) { rows, there = r.int(0), r.bool(1) }, s.guards.seals.id(of, name), name); err != nil || there {
		return there, err
	}
	if rows != 0 {
		return false, s.guards.found(doubt("a list or setting is lost"))
	}
	return false, store.ErrNotFound
}

// uncertain marks an error of reading that comes from damage.
func uncertain(err error) error {
	if errors.Is(err, store.ErrDamaged) && !errors.Is(err, store.ErrUncertain) {
		return fmt.Errorf("%w: stop the server and run `offramp repair`: %w", store.ErrUncertain, err)
	}
	return err
}
