package sqlite

import (
	"slices"

	"offramp/store"
)

// look is what one look at a name's records about a list found.
type look struct {
	seals *sealer // nil: nothing is verified
	list  string
	bad   bool // a row is not what was written
	room  [8]uint64
	seen  []uint64 // filter keys
}

// about is the filter key of what is about a list.
func about(kind uint64, list int64) uint64 { return mix(uint64(list) + kind*0x9e3779b97f4a7c15) }

// reasons are those a look can miss one by one; unknown ones are one more.
func suppressedBy(r store.Reason) uint64 {
	n := uint64(slices.Index([]store.Reason{store.ReasonManual, store.ReasonBounced, store.ReasonComplained}, r) + 1)
	return suppressionKey | n<<8
}

const reasonKinds = 4

func (k *sealer) listID(list string) int64 { return k.id(aList, list) }

func (l *look) saw(key uint64) {
	if l.seen == nil {
		l.seen = l.room[:0]
	}
	l.seen = append(l.seen, key)
}

func (l *look) choice(ch store.Choice, seal uint64) {
	if l.seals == nil {
		return
	}
	l.bad = l.bad || seal != l.seals.choice(ch)
	l.saw(about(choiceKey, l.seals.listID(ch.List)))
}

func (l *look) suppression(su store.Suppression, seal uint64) {
	if l.seals == nil {
		return
	}
	l.bad = l.bad || seal != l.seals.suppression(su)
	l.saw(about(suppressedBy(su.Reason), l.seals.listID(su.List)))
}

func (l *look) sharing(sh store.Sharing, seal uint64) {
	if l.seals == nil {
		return
	}
	l.bad = l.bad || seal != l.seals.sharing(sh)
	l.saw(sharingKey)
}

// misses says whether f knows of a row that the look did not see. It may be
// wrong when it says so, never when it does not.
func (l *look) misses(f *filter, name string) bool {
	id := l.seals.id(person, name)
	if !f.has(id, anyRow) {
		return false
	}
	missed := func(key uint64) bool { return !slices.Contains(l.seen, key) && f.has(id, key) }
	lists := [2]int64{l.seals.listID(store.AllLists), l.seals.listID(l.list)}
	for _, list := range lists {
		if missed(about(choiceKey, list)) {
			return true
		}
	}
	if missed(sharingKey) {
		return true
	}
	if !f.has(id, suppressedKey) {
		return false
	}
	for _, list := range lists {
		for n := range uint64(reasonKinds) {
			if missed(about(suppressionKey|n<<8, list)) {
				return true
			}
		}
	}
	return false
}

func (g *guards) markChoice(ch store.Choice) {
	g.mark(g.seals.id(person, ch.Recipient), anyRow, about(choiceKey, g.seals.listID(ch.List)))
}

func (g *guards) markSuppression(su store.Suppression) {
	g.mark(g.seals.id(person, su.Recipient), anyRow, suppressedKey, about(suppressedBy(su.Reason), g.seals.listID(su.List)))
}

func (g *guards) markSharing(recipient string) {
	g.mark(g.seals.id(person, recipient), anyRow, sharingKey)
}

func (g *guards) markErased(hash string) {
	g.mark(g.seals.id(person, hash), anyRow, erasedKey)
}
