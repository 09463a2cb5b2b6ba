package sqlite

import (
	"offramp/store"
)

// list has a list be what stops most: not transactional, and for others. Its
// names are for the operator to put right.
func (r *repair) list(id int64, name string) error {
	var l store.List
	seal := uint64(0)
	found, err := r.c.one(selectList, func(v row) { l, seal = listOf(v), v.seal(listSeal) }, name)
	if err != nil {
		return err
	}
	if found && seal == r.k.list(l) {
		return r.guard(id, 1, seal) // put back already
	}
	if found {
		l.Transactional, l.ThirdParty, l.Key = false, true, r.listKey(name)
		if _, err := r.c.exec("DELETE FROM lists WHERE id = ?", name); err != nil {
			return err
		}
	} else {
		l = store.List{ID: name, Key: r.listKey(name), ThirdParty: true, Created: kept(r.now)}
	}
	r.done.Lists = append(r.done.Lists, name)
	if seal, err = r.s.putList(r.c, replaceListRow, l); err != nil {
		return err
	}
	return r.guard(id, 1, seal)
}

// value puts a protected value back, as what stops most.
func (r *repair) value(id int64, name string) error {
	value, seal, err := r.s.valueNow(r.c, name)
	if err != nil {
		return err
	}
	fits := seal != 0 && seal == r.k.value(name, value)
	switch {
	case fits:
	case name == metaStream:
		value = []byte(oldestStream)
	default:
		value = r.s.people.fingerprint() // what was opened with
	}
	if !fits {
		seal = r.k.value(name, value)
		r.done.Guards++
		if _, err := r.c.exec(putValue, name, value, int64(seal)); err != nil {
			return err
		}
	}
	return r.guard(id, 1, seal)
}
