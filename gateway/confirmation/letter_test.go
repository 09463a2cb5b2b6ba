package confirmation

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"flag"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/google/go-cmp/cmp"

	own "offramp/gateway/dkim"
	"offramp/listunsub"
	"offramp/store"
)

var update = flag.Bool("update", false, "write the golden files anew")

// read takes a mail apart as its reader's program does.
func read(t testing.TB, d *draft) (mail.Header, string) {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(d.raw()))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	return m.Header, string(body)
}

func decoded(t testing.TB, value string) string {
	t.Helper()
	text, err := new(mime.WordDecoder).DecodeHeader(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// link returns the claims of the one link of a body.
func link(t testing.TB, body string) listunsub.Claims {
	t.Helper()
	_, rest, ok := strings.Cut(body, "\r\n\r\nhttps://out.example.org/c/")
	token, after, _ := strings.Cut(rest, "\r\n\r\n")
	if !ok || strings.Contains(after, "https:") {
		t.Fatalf("not one link on a line of its own:\n%s", body)
	}
	claims, err := ring(t).Open(token, listunsub.ConfirmLink)
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestMail(t *testing.T) {
	for name, change := range map[string]func(c *Confirmation, q *Question){
		"list":    func(*Confirmation, *Question) {},
		"all":     func(_ *Confirmation, q *Question) { q.What = AllAgain },
		"sharing": func(_ *Confirmation, q *Question) { q.What = SharingAgain },
		"erase":   func(_ *Confirmation, q *Question) { q.What = EraseAll },
		"data":    func(_ *Confirmation, q *Question) { q.What = ShowAll },
		"bare": func(c *Confirmation, q *Question) {
			c.Operator, q.ListName, q.Sender = "", "", ""
		},
		"foreign": func(c *Confirmation, q *Question) {
			c.Operator, q.ListName, q.Sender = "Büro für Briefe", "週刊ニュース", "Société Générale"
			c.From, q.Recipient = address(t, "briefe@bücher.example"), address(t, "jürgen@example.net")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &spool{}
			c, q := asking(t, s), question(t)
			change(c, &q)
			raw := ask(t, c, s, q).raw()
			path := "testdata/" + name + ".eml"
			if *update {
				if err := os.WriteFile(path, raw, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(raw)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", path, diff)
			}
		})
	}
}

func TestEnvelope(t *testing.T) {
	for to, utf8 := range map[string]bool{"ada@example.net": false, "ada@bücher.example": false, "jürgen@example.net": true} {
		s := &spool{}
		c, q := asking(t, s), question(t)
		q.Recipient = address(t, to)
		woken := false
		c.Wake = func() { woken = len(s.commits) == 1 }
		d := ask(t, c, s, q)
		if !woken {
			t.Error("the queue was not woken after the commit")
		}
		want := []store.Recipient{{Address: q.Recipient.String(), Person: q.Recipient.String(), Domain: q.Recipient.Domain(), Notify: "NEVER", State: store.Queued, Next: start}}
		if diff := cmp.Diff(want, d.recipients); diff != "" {
			t.Errorf("recipients (-want +got):\n%s", diff)
		}
		m := d.message
		if m.ReversePath != "" || m.List != "" || len(m.Parts) > 0 {
			t.Errorf("not exempt mail with the null reverse-path: %+v", m)
		}
		if m.ID == "" || !m.Received.Equal(start) || m.UTF8 != utf8 || m.Size != int64(d.body.Len()) {
			t.Errorf("message of %s is %+v", to, m)
		}
		if h, _ := read(t, d); h.Get("Message-ID") != m.MessageID {
			t.Errorf("Message-ID is %s, logged as %s", h.Get("Message-ID"), m.MessageID)
		}
	}
}

func TestLinkOpensForTheQuestionAlone(t *testing.T) {
	for what, list := range map[What]string{ListAgain: "weekly.letter.example.org", AllAgain: "", SharingAgain: Sharing, EraseAll: Erasure, ShowAll: Access} {
		s := &spool{}
		c, q := asking(t, s), question(t)
		q.What = what
		_, body := read(t, ask(t, c, s, q))
		want := listunsub.Claims{List: list, Recipient: "ada@example.net", Issued: start.Truncate(1e9), Purpose: listunsub.ConfirmLink}
		if got := link(t, body); got != want {
			t.Errorf("question %d: %+v, want %+v", what, got, want)
		}
		if until := q.Speaker.Moment(want.Issued.Add(LifeOf(list))); !strings.Contains(body, until) {
			t.Errorf("question %d does not say that the link is valid until %s", what, until)
		}
	}
}

func TestWhatIsAboutNoListIsNoList(t *testing.T) {
	for _, name := range []string{Sharing, Erasure, Access} {
		if id := listunsub.CanonicalID(name); id == name || len(name) > listunsub.MaxCanonicalID {
			t.Errorf("a list can be called %q", name)
		}
	}
}

func TestSigned(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, own.MinRSABits)
	if err != nil {
		t.Fatal(err)
	}
	signers := []own.Key{
		{Domain: "example.org", Selector: "r", Signer: rsaKey},
		{Domain: "example.org", Selector: "e", Signer: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))},
	}
	records := map[string]string{}
	for _, k := range signers {
		if records[k.Selector+"._domainkey.example.org"], err = k.Record(); err != nil {
			t.Fatal(err)
		}
	}
	other := own.Key{Domain: "other.example", Selector: "o", Signer: signers[1].Signer}
	s := &spool{}
	c := asking(t, s)
	if c.Keys, err = own.NewKeys(append(signers, other)...); err != nil {
		t.Fatal(err)
	}
	raw := ask(t, c, s, question(t)).raw()
	lookUp := func(name string) ([]string, error) {
		if r, ok := records[name]; ok {
			return []string{r}, nil
		}
		return nil, fmt.Errorf("no record at %s", name)
	}
	found, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: lookUp})
	if err != nil || len(found) != 2 {
		t.Fatalf("%d signatures, %v; want 2", len(found), err)
	}
	for _, v := range found {
		if v.Err != nil || v.Domain != "example.org" {
			t.Errorf("signature of %s: %v", v.Domain, v.Err)
		}
	}
	checkLines(t, raw)
}

