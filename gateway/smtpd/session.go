package smtpd

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-smtp"

	"offramp/gateway/envelope"
	"offramp/gateway/relay"
)

// session is what go-smtp calls for one client between two greetings. Its
// methods run one at a time but for Data: with BDAT that has a goroutine of its
// own, which can outlive its transaction when that is broken off.
type session struct {
	s   *Server
	ctx context.Context
	d   *dialogue
	sc  *smtp.Conn

	login    string
	failures int // of AUTH

	mu sync.Mutex
	tx *transaction // nil: none open
}

// destination is where the recipients of one transaction go. One reply answers
// for all of them, so a transaction has only one.
type destination int

const (
	toNobody destination = iota
	toRelay
	toFeedback
	toPostmaster
)

type transaction struct {
	client   relay.Client
	envelope envelope.Envelope
	to       destination
	taken    int                 // RCPT commands answered 250
	keys     map[string]struct{} // of the recipients of envelope
}

func (s *Server) newSession(ctx context.Context, d *dialogue, sc *smtp.Conn) (smtp.Session, error) {
	d.hello = true
	s.Stats.Sessions.Add(1)
	if d.secure {
		s.Stats.TLS.Add(1)
	}
	return &session{s: s, ctx: ctx, d: d, sc: sc}, nil
}

// Reset ends the transaction.
func (t *session) Reset() {
	t.mu.Lock()
	t.tx = nil
	t.mu.Unlock()
	t.d.filled(false)
}

// Logout has nothing to free: go-smtp calls it while it recovers from panics.
func (t *session) Logout() error { return nil }

// Mail begins a transaction. go-smtp would let a second MAIL keep the
// recipients of the first.
func (t *session) Mail(from string, o *smtp.MailOptions) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tx != nil {
		return replyNested.smtp()
	}
	e := envelope.Envelope{
		EightBit:   o.Body == smtp.Body8BitMIME,
		UTF8:       o.UTF8,
		RequireTLS: o.RequireTLS,
		Return:     string(o.Return),
		EnvelopeID: o.EnvelopeID,
		Size:       o.Size,
	}
	if from != "" {
		var err error
		if e.ReversePath, err = address(from); err != nil {
			return replySender.smtp()
		}
	}
	if !t.d.settled() {
		return replyLater.smtp()
	}
	switch {
	case e.ReversePath.UTF8() && !o.UTF8:
		return replyUTF8.smtp()
	case o.RequireTLS && !t.d.secure: // RFC 8689 section 2
		return replyNeedsTLS.smtp()
	case !envelope.ValidEnvelopeID(o.EnvelopeID):
		return replyParameter.smtp()
	case o.Size > int64(t.s.MaxMessageSize):
		return replyTooLarge.smtp()
	}
	t.tx = &transaction{envelope: e, client: t.client(o.UTF8)}
	t.d.progress()
	return nil
}

// address reads an address that go-smtp has taken the quotes off, and let any
// byte through.
func address(s string) (envelope.Address, error) {
	if !utf8.ValidString(s) {
		return envelope.Address{}, envelope.ErrAddress
	}
	return envelope.ParseUnquoted(s)
}

// Rcpt adds a recipient. One that is named again is taken and counts once, with
// the parameters that it had first: what is done for a recipient is done once.
func (t *session) Rcpt(to string, o *smtp.RcptOptions) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	tx := t.tx
	if tx == nil {
		return replyNoMail.smtp()
	}
	r, err := t.recipient(to, o)
	if err != nil {
		t.s.Stats.Denied.Add(1)
		return err
	}
	key := t.key(r.Address)
	if _, again := tx.keys[key]; again {
		if tx.to == toRelay {
			t.d.forgive()
		}
		t.took(tx)
		return nil
	}
	where, err := t.destination(r.Address)
	if err != nil {
		t.s.Stats.Denied.Add(1)
		return err
	}
	list := &tx.envelope.Recipients
	switch {
	case tx.to != toNobody && tx.to != where:
		return replyApart.smtp()
	case len(*list) >= t.s.MaxRecipients:
		return replyMany.smtp()
	}
	if tx.keys == nil {
		tx.keys = make(map[string]struct{}, 1)
	}
	tx.to, tx.keys[key] = where, struct{}{}
	*list = append(*list, r)
	t.d.progress()
	t.took(tx)
	return nil
}

