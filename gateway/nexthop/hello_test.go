package nexthop

import (
	"encoding/base64"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Servers refuse EHLO with many codes, or by leaving (RFC 5321 section 3.2).
func TestHELO(t *testing.T) {
	for name, c := range map[string]struct {
		ehlo, helo string // closes the connection after a reply that ends in "!"
		server     string
		want       string // in the error; empty: a message goes through
	}{
		"500":              {ehlo: "500 5.5.1 what?", helo: "250 hop"},
		"501":              {ehlo: "501 5.5.4 syntax", helo: "250 hop"},
		"502":              {ehlo: "502", helo: "250"},
		"503":              {ehlo: "503 not now", helo: "250 hop"},
		"504":              {ehlo: "504 no", helo: "250 hop"},
		"550":              {ehlo: "550 no", helo: "250 hop"},
		"554":              {ehlo: "554 5.7.0 no", helo: "250 hop"},
		"closed":           {ehlo: "!", helo: "250 hop"},
		"501, then closed": {ehlo: "501 no!", helo: "250 hop"},
		"HELO refused too": {ehlo: "550 no", helo: "554 5.7.1 go away", want: "554 go away"},
		"HELO closed too":  {ehlo: "!", helo: "!", want: "EOF"},
		"deferred":         {ehlo: "450 4.3.2 later", helo: "250 hop", want: "450 later"},
		"login needed":     {ehlo: "501 no", helo: "250 hop", server: "smtp://u:p@", want: "501 no"},
		"LMTP":             {ehlo: "500 no", helo: "250 hop", server: "lmtp://", want: "500 no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := script(t, func(line string) string {
				switch {
				case strings.HasPrefix(line, "EHLO"), strings.HasPrefix(line, "LHLO"):
					return closing(c.ehlo)
				case strings.HasPrefix(line, "HELO"):
					return closing(c.helo)
				}
				return plainHop(line)
			})
			if c.server == "" {
				c.server = "smtp://"
			}
			hops := newHops(t, Config{Servers: []string{c.server + addr}, CommandTimeout: 5 * time.Second}, Parts{})
			session, err := hops.Open(t.Context(), "")
			if err == nil {
				err = transact(session, "a@b.example")[0]
				hops.Give(session)
			}
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// closing is a reply for a script; a connection is closed where it ends in "!".
func closing(reply string) string {
	text, closes := strings.CutSuffix(reply, "!")
	if text != "" {
		text += "\r\n"
	}
	if closes {
		text += hangUp
	}
	return text
}

func TestExtensions(t *testing.T) {
	for text, want := range map[string][2]string{ // keyword and parameters
		"hop\nAUTH=PLAIN LOGIN":                {"AUTH", "PLAIN LOGIN"},
		"hop\nAUTH LOGIN\nAUTH=LOGIN PLAIN":    {"AUTH", "LOGIN LOGIN PLAIN"},
		"hop\nauth\tlogin ":                    {"AUTH", "login"},
		"hop\nSIZE 1000":                       {"SIZE", "1000"},
		"hop\nLIMITS MAILMAX=10 RCPTMAX=20":    {"LIMITS", "MAILMAX=10 RCPTMAX=20"},
		"AUTH PLAIN":                           {"AUTH", ""}, // the first line is the name
		"hop\n\nDSN":                           {"DSN", ""},
		"hop\n PIPELINING":                     {"PIPELINING", ""},
		"hop\nXOAUTH=1\nAUTH=\nAUTH CRAM-MD5 ": {"AUTH", "CRAM-MD5"},
	} {
		if got := parseExtensions(text)[want[0]]; got != want[1] {
			t.Errorf("%q: %s is %q, want %q", text, want[0], got, want[1])
		}
	}
}

func TestAnnouncedLimits(t *testing.T) {
	for params, want := range map[string]int{
		"MAILMAX=10": 10, "RCPTMAX=5 mailmax=7": 7, "MAILMAX=": 0, "MAILMAX": 0, "MAILMAX=-1": 0, "MAILMAX=9999999": 0, "MAILMAX=x MAILMAX=3": 3, "": 0,
	} {
		if got := (extensions{"LIMITS": params}).limit("MAILMAX"); got != want {
			t.Errorf("%q: %d, want %d", params, got, want)
		}
	}
}

// TestLogin: prompts of AUTH LOGIN are answered in order, whatever they say.
func TestLogin(t *testing.T) {
	prompt := func(s string) string { return "334 " + base64.StdEncoding.EncodeToString([]byte(s)) + "\r\n" }
	const refused = "501 5.5.4 no initial response\r\n"
	for name, c := range map[string]struct {
		offers  string
		first   string // answers AUTH with an initial response
		prompts []string
		want    []string // what is said after it
	}{
		"as usual":                    {"AUTH LOGIN", prompt("Password:"), nil, []string{"p"}},
		"lower case":                  {"AUTH LOGIN", prompt("password:"), nil, []string{"p"}},
		"with NUL":                    {"AUTH LOGIN", prompt("Password\x00"), nil, []string{"p"}},
		"without a text":              {"AUTH LOGIN", "334 \r\n", nil, []string{"p"}},
		"bare":                        {"AUTH LOGIN", "334\r\n", nil, []string{"p"}},
		"not base64":                  {"AUTH LOGIN", "334 Password:\r\n", nil, []string{"p"}},
		"asks for the user again":     {"AUTH LOGIN", prompt("Username:"), []string{prompt("Password:")}, []string{"u", "p"}},
		"takes no initial response":   {"AUTH LOGIN", refused, []string{prompt("User Name\x00"), prompt("x")}, []string{"AUTH LOGIN", "u", "p"}},
		"the same, without texts":     {"AUTH LOGIN", refused, []string{"334\r\n", "334 \r\n"}, []string{"AUTH LOGIN", "u", "p"}},
		"old form":                    {"AUTH=LOGIN", prompt("Password:"), nil, []string{"p"}},
		"PLAIN, no initial response":  {"AUTH=PLAIN LOGIN", refused, []string{"334\r\n"}, []string{"AUTH PLAIN", "\x00u\x00p"}},
		"PLAIN, it is asked again":    {"AUTH PLAIN", "334 \r\n", nil, []string{"\x00u\x00p"}},
		"PLAIN is offered, not known": {"AUTH PLAIN LOGIN", "504 5.5.4 unknown\r\n", []string{prompt("Password:")}, []string{"AUTH LOGIN dQ==", "p"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said, begun := []string{}, false
			addr := script(t, func(line string) string {
				switch {
				case strings.HasPrefix(line, "EHLO"):
					return "250-hop\r\n250 " + c.offers + "\r\n"
				case strings.HasPrefix(line, "AUTH") && !begun:
					begun = true
					return c.first
				case len(said) < len(c.want):
					if raw, err := base64.StdEncoding.DecodeString(line); err == nil {
						line = string(raw)
					}
					if said = append(said, line); len(said) == len(c.want) {
						if strings.Join(said, "|") != strings.Join(c.want, "|") {
							return "535 5.7.8 no\r\n"
						}
						return "235\r\n"
					}
					return c.prompts[len(said)-1]
				}
				return plainHop(line)
			})
			hops := newHops(t, Config{Servers: []string{"smtp://u:p@" + addr}, CommandTimeout: 5 * time.Second}, Parts{})
			session, err := hops.Open(t.Context(), "")
			if err != nil {
				t.Fatalf("%v, said %q, want %q", err, said, c.want)
			}
			if errs := transact(session, "a@b.example"); errs[0] != nil {
				t.Error(errs)
			}
			hops.Give(session)
		})
	}
}

// A login that never ends, or is refused, ends as an error of the settings.
func TestLoginRefused(t *testing.T) {
	for _, reply := range []string{"334 VXNlcm5hbWU6", "535 5.7.8 no", "501 no", "504 unknown", "250-", "999 x"} {
		addr := script(t, func(line string) string {
			switch {
			case strings.HasPrefix(line, "EHLO"):
				return "250-hop\r\n250 AUTH PLAIN LOGIN\r\n"
			case strings.HasPrefix(line, "MAIL"):
				t.Errorf("%s: MAIL without a login", reply)
			}
			return reply + "\r\n"
		})
		hops := newHops(t, Config{Servers: []string{"smtp://u:p@" + addr}, CommandTimeout: 300 * time.Millisecond}, Parts{})
		if _, err := hops.Open(t.Context(), ""); err == nil || Explain(err).Class != Settings {
			t.Errorf("%s: %v", reply, err)
		}
	}
}

// TestTakenReplies: the code alone decides, and any success is one.
func TestTakenReplies(t *testing.T) {
	for name, at := range map[string]struct{ verb, reply string }{
		"bare at MAIL":     {"MAIL", "250\r\n"},
		"bare at RCPT":     {"RCPT", "250\r\n"},
		"251 at RCPT":      {"RCPT", "251 2.1.5 forwarded\r\n"},
		"252 at RCPT":      {"RCPT", "252\r\n"},
		"bare 354":         {"DATA", "354\r\n"},
		"bare at the dot":  {"DATA-", "250\r\n"},
		"LF at the dot":    {"DATA-", "250\n"},
		"tab at the dot":   {"DATA-", "250\tok\r\n"},
		"251 at the dot":   {"DATA-", "251 ok\r\n"},
		"200 at the dot":   {"DATA-", "200 ok\r\n"},
		"lines at the dot": {"DATA-", "250-2.0.0 one\r\n250-\r\n250\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := script(t, func(line string) string {
				if strings.HasPrefix(line, at.verb) && (at.verb == "DATA-" || !strings.HasPrefix(line, "DATA-")) {
					return at.reply
				}
				return plainHop(line)
			})
			hops := newHops(t, Config{Servers: []string{"smtp://" + addr}, CommandTimeout: 5 * time.Second, DotTimeout: 5 * time.Second}, Parts{})
			session, err := hops.Open(t.Context(), "")
			for range 2 {
				if err == nil {
					err = transact(session, "a@b.example")[0]
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			hops.Give(session)
			if hops.Take("") != session {
				t.Error("the session is not kept")
			}
		})
	}
}

// TestSurplusReply: what came with a reply, or after it, is never taken for
// the answer to the next command. The result at hand stands.
func TestSurplusReply(t *testing.T) {
	for _, pause := range []string{"", later} {
		var messages atomic.Int64
		addr := script(t, func(line string) string {
			if strings.HasPrefix(line, "DATA-") {
				messages.Add(1)
				return "250\r\n" + pause + "250 Ok 1\r\n"
			}
			if strings.Contains(line, "nobody@") {
				return "550 5.1.1 unknown\r\n"
			}
			return plainHop(line)
		})
		hops := newHops(t, Config{Servers: []string{"smtp://" + addr}, CommandTimeout: 5 * time.Second}, Parts{})
		session, err := hops.Open(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		if errs := transact(session, "a@b.example"); errs[0] != nil || session.Reply() != "" {
			t.Errorf("%v, %q", errs, session.Reply())
		}
		hops.Give(session)
		if pause != "" {
			waitUnread(t, session)
		}
		if kept := hops.Take(""); kept != nil {
			if err := kept.Mail(Envelope{}); err == nil || Explain(err).Replied || !kept.Broken() {
				t.Errorf("MAIL: %v", err)
			}
			hops.Give(kept)
		}
		if n := hops.OpenTo(""); n != 0 || messages.Load() != 1 {
			t.Errorf("%d sessions are open, %d messages", n, messages.Load())
		}
	}
}

// waitUnread returns once bytes have come that nobody asked for.
func waitUnread(t *testing.T, s *Session) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for s.wire.quiet() == nil {
		if time.Now().After(deadline) {
			t.Fatal("nothing came")
		}
		time.Sleep(time.Millisecond)
	}
	if !s.wire.unread() {
		t.Fatal("nothing is unread")
	}
}
