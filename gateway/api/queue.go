package api

import (
	"cmp"
	"context"
	"net/http"

	"offramp/gateway/access"
	"offramp/gateway/envelope"
	"offramp/gateway/record"
	"offramp/store"
)

func (s *server) queueRoutes() {
	add(s, route{
		method: http.MethodGet, path: "/queue", id: "listQueue", tag: "Queue", summary: "Mail that waits",
		doc:   "Messages by queue id, each with its recipients. Several selectors must all fit.",
		scope: access.Read,
	}, s.queue)
	add(s, route{
		method: http.MethodPost, path: "/queue", id: "changeQueue", tag: "Queue", summary: "Change mail that waits",
		doc:   "Tries messages now, holds them, lets go what is held, or removes them without a bounce. Give what to select, or all.",
		scope: access.Admin, example: record.QueueAct{Action: "retry", Domain: "example.com"},
	}, s.act)
}

type queueQuery struct {
	ID     string `query:"id" doc:"Only the message with this queue id."`
	State  string `query:"state" enum:"queued,held,failed" doc:"Only messages with recipients in this state."`
	Domain string `query:"domain" example:"example.com" doc:"Only messages to this domain."`
	Sender string `query:"sender" doc:"Only messages with this reverse-path."`
	CursorParam
	After string `query:"after" deprecated:"true" doc:"The next of the page before; use cursor."`
	LimitParam
}

func (s *server) queue(ctx context.Context, in *queueQuery) (page record.QueuePage, err error) {
	f := store.QueueFilter{ID: in.ID, State: store.RecipientState(in.State), Limit: in.Limit}
	if f.After, err = in.position("queue"); err != nil {
		return page, err
	}
	f.After = cmp.Or(f.After, in.After)
	if f.Domain, f.Sender, err = selectors(in.Domain, in.Sender); err != nil {
		return page, err
	}
	entries, err := s.Queue.Queue(ctx, f)
	if err != nil {
		return page, err
	}
	page.Items = pageOf(entries, record.QueueEntryOf)
	if len(entries) == f.Limit {
		page.Next = entries[len(entries)-1].Message.ID
		page.Cursor = cursorOf("queue", page.Next)
	}
	return page, nil
}

// selectors brings a domain and a sender into the form the spool keeps.
func selectors(domain, sender string) (d, from string, err error) {
	if domain != "" {
		a, err := address("x@" + domain)
		if err != nil {
			return "", "", badRequest("domain must be a domain name.")
		}
		d = a.Domain()
	}
	if sender != "" {
		a, err := address(sender)
		if err != nil {
			return "", "", badRequest("sender must be a mail address.")
		}
		from = a.String()
	}
	return d, from, nil
}

func (s *server) act(ctx context.Context, in *struct{ Body record.QueueAct }) (changed record.Changed, err error) {
	q := in.Body
	action, state := store.QueueAction(q.Action), store.RecipientState(q.State)
	if err := oneOf("action", action, store.Retry, store.Hold, store.ReleaseHold, store.Remove); err != nil {
		return changed, err
	}
	if state != "" {
		if err := oneOf("state", state, store.Queued, store.Held, store.Failed); err != nil {
			return changed, err
		}
	}
	f := store.QueueFilter{ID: q.ID, State: state}
	if f.Domain, f.Sender, err = selectors(q.Domain, q.Sender); err != nil {
		return changed, err
	}
	if selected := f != (store.QueueFilter{}); selected == q.All {
		return changed, badRequest("Give either id, state, domain or sender, or \"all\": true.")
	}
	if changed.Changed, err = s.Queue.Act(ctx, action, f); err != nil {
		return changed, err
	}
	if changed.Changed > 0 && (action == store.Retry || action == store.ReleaseHold) && s.Flush != nil {
		s.Flush()
	}
	s.log().InfoContext(ctx, "queue changed", "action", q.Action, "queue_id", q.ID, "domain", f.Domain,
		"sender", masked(f.Sender), "all", q.All, "changed", changed.Changed, "ip", callerOf(ctx).ip.String())
	return changed, nil
}

func masked(sender string) string {
	a, err := envelope.Parse(sender)
	if err != nil || a.IsNull() {
		return ""
	}
	return a.Masked()
}
