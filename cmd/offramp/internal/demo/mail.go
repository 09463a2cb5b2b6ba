package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	msgauth "github.com/emersion/go-msgauth/dkim"
	"github.com/emersion/go-smtp"

	"offramp/cmd/offramp/internal/demo/inbox"
	"offramp/gateway/mime"
	"offramp/gateway/sink"
)

// submit hands a message to Offramp as a mail server does.
func (d *Demo) submit(ctx context.Context, from string, to []string, raw []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	client, err := smtp.Dial(d.server.SMTPAddr)
	if err != nil {
		return err
	}
	defer client.Close()
	client.CommandTimeout, client.SubmissionTimeout = patience, patience
	if err := client.SendMail(from, to, bytes.NewReader(raw)); err != nil {
		return err
	}
	return client.Quit()
}

// sendIssue sends the next issue of the newsletter: one message, three
// recipients.
func (d *Demo) sendIssue(ctx context.Context) error {
	raw, err := d.issue(d.Now())
	if err != nil {
		return err
	}
	var to []string
	for _, p := range people {
		to = append(to, p.Address)
	}
	return d.submit(ctx, sender, to, raw)
}

// await returns what the next hop holds once it holds n messages.
func (d *Demo) await(ctx context.Context, n int) ([]sink.Message, error) {
	all := d.sink.Wait(n, time.Now().Add(patience))
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(all) < n {
		return nil, fmt.Errorf("messages that arrived in %v: %d of %d", patience, len(all), n)
	}
	return all, nil
}

// settled returns when the queue is empty.
func (d *Demo) settled(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		usage, err := d.server.Spool.Usage(ctx)
		if err != nil {
			return err
		}
		if usage.Messages == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("messages still waiting after %v: %d", patience, usage.Messages)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// lettersOf returns what arrived for a person.
func (d *Demo) lettersOf(p inbox.Mailbox) []sink.Message {
	return slices.DeleteFunc(d.sink.Messages(), func(m sink.Message) bool { return !slices.Contains(m.Recipients, p.Address) })
}

// fieldOf returns a header field of a message, unfolded.
func fieldOf(raw []byte, name string) string {
	h, _ := mime.Split(raw)
	return h.Get(name)
}

// oneClickURI is the address a provider posts to for a message.
func oneClickURI(raw []byte) string {
	return inbox.OneClickURI(fieldOf(raw, "List-Unsubscribe"), fieldOf(raw, "List-Unsubscribe-Post"))
}

// verify checks every DKIM signature against the keys the demo would have
// published, and that each covers both fields (RFC 8058 section 4).
func (d *Demo) verify(raw []byte) error {
	found, err := msgauth.VerifyWithOptions(bytes.NewReader(raw), &msgauth.VerifyOptions{
		MaxVerifications: 5,
		LookupTXT:        d.lookupTXT,
	})
	switch {
	case err != nil:
		return err
	case len(found) < len(d.server.Signing):
		return fmt.Errorf("signatures found: %d of %d", len(found), len(d.server.Signing))
	}
	for _, v := range found {
		if v.Err != nil {
			return v.Err
		}
		for _, name := range []string{"List-Unsubscribe", "List-Unsubscribe-Post"} {
			if !slices.ContainsFunc(v.HeaderKeys, func(k string) bool { return strings.EqualFold(k, name) }) {
				return errors.New(name + " is not signed")
			}
		}
	}
	return nil
}

// lookupTXT answers as the DNS would if the keys were published.
func (d *Demo) lookupTXT(name string) ([]string, error) {
	for _, key := range d.server.Signing {
		if name == key.Selector+"._domainkey."+key.Domain {
			value, err := key.Record()
			return []string{value}, err
		}
	}
	return nil, fmt.Errorf("no record %s", name)
}
