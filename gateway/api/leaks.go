package api

import (
	"context"
	"net/http"

	"offramp/gateway/access"
	"offramp/gateway/ledger"
	"offramp/gateway/record"
	"offramp/store"
)

func (s *server) leakRoutes() {
	add(s, route{
		method: http.MethodGet, path: "/report/leaks", id: "getLeaks", tag: "Reports", summary: "Who still sends mail to people who unsubscribed",
		doc: "Names the applications (login or address, and sender's domain) whose mail was dropped since its recipients had unsubscribed, complained, opted out of sharing or had everything erased: " +
			"how much, of which lists, the newest example, and which connected systems had acknowledged that opt-out.",
		scope: access.Read,
	}, s.leaks)
}

// leakSource is what the report is made of.
type leakSource struct {
	store.Leaks
	Ledger
}

func (s *server) leaks(ctx context.Context, in *sinceQuery) (record.Leaks, error) {
	now := s.now().UTC()
	since := in.Since.UTC()
	if in.Since.IsZero() {
		since = now.Add(-reportPeriod)
	}
	made, err := ledger.MakeLeaks(ctx, leakSource{s.Leaks, s.Records}, since, now)
	if err != nil {
		return record.Leaks{}, err
	}
	return leaksOf(made), nil
}

func leaksOf(l *ledger.Leaks) record.Leaks {
	out := record.Leaks{Since: l.Since, Until: l.Until, Partial: l.Partial, Applications: make([]record.Application, 0, len(l.Applications))}
	for _, a := range l.Applications {
		one := record.Application{Login: a.Login, Client: a.Client, Sender: a.Sender, Dropped: a.Dropped, First: a.First, Last: a.Last, Example: exampleOf(a)}
		for _, d := range a.Lists {
			one.Lists = append(one.Lists, record.ListDrops{List: d.List, Dropped: d.Count, People: d.People})
		}
		out.Applications = append(out.Applications, one)
	}
	return out
}

// exampleOf is the newest drop of an application; nil: it is not there any more.
func exampleOf(a ledger.Application) *record.Leak {
	e := a.Example
	if e.ID == 0 {
		return nil
	}
	leak := &record.Leak{
		Event: e.ID, Time: e.Time, Recipient: e.Recipient, List: e.List, Reason: string(e.Reason), QueueID: e.QueueID, MessageID: e.MessageID,
		Notified: make([]record.Notified, 0, len(a.Notified)),
	}
	if o := a.OptOut; o.ID != 0 {
		leak.Left = &record.Left{Event: o.ID, Time: o.Time, Kind: string(o.Kind)}
	}
	for _, n := range a.Notified {
		leak.Notified = append(leak.Notified, record.Notified{Name: n.Reader, At: n.At})
	}
	return leak
}
