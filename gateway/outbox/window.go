package outbox

import (
	"time"

	"offramp/store"
)

const (
	// span is how many events that are not done are in memory at most.
	span = 1000
	// reachOver is how many events after the cursor are, done or not. One that nobody
	// takes has the cursor stay where it is, and must not stop what is for others.
	reachOver = 10_000
)

// window is the events between the cursor and where the ledger was read to: those that
// wait, those that are being sent, and those that are done while an earlier one is not.
type window struct {
	items  []*item // by ID; the first one is not done
	people map[string]*person
	left   int   // of items, those that are not done
	cursor int64 // everything up to it is done, or was not for the consumer
	read   int64 // the ledger was read up to this event
}

// item is one event. Its contents are read when it is sent: a person may have been
// erased since it was found.
type item struct {
	id    int64
	of    string // the person
	done  bool
	alone bool // it was refused together with others, and is tried by itself
	tries int
	first time.Time // when it was tried first; zero: not yet, or without a fault
	text  string    // what went wrong
}

// person is the order of one person's events.
type person struct {
	left int       // events that are not done
	busy bool      // one is being sent
	next time.Time // not before then
}

func newWindow(cursor int64) *window {
	return &window{people: map[string]*person{}, cursor: cursor, read: cursor}
}

// room is how many events may be added.
func (w *window) room() int { return max(min(span-w.left, reachOver-len(w.items)), 0) }

// add appends an event; done: it is acknowledged already.
func (w *window) add(e store.Event, done bool) *item {
	one := &item{id: e.ID, done: done}
	if !done {
		one.of = e.Recipient
		p := w.people[e.Recipient]
		if p == nil {
			p = new(person)
			w.people[e.Recipient] = p
		}
		p.left++
		w.left++
	}
	w.items = append(w.items, one)
	return one
}

// reach says that the ledger was read up to an event.
func (w *window) reach(id int64) {
	w.read = max(w.read, id)
	w.settle()
}

// settle moves the cursor up to the first event that is not done.
func (w *window) settle() {
	n := 0
	for n < len(w.items) && w.items[n].done {
		n++
	}
	if n > 0 {
		clear(w.items[:n])
		w.items = append(w.items[:0], w.items[n:]...)
	}
	if len(w.items) == 0 {
		w.cursor = w.read
	} else {
		w.cursor = w.items[0].id - 1
	}
}

// take returns the next events that may be sent together, at most most of them, and
// has their people busy.
func (w *window) take(now time.Time, most int) (batch []*item) {
	for _, one := range w.items {
		if one.done {
			continue
		}
		p := w.people[one.of]
		if p.busy || p.next.After(now) {
			continue
		}
		if one.alone && len(batch) > 0 {
			break
		}
		batch = append(batch, one)
		if one.alone || len(batch) == most {
			break
		}
	}
	for _, one := range batch {
		w.people[one.of].busy = true
	}
	return batch
}

// free ends the sending of a batch, of which the first done are acknowledged.
func (w *window) free(batch []*item, done int) {
	for i, one := range batch {
		p := w.people[one.of]
		p.busy = false
		if i < done {
			one.done = true
			p.left--
			w.left--
		}
	}
	for _, one := range batch[:done] {
		if p := w.people[one.of]; p != nil && p.left == 0 {
			delete(w.people, one.of)
		}
		one.of = ""
	}
	w.settle()
}

// next is when the first of those may be sent who wait for a time; zero: nobody does.
func (w *window) next(now time.Time) (at time.Time) {
	for _, p := range w.people {
		if !p.busy && p.next.After(now) && (at.IsZero() || p.next.Before(at)) {
			at = p.next
		}
	}
	return at
}

// stuck is the first event that failed and is not done; nil: there is none.
func (w *window) stuck() *item {
	for _, one := range w.items {
		if !one.done && !one.first.IsZero() {
			return one
		}
	}
	return nil
}

// later are the events after the cursor that are done.
func (w *window) later() (ids []int64) {
	for _, one := range w.items {
		if one.done {
			ids = append(ids, one.id)
		}
	}
	return ids
}
