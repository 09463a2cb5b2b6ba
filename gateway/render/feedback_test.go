package render

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"offramp/gateway/envelope"
	"offramp/gateway/mime"
	"offramp/listunsub"
	"offramp/store"
)

// wayBack renders a message of the given header and returns its header and the
// reverse-path it leaves with.
func wayBack(t *testing.T, r *Renderer, header, recipient string) (mime.Header, string) {
	t.Helper()
	m, body := accept(t, []byte(header+"\r\n\r\nHi\r\n"))
	m.ReversePath = "bounces@sender.example"
	raw, out := render(t, r, m, store.List{ID: "news"}, recipient, body)
	return mime.ParseHeader(raw), out.ReversePath
}

var allFeedback = Feedback{Bounces: true, PassOn: true, Complaints: true, SenderID: "offramp1"}

func TestWaysBackNameThePersonToUsAlone(t *testing.T) {
	r := newRenderer(t)
	r.Feedback = allFeedback
	h, path := wayBack(t, r, "From: news@example.com\r\nSubject: x", "ada@b.example")
	local, domain, _ := strings.Cut(path, "@")
	claims, err := r.Tokens.OpenAddress(local)
	if err != nil || domain != "out.example.com" || claims.Kind != listunsub.BounceAddress || claims.Recipient != "ada@b.example" || claims.ListKey != listunsub.ListKey("news") {
		t.Errorf("reverse-path %s: %+v, %v", path, claims, err)
	}
	if c, err := r.Tokens.Open(h.Get(envelope.FieldReturnPath), listunsub.ReturnPath); err != nil || c.Recipient != "bounces@sender.example" {
		t.Errorf("return path: %+v, %v", c, err)
	}
	if c, err := r.Tokens.Open(h.Get("CFBL-Feedback-ID"), listunsub.FeedbackID); err != nil || c.Recipient != "ada@b.example" || c.List != "news" {
		t.Errorf("feedback id: %+v, %v", c, err)
	}
	if got := h.Get("CFBL-Address"); got != "cfbl@out.example.com; report=arf" {
		t.Errorf("CFBL-Address: %s", got)
	}
	if got := h.Get("Feedback-ID"); got != "news:example.com:list:offramp1" {
		t.Errorf("Feedback-ID: %s", got)
	}
	signed := strings.ReplaceAll(strings.ToLower(h.Get("DKIM-Signature")), " ", "")
	for _, name := range []string{"cfbl-address", "cfbl-feedback-id", "feedback-id"} {
		if !strings.Contains(signed, ":"+name) {
			t.Errorf("%s is not signed: %s", name, signed)
		}
	}
}

func TestWaysBackThatDoNotFit(t *testing.T) {
	long := "a.very.long.local.part.of.an.address.that.has.no.room@some.long.domain.example"
	for name, test := range map[string]struct {
		change              func(*Renderer)
		header, to          string
		verp, address, gmID bool
	}{
		"all":                   {nil, "From: news@example.com", "ada@b.example", true, true, true},
		"nothing is set":        {func(r *Renderer) { r.Feedback = Feedback{} }, "From: news@example.com", "ada@b.example", false, false, false},
		"no feedback domain":    {func(r *Renderer) { r.FeedbackDomain = "" }, "From: news@example.com", "ada@b.example", false, false, false},
		"a long recipient":      {nil, "From: news@example.com", long, true, true, true},
		"nobody signs":          {nil, "From: news@other.example", "ada@b.example", true, false, false},
		"another domain's":      {func(r *Renderer) { r.FeedbackDomain = "other.example" }, "From: news@example.com", "ada@b.example", true, false, true},
		"a domain that is like": {func(r *Renderer) { r.FeedbackDomain = "badexample.com" }, "From: news@example.com", "ada@b.example", true, false, true},
		"the sender's own":      {nil, "From: news@example.com\r\nCFBL-Address: me@example.com\r\nFeedback-ID: a:b:c:mine", "ada@b.example", true, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRenderer(t)
			r.Feedback = allFeedback
			if test.change != nil {
				test.change(r)
			}
			h, path := wayBack(t, r, test.header+"\r\nSubject: x", test.to)
			if got := path != "bounces@sender.example"; got != test.verp {
				t.Errorf("reverse-path %s", path)
			}
			if h.Count("CFBL-Address") != count(test.address) || h.Count("Feedback-ID") != count(test.gmID) {
				t.Errorf("header:\n%s", h.Raw())
			}
			if strings.Contains(test.header, "CFBL") && (h.Get("CFBL-Address") != "me@example.com" || h.Count("CFBL-Feedback-ID") > 0) {
				t.Errorf("the sender's own gave way:\n%s", h.Raw())
			}
		})
	}
}

func count(there bool) int {
	if there {
		return 1
	}
	return 0
}

// A hop that repeats one field of ours in its reports gets the recipient and list
// in it, in its own form, and no signature covers it.
func TestVariable(t *testing.T) {
	for name, test := range map[string]struct {
		field, list, own string
		before, behind   string
		want             bool
	}{
		"Mailgun":          {"X-Mailgun-Variables", "news", "", `{"offramp":"`, `"}`, true},
		"Postmark":         {"X-PM-Metadata-offramp", "news", "X-PM-Metadata-own: 1\r\n", "", "", true},
		"the sender's own": {"X-Mailgun-Variables", "news", "X-Mailgun-Variables: {\"own\":1}\r\n", "", "", false},
		"transactional":    {"X-Mailgun-Variables", "", "", "", "", false},
		"another hop":      {"", "news", "", "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRenderer(t)
			m, body := accept(t, []byte("From: news@example.com\r\n"+test.own+"Subject: x\r\n\r\nHi\r\n"))
			m.List = test.list
			prepared, err := r.Prepare(m, store.List{ID: test.list}, Signing{Repeats: test.field})
			if err != nil {
				t.Fatal(err)
			}
			out, err := prepared.Render(nil, Target{Recipient: "ada@b.example"}, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil })
			if err != nil {
				t.Fatal(err)
			}
			h := mime.ParseHeader(out.Header)
			if !test.want {
				if h.Count("X-Mailgun-Variables") != strings.Count(test.own, "Mailgun") || h.Count("X-PM-Metadata-offramp") != 0 {
					t.Errorf("header %s", out.Header)
				}
				return
			}
			value := strings.TrimSuffix(strings.TrimPrefix(h.Get(test.field), test.before), test.behind)
			claims, err := r.Tokens.OpenAddress(value)
			if err != nil || claims.Recipient != "ada@b.example" || claims.ListKey != listunsub.ListKey("news") || len(h.Get(test.field)) > 80 {
				t.Errorf("%q: %+v, %v", h.Get(test.field), claims, err)
			}
			if strings.Contains(strings.ToLower(h.Get("DKIM-Signature")), "x-mailgun") || !strings.Contains(string(out.Header), test.own) {
				t.Errorf("header %s", out.Header)
			}
		})
	}
}
