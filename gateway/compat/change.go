package compat

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/listunsub"
	"offramp/store"
)

// together is how many changes wait for the store at once: it commits them
// together.
const together = 64

// atMost is how long changes of many people may take. It ends before the
// server's limit for an answer, and what is not done by then is an error.
const atMost = 45 * time.Second

// optOut records that a person wants no mail of a list, or of any.
func (c *call) optOut(ctx context.Context, a envelope.Address, list string, since time.Time) error {
	ev := c.evidence()
	ev.Since = since
	_, err := c.Choices.OptOut(ctx, consent.Subject{Recipient: a, List: list}, store.Operator, ev)
	return err
}

// suppress stops mail to a person for a cause that is not a choice.
func (c *call) suppress(ctx context.Context, s consent.Stop, since time.Time) error {
	ev := c.evidence()
	ev.Since = since
	_, err := c.Suppressions.Suppress(ctx, s, ev)
	return err
}

// lift removes causes. A choice is taken back only where there is one.
func (c *call) lift(ctx context.Context, a envelope.Address, entries []entry) error {
	for _, e := range entries {
		s := consent.Subject{Recipient: a, List: e.list}
		var err error
		if e.reason == store.ReasonUnsubscribed {
			_, err = c.Choices.Resubscribe(ctx, s, store.Operator, c.evidence())
		} else {
			_, err = c.Suppressions.Unsuppress(ctx, consent.Stop{Subject: s, Reason: e.reason}, c.evidence())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// liftOne removes what is wanted of one person. found is false when there was
// nothing.
func (c *call) liftOne(w want, text string) (found bool, err error) {
	a, err := parse(text)
	if err != nil {
		return false, err
	}
	p, err := c.one(c.ctx, w, a)
	if err != nil || len(p.entries) == 0 {
		return false, err
	}
	return true, c.lift(c.ctx, a, p.entries)
}

// liftAll removes what is wanted of everybody but people's own choices: those are
// not undone by the way. kept is how many of them there are.
func (c *call) liftAll(w want) (kept int, err error) {
	ctx, cancel := context.WithTimeout(c.ctx, atMost)
	defer cancel()
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(together)
	for p, err := range c.people(ctx, w, "") {
		if err != nil {
			return kept, cmp.Or(work.Wait(), err)
		}
		var mine []entry
		for _, e := range p.entries {
			if e.own {
				kept++
			} else {
				mine = append(mine, e)
			}
		}
		a, err := envelope.Parse(p.address)
		if err != nil || len(mine) == 0 {
			continue
		}
		work.Go(safely(func() error { return c.lift(ctx, a, mine) }))
	}
	return kept, work.Wait()
}

// each makes n changes, many at once.
func (c *call) each(n int, change func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithTimeout(c.ctx, atMost)
	defer cancel()
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(together)
	for i := range n {
		work.Go(safely(func() error { return change(ctx, i) }))
	}
	return work.Wait()
}

// safely has a panic of one change be its error: in a goroutine of its own it would end
// the server.
func safely(change func() error) func() error {
	return func() (err error) {
		defer func() {
			if cause := recover(); cause != nil {
				err = fmt.Errorf("panic in a change: %v\n%s", cause, debug.Stack())
			}
		}()
		return change()
	}
}

// ensure adds a list that no mail was seen of yet.
func (c *call) ensure(list string) error {
	if list == store.AllLists {
		return nil
	}
	_, err := c.Lists.EnsureList(c.ctx, store.List{ID: list, Key: listunsub.ListKey(list), Created: c.now().UTC()})
	return err
}

// liftSome removes what is wanted of some people.
func (c *call) liftSome(w want, texts []string) error {
	if len(texts) > mostEmails {
		return badRequest("the number of addresses may be %d at most", mostEmails)
	}
	all, err := addresses(texts)
	if err != nil {
		return err
	}
	return c.each(len(all), func(ctx context.Context, i int) error {
		p, err := c.one(ctx, w, all[i])
		if err != nil {
			return err
		}
		return c.lift(ctx, all[i], p.entries)
	})
}
