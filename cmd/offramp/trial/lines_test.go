package trial

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"offramp/gateway/sink"
)

const longWords = "word "

// longMail are messages that a Postfix with its own settings would change, each
// with what must leave byte for byte; the name of each is its subject.
func longMail() map[string]struct{ header, body, sealed string } {
	words := strings.Repeat(longWords, 300)
	mixed := func(parts ...string) string {
		return "preamble\r\n--outer\r\n" + strings.Join(parts, "\r\n--outer\r\n") + "\r\n--outer--\r\n"
	}
	const outer = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=outer\r\n"
	html := "Content-Type: text/html; charset=utf-8\r\n\r\n<p>" + words + "<a href=\"{{offramp.unsubscribe_url}}\">gr\xc3\xbcn</a>"
	one := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("0123456789abcdef"), 5<<20/16*3/4))
	smime := "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\nContent-Transfer-Encoding: base64\r\n\r\n" + strings.Repeat("QUJD", 240) + "\r\n"
	pgp := "Content-Type: multipart/signed; micalg=pgp-sha256; protocol=\"application/pgp-signature\"; boundary=inner\r\n\r\n" +
		"--inner\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\ngr\xc3\xbcn  \r\n" + strings.Repeat("x", 990) +
		"\r\n--inner\r\nContent-Type: application/pgp-signature\r\n\r\n-----BEGIN PGP SIGNATURE-----\r\n\r\nabc=\r\n-----END PGP SIGNATURE-----\r\n--inner--"
	addresses := make([]string, 400)
	for i := range addresses {
		addresses[i] = fmt.Sprintf("recipient-%03d@dest.example", i)
	}
	return map[string]struct{ header, body, sealed string }{
		"text":            {"", words + "\r\n", ""},
		"html":            {"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n", "<p>" + words + "</p>\r\n", ""},
		"base64 of 5 MB":  {"MIME-Version: 1.0\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n", one + "\r\n", ""},
		"400 addresses":   {"To: " + strings.Join(addresses, ", ") + "\r\n", "Hello\r\n", ""},
		"nested":          {outer, mixed("Content-Type: multipart/alternative; boundary=inner\r\n\r\n--inner\r\n\r\nshort\r\n--inner\r\n"+html+"\r\n--inner--", "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"+one[:4000]), ""},
		"long by a link":  {"", strings.Repeat("x", 960) + " {{offramp.unsubscribe_url}}\r\n", ""},
		"S/MIME beside":   {outer, mixed(html, smime), smime},
		"PGP/MIME beside": {outer, mixed(html, pgp), pgp},
		"part header":     {outer, mixed("Content-Type: text/plain\r\nX-Names: " + words + "\r\n\r\nshort"), ""},
		"subject":         {"X-Words: " + words + "\r\n", "Hello\r\n", ""},
	}
}

// sendLong sends them all, to a relay in front of s, and returns what came.
func sendLong(t *testing.T, p *process, s *sink.Sink) []sink.Message {
	t.Helper()
	mail := longMail()
	for name, m := range mail {
		c, err := dial(p.smtp)
		must(t, err)
		header := "From: Shop <news@trial.example>\r\nSubject: " + name + "\r\nList-Id: <news.trial.example>\r\nMessage-ID: <" +
			strings.ReplaceAll(strings.ReplaceAll(name, " ", "."), "/", "") + "@trial.example>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n"
		for _, line := range []string{"MAIL FROM:<news@trial.example> BODY=8BITMIME", "RCPT TO:<ada@dest.example>", "DATA"} {
			if _, err := c.command(line); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.command(strings.TrimSuffix(string(stuff([]byte(header+m.header+"\r\n"+m.body))), "\r\n") + "\r\n."); err != nil {
			t.Fatal(err)
		}
		c.close()
	}
	got := s.Wait(len(mail), time.Now().Add(120*time.Second))
	if len(got) != len(mail) {
		t.Fatalf("%d of %d messages came\n%s", len(got), len(mail), p.log)
	}
	return got
}

func checkLong(t *testing.T, messages []sink.Message) {
	t.Helper()
	mail := longMail()
	for _, m := range messages {
		name := field(m.Data, "Subject")
		for line := range bytes.SplitSeq(m.Data, []byte("\r\n")) {
			if len(line) > 998 {
				t.Errorf("%s: a line of %d bytes", name, len(line))
			}
		}
		if want, ok := mail[name]; !ok || !bytes.Contains(m.Data, []byte(want.sealed)) {
			t.Errorf("%q: a sealed part was changed", name)
		}
		if bytes.Contains(m.Data, []byte("{{offramp")) {
			t.Errorf("%q: a placeholder is left", name)
		}
	}
}

// Postfix breaks lines over 998 bytes (smtp_line_length_limit): behind one with
// its own settings all signatures verify, and what is sealed is what it was.
func TestLongLinesBehindPostfix(t *testing.T) {
	s, err := sink.Start(sink.Options{})
	must(t, err)
	defer s.Close()
	behind := startPostfix(t, bracketed(s.Addr()))
	p := setup(t, "smtp://"+behind.addr)
	p.env["DKIM_KEYS"] = "trial.example:rsa:" + p.rsaKey + ",trial.example:ed:" + p.edKey
	p.start()
	messages := sendLong(t, p, s)
	checkLong(t, messages)
	verifySignatures(t, p, messages)
	for _, want := range []string{"long_lines=encoded", "long_lines=folded"} {
		if !strings.Contains(p.log.String(), want) {
			t.Errorf("the log does not say %s", want)
		}
	}
}

// A hop without 8BITMIME gets 7-bit content with a signature of its own; what
// cannot be converted bounces.
func TestHopWithoutEightBit(t *testing.T) {
	s, err := sink.Start(sink.Options{Extensions: []string{"PIPELINING"}})
	must(t, err)
	defer s.Close()
	p := setup(t, "smtp://"+s.Addr())
	p.env["DKIM_KEYS"] = "trial.example:rsa:" + p.rsaKey + ",trial.example:ed:" + p.edKey
	p.start()
	var signed []sink.Message
	for _, m := range sendLong(t, p, s) { // the bounce is one of as many
		ascii := !bytes.ContainsFunc(m.Data, func(r rune) bool { return r > '~' })
		switch {
		case m.ReversePath == "":
			if !strings.Contains(string(m.Data), "5.6.3") || !strings.Contains(string(m.Data), "Subject: PGP/MIME beside") {
				t.Errorf("another bounce than expected:\n%s", m.Data)
			}
		case !ascii:
			t.Errorf("%q: 8-bit content came", field(m.Data, "Subject"))
		default:
			signed = append(signed, m)
		}
	}
	checkLong(t, signed)
	verifySignatures(t, p, signed)
}
