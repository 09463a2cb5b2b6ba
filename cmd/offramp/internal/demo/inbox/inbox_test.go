package inbox_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"offramp/cmd/offramp/internal/demo/inbox"
)

const offered = "From: The Letter <letter@example.org>\r\n" +
	"Subject: =?utf-8?q?Apples_=26_pears?=\r\n" +
	"List-Id: The Letter <letter.example.org>\r\n" +
	"List-Unsubscribe: <https://out.example.org/u/token>,\r\n <mailto:u+x@out.example.org>\r\n" +
	"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" +
	"Content-Type: multipart/alternative; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
	"<script>alert(1)</script> leave: https://out.example.org/p/to=\r\nken\r\n--b--\r\n"

const plain = "From: shop@example.org\r\nSubject: Receipt\r\n\r\nThanks\r\n"

type bench struct {
	inbox.Inbox
	pressed []string
	answer  inbox.Answer
	err     error
	sent    int
}

func newBench(all ...inbox.Received) *bench {
	b := &bench{answer: inbox.Answer{Status: http.StatusOK, Body: "done"}}
	b.Inbox = inbox.Inbox{
		Mailboxes: []inbox.Mailbox{{Name: "Ada", Address: "ada@example.org"}, {Name: "Ben", Address: "ben@example.org"}},
		Messages: func(address string) []inbox.Received {
			if address == "ada@example.org" {
				return all
			}
			return nil
		},
		Press: func(_ context.Context, uri string) (inbox.Answer, error) {
			b.pressed = append(b.pressed, uri)
			return b.answer, b.err
		},
		Link: func(a string) string { return strings.Replace(a, "https://out.example.org", "http://127.0.0.1:1", 1) },
		Send: func(context.Context) error { b.sent++; return b.err },
	}
	return b
}

func (b *bench) ask(method, path string, form url.Values, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:8080"+path, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, r)
	return w
}

func TestPage(t *testing.T) {
	b := newBench(inbox.Received{Raw: []byte(offered), At: time.Now(), Signed: true})
	w := b.ask("GET", "/", nil)
	body := w.Body.String()
	for _, want := range []string{
		`<strong>The Letter</strong>`, `Apples &amp; pears`, `aria-label="Unsubscribe Ada from The Letter"`, `signed, verified`,
		`&lt;script&gt;alert(1)`, `<a href="http://127.0.0.1:1/p/token">https://out.example.org/p/token</a>`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %s:\n%s", want, body)
		}
	}
	if strings.Contains(body, "<script") || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Error("the page could run a script")
	}
	if body := b.ask("GET", "/?person=1", nil).Body.String(); !strings.Contains(body, "Nothing here yet") {
		t.Errorf("Ben's empty mailbox: %s", body)
	}
}

// The button is there only where a provider would show it.
func TestButton(t *testing.T) {
	for name, m := range map[string]inbox.Received{
		"not signed":     {Raw: []byte(offered)},
		"not bulk":       {Raw: []byte(plain), Signed: true},
		"no one-click":   {Raw: []byte(strings.Replace(offered, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", "", 1)), Signed: true},
		"plain http":     {Raw: []byte(strings.Replace(offered, "<https://", "<http://", 1)), Signed: true},
		"not a message":  {Raw: []byte("\x00\xff"), Signed: true},
		"nothing at all": {Signed: true},
	} {
		if body := newBench(m).ask("GET", "/", nil).Body.String(); strings.Contains(body, `class="unsubscribe"`) {
			t.Errorf("%s: the button is there", name)
		}
	}
}

func TestPressButton(t *testing.T) {
	b := newBench(inbox.Received{Raw: []byte(offered), Signed: true}, inbox.Received{Raw: []byte(plain)})
	w := b.ask("POST", "/unsubscribe", url.Values{"person": {"0"}, "message": {"0"}})
	if len(b.pressed) != 1 || b.pressed[0] != "https://out.example.org/u/token" || !strings.Contains(w.Body.String(), "Ada is unsubscribed from") {
		t.Errorf("pressed %v:\n%s", b.pressed, w.Body)
	}
	for name, form := range map[string]url.Values{
		"no such message": {"person": {"0"}, "message": {"7"}}, "no number": {"message": {"x"}},
		"no way out": {"person": {"0"}, "message": {"1"}}, "negative": {"person": {"-1"}, "message": {"-1"}},
	} {
		if w := b.ask("POST", "/unsubscribe", form); w.Code != http.StatusBadGateway || len(b.pressed) != 1 {
			t.Errorf("%s: %d, pressed %v", name, w.Code, b.pressed)
		}
	}
	b.answer.Status = http.StatusServiceUnavailable
	if w := b.ask("POST", "/unsubscribe", url.Values{"message": {"0"}}); !strings.Contains(w.Body.String(), "answered 503") {
		t.Errorf("a refusal is not shown: %s", w.Body)
	}
	b.err = errors.New("connection refused")
	if w := b.ask("POST", "/unsubscribe", url.Values{"message": {"0"}}); !strings.Contains(w.Body.String(), "could not be reached") {
		t.Errorf("a failure is not shown: %s", w.Body)
	}
}

// Another site's page in the same browser presses nothing.
func TestForeignPage(t *testing.T) {
	b := newBench(inbox.Received{Raw: []byte(offered), Signed: true})
	for _, path := range []string{"/unsubscribe", "/send"} {
		if w := b.ask("POST", path, url.Values{"message": {"0"}}, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"); w.Code != http.StatusForbidden {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if len(b.pressed)+b.sent != 0 {
		t.Error("it did something")
	}
	if b.ask("POST", "/send", url.Values{}); b.sent != 1 {
		t.Error("the person's own press did nothing")
	}
	if b.ask("GET", "/send", nil); b.sent != 1 {
		t.Error("GET sent mail")
	}
}

// Press does what a provider does, and follows no redirect.
func TestPress(t *testing.T) {
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = r.Method + " " + r.URL.Path + " " + r.Header.Get("Content-Type") + " " + string(body) + r.Header.Get("Cookie") + r.Header.Get("Referer")
		if r.URL.Path == "/redirect" {
			http.Redirect(w, r, "/u/token", http.StatusFound)
		}
	}))
	defer server.Close()
	a, err := inbox.Press(t.Context(), http.DefaultTransport, server.URL+"/u/token")
	if err != nil || a.Status != http.StatusOK || got != "POST /u/token application/x-www-form-urlencoded List-Unsubscribe=One-Click" {
		t.Errorf("Press = %v, %v, sent %q", a, err, got)
	}
	if a, err := inbox.Press(t.Context(), http.DefaultTransport, server.URL+"/redirect"); err != nil || a.Status != http.StatusFound || strings.Contains(got, "/u/token") {
		t.Errorf("Press followed a redirect: %v, %v, %q", a, err, got)
	}
}
