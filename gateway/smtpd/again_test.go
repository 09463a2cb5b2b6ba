package smtpd

import (
	"context"
	"sync/atomic"
	"testing"

	"offramp/gateway/envelope"
)

// One recipient a thousand times is one recipient, with the parameters that came
// first.
func TestARecipientNamedAgainCountsOnce(t *testing.T) {
	h := start(t, func(s *Server) { trusted(s); s.IdleCommands = 10 })
	p := h.dial(false)
	p.expect("220")
	p.say("EHLO x", "250")
	p.say("MAIL FROM:<a@b.example>", "250")
	p.say("RCPT TO:<Anna@d.example> NOTIFY=NEVER", "250")
	p.say("RCPT TO:<bob@d.example>", "250")
	for range 30 {
		p.say("RCPT TO:<Anna@D.example> NOTIFY=SUCCESS", "250")
	}
	p.say("RCPT TO:<anna@d.example> NOTIFY=NEVER,SUCCESS", "501")
	p.say("DATA", "354")
	p.say("x\r\n.", "250")
	kept := h.relay.all()
	if len(kept) != 1 || len(kept[0].envelope.Recipients) != 2 {
		t.Fatalf("kept %+v", kept)
	}
	if r := kept[0].envelope.Recipients[0]; r.Address.String() != "Anna@d.example" || r.Notify != "NEVER" {
		t.Errorf("first recipient %+v", r)
	}
	// The next transaction begins anew.
	p.say("MAIL FROM:<a@b.example>", "250")
	p.say("RCPT TO:<anna@d.example>", "250")
	p.say("DATA", "354")
	p.say("x\r\n.", "250")
	if kept := h.relay.all(); len(kept) != 2 || len(kept[1].envelope.Recipients) != 1 {
		t.Errorf("kept %+v", kept)
	}
}

// checks counts how often an address is looked at.
type checks struct {
	fakeFeedback
	n *atomic.Int64
}

func (c checks) Check(ctx context.Context, a envelope.Address) error {
	c.n.Add(1)
	return c.fakeFeedback.Check(ctx, a)
}

// A stranger who names one of our addresses again and again has it looked up
// once, and is at the end soon.
func TestAnAddressOfOursNamedAgain(t *testing.T) {
	var n atomic.Int64
	h := start(t, func(s *Server) {
		s.Feedback = checks{s.Feedback.(fakeFeedback), &n}
		s.IdleCommands = 10
	})
	p := h.dial(false)
	p.expect("220")
	p.say("EHLO x", "250")
	p.say("MAIL FROM:<a@b.example>", "250")
	p.say("RCPT TO:<u+good@back.example>", "250")
	p.say("RCPT TO:<U+GOOD@back.example>", "250")
	p.say("RCPT TO:<b+good@back.example>", "250")
	for range 5 {
		p.say("RCPT TO:<u+good@back.example>", "250")
	}
	p.say("DATA", "354")
	p.say("x\r\n.", "250")
	if kept := h.relay.all(); len(kept) != 1 || len(kept[0].envelope.Recipients) != 2 {
		t.Errorf("kept %+v", kept)
	}
	if n.Load() != 2 {
		t.Errorf("%d look-ups of two addresses", n.Load())
	}
	p.say("MAIL FROM:<a@b.example>", "250")
	for i := range 20 {
		p.send("RCPT TO:<u+good@back.example>\r\n")
		if got, _ := p.reply(); got[:3] == "421" {
			return
		} else if i == 19 {
			t.Errorf("%d times: %q", i, got)
		}
	}
}

// The postmaster without a domain is not the one of the server's name.
func TestPostmasterIsNotTakenForARecipient(t *testing.T) {
	h := start(t, trusted)
	p := h.dial(false)
	p.expect("220")
	p.say("EHLO x", "250")
	p.say("MAIL FROM:<a@b.example>", "250")
	p.say("RCPT TO:<postmaster>", "250")
	p.say("RCPT TO:<Postmaster>", "250")
	p.say("RCPT TO:<postmaster@"+h.s.Hostname+">", "45")
}
