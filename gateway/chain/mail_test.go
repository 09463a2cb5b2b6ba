package chain

import (
	"bytes"
	"io"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/store"
)

// A mailto target gets the mail that its URI asks for, from the person.
func TestMailto(t *testing.T) {
	h := newHouse(t)
	h.mail("news", "List-Unsubscribe: <mailto:list-leave%2B7@lists.example?subject=leave%0D%0ABcc:x@y.example&body=bye%0Anow&bcc=z@y.example>", "ada@b.example")
	h.optOut("ada@b.example", "news", store.OneClick)
	must(t, h.send())
	h.after = 0
	must(t, h.send())
	jobs, err := h.db.Spool().Lease(t.Context(), h.now.Add(time.Hour), 10, nil)
	must(t, err)
	if len(jobs) != 1 || jobs[0].Recipient.Address != "list-leave+7@lists.example" || jobs[0].Message.ReversePath != "privacy@sender.example" || jobs[0].Message.List != "" {
		t.Fatalf("queue %+v", jobs)
	}
	in, err := h.db.Spool().Body(t.Context(), jobs[0].Message.ID)
	must(t, err)
	defer in.Close()
	body, err := io.ReadAll(in)
	must(t, err)
	m, err := mail.ReadMessage(bytes.NewReader(append(slices.Clone(jobs[0].Message.Header), body...)))
	must(t, err)
	for name, want := range map[string]string{
		"From": "<ada@b.example>", "Sender": "<privacy@sender.example>", "To": "<list-leave+7@lists.example>", "Subject": "leave Bcc:x@y.example",
		"Bcc": "", "Auto-Submitted": "auto-generated",
	} {
		if got := strings.Join(strings.Fields(m.Header.Get(name)), " "); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	h.want("body", string(body), "bye\r\nnow\r\n")
	h.want("events", h.told(), []string{"notified news: mail to lists.example: queued"})
}
