// Package webhook sends events by HTTP, in a format that the receiver knows. A call
// that is answered 2xx is acknowledged; the rest is the affair of the outbox.
package webhook

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"offramp/gateway/callout"
	"offramp/gateway/outbox"
	"offramp/store"
)

// Kind is that of the consumers of this package.
const Kind = "webhook"

// Sender makes the receivers of webhooks. Its fields are set before.
type Sender struct {
	// Client makes what calls one receiver: each has connections of its own.
	Client func() *callout.Client
	Agent  string           // what a call says it is from
	Random io.Reader        // nil: crypto/rand
	Now    func() time.Time // nil: time.Now
}

func (s *Sender) random() io.Reader {
	if s.Random == nil {
		return rand.Reader
	}
	return s.Random
}

func (s *Sender) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

// Kind is how the outbox reaches webhooks.
func (s *Sender) Kind() outbox.Kind {
	return outbox.Kind{Open: func(c store.Consumer) (outbox.Receiver, error) { return s.open(c.Settings) }, Events: usual, Batch: maxBatch}
}

// usual are the events that a webhook gets which names none: what other systems
// must know of people. Each message that was dropped is not among them.
var usual = []store.EventKind{
	store.EventUnsubscribed, store.EventResubscribed, store.EventPaused, store.EventLimited, store.EventSharingRefused, store.EventSharingAllowed,
	store.EventSuppressed, store.EventUnsuppressed, store.EventBounced, store.EventComplained, store.EventFailed,
}

// maxBatch is how many events SendGrid's format has in one call.
const maxBatch = 50

// receiver is one webhook.
type receiver struct {
	*Sender
	settings Settings
	url      *url.URL
	client   *callout.Client
}

func (s *Sender) open(settings []byte) (*receiver, error) {
	r := &receiver{Sender: s}
	var err error
	if r.settings, err = Parse(settings); err != nil {
		return nil, err
	}
	if r.url, err = r.settings.check(); err != nil {
		return nil, err
	}
	r.client = s.Client()
	return r, nil
}

// Send implements [outbox.Receiver].
func (r *receiver) Send(ctx context.Context, events []store.Event) (done int, err error) {
	if r.settings.Format == SendGrid {
		return r.sendAll(ctx, events)
	}
	for i, e := range events {
		if i > 0 && !r.hasTime(ctx) {
			return i, nil // cut off in the middle, the call would count as one that failed
		}
		var err error
		switch {
		case !concerns(r.settings.Format, e):
		case r.settings.Format == Listmonk:
			err = r.listmonk(ctx, e)
		default:
			var c call
			if c, err = r.render(e); err == nil && c.body != nil {
				err = failed(r.do(ctx, c))
			}
		}
		if err != nil {
			return i, err
		}
	}
	return len(events), nil
}

// hasTime says whether one more event can take as long as a call may.
func (r *receiver) hasTime(ctx context.Context) bool {
	longest := callout.Timeout
	if r.settings.Format == Listmonk {
		longest *= 2 // finds the subscriber first
	}
	end, bounded := ctx.Deadline()
	return !bounded || time.Until(end) >= longest
}

// sendAll sends a batch in one call.
func (r *receiver) sendAll(ctx context.Context, events []store.Event) (done int, err error) {
	c, err := r.sendGrid(events)
	if err == nil && c.body != nil {
		err = failed(r.do(ctx, c))
	}
	if err != nil {
		return 0, err
	}
	return len(events), nil
}

// render makes the call of one event; without a body the format has nothing for it.
func (r *receiver) render(e store.Event) (call, error) {
	switch r.settings.Format {
	case Postmark:
		return r.postmark(e)
	case Mailgun:
		return r.mailgun(e)
	}
	return r.standard(typeOf(e.Kind), e)
}

// concerns says whether a receiver of a format can be sent an event. Of people who
// were erased nobody knows the hash, and only our own format has patterns.
func concerns(f Format, e store.Event) bool {
	if strings.HasPrefix(e.Recipient, "~") || e.Recipient == "" {
		return f == Standard && e.Kind == store.EventErased
	}
	return f == Standard || !strings.HasPrefix(e.Recipient, "@")
}

// call is what is sent.
type call struct {
	method string // empty: POST
	path   string // after that of the URL
	query  url.Values
	header http.Header
	body   []byte
}

// encode writes a body as JSON, with < and > as they are: there is no page around it.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// do makes a call.
func (r *receiver) do(ctx context.Context, c call) (callout.Reply, error) {
	u := *r.url
	if c.path != "" {
		if u.Path == "" {
			u.Path = "/" // JoinPath would make a relative one
		}
		u = *u.JoinPath(c.path)
	}
	if c.query != nil {
		u.RawQuery = c.query.Encode()
	}
	method := c.method
	if method == "" {
		method = http.MethodPost
	}
	q, err := http.NewRequestWithContext(ctx, method, "", bytes.NewReader(c.body))
	if err != nil {
		return callout.Reply{}, err
	}
	q.URL = &u
	for name, values := range c.header {
		q.Header[name] = values
	}
	q.Header.Set("User-Agent", r.Agent)
	if c.body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	return r.client.Do(q)
}

// failed is the error of a call: nil when it was answered 2xx.
func failed(reply callout.Reply, err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &outbox.Failure{Text: fmt.Sprintf("no answer within %s", callout.Timeout)}
	case err != nil:
		return &outbox.Failure{Text: err.Error()}
	case reply.Status/100 == 2:
		return nil
	}
	f := &outbox.Failure{Text: fmt.Sprintf("answered %d", reply.Status), After: retryAfter(reply.Header)}
	switch {
	case reply.Status/100 == 3:
		f.Text += ": redirects are not followed"
	case refuses(reply.Status):
		f.Refused = true
	}
	return f
}

// refuses says whether a status is about the events, rather than about the address, the
// key or the moment.
func refuses(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
		http.StatusProxyAuthRequired, http.StatusRequestTimeout, http.StatusGone, http.StatusMisdirectedRequest, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status/100 == 4
}

// retryAfter reads how long a receiver asks not to be called (RFC 9110 section 10.2.3).
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return time.Duration(min(n, 1e6)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		if date, err := http.ParseTime(h.Get("Date")); err == nil {
			return max(at.Sub(date), 0)
		}
	}
	return 0
}

// idOf is the same for each attempt of an event, and unique: also where a restored
// backup gave its number again.
func idOf(e store.Event) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s %s", e.ID, e.Time.UnixMicro(), e.Kind, e.List))
	return fmt.Sprintf("evt_%d_%s", e.ID, hex.EncodeToString(sum[:6]))
}
