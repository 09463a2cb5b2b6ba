package render

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	own "offramp/gateway/dkim"
	"offramp/store"
)

var (
	ses     = Signing{Rewritten: []string{"Message-ID", "Date", "Feedback-ID"}, Most: 1}
	mailjet = Signing{Rewritten: []string{"Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Id"}}
)

var rsaSigner = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// bothKeys is a renderer with the keys that init makes, and one of another
// domain for complaints.
func bothKeys(t *testing.T) (*Renderer, map[string]string) {
	t.Helper()
	signer, err := rsaSigner()
	if err != nil {
		t.Fatal(err)
	}
	records := make(map[string]string)
	all := []own.Key{testKey(t), {Domain: "example.com", Selector: "rsa", Signer: signer}, {Domain: "out.example.net", Selector: "rsa", Signer: signer}}
	for _, k := range all {
		if records[k.Selector+"._domainkey."+k.Domain], err = k.Record(); err != nil {
			t.Fatal(err)
		}
	}
	r := newRenderer(t)
	if r.Keys, err = own.NewKeys(all...); err != nil {
		t.Fatal(err)
	}
	return r, records
}

// outcomes asks a verifier that is not ours: "selector ok" or "selector fails"
// for each signature, from the top.
func outcomes(t *testing.T, raw []byte, records map[string]string) string {
	t.Helper()
	all, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		if record, ok := records[name]; ok {
			return []string{record}, nil
		}
		return nil, fmt.Errorf("no record at %s", name)
	}})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, v := range all {
		result := "ok"
		if v.Err != nil {
			result = "fails"
		}
		out = append(out, v.Domain+" "+result)
	}
	return strings.Join(out, ", ")
}

// behind is the message as the hop passes it on: what it rewrites gives way to
// its own fields.
func behind(raw []byte, s Signing) []byte {
	header, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	var out []byte
	skip := false
	for line := range bytes.Lines(append(header, "\r\n"...)) {
		if line[0] != ' ' && line[0] != '\t' {
			name, _, _ := bytes.Cut(line, []byte(":"))
			skip = s.rewrites(string(name))
		}
		if !skip {
			out = append(out, line...)
		}
	}
	for _, name := range s.Rewritten {
		out = append(out, name+": <theirs@hop.example>\r\n"...)
	}
	return append(append(out, "\r\n"...), body...)
}

const (
	strange = "DKIM-Signature: v=1; a=rsa-sha256; d=esp.example; s=x; h=from:to; bh=x; b=x\r\n"
	dated   = "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=app; h=from:date; bh=x; b=x\r\n"
	undated = "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=app; h=from:to; bh=x; b=x\r\n"
)

// What each kind of next hop gets, and what of it is valid behind the hop.
func TestSignedForTheNextHop(t *testing.T) {
	for name, c := range map[string]struct {
		signing Signing
		came    string
		list    string
		want    string // behind the hop
		dropped int
		breaks  bool
	}{
		"generic, list":                     {Signing{}, "", "news", "example.com ok, example.com ok", 0, false},
		"generic, list, signed":             {Signing{}, strange, "news", "example.com ok, example.com ok, esp.example fails", 0, false},
		"ses, list":                         {ses, "", "news", "example.com ok", 0, false},
		"ses, list, signed":                 {ses, strange + dated, "news", "example.com ok", 2, false},
		"ses, transactional":                {ses, "", "", "example.com ok", 0, false},
		"ses, transactional, by a stranger": {ses, strange, "", "example.com ok", 1, false},
		"ses, transactional, lives":         {ses, undated, "", "example.com fails", 0, false},
		"ses, transactional, two, one stays": {ses, strange + undated, "",
			"example.com fails", 1, false},
		"ses, transactional, would break": {ses, dated, "", "example.com ok", 1, false},
		"mailjet, list":                   {mailjet, "", "news", "example.com ok, example.com ok", 0, false},
		"mailjet, list, signed":           {mailjet, "DKIM-Signature: v=1; d=esp.example; s=x; a=rsa-sha256; h=from:message-id; bh=x; b=x\r\n", "news", "example.com ok, example.com ok, esp.example fails", 0, true},
		"the hop signs":                   {Signing{None: true}, "", "news", "", 0, false},
		"the hop signs, signed":           {Signing{None: true}, strange, "news", "esp.example fails", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			r, records := bothKeys(t)
			r.Feedback = Feedback{SenderID: "offramp1"}
			m, body := accept(t, []byte(c.came+"From: a@example.com\r\nTo: ada@b.example\r\nDate: Wed, 4 Mar 2026 05:06:07 +0000\r\nMessage-ID: <1@example.com>\r\nSubject: x\r\n\r\nHi\r\n"))
			m.List = c.list
			prepared, err := r.Prepare(m, store.List{ID: c.list}, c.signing)
			if err != nil {
				t.Fatal(err)
			}
			out, err := prepared.Render(nil, Target{Recipient: "ada@b.example"}, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil })
			if err != nil {
				t.Fatal(err)
			}
			got := append(out.Header, body...)
			if text := outcomes(t, behind(got, c.signing), records); text != c.want {
				t.Errorf("signatures %q, want %q, in\n%s", text, c.want, got)
			}
			if prepared.DroppedSignatures() != c.dropped || prepared.BreaksSignature() != c.breaks || prepared.Unsigned() {
				t.Errorf("%d dropped, want %d; breaks %v, want %v; unsigned %v", prepared.DroppedSignatures(), c.dropped, prepared.BreaksSignature(), c.breaks, prepared.Unsigned())
			}
			if c.signing.Most > 0 && bytes.Count(bytes.ToLower(out.Header), []byte("dkim-signature:")) > c.signing.Most {
				t.Errorf("more signatures than the hop accepts:\n%s", out.Header)
			}
			if c.signing.rewrites("Feedback-ID") && bytes.Contains(out.Header, []byte("Feedback-ID:")) {
				t.Errorf("a field that the hop sets itself:\n%s", out.Header)
			}
		})
	}
}

// CFBL needs the signature of a second domain (RFC 9477 section 3.1.3), which a
// hop that takes one signature has no room for.
func TestComplaintsNeedRoomForTheirSignature(t *testing.T) {
	for most, want := range map[int]bool{0: true, 1: false, 2: false, 3: true} {
		r, _ := bothKeys(t)
		r.FeedbackDomain, r.Feedback = "out.example.net", Feedback{Complaints: true}
		m, _ := accept(t, []byte("From: a@example.com\r\nSubject: x\r\n\r\nHi\r\n"))
		prepared, err := r.Prepare(m, store.List{ID: "news"}, Signing{Most: most})
		if err != nil {
			t.Fatal(err)
		}
		if prepared.returns.complaints != want {
			t.Errorf("with room for %d: %v, want %v", most, prepared.returns.complaints, want)
		}
	}
}
