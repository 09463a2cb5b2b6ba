package smtpd

import (
	"bytes"
	"strings"
	"testing"
)

// What go-smtp gets for a line of MAIL or RCPT, and what is kept of it.
func TestCommand(t *testing.T) {
	for in, want := range map[string]struct{ line, original string }{
		"MAIL FROM:<a@b.example> SIZE=9\r\n":                         {},
		"MAIL FROM:<a@b.example> AUTH=root SIZE=9\r\n":               {"MAIL FROM:<a@b.example> SIZE=9\r\n", ""},
		"mail from: <> SIZE=9 auth=<>\r\n":                           {"MAIL FROM:<> SIZE=9\r\n", ""},
		"MAIL FROM:<a@b.example>AUTH=a=b\n":                          {"MAIL FROM:<a@b.example> \r\n", ""},
		"MAIL FROM:a@b.example AUTH=root\r\n":                        {"MAIL FROM:a@b.example \r\n", ""},
		"MAIL FROM:<\"x> AUTH=y\"@b.example>\r\n":                    {},
		"MAIL FROM:<\"x\\\"> AUTH=y\"@b.example> AUTH=z\r\n":         {"MAIL FROM:<\"x\\\"> AUTH=y\"@b.example> \r\n", ""},
		"MAIL FROM:<@x,@y:\"a> AUTH=b\"@b.example>\tAUTH=x\r\n":      {"MAIL FROM:<@x,@y:\"a> AUTH=b\"@b.example> \r\n", ""},
		"MAIL FROM:<a@b.example> AUTH\r\n":                           {}, // has no value
		"MAIL FROM:<\"a\r\n":                                         {},
		"MAIL FROM:<\"a\\\r\n":                                       {},
		"MAIL FROM:\r\n":                                             {},
		"MAIL\r\n":                                                   {},
		"MAILX FROM:<a@b.example> AUTH=x\r\n":                        {},
		"RCPT TO:<c@d.example> ORCPT=x400;/C=US/ NOTIFY=NEVER\r\n":   {"RCPT TO:<c@d.example> NOTIFY=NEVER\r\n", "x400;/C=US/"},
		"RCPT TO:<c@d.example> orcpt=rfc822;j+C3+B6rg@d.example\r\n": {"RCPT TO:<c@d.example> \r\n", "rfc822;j+C3+B6rg@d.example"},
		"RCPT TO:<c@d.example> ORCPT=a;b ORCPT=c;d\r\n":              {"RCPT TO:<c@d.example> \r\n", "c;d"},
		"RCPT TO:<c@d.example> ORCPT=\r\n":                           {}, // go-smtp refuses it
		"RCPT TO:<postmaster>\r\n":                                   {"RCPT TO:<postmaster@gate.example> \r\n", ""},
		"rcpt to: PostMaster ORCPT=rfc822;x NOTIFY=NEVER\r\n":        {"RCPT TO:<PostMaster@gate.example> NOTIFY=NEVER\r\n", "rfc822;x"},
		"RCPT TO:<postmaster@d.example>\r\n":                         {},
		"RCPT TO:<postmaster\r\n":                                    {},
		"RCPT TO:postmaster>\r\n":                                    {"RCPT TO:<postmaster@gate.example> >\r\n", ""}, // which go-smtp refuses
		"RCPT TO:<<postmaster>>\r\n":                                 {},
		"RCPT FROM:<postmaster>\r\n":                                 {},
		"NOOP MAIL FROM:<a@b.example> AUTH=x\r\n":                    {},
		"EHLO a\x01b\r\n":                                            {"EHLO\r\n", ""},
		"HELO " + strings.Repeat("x", 256) + "\r\n":                  {"HELO\r\n", ""},
		"EHLO x AUTH=\x01\r\n":                                       {},
		"AUTH PLAIN x\r\n":                                           {"AUTH PLAIN =\r\n", ""},
		"AUTH PLAIN AHNob3AAc2VjcmV0\r\n":                            {},
		"AUTH \r\n":                                                  {},
		"\r\n":                                                       {},
		"\n":                                                         {},
	} {
		line := want.line
		if line == "" {
			line = in
		}
		now, got, fault := dialogueOf("").command([]byte(in))
		if string(got) != line || now.original != want.original || fault != nil {
			t.Errorf("%q became %q with %q, %v; want %q with %q", in, got, now.original, fault, line, want.original)
		}
	}
}

// dialogueOf is a dialogue that reads what a client sends.
func dialogueOf(client string) *dialogue {
	s := &Server{Hostname: "gate.example", Stats: &Stats{}, limits: Config{}.WithDefaults()}
	d := s.newDialogue(s.newConn(&script{pieces: [][]byte{[]byte(client)}}, false), false, false)
	d.hello = true
	return d
}

