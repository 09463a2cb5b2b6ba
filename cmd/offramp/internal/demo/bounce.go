package demo

import (
	"context"
	"errors"
	"strings"

	"offramp/cmd/offramp/internal/demo/inbox"
	"offramp/gateway/sink"
	"offramp/store"
)

// bounceOf is what p's provider sends when the mailbox is gone, to the
// reverse-path of the last letter: only its address says whom it is about.
func (d *Demo) bounceOf(p inbox.Mailbox) (to string, raw []byte, err error) {
	letters := d.lettersOf(p)
	if len(letters) == 0 {
		return "", nil, errors.New("there is no message to bounce")
	}
	last := letters[len(letters)-1]
	raw = []byte(strings.ReplaceAll(`From: MAILER-DAEMON@mx.example.net
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Your message could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; `+p.Address+`
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--b
Content-Type: text/rfc822-headers

`, "\n", "\r\n") + headerOf(last) + "\r\n--b--\r\n")
	return last.ReversePath, raw, nil
}

// headerOf is the header of a letter as it arrived.
func headerOf(m sink.Message) string {
	header, _, _ := strings.Cut(string(m.Data), "\r\n\r\n")
	return header + "\r\n"
}

// tryBounce has p's mailbox vanish: the bounce is read, the address is dead,
// and the bounce goes on to whoever sent the newsletter.
func (d *Demo) tryBounce(p inbox.Mailbox) func(context.Context) error {
	return func(ctx context.Context) error {
		to, raw, err := d.bounceOf(p)
		if err != nil {
			return err
		}
		before := len(d.sink.Messages())
		if err := d.submit(ctx, "", []string{to}, raw); err != nil {
			return err
		}
		stops, err := d.server.Consent.Suppressions(ctx, store.RecordFilter{Recipient: p.Address})
		if err != nil {
			return err
		}
		if len(stops) != 1 || stops[0].Reason != store.ReasonBounced {
			return errors.New("the address still gets mail")
		}
		all, err := d.await(ctx, before+1)
		if err != nil {
			return err
		}
		if last := all[len(all)-1]; last.Recipients[0] != sender || last.ReversePath != "" {
			return errors.New("the bounce went to " + strings.Join(last.Recipients, ", "))
		}
		return nil
	}
}
