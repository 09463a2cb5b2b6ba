package queue

import (
	"context"
	"strconv"

	"offramp/store"
)

// permit is the leave to send to one recipient. Where the person set a limit
// it holds their turn, and so it must be told how the attempt ended: exactly
// once, however that was.
type permit struct {
	ended   func(context.Context, store.Outcome) error
	outcome store.Outcome // what is not told stays unknown
}

// holder names message and recipient, the same at every attempt, and holds no
// address.
func holder(j store.Job) string {
	return j.Message.ID + " " + strconv.FormatInt(j.Recipient.ID, 10)
}

func (a *attempt) permit(j store.Job, ended func(context.Context, store.Outcome) error) {
	if a.permits == nil {
		a.permits = make(map[int64]*permit)
	}
	a.permits[j.Recipient.ID] = &permit{ended: ended}
}

// ended notes what is known of a job; one that was not admitted has no permit.
func (a *attempt) ended(j store.Job, o store.Outcome) {
	if p := a.permits[j.Recipient.ID]; p != nil {
		p.outcome = o
	}
}

func (a *attempt) unsent(jobs []store.Job) {
	for _, j := range jobs {
		a.ended(j, store.NotSent)
	}
}

// handBack tells all permits how it ended. It comes before the leases end: once
// another message of the person is leased, a turn that is free can be had.
func (a *attempt) handBack(ctx context.Context) {
	for id, p := range a.permits {
		delete(a.permits, id)
		a.q.persist(ctx, "release a frequency slot", func(ctx context.Context) error { return p.ended(ctx, p.outcome) })
	}
}
