package smtpd

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"offramp/gateway/feedback"
	"offramp/gateway/relay"
	"offramp/store"
)

// TestReplies sends one message for each error, by DATA and by BDAT, and with
// the error before and after the message was read. Nothing of an error's own
// text may reach the client, and an internal error is never a 5yz (S4, S5).
func TestReplies(t *testing.T) {
	h := start(t, trusted)
	want := map[string]string{
		"loop": "554 5.4.6 ", "large": "552 5.3.4 ", "header": "552 5.3.4 ", "bare": "550 5.6.11 ", "nul": "554 5.6.0 ", "gone": "550 5.7.1 ",
		"full": "452 4.3.1 ", "locked": "451 4.3.0 ", "down": "451 4.3.0 ", "wrapped": "451 4.3.0 ", "joined": "451 4.3.0 ",
		"cancelled": "451 4.3.0 ", "eof": "451 4.3.0 ",
	}
	if len(want) != len(answers) {
		t.Fatal("an answer of the fake is not tested")
	}
	p := h.dial(false)
	p.expect("220")
	p.say("EHLO x", "250")
	for name, reply := range want {
		for _, sender := range []string{name, "early-" + name} {
			for _, bdat := range []bool{false, true} {
				p.say("MAIL FROM:<"+sender+"@b.example>", "250")
				p.say("RCPT TO:<c@d.example>", "250")
				text := "Subject: x\r\n\r\n" + strings.Repeat("0123456789\r\n", 1000)
				var got string
				if bdat {
					got = p.say(fmt.Sprintf("BDAT %d LAST\r\n%s", len(text)+2, text), reply)
				} else {
					p.say("DATA", "354")
					got = p.say(text+".", reply)
				}
				if strings.Contains(got, "secret") || strings.Contains(got, "sql") || strings.Contains(got, "/") {
					t.Errorf("%s: reply %q tells too much", sender, got)
				}
			}
		}
	}
	if n := len(h.relay.all()); n != 0 {
		t.Errorf("%d messages kept", n)
	}
	if n := h.s.Stats.Internal.Load(); n != 8*4-4 {
		t.Logf("%d replies hid trouble of ours", n)
	}
}

func TestReplyTo(t *testing.T) {
	for _, tt := range []struct {
		err      error
		code     int
		internal bool
	}{
		{fmt.Errorf("x: %w", feedback.ErrUnknown), 550, false},
		{feedback.ErrTooLarge, 552, false},
		{feedback.ErrPostmaster, 0, true},
		{store.ErrNotFound, 0, true},
		{errors.Join(errors.New("x"), relay.ErrLoop), 554, false},
		{fmt.Errorf("read: %w", &inputError{smtp.ErrDataTooLarge}), 552, false},
		{&inputError{errTimeout}, 421, false},
		{&inputError{errLost}, 451, false},
		{&inputError{smtp.ErrDataReset}, 451, false},
		{smtp.ErrDataTooLarge, 0, true}, // not from the client
	} {
		r, internal := replyTo(tt.err)
		code := 0
		if r != nil {
			code = r.code
		}
		if code != tt.code || internal != tt.internal {
			t.Errorf("%v: %d, internal %v; want %d, %v", tt.err, code, internal, tt.code, tt.internal)
		}
	}
}

// TestRepliesAreWellFormed keeps class and enhanced class alike (RFC 3463
// section 2).
func TestRepliesAreWellFormed(t *testing.T) {
	all := []*reply{
		replyDrain, replyIdle, replyTimeout, replyLost, replyTalking, replyLongLine, replyPlace, replyChunk, replyCRCR, replyNested, replyLater, replyNoMail, replySender, replyRecipient,
		replyUTF8, replyParameter, replyNeedsTLS, replyDenied, replyApart, replyMany, replyTooLarge, replyIncomplete,
		replyThrottled, replyAuthMail, replyAuthSyntax, replyAuthEnd, replyMechanism, replyAuthFailed, replyFeedbackOK,
	}
	for _, c := range causes {
		all = append(all, c.reply)
	}
	for _, s := range []*Server{{}, {Config: Config{AuthLoopback: true}}, {tls: &tls.Config{}}} {
		all = append(all, s.authNeedsTLS(nil))
	}
	for _, r := range all {
		if r.code/100 != r.enhanced[0] || r.text == "" || strings.ContainsAny(r.text, "\r\n") || len(r.line()) > 512 {
			t.Errorf("%q", r.line())
		}
	}
}