// FuzzCommand: whatever comes, go-smtp gets one line for it.
func FuzzCommand(f *testing.F) {
	for _, client := range clients(f) {
		for line := range bytes.Lines(client) {
			f.Add(line)
		}
	}
	f.Add([]byte("MAIL FROM:<\"a\\\"> b\"@b.example> AUTH=root SIZE=1"))
	f.Add([]byte("RCPT TO:<@x:postmaster> ORCPT=x;y"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if bytes.IndexByte(line, '\n') >= 0 {
			return
		}
		line = append(line, '\n')
		now, got, fault := dialogueOf("").command(bytes.Clone(line))
		if fault != nil {
			return
		}
		if bytes.IndexByte(got, '\n') != len(got)-1 || len(got) > len(line)+len("<@gate.example> \r\n") {
			t.Fatalf("%q became %q", line, got)
		}
		if verb, _ := divide(got); verb != "" && !strings.EqualFold(verb, now.verb) {
			t.Fatalf("%q became %q, of another verb", line, got)
		}
		if _, got := response(line); bytes.IndexByte(got, '\n') != len(got)-1 {
			t.Fatalf("response %q became %q", line, got)
		}
	})
}

// Senders that name who wrote a message, or a recipient of another kind, are
// heard, alone and pipelined, in clear and under TLS; the recipient is kept.
func TestParametersOfOthers(t *testing.T) {
	for _, tls := range []bool{false, true} {
		h := start(t, trusted)
		p := h.dial(tls)
		p.expect("220")
		p.say("EHLO x", "250")
		p.say("MAIL FROM:<a@b.example> AUTH=root", "250")
		p.say("RCPT TO:<c@d.example> ORCPT=x400;/C=US/", "250")
		p.say("RCPT TO:<c@d.example> ORCPT=x400", "501 5.5.4")
		p.say("RCPT TO:<c@d.example> ORCPT=", "501 5.5.4")
		p.say("RSET", "250")
		p.send("MAIL FROM:<a@b.example> AUTH=j+FCrg@b.example\r\nRCPT TO:<c@d.example> ORCPT=unknown;x\r\nRCPT TO:<e@d.example> ORCPT=rfc822;e+2B@old.example\r\n" +
			"RCPT TO:<f@d.example> ORCPT=utf-8;j\\x{F6}rg\r\nRCPT TO:<g@d.example>\r\nDATA\r\n")
		for _, reply := range []string{"250", "250", "250", "250", "250", "354"} {
			p.expect(reply)
		}
		const text = "BDAT-like: x\r\nSubject: x\r\n\r\nMAIL FROM:<a@b.example> AUTH=stays\r\nBDAT is a word here\r\nRCPT TO:<postmaster>\r\n"
		p.send(text + ".\r\n")
		p.expect("250")
		kept := h.relay.all()
		if len(kept) != 1 || kept[0].data != text {
			t.Fatalf("kept %+v", kept)
		}
		var originals []string
		for _, r := range kept[0].envelope.Recipients {
			originals = append(originals, r.Original)
		}
		if got := strings.Join(originals, " "); got != "unknown;x rfc822;e+@old.example utf-8;jörg " {
			t.Errorf("original recipients %q", got)
		}
	}
}

// What EHLO offers in clear and under TLS, and nothing twice.
func TestOffers(t *testing.T) {
	h := start(t, trusted)
	for _, tls := range []bool{false, true} {
		p := h.dial(tls)
		p.expect("220")
		ours := "STARTTLS"
		if tls {
			ours = "REQUIRETLS"
		}
		want := "250-Hello x\r\n250-" + ours + "\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250-CHUNKING\r\n250-SMTPUTF8\r\n250-DSN\r\n" +
			"250-SIZE 65536\r\n250 LIMITS RCPTMAX=100\r\n"
		for range 2 {
			if got := p.say("EHLO x", "250"); got != want {
				t.Errorf("TLS %v: %q", tls, got)
			}
		}
	}
}

// A second greeting must not bring in what the first could not.
func TestSecondGreeting(t *testing.T) {
	h := start(t, trusted)
	p := h.dial(false)
	p.expect("220")
	p.say("HELO x", "250")
	p.say("EHLO a\x01b", "501 5.5.2")
	p.say("EHLO "+strings.Repeat("x", 256), "501 5.5.2")
	p.say("EHLO y", "250")
	p.envelope()
	p.say("DATA", "354")
	p.say("x\r\n.", "250")
	if c := h.relay.all()[0].client; c.Name != "y" || c.Protocol != "ESMTP" {
		t.Errorf("client %+v", c)
	}
}