func TestWhatFailsIsSaid(t *testing.T) {
	broken := errors.New("broken")
	for name, change := range map[string]func(c *Confirmation, s *spool){
		"create": func(_ *Confirmation, s *spool) { s.createErr = broken },
		"write":  func(_ *Confirmation, s *spool) { s.writeErr = broken },
		"commit": func(_ *Confirmation, s *spool) { s.commitErr = broken },
		"random": func(c *Confirmation, _ *spool) { c.Rand = io.MultiReader(failing{broken}) },
		"seal":   func(c *Confirmation, _ *spool) { c.Tokens = failing{broken} },
	} {
		s := &spool{}
		c := asking(t, s)
		tokens, random := c.Tokens, c.Rand
		change(c, s)
		c.Wake = func() { t.Errorf("%s: woken", name) }
		err := c.Ask(t.Context(), question(t))
		if !errors.Is(err, broken) || strings.Contains(err.Error(), "ada") {
			t.Errorf("%s: %v", name, err)
		}
		for _, d := range s.drafts {
			if !d.aborted {
				t.Errorf("%s: a draft was left open", name)
			}
		}
		*s = spool{}
		c.Tokens, c.Rand, c.Wake = tokens, random, nil
		if err := c.Ask(t.Context(), question(t)); err != nil {
			t.Errorf("%s: cannot be asked again: %v", name, err)
		}
	}
}

// failing is tokens and randomness that fail.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error)              { return 0, f.err }
func (f failing) Seal(listunsub.Claims) (string, error) { return "", f.err }
func (f failing) Digits(string, ...[]byte) string       { return "00000000" }
