package sqlite

import (
	"strings"
)

// table is a table of rows with checksums.
type table struct {
	name    string
	keys    []string // its primary key, the first of columns
	columns string   // all but the seal
	// read reads columns and, after them, the seal.
	read func(k *sealer, r row, s *sealedRow)
}

// sealedRow is a row as its guard and the filter see it.
type sealedRow struct {
	of     class // 0: no guard counts it
	name   string
	stored uint64 // the seal it has
	seal   uint64 // the seal it should have
	keys   []uint64
}

func (s *sealedRow) is(of class, name string, seal uint64, keys ...uint64) {
	s.of, s.name, s.seal = of, name, seal
	s.keys = append(s.keys[:0], keys...)
}

// tables are all of them; codes are last, which no guard counts: one that is
// lost is missed when it is asked for.
var tables = [...]table{
	{"choices", []string{"recipient", "list"}, "recipient, " + choiceColumns, func(k *sealer, r row, s *sealedRow) {
		ch := choiceOf(r, 1, r.text(0))
		s.is(person, ch.Recipient, k.choice(ch), anyRow, about(choiceKey, k.listID(ch.List)))
	}},
	{"suppressions", []string{"recipient", "list", "reason"}, "recipient, list, reason, since, note, until", func(k *sealer, r row, s *sealedRow) {
		su := suppressionOf(r, 1, r.text(0))
		s.is(person, su.Recipient, k.suppression(su), anyRow, suppressedKey, about(suppressedBy(su.Reason), k.listID(su.List)))
	}},
	{"sharing", []string{"recipient"}, "recipient, refused, since, way", func(k *sealer, r row, s *sealedRow) {
		sh := sharingOf(r, 1, r.text(0))
		s.is(person, sh.Recipient, k.sharing(sh), anyRow, sharingKey)
	}},
	{"erased", []string{"hash"}, "hash, since", func(k *sealer, r row, s *sealedRow) {
		s.is(person, r.text(0), k.erased(r.text(0), r.int(1)), anyRow, erasedKey)
	}},
	{"lists", []string{"id"}, listColumns, func(k *sealer, r row, s *sealedRow) {
		l := listOf(r)
		s.is(aList, l.ID, k.list(l))
	}},
	{"meta", []string{"name"}, "name, value", func(k *sealer, r row, s *sealedRow) {
		s.is(aValue, r.text(0), k.value(r.text(0), r.blob(1)))
	}},
	{"codes", []string{"code"}, "code, recipient, address", func(k *sealer, r row, s *sealedRow) {
		s.is(0, "", k.code(r.blob(0), r.text(1), r.text(2)))
	}},
}

// each reads every row of a table that a checksum is of. what it hands over is
// only good until it returns.
func (t *table) each(c *conn, k *sealer, each func(r row, s *sealedRow) error) error {
	var s sealedRow
	return c.query("SELECT "+t.columns+", seal FROM "+t.name, func(r row) error { return t.one(k, r, &s, each) })
}

func (t *table) one(k *sealer, r row, s *sealedRow, each func(r row, s *sealedRow) error) error {
	if t.name == "meta" && !protected(r.text(0)) {
		return nil
	}
	t.read(k, r, s)
	s.stored = r.seal(len(r) - 1)
	if t.name != "meta" && t.name != "codes" && r.odd() {
		s.seal = ^s.stored
	}
	return each(r, s)
}

// odd says whether a text has become a blob, which one bit does: it reads the
// same, and no comparison finds it any more.
func (r row) odd() bool {
	for _, v := range r {
		if _, ok := v.([]byte); ok {
			return true
		}
	}
	return false
}

// next reads rows after a key, in the order of keys, limit at most.
func (t *table) next(first bool) string {
	keys := strings.Join(t.keys, ", ")
	after := ""
	if !first {
		after = " WHERE (" + keys + ") > (?" + strings.Repeat(", ?", len(t.keys)-1) + ")"
	}
	return "SELECT " + t.columns + ", seal FROM " + t.name + after + " ORDER BY " + keys + " LIMIT ?"
}

// setSeal gives one row its seal.
func (t *table) setSeal() string {
	return "UPDATE " + t.name + " SET seal = ? WHERE " + strings.Join(t.keys, " = ? AND ") + " = ?"
}