// key is the same for recipients that are one. Elsewhere than here a local part in
// another case may be somebody else's (RFC 5321 section 2.4).
func (t *session) key(a envelope.Address) string {
	switch {
	case t.d.now.postmaster:
		return "postmaster" // the domain is not what the client wrote
	case t.s.Feedback != nil && t.s.Feedback.Owns(a):
		return a.Key()
	}
	return a.String()
}

// took counts RCPT as go-smtp does, with those that name somebody again.
func (t *session) took(tx *transaction) {
	tx.taken++
	t.d.filled(tx.taken >= t.s.MaxRecipients)
}

// recipient checks what RCPT says. Errors are replies.
func (t *session) recipient(to string, o *smtp.RcptOptions) (envelope.Recipient, error) {
	none := envelope.Recipient{}
	a, err := address(to)
	if err != nil {
		return none, replyRecipient.smtp()
	}
	if a.UTF8() && !t.tx.envelope.UTF8 {
		return none, replyUTF8.smtp()
	}
	original, err := envelope.ParseOriginal(t.d.now.original)
	r := envelope.Recipient{Address: a, Notify: notify(o.Notify), Original: original}
	if err != nil || !envelope.ValidNotify(r.Notify) {
		return none, replyParameter.smtp()
	}
	return r, nil
}

// destination says where mail to a recipient goes. Errors are replies.
func (t *session) destination(a envelope.Address) (destination, error) {
	if t.d.now.postmaster {
		return toPostmaster, nil
	}
	if t.s.Feedback != nil && t.s.Feedback.Owns(a) {
		if strings.EqualFold(a.Local(), "postmaster") {
			return toPostmaster, nil
		}
		if err := t.s.Feedback.Check(t.ctx, a); err != nil {
			return toNobody, t.failed("check a recipient", err).smtp()
		}
		return toFeedback, nil
	}
	if !t.s.Relay.MayRelay(t.tx.client) {
		return toNobody, replyDenied.smtp()
	}
	// An authenticated server may name many dead recipients: that is not abuse.
	t.d.forgive()
	return toRelay, nil
}

func notify(values []smtp.DSNNotify) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	return strings.Join(words, ",")
}

// client is what the rooms below learn about the other side.
func (t *session) client(utf8 bool) relay.Client {
	return relay.Client{Addr: t.d.addr, Name: t.sc.Hostname(), Login: t.login, TLS: t.d.secure, Protocol: t.protocol(utf8)}
}

// protocol is the WITH of Received (RFC 3848; RFC 6531 section 4.3).
func (t *session) protocol(utf8 bool) string {
	name := "ESMTP"
	switch {
	case utf8:
		name = "UTF8SMTP"
	case t.d.helo && !t.d.secure:
		return "SMTP"
	}
	if t.d.secure {
		name += "S"
	}
	if t.login != "" {
		name += "A"
	}
	return name
}

// failed finds the reply to an error of the packages below, and logs what is
// an internal error.
func (t *session) failed(doing string, err error) *reply {
	r, internal := replyTo(err)
	if r == nil {
		id := envelope.NewQueueID(time.Now())
		r = &reply{451, smtp.EnhancedCode{4, 3, 0}, "temporary local problem, try again later (" + id + ")"}
		t.s.Log.Error("cannot "+doing, "queue_id", id, "ip", t.d.addr.String(), "error", err)
	} else {
		level := slog.LevelDebug
		if internal {
			level = slog.LevelError
		}
		t.s.Log.Log(t.ctx, level, "cannot "+doing, "code", r.code, "ip", t.d.addr.String(), "error", err)
	}
	if internal {
		t.s.Stats.Internal.Add(1)
	}
	return r
}
