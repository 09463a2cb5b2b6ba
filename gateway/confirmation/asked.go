package confirmation

import (
	"hash/maphash"
	"slices"
	"sync"
	"time"
)

// Limits of mail to one person, who may not be the one who asks for it.
const (
	pause       = 10 * time.Minute // between two mails of the same question
	day         = 24 * time.Hour
	perDay      = 5
	codesPerDay = 3 // mails with a code, beside the others
)

// PerDay is how many mails one person is sent in 24 hours, with a code or without
// one.
func PerDay(coded bool) int {
	if coded {
		return codesPerDay
	}
	return perDay
}

// kept bounds the memory, to 768 KiB. Past it the oldest mail is
// forgotten: it takes as many people's links to get there.
const kept = 16384

// asked remembers what was sent in the last day. It holds no address but a hash
// under a seed of this process, so nothing in it can be read or restored, also
// of a person who is erased meanwhile. The zero value is ready.
type asked struct {
	mu    sync.Mutex
	seed  maphash.Seed // zero before the first mail
	mails []sent       // a mail is sent by hand: reading all of them costs less than an index
}

type sent struct {
	key key
	at  time.Time
}

// key is a person and what that person is asked.
type key struct {
	person, question uint64
	coded            bool // the mail has a code
}

// take counts a mail at now, and says whether it may be sent. giveBack takes
// the mail it returns.
func (a *asked) take(q *Question, now time.Time) (sent, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.key(q)
	a.mails = slices.DeleteFunc(a.mails, func(m sent) bool { return now.Sub(m.at) >= day })
	today, most := 0, PerDay(k.coded)
	for _, m := range a.mails {
		if m.key.person == k.person && m.key.coded == k.coded {
			today++
		}
		if m.key == k && now.Sub(m.at) < pause || today == most {
			return sent{}, false
		}
	}
	if len(a.mails) == kept {
		a.mails = slices.Delete(a.mails, 0, 1)
	}
	taken := sent{k, now}
	a.mails = append(a.mails, taken)
	return taken, true
}

// key of q: a person has one, however the address is written. The caller holds
// mu.
func (a *asked) key(q *Question) key {
	if a.seed == (maphash.Seed{}) {
		a.seed = maphash.MakeSeed()
	}
	return key{
		person: maphash.String(a.seed, q.Recipient.Key()),
		// What stands for no list is not an identifier: the list alone is the question.
		question: maphash.String(a.seed, q.list()),
		coded:    Coded(q.list()),
	}
}

// giveBack forgets a mail that was taken and could not be sent.
func (a *asked) giveBack(taken sent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := slices.Index(a.mails, taken); i >= 0 {
		a.mails = slices.Delete(a.mails, i, i+1)
	}
}
