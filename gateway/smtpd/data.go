package smtpd

import (
	"errors"
	"fmt"
	"io"
	"net/netip"

	"github.com/emersion/go-smtp"

	"offramp/gateway/feedback"
	"offramp/gateway/relay"
)

// body is a message on its way in.
type body struct {
	r     io.Reader
	d     *dialogue
	chunk bool // it comes by BDAT
	crcr  bool // it may end in CR CR LF . CR LF
	dots  unstuffer
	rest  []byte // read and not given out
	err   error
}

// Read gives io.EOF only at the end of a message that came whole.
func (b *body) Read(p []byte) (int, error) {
	if len(b.rest) > 0 {
		n := copy(p, b.rest)
		b.rest = b.rest[n:]
		return n, nil
	}
	if b.err != nil {
		return 0, b.err
	}
	if b.chunk {
		return b.readChunk(p)
	}
	const most = 2 // bytes that the unstuffer holds and gives out
	if len(p) <= most {
		buf := make([]byte, 512)
		n, err := b.Read(buf)
		b.rest = buf[copy(p, buf[:n]):n]
		return min(n, len(p)), err
	}
	n, err := b.r.Read(p[most:])
	in, out := p[most:most+n], p[:0]
	if b.d.crcr.twice {
		out = b.dots.take(out, in)
	} else {
		out = append(out, in...)
	}
	switch {
	case err == nil:
		return len(out), nil
	case errors.Is(err, errCRCR) && b.crcr, err == io.EOF:
		b.err = io.EOF
	case errors.Is(err, errCRCR):
		b.err = relay.ErrBareNewline
	default:
		b.err = &inputError{err}
	}
	if err == io.EOF && len(b.dots.held) > 0 {
		out = append(out, b.dots.held[1:]...)
	}
	if len(out) > 0 {
		return len(out), nil // the error comes with the next read
	}
	return 0, b.err
}

func (b *body) readChunk(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.err = err; err != nil && err != io.EOF {
		b.err = &inputError{err}
	}
	return n, b.err
}

// Data takes the message. Its error is always a reply, also 250: so the client
// learns the queue id.
func (t *session) Data(r io.Reader) error {
	pipe, chunk := r.(*io.PipeReader)
	if !t.d.beginBody(pipe) {
		return replyIncomplete.smtp()
	}
	b := &body{r: r, d: t.d, chunk: chunk}
	defer func() { t.d.endBody(b.err == io.EOF) }()

	t.mu.Lock()
	tx := t.tx
	t.mu.Unlock()
	if tx == nil || len(tx.envelope.Recipients) == 0 {
		// The transaction was broken off before this goroutine ran.
		return replyNoMail.smtp()
	}
	b.crcr = tx.to == toRelay && t.s.FixLineEnds
	var done *reply
	var err error
	if tx.to == toRelay {
		done, err = queued(t.s.Relay.Accept(t.ctx, tx.client, tx.envelope, b))
	} else {
		done, err = t.receive(tx, b)
	}
	if err == nil && b.err == nil {
		// With BDAT, go-smtp would treat an unread rest as an error.
		_, err = io.Copy(io.Discard, b)
	}
	if err != nil {
		done = t.failed("take a message", err)
	}
	t.tally(done)
	return done.smtp()
}

// receive takes a message to an address of Offramp.
func (t *session) receive(tx *transaction, b *body) (*reply, error) {
	from := t.d.addr
	if t.s.Relay.MayRelay(tx.client) {
		from = netip.Addr{}
	}
	in, err := t.s.intake.receive(from, b)
	if err != nil {
		return nil, err
	}
	defer in.free()
	done, err := t.s.intake.turn(t.ctx, in)
	if err != nil {
		return nil, err
	}
	defer done()
	if tx.to == toPostmaster {
		return queued(t.s.Relay.AcceptPostmaster(t.ctx, tx.client, tx.envelope, in.reader()))
	}
	return replyFeedbackOK, t.s.Feedback.Receive(t.ctx, feedback.Inbound{
		Envelope: tx.envelope, IP: t.d.addr.String(), Data: in.reader(), Size: in.size(),
	})
}

// queued makes a reply of what the relay returns.
func queued(receipt relay.Receipt, err error) (*reply, error) {
	if err != nil {
		return nil, err
	}
	text := "queued as " + receipt.QueueID
	switch {
	case receipt.Dropped > 0 && receipt.Accepted == 0:
		text = receipt.QueueID + ": nobody left to send to"
	case receipt.Dropped > 0:
		text += fmt.Sprintf(", %d of %d dropped", receipt.Dropped, receipt.Accepted+receipt.Dropped)
	}
	return &reply{250, smtp.EnhancedCode{2, 0, 0}, text}, nil
}

func (t *session) tally(r *reply) {
	s := t.s.Stats
	switch r.code / 100 {
	case 2:
		s.Messages.Add(1)
	case 5:
		s.Refused.Add(1)
	default:
		s.Deferred.Add(1)
	}
	if r == replyIncomplete || r == replyTimeout {
		s.Incomplete.Add(1)
	}
}
