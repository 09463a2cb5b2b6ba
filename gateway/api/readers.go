package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"offramp/gateway/access"
	"offramp/gateway/record"
	"offramp/store"
)

func (s *server) readerRoutes() {
	add(s, route{
		method: http.MethodGet, path: "/readers", id: "listReaders", tag: "Events", summary: "Who follows the events",
		doc:   "Other systems that said how far they have taken over the events. GET /api/v1/report says how late they are.",
		scope: access.Read,
	}, s.readers)
	add(s, route{
		method: http.MethodPut, path: "/readers/{name}", id: "acknowledge", tag: "Events", summary: "Say how far another system came",
		doc:   "Says that the system has taken over every event up to an id; it never goes back.",
		scope: access.Write, example: record.Acknowledge{Through: 7},
	}, s.acknowledge)
	add(s, route{
		method: http.MethodDelete, path: "/readers/{name}", id: "dismissReader", tag: "Events", summary: "Forget a reader",
		scope: access.Write,
	}, s.dismiss)
}

// ReaderPath names a reader in a path.
type ReaderPath struct {
	Name string `path:"name" maxLength:"64" example:"crm" doc:"Name of the system."`
}

const maxReader = 64

func (s *server) readers(ctx context.Context, _ *noInput) (record.ReaderPage, error) {
	all, err := s.Records.Readers(ctx)
	return record.ReaderPage{Items: pageOf(all, record.ReaderOf)}, err
}

// acknowledge records how far a reader came. It may not be ahead of the
// ledger: what comes later would look as if it had been taken over.
func (s *server) acknowledge(ctx context.Context, in *struct {
	ReaderPath
	Body record.Acknowledge
}) (record.Reader, error) {
	through := in.Body.Through
	if err := plain("name", in.Name, maxReader); err != nil {
		return record.Reader{}, err
	}
	head, err := s.Records.Head(ctx)
	if err != nil {
		return record.Reader{}, err
	}
	if through < 0 || through > head.ID {
		return record.Reader{}, badRequest("through must be the id of an event: the last one is %d.", head.ID)
	}
	now := s.now().UTC().Truncate(time.Microsecond)
	if err := s.Records.Acknowledge(ctx, store.Reader{Name: in.Name, Through: through, Since: now}); err != nil {
		return record.Reader{}, err
	}
	s.log().InfoContext(ctx, "events acknowledged", "reader", in.Name, "through", through, "ip", callerOf(ctx).ip.String())
	all, err := s.Records.Readers(ctx)
	if err != nil {
		return record.Reader{}, err
	}
	i := slices.IndexFunc(all, func(r store.Reader) bool { return r.Name == in.Name })
	if i < 0 {
		return record.Reader{}, store.ErrNotFound // dismissed in this moment
	}
	return record.ReaderOf(all[i]), nil
}

func (s *server) dismiss(ctx context.Context, in *ReaderPath) (record.Changed, error) {
	if err := s.Records.Dismiss(ctx, in.Name); err != nil {
		return record.Changed{}, err
	}
	s.log().InfoContext(ctx, "reader dismissed", "reader", in.Name, "ip", callerOf(ctx).ip.String())
	return record.Changed{Changed: 1}, nil
}
