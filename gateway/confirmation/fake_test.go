package confirmation

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"offramp/gateway/envelope"
	"offramp/gateway/language"
	"offramp/listunsub"
	"offramp/store"
)

var start = time.Date(2026, 11, 23, 10, 0, 0, 500_000_000, time.UTC)

// spool keeps what was committed, or fails where it is told to.
type spool struct {
	createErr, writeErr, commitErr error

	drafts  []*draft
	commits []*draft
}

type draft struct {
	s          *spool
	body       bytes.Buffer
	message    store.Message
	recipients []store.Recipient
	aborted    bool
}

func (s *spool) Create(context.Context) (store.Draft, error) {
	if s.createErr != nil {
		return nil, s.createErr
	}
	d := &draft{s: s}
	s.drafts = append(s.drafts, d)
	return d, nil
}

func (d *draft) Write(p []byte) (int, error) {
	if d.s.writeErr != nil {
		return 0, d.s.writeErr
	}
	return d.body.Write(p)
}

func (d *draft) Commit(_ context.Context, m *store.Message, recipients []store.Recipient) error {
	if d.s.commitErr != nil {
		return d.s.commitErr
	}
	d.message, d.recipients = *m, recipients
	d.s.commits = append(d.s.commits, d)
	return nil
}

func (d *draft) Abort() { d.aborted = true }

// raw is the mail as it leaves.
func (d *draft) raw() []byte { return append(bytes.Clone(d.message.Header), d.body.Bytes()...) }

// speaker speaks the language of a tag.
func speaker(t testing.TB, tag string) *language.Speaker {
	t.Helper()
	c, err := language.Load("")
	if err != nil {
		t.Fatal(err)
	}
	s, ok := c.Speaker(tag)
	if !ok {
		t.Fatalf("nobody speaks %s", tag)
	}
	return s
}

func address(t testing.TB, text string) envelope.Address {
	t.Helper()
	a, err := envelope.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func ring(t testing.TB) *listunsub.KeyRing {
	t.Helper()
	r, err := listunsub.ParseKeyRing("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// asking returns a confirmation that spools into s, at start.
func asking(t testing.TB, s *spool) *Confirmation {
	t.Helper()
	return &Confirmation{
		Spool: s, Tokens: ring(t), PublicURL: "https://out.example.org/",
		From: address(t, "mail@letter.example.org"), Operator: "Example Letters",
		Now:  func() time.Time { return start },
		Rand: strings.NewReader(strings.Repeat("0123456789abcde", 100)),
	}
}

func question(t testing.TB) Question {
	t.Helper()
	return Question{
		Recipient: address(t, "ada@example.net"), What: ListAgain, List: "weekly.letter.example.org",
		ListName: "Weekly letter", Sender: "The Example Society", Speaker: speaker(t, "en"),
	}
}

// ask asks q and returns the mail.
func ask(t testing.TB, c *Confirmation, s *spool, q Question) *draft {
	t.Helper()
	before := len(s.commits)
	if err := c.Ask(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	if len(s.commits) != before+1 {
		t.Fatalf("%d mails, want one", len(s.commits)-before)
	}
	return s.commits[before]
}
