package confirmation

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"mime/quotedprintable"
	"strings"
	"time"

	"offramp/gateway/dkim"
	"offramp/gateway/envelope"
	"offramp/gateway/mime"
	"offramp/listunsub"
	"offramp/store"
)

// compose writes the mail. Its reverse-path is null, so that nothing comes back
// when the address is invalid, and it belongs to no list: delivery sends it as it
// is, so it is signed here.
func (c *Confirmation) compose(q *Question, now time.Time) (*store.Message, []byte, error) {
	token, err := c.Tokens.Seal(listunsub.Claims{
		List: q.list(), Recipient: q.Recipient.String(), Issued: now, Purpose: listunsub.ConfirmLink})
	if err != nil {
		return nil, nil, fmt.Errorf("seal token: %w", err)
	}
	subject, text := c.say(q, token, now)
	body, err := encode(text)
	if err != nil {
		return nil, nil, fmt.Errorf("encode confirmation: %w", err)
	}
	id, err := c.messageID()
	if err != nil {
		return nil, nil, err
	}
	fields, err := c.fields(q, subject, id, now)
	if err != nil {
		return nil, nil, err
	}
	hash := dkim.NewBodyHash()
	_, _ = hash.Write(body) // never fails
	header, err := c.Keys.Header(c.From.Domain(), fields, hash.Sum(), now)
	if err != nil {
		return nil, nil, err
	}
	return &store.Message{
		ID:        envelope.NewQueueID(now),
		Received:  now,
		MessageID: id,
		Header:    header,
		Size:      int64(len(body)),
		BodyHash:  hash.Sum(),
		UTF8:      q.Recipient.UTF8() || c.From.UTF8(),
	}, body, nil
}

// say returns subject and text in the language of q.
func (c *Confirmation) say(q *Question, token string, now time.Time) (subject, text string) {
	operator := cmp.Or(plain(c.Operator), c.From.Domain())
	list, sender := cmp.Or(plain(q.ListName), plain(q.List)), plain(q.Sender)
	say := func(key string) string {
		return q.Speaker.Say("mail."+key,
			"Address", plain(q.Recipient.String()), "List", list, "Sender", sender, "Operator", operator,
			// What a token says of its time is whole seconds.
			"Until", q.Speaker.Moment(now.Truncate(time.Second).Add(LifeOf(q.list()))))
	}
	kind := map[What]string{ListAgain: "list.", AllAgain: "all.", SharingAgain: "sharing.", EraseAll: "erase.", ShowAll: "data."}[q.What]
	paragraphs := []string{say(kind + "asked")}
	if q.What == ListAgain && sender != "" {
		paragraphs = append(paragraphs, say("list.sender"))
	}
	link := strings.TrimRight(c.PublicURL, "/") + "/c/" + token
	if Coded(q.list()) {
		paragraphs = append(paragraphs, say("code.act"), link, say("code.code"), grouped(codeOf(c.Tokens, token)), say("code.nothing"))
	} else {
		paragraphs = append(paragraphs, say("act"), link, say("nothing"))
	}
	paragraphs = append(paragraphs, say("ignore"), say("until"), say("operator"))
	return say(kind + "subject"), strings.Join(paragraphs, "\n\n") + "\n"
}

// encode returns text in quoted-printable, with lines of 76 bytes at most.
func encode(text string) ([]byte, error) {
	var out bytes.Buffer
	w := quotedprintable.NewWriter(&out)
	if _, err := io.WriteString(w, strings.ReplaceAll(text, "\n", "\r\n")); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}

// messageID returns a new one, at the domain of From: that of the recipient's
// page or of this host may be another one, which filters find odd.
func (c *Confirmation) messageID() (string, error) {
	random := c.Rand
	if random == nil {
		random = rand.Reader
	}
	var id [15]byte
	if _, err := io.ReadFull(random, id[:]); err != nil {
		return "", fmt.Errorf("make Message-ID: %w", err)
	}
	return "<" + strings.ToLower(base32.StdEncoding.EncodeToString(id[:])) + "@" + c.From.Domain() + ">", nil
}

// fields returns the header from top to bottom, without signatures.
func (c *Confirmation) fields(q *Question, subject, id string, now time.Time) ([][]byte, error) {
	var fields [][]byte
	var errs []error
	add := func(field []byte, err error) {
		fields, errs = append(fields, field), append(errs, err)
	}
	add(mime.NewField("Date", now.Format(time.RFC1123Z)))
	add(mime.NewMailboxField("From", plain(c.Operator), c.From))
	add(mime.NewMailboxField("To", "", q.Recipient))
	add(mime.NewTextField("Subject", plain(subject)))
	add(mime.NewField("Message-ID", id))
	add(mime.NewField("MIME-Version", "1.0"))
	add(mime.NewField("Content-Type", "text/plain; charset=utf-8"))
	add(mime.NewField("Content-Transfer-Encoding", "quoted-printable"))
	add(mime.NewField("Content-Language", q.Speaker.Tag()))
	add(mime.NewField("Auto-Submitted", "auto-generated")) // RFC 3834 section 5
	return fields, errors.Join(errs...)
}
