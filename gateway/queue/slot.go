package queue

import (
	"context"
	"strconv"

	"offramp/store"
)

// slot is the leave to send to one recipient. Where the person set a limit it
// is reserved for this message, and its end must be reported: exactly once,
// however the attempt ended.
type slot struct {
	ended   func(context.Context, store.Outcome) error
	outcome store.Outcome // in doubt until something is known
}

// slotOwner names message and recipient, the same at every attempt, and holds no
// address.
func slotOwner(j store.Job) string {
	return j.Message.ID + " " + strconv.FormatInt(j.Recipient.ID, 10)
}

func (a *attempt) reserve(j store.Job, ended func(context.Context, store.Outcome) error) {
	if a.slots == nil {
		a.slots = make(map[int64]*slot)
	}
	a.slots[j.Recipient.ID] = &slot{ended: ended}
}

// note keeps what is known of a job; one that was not admitted has no slot.
func (a *attempt) note(j store.Job, o store.Outcome) {
	if s := a.slots[j.Recipient.ID]; s != nil {
		s.outcome = o
	}
}

func (a *attempt) unsent(jobs []store.Job) {
	for _, j := range jobs {
		a.note(j, store.NotSent)
	}
}

// releaseSlots reports how the attempt ended for every slot. It comes before
// the leases end: once another message of the person is leased, a free slot can
// be had.
func (a *attempt) releaseSlots(ctx context.Context) {
	for id, s := range a.slots {
		delete(a.slots, id)
		a.q.persist(ctx, "release a frequency slot", func(ctx context.Context) error { return s.ended(ctx, s.outcome) })
	}
}
