package smtpd

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestSmuggling sends what some servers take for the end of a message, with a
// second transaction behind it (CVE-2023-51764 and its like). Only CRLF.CRLF
// ends DATA where something follows, and only the size ends BDAT, so there is
// ever one message, and what was hidden is text in it.
func TestSmuggling(t *testing.T) {
	ends := []string{
		"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\n.\r", "\r.\n",
		"\r\n\x00.\r\n", "\r\n.\x00\r\n", "\r\n. \r\n", "\r\r\n.\r\r\n", crcrDot, "\r" + crcrDot,
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
				if !bdat && strings.HasSuffix(end, crcrDot) {
					p.expect("554 5.5.0") // it might have ended the message, had nothing followed
					p.closed()
					if kept := h.relay.all(); len(kept) != 0 {
						t.Errorf("kept %+v", kept)
					}
					return
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

// TestDotAfterCRCRLF: the end of data of a client whose lines end in CR CR LF is
// believed of those who may relay, when nothing stands behind it and line ends
// are fixed; the connection ends with the reply.
func TestDotAfterCRCRLF(t *testing.T) {
	const text = "Subject: x\r\r\n\r\r\n..dot\r\r\n.\r\r\n\r\r\nHello\r\r\n"
	for _, tt := range []struct {
		name   string
		change func(*Server)
		ends   []string // what is sent at once
		reply  string
		kept   string
	}{
		{"trusted", trusted, []string{text + ".\r\n"}, "250 2.0.0 queued as id1", "Subject: x\r\r\n\r\r\n.dot\r\r\n\r\r\n\r\r\nHello\r\r\n"},
		{"in pieces", trusted, []string{text + ".", "\r", "\n"}, "250 2.0.0 queued as id1", "Subject: x\r\r\n\r\r\n.dot\r\r\n\r\r\n\r\r\nHello\r\r\n"},
		{"three CRs", trusted, []string{"Subject: x\r\r\n\r\r\nHello\r\r\r\n.\r\n"}, "250 2.0.0 queued as id1", "Subject: x\r\r\n\r\r\nHello\r\r\r\n"},
		{"pipelined", trusted, []string{text + ".\r\nMAIL FROM:<evil@b.example>\r\n"}, "554 5.5.0", ""},
		{"pipelined later", trusted, []string{text + ".\r\n", "MAIL FROM:<evil@b.example>\r\n"}, "554 5.5.0", ""},
		{"goes on, and ends", trusted, []string{text + ".\r\nmore\r\n.\r\n"}, "554 5.5.0", ""},
		{"reject", func(s *Server) { trusted(s); s.FixLineEnds = false }, []string{text + ".\r\n"}, "550 5.6.11", ""},
		{"true end", trusted, []string{text + "\r\n.\r\n"}, "250 2.0.0 queued as id1", "Subject: x\r\r\n\r\r\n.dot\r\r\n\r\r\n\r\r\nHello\r\r\n\r\n"},
	} {
		for _, tls := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s TLS %v", tt.name, tls), func(t *testing.T) {
				t.Parallel()
				h := start(t, tt.change)
				p := h.dial(tls)
				p.expect("220")
				p.say("EHLO x", "250")
				p.envelope()
				p.say("DATA", "354")
				for i, piece := range tt.ends {
					if i > 0 {
						time.Sleep(50 * time.Millisecond) // on the wire one after the other
					}
					p.send(piece)
				}
				p.expect(tt.reply)
				kept := h.relay.all()
				if tt.kept == "" {
					if strings.HasPrefix(tt.reply, "550") {
						p.expect("421")
					}
					p.closed()
					if len(kept) != 0 {
						t.Errorf("kept %+v", kept)
					}
					return
				}
				if len(kept) != 1 || kept[0].data != tt.kept {
					t.Errorf("kept %+v", kept)
				}
			})
		}
	}
}

// TestChunkThatCannotBeRead: a BDAT whose size nobody knows ends the session, or
// its bytes would be commands.
func TestChunkThatCannotBeRead(t *testing.T) {
	const hidden = "MAIL FROM:<evil@b.example>\r\n"
	for _, args := range []string{"", " ", "\t28", "X 28", " x", " -1", " 99999999999", " 20 LAST now", " 20 FIRST", " 0x10"} {
		for _, pipelined := range []bool{false, true} {
			h := start(t, trusted)
			p := h.dial(false)
			p.expect("220")
			p.say("EHLO x", "250")
			if pipelined {
				p.send("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nBDAT" + args + "\r\n" + hidden)
				p.expect("250")
				p.expect("250")
			} else {
				p.envelope()
				p.send("BDAT" + args + "\r\n" + hidden)
			}
			p.expect("501 5.5.4")
			p.closed()
			if kept := h.relay.all(); len(kept) != 0 {
				t.Errorf("%q: kept %+v", args, kept)
			}
		}
	}
}
