package smtpd

import "testing"

func TestOverlook(t *testing.T) {
	for in, want := range map[string]string{
		"MAIL FROM:<a@b.example> AUTH=root SIZE=9\r\n":                     "MAIL FROM:<a@b.example>           SIZE=9\r\n",
		"mail from:<> SIZE=9 auth=<>\r\n":                                  "mail from:<> SIZE=9        \r\n",
		"MAIL FROM:<\"x> AUTH=y\"@b.example>\r\n":                          "MAIL FROM:<\"x> AUTH=y\"@b.example>\r\n",
		"MAIL FROM:<a@b.example>\tAUTH=x\nRCPT TO:<c@d.example> ORCPT=x;y": "MAIL FROM:<a@b.example>\t      \nRCPT TO:<c@d.example> ORCPT=x;y",
		"RCPT TO:<c@d.example> ORCPT=x400;/C=US/ NOTIFY=NEVER\r\n":         "RCPT TO:<c@d.example>                   NOTIFY=NEVER\r\n",
		"RCPT TO:<c@d.example> ORCPT=rfc822;j+C3+B6rg@d.example\r\n":       "RCPT TO:<c@d.example>                                 \r\n",
		"RCPT TO:<c@d.example> ORCPT=rfc822;j+2Bx@d.example\r\n":           "RCPT TO:<c@d.example> ORCPT=rfc822;j+2Bx@d.example\r\n",
		"RCPT TO:<c@d.example> ORCPT=utf-8;j\\x{F6}rg@d.example\r\n":       "RCPT TO:<c@d.example> ORCPT=utf-8;j\\x{F6}rg@d.example\r\n",
		"RCPT TO:<c@d.example> ORCPT=;x ORCPT=rfc822\r\n":                  "RCPT TO:<c@d.example> ORCPT=;x ORCPT=rfc822\r\n",
		"DATA\r\nMAIL FROM:<a@b.example> AUTH=root\r\n":                    "DATA\r\nMAIL FROM:<a@b.example> AUTH=root\r\n",
		"BDAT 40 LAST\r\nMAIL FROM:<a@b.example> AUTH=root\r\n":            "BDAT 40 LAST\r\nMAIL FROM:<a@b.example> AUTH=root\r\n",
		"MAIL FROM:a@b.example AUTH=root\r\n":                              "MAIL FROM:a@b.example AUTH=root\r\n",
		"MAIL\r\n\r\nRCPT \r\n":                                            "MAIL\r\n\r\nRCPT \r\n",
	} {
		p := []byte(in)
		if overlook(p); string(p) != want {
			t.Errorf("%q\ngot  %q\nwant %q", in, p, want)
		}
	}
}

// Senders that name who wrote a message, or a recipient of another kind, are
// heard, alone and pipelined, in clear and under TLS.
func TestParametersOfOthers(t *testing.T) {
	for _, tls := range []bool{false, true} {
		h := start(t, trusted)
		p := h.dial(tls)
		p.expect("220")
		p.say("EHLO x", "250")
		p.say("MAIL FROM:<a@b.example> AUTH=root", "250")
		p.say("RCPT TO:<c@d.example> ORCPT=x400;/C=US/", "250")
		p.say("RSET", "250")
		p.send("MAIL FROM:<a@b.example> AUTH=j+FCrg@b.example\r\nRCPT TO:<c@d.example> ORCPT=unknown;x\r\nRCPT TO:<e@d.example> ORCPT=rfc822;e@old.example\r\nDATA\r\n")
		for _, reply := range []string{"250", "250", "250", "354"} {
			p.expect(reply)
		}
		p.send("BDAT-like: x\r\nSubject: x\r\n\r\nMAIL FROM:<a@b.example> AUTH=stays\r\nBDAT is a word here\r\n.\r\n")
		p.expect("250")
		kept := h.relay.all()
		if len(kept) != 1 || kept[0].data != "BDAT-like: x\r\nSubject: x\r\n\r\nMAIL FROM:<a@b.example> AUTH=stays\r\nBDAT is a word here\r\n" {
			t.Errorf("kept %+v", kept)
		}
	}
}

func FuzzOverlook(f *testing.F) {
	f.Add([]byte("MAIL FROM:<a@b.example> AUTH=root\r\nRCPT TO:<c@d.example> ORCPT=x;y NOTIFY=NEVER\r\nDATA\r\n"))
	f.Fuzz(func(t *testing.T, p []byte) {
		was := string(p)
		overlook(p)
		for i := range p {
			if p[i] != was[i] && p[i] != ' ' {
				t.Fatalf("%q became %q", was, p)
			}
		}
	})
}
