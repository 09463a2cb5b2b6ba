package queue

import (
	"context"

	"offramp/gateway/nexthop"
	"offramp/store"
)

// deferral is a recipient that the hop refused for now, not settled yet.
type deferral struct {
	job     store.Job
	failure nexthop.Failure
}

// worthAnother says whether a fresh connection may do better than the one that
// was kept: it has had all the messages that the hop takes over one, or it was
// lost before this message was sent.
func (a *attempt) worthAnother(f nexthop.Failure) bool {
	if !a.kept {
		return false
	}
	return a.session.Exhausted(f) || lost(f)
}

// lost says whether the connection ended, without a word, before the message.
func lost(f nexthop.Failure) bool {
	return !f.Replied && f.Status.Code == 0 && (f.Stage == nexthop.StageRcpt || f.Stage == nexthop.StageData)
}

// again makes one more attempt, on a fresh connection, at the recipients that
// a kept connection refused and another may take. Everything is asked anew.
func (a *attempt) again(ctx context.Context) {
	refused := a.refused
	if a.refused = nil; len(refused) == 0 {
		return
	}
	a.releaseSlots(ctx)
	var trial *nexthop.Trial
	if f := refused[0].failure; !lost(f) {
		if trial = a.session.Trial(ctx, f); trial == nil {
			a.deferRefused(refused)
			return
		}
		defer trial.End()
	}
	fresh, err := a.q.Hops.Open(ctx, a.task.dest.key)
	if err != nil {
		a.deferRefused(refused)
		return
	}
	a.jobs = make([]store.Job, len(refused))
	for i, d := range refused {
		a.jobs[i] = d.job
	}
	a.session = fresh
	before := len(a.outcomes)
	a.transact(ctx, false)
	if trial == nil {
		return
	}
	switch kinds := a.kinds(before); {
	case kinds[store.Delivered]:
		trial.Helped(fresh)
	case kinds[store.Deferred]:
		trial.Failed()
	}
}

// kinds are the results since the first outcomes.
func (a *attempt) kinds(first int) map[store.ResultKind]bool {
	kinds := make(map[store.ResultKind]bool)
	for _, o := range a.outcomes[first:] {
		kinds[o.result.Kind] = true
	}
	return kinds
}

// deferRefused leaves it at what the hop said.
func (a *attempt) deferRefused(refused []deferral) {
	for _, d := range refused {
		a.deferAll([]store.Job{d.job}, store.Status(d.failure.Status))
	}
}

// within returns the recipients that the hop takes in one transaction. The
// others go back for another.
func (a *attempt) within(jobs []store.Job) []store.Job {
	hop := a.session.Abilities()
	n := len(jobs)
	if hop.Recipients > 0 {
		n = min(n, hop.Recipients)
	}
	if hop.Domains > 0 {
		domains := make(map[string]bool)
		for i, j := range jobs[:n] {
			if domains[j.Recipient.Domain] = true; len(domains) > hop.Domains {
				n = i
				break
			}
		}
	}
	if n < len(jobs) {
		a.returnAll(jobs[n:])
	}
	return jobs[:n]
}
