package render

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/google/go-cmp/cmp"

	own "offramp/gateway/dkim"
	"offramp/gateway/mime"
	"offramp/listunsub"
	"offramp/store"
)

var update = flag.Bool("update", false, "write the golden files anew")

var acceptance = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// accept reads a case as relay does.
func accept(t testing.TB, raw []byte) (*store.Message, []byte) {
	t.Helper()
	h, in, err := mime.Reader{}.Read(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	hash, scan := own.NewBodyHash(), mime.NewScanner(h)
	var lines mime.LineLimit
	body, err := io.ReadAll(io.TeeReader(in, io.MultiWriter(hash, scan, &lines)))
	if err != nil {
		t.Fatal(err)
	}
	m := &store.Message{ID: "q1", Received: acceptance, List: "news", Header: h.Raw(), Size: int64(len(body)), BodyHash: hash.Sum(), LongLines: lines.Exceeded,
		Trace: []byte("Received: from app.example by out.example.com\r\n\twith ESMTP id q1; Wed, 4 Mar 2026 05:06:07 +0000\r\n")}
	for _, p := range scan.Parts() {
		m.Parts = append(m.Parts, store.Part(p))
	}
	return m, body
}

func render(t testing.TB, r *Renderer, m *store.Message, l store.List, recipient string, body []byte) ([]byte, Rendering) {
	t.Helper()
	prepared, err := r.Prepare(m, l, Signing{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := prepared.Render(nil, Target{Recipient: recipient}, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil })
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	all.Write(out.Header)
	if err := out.WriteBody(&all, bytes.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	return all.Bytes(), out
}

func TestRender(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	list := store.List{ID: "news", Name: "Our news"}
	for _, path := range cases {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(path, ".eml")
		for variant, change := range map[string]func(*Renderer, *store.Message, *store.List){
			"replace": func(*Renderer, *store.Message, *store.List) {},
			"keep":    func(r *Renderer, _ *store.Message, _ *store.List) { r.ExistingHeader = Keep },
			"exempt":  func(_ *Renderer, m *store.Message, _ *store.List) { m.List = "" },
			"feedback": func(r *Renderer, m *store.Message, _ *store.List) {
				m.ReversePath = "bounces@sender.example"
				r.Feedback = Feedback{Bounces: true, PassOn: true, Complaints: true, SenderID: "offramp1"}
			},
			"transactional": func(_ *Renderer, _ *store.Message, l *store.List) { l.Transactional = true },
		} {
			t.Run(filepath.Base(name)+" "+variant, func(t *testing.T) {
				r, l := newRenderer(t), list
				m, body := accept(t, raw)
				change(r, m, &l)
				got, out := render(t, r, m, l, "ada@b.example", body)
				golden(t, name+"."+variant+".out", got)
				again, _ := render(t, newRenderer2(t, r), m, l, "ada@b.example", body)
				if !bytes.Equal(got, again) {
					t.Error("a second rendering differs")
				}
				if out.Size != int64(len(got)) && (out.Signed || len(m.Parts) == 0) {
					t.Errorf("size %d, want %d", out.Size, len(got))
				}
				if out.Signed {
					verify(t, got)
				}
			})
		}
	}
}

func newRenderer2(t *testing.T, r *Renderer) *Renderer {
	n := newRenderer(t)
	n.ExistingHeader, n.Feedback = r.ExistingHeader, r.Feedback
	return n
}

// verify asks a verifier that is not ours.
func verify(t *testing.T, raw []byte) {
	t.Helper()
	record, err := testKey(t).Record()
	if err != nil {
		t.Fatal(err)
	}
	all, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{
		LookupTXT: func(string) ([]string, error) { return []string{record}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		if v.Err == nil && v.Domain == "example.com" {
			return
		}
	}
	t.Errorf("no valid signature: %+v", all)
}

func TestRenderedTokensOpen(t *testing.T) {
	r := newRenderer(t)
	m, body := accept(t, []byte("From: a@example.com\r\nContent-Type: text/plain\r\n\r\n{{offramp.unsubscribe_url}}\r\n"))
	got, _ := render(t, r, m, store.List{ID: "news"}, "ada@b.example", body)
	between := func(from, to string) string {
		_, s, _ := strings.Cut(string(got), from)
		s, _, _ = strings.Cut(s, to)
		return s
	}
	want := listunsub.Claims{List: "news", Recipient: "ada@b.example", Issued: acceptance, Purpose: listunsub.HeaderLink}
	if c, err := r.Tokens.Open(between("<https://out.example.com/u/", ">"), listunsub.HeaderLink); err != nil || c != want {
		t.Errorf("header link: %+v, %v", c, err)
	}
	want.Purpose = listunsub.BodyLink
	if c, err := r.Tokens.Open(between("\r\n\r\nhttps://out.example.com/p/", "\r\n"), listunsub.BodyLink); err != nil || c != want {
		t.Errorf("body link: %+v, %v", c, err)
	}
	c, err := r.Tokens.OpenAddress(between("mailto:", "@out.example.com"))
	if err != nil || c.Recipient != "ada@b.example" || c.ListKey != listunsub.ListKey("news") || c.Kind != listunsub.OptOutAddress {
		t.Errorf("address: %+v, %v", c, err)
	}
}

// Mail that is exempt is signed once, by whoever signs for its own domain.
func TestExemptMailIsSigned(t *testing.T) {
	for name, tt := range map[string]struct {
		header string
		change func(*Renderer, *store.Message)
		want   int
	}{
		"transactional":         {"", nil, 1},
		"untouched":             {"", func(_ *Renderer, m *store.Message) { m.List, m.Untouched = "news", true }, 1},
		"signed already":        {"DKIM-Signature: v=1; d=mail.example.com; h=from; b=x\r\n", nil, 1},
		"signed by a stranger":  {"DKIM-Signature: v=1; d=esp.example; h=from; b=x\r\n", nil, 2},
		"list mail only":        {"", func(r *Renderer, _ *store.Message) { r.SignList = true }, 0},
		"a broken header":       {"no field\r\n", nil, 0},
		"a From without domain": {"From: root, a@example.com\r\n", nil, 0},
		"not hashed":            {"", func(_ *Renderer, m *store.Message) { m.BodyHash = nil }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRenderer(t)
			m, body := accept(t, []byte(tt.header+"From: a@example.com\r\nSubject: reset\r\n\r\nHi\r\n"))
			m.List = ""
			if tt.change != nil {
				tt.change(r, m)
			}
			got, out := render(t, r, m, store.List{}, "ada@b.example", body)
			if n := strings.Count(string(got), "DKIM-Signature:"); n != tt.want || strings.Contains(string(got), "List-Unsubscribe:") {
				t.Errorf("%d signatures, want %d, in\n%s", n, tt.want, got)
			}
			if out.Signed != (tt.want > 0 && name != "signed already") {
				t.Errorf("signed: %t", out.Signed)
			}
		})
	}
}

func TestCoversOurs(t *testing.T) {
	for value, want := range map[string]bool{
		"v=1; h=from:to":                        false,
		"v=1; h=from: List-Unsubscribe :to; b=": true,
		"h=from:\r\n list-unsubscribe-post":     true,
		"bh=list-unsubscribe":                   false,
	} {
		h := mime.ParseHeader([]byte("DKIM-Signature: " + value + "\r\n\r\n"))
		if got := coversOurs(signatures(h)[0].Signature); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}

// A server further on completes addresses without a domain, and breaks lines that
// are left over 998 bytes: such fields are not signed, all others are.
func TestChangingFieldsAreNotSigned(t *testing.T) {
	long := strings.Repeat("x", 999)
	for fields, unsigned := range map[string]string{
		"To: ada@b.example":                            "",
		"To: root":                                     "To",
		"To: Ada <ada@b.example>, root":                "To",
		"To: ada@b.example\r\nto: root":                "To",
		"Sender: root":                                 "Sender",
		"Reply-To: \"root\"":                           "Reply-To",
		"In-Reply-To: <" + long + "@a.b>":              "In-Reply-To",
		"Content-Type: text/plain; x=\"" + long + "\"": "Content-Type",
	} {
		m, body := accept(t, []byte("From: a@example.com\r\n"+fields+"\r\nCc: c@b.example\r\nSubject: x\r\n\r\nHi\r\n"))
		got, _ := render(t, newRenderer(t), m, store.List{}, "ada@b.example", body)
		_, names, _ := strings.Cut(strings.ReplaceAll(string(got), "\r\n ", " "), " h=")
		names, _, _ = strings.Cut(strings.ReplaceAll(names, " ", ""), ";")
		for _, name := range []string{"To", "Cc", "Reply-To", "Content-Type", "Sender", "In-Reply-To"} {
			there := strings.HasPrefix(fields, name+":") || name != "Sender" && name != "In-Reply-To"
			if signed := strings.Contains(":"+names+":", ":"+name+":"); signed != (there && name != unsigned) {
				t.Errorf("%.40s: %s is signed: %t", fields, name, signed)
			}
		}
	}
}
