package smtpd

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestSmuggling sends what some servers take for the end of a message, with a
// second transaction behind it (CVE-2023-51764 and its like). Only CRLF.CRLF
// ends DATA and only the size ends BDAT, so there is ever one message, and
// what was hidden is text in it.
func TestSmuggling(t *testing.T) {
	ends := []string{
		"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\n.\r", "\r.\n",
		"\r\n\x00.\r\n", "\r\n.\x00\r\n", "\r\n. \r\n", "\r\r\n.\r\r\n",
	}
	const hidden = "MAIL FROM:<evil@b.example>\r\nRCPT TO:<victim@d.example>\r\nDATA\r\nSubject: hidden\r\n\r\nx\r\n"
	for _, end := range ends {
		for _, bdat := range []bool{false, true} {
			t.Run(fmt.Sprintf("%q BDAT %v", end, bdat), func(t *testing.T) {
				t.Parallel()
				h := start(t, trusted)
				p := h.dial(false)
				p.expect("220")
				p.say("EHLO x", "250")
				p.envelope()
				text := "Subject: x\r\n\r\nHello" + end + hidden
				if bdat {
					p.send(fmt.Sprintf("BDAT %d LAST\r\n%s", len(text), text))
				} else {
					p.say("DATA", "354")
					p.send(text + ".\r\n")
				}
				p.expect("250 2.0.0 queued as id1")
				p.say("QUIT", "221") // no other reply came before
				p.closed()
				kept := h.relay.all()
				if len(kept) != 1 || kept[0].envelope.ReversePath.String() != "a@b.example" || !strings.Contains(kept[0].data, "victim@d.example") {
					t.Errorf("kept %+v", kept)
				}
				if bdat && kept[0].data != text {
					t.Errorf("BDAT changed the text to %q", kept[0].data)
				}
			})
		}
	}
}

// TestDotAfterCRCRLF shows a fault of go-smtp that stays (S3): CR CR LF . CR LF
// does not end a message, as it does in other servers, so the client waits. The
// deadlines of the limits bound that; nothing is queued or misread meanwhile.
func TestDotAfterCRCRLF(t *testing.T) {
	h := start(t, trusted)
	p := h.dial(false)
	p.expect("220")
	p.say("EHLO x", "250")
	p.envelope()
	p.say("DATA", "354")
	p.send("Subject: x\r\n\r\nHello\r\r\n.\r\n")
	p.raw.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if b, err := p.r.ReadByte(); err == nil {
		t.Fatalf("go-smtp mends this now (%q): take it off docs/limits.md", b)
	}
	p.raw.SetReadDeadline(time.Now().Add(10 * time.Second))
	p.send("\r\n.\r\n")
	p.expect("250 2.0.0 queued as id1")
	if kept := h.relay.all(); len(kept) != 1 || !strings.HasSuffix(kept[0].data, "Hello\r\r\n.\r\n\r\n") {
		t.Errorf("kept %+v", kept)
	}
}
