package queue

import (
	"context"
	"io"
	"slices"

	"offramp/gateway/footer"
	"offramp/gateway/nexthop"
	"offramp/gateway/render"
	"offramp/store"
	"offramp/store/failpoint"
)

// addRecipients issues RCPT for every job and returns those the hop accepted. A connection
// that breaks meanwhile settles all.
func (a *attempt) addRecipients(ctx context.Context, jobs []store.Job) (accepted []store.Job) {
	for i, j := range jobs {
		err := a.session.Rcpt(recipient(j))
		switch {
		case err == nil:
			accepted = append(accepted, j)
		case a.session.Broken():
			a.refuseAll(ctx, append(accepted, jobs[i:]...), err)
			return nil
		case len(accepted) > 0 && nexthop.Explain(err).TooMany:
			// RFC 5321 section 4.5.3.1.10: the rest goes in a further transaction.
			a.session.Full(len(accepted))
			a.unsent(jobs[i:])
			a.returnAll(jobs[i:])
			return accepted
		default:
			a.refuse(ctx, j, err)
		}
	}
	return accepted
}

// recipient is what RCPT says for a job.
func recipient(j store.Job) nexthop.Recipient {
	return nexthop.Recipient{Address: j.Recipient.Address, Notify: j.Recipient.Notify, Original: j.Recipient.Original}
}

// send issues DATA, sends the message and settles the jobs.
func (a *attempt) send(ctx context.Context, jobs []store.Job, r render.Rendering, open func() (io.ReadCloser, error)) {
	rcpts := make([]nexthop.Recipient, len(jobs))
	for i, j := range jobs {
		rcpts[i] = recipient(j)
	}
	failpoint.Hit("delivery.data")
	errs := a.session.Data(rcpts, func(dst io.Writer) error {
		if _, err := dst.Write(r.Header); err != nil {
			return err
		}
		body, err := open()
		if err != nil {
			return err
		}
		defer body.Close()
		if err := r.WriteBody(dst, body); err != nil {
			return err
		}
		failpoint.Hit("delivery.dot")
		return nil
	})
	failpoint.Hit("delivery.replied")
	if n := len(jobs); n > 1 && errs[0] != nil && !a.session.Broken() && nexthop.Explain(errs[0]).TooMany && !slices.Contains(errs, nil) {
		a.session.Full(n / 2) // the hop counts late, and does not say how far
		a.unsent(jobs)
		a.returnAll(jobs)
		return
	}
	accepted := slices.Contains(errs, nil)
	for i, j := range jobs {
		if errs[i] == nil {
			a.note(j, store.Sent)
			a.deliver(j)
			continue
		}
		a.refuse(ctx, j, errs[i])
	}
	if accepted {
		a.q.Stats.Octets.Add(r.Size)
		a.tally(r)
	}
}

// tally counts what is odd about a message that was sent.
func (a *attempt) tally(r render.Rendering) {
	if a.prepared.Unsigned() {
		a.q.Stats.Unsigned.Add(1)
	}
	if a.prepared.BreaksSignature() {
		a.q.Stats.BrokenSignatures.Add(1)
	}
	a.q.Stats.DroppedSignatures.Add(int64(a.prepared.DroppedSignatures()))
	if line, ok := a.prepared.Line(); ok {
		a.tallyLine(line)
	}
	a.lines = r.Lines
	if r.Lines.Encoded {
		a.q.Stats.LinesEncoded.Add(1)
	}
	if r.Lines.Folded {
		a.q.Stats.LinesFolded.Add(1)
	}
	if r.Lines.Passed {
		a.q.Stats.LinesPassed.Add(1)
	}
}

func (a *attempt) tallyLine(p *footer.Plan) {
	switch p.Result {
	case footer.Added:
		a.q.Stats.LinesAdded.Add(1)
	case footer.Own:
		a.q.Stats.OwnLinks.Add(1)
	}
	if p.Left {
		a.q.Stats.NoLine.Add(1)
	}
}
