package queue

import (
	"bytes"
	"errors"
	"fmt"
	"mime/quotedprintable"
	"strings"
	"time"

	"github.com/emersion/go-message/textproto"

	"offramp/gateway/dkim"
	"offramp/gateway/envelope"
	"offramp/gateway/mime"
	"offramp/gateway/nexthop"
	"offramp/gateway/render"
	"offramp/store"
)

// action is what a notification tells about a recipient (RFC 3464 section 2.3.3).
type action string

const (
	failed    action = "failed"
	delayed   action = "delayed"
	relayed   action = "relayed"
	delivered action = "delivered"
)

// notice is a delivery status notification to be composed (RFC 3461, 3464, 6522).
type notice struct {
	action     action
	message    *store.Message
	recipients []store.Recipient // with the status to tell
	body       []byte            // when the whole message is returned
	hostname   string
	now        time.Time
	until      time.Time // for delayed: when delivery is given up
	id         string    // queue id; empty: a new one
}

// wording is how an action is put to a person.
var wording = map[action]struct{ subject, intro string }{
	failed: {"Your message could not be delivered",
		"Your message could not be delivered to the recipients below.\r\nDelivery will not be tried again."},
	delayed: {"Your message is delayed",
		"Your message has not been delivered to the recipients below yet.\r\nDelivery will be tried again; you do not need to resend it."},
	relayed: {"Your message was passed on",
		"Your message was passed on to a mail system that does not confirm delivery.\r\nYou will be notified of a failure, but not of success."},
	delivered: {"Your message was delivered",
		"Your message was delivered to the recipients below."},
}

// compose returns the notification as it goes into the spool: from the null
// reverse-path to the sender, and itself never reported on.
func (n notice) compose() (*store.Bounce, error) {
	sender, err := envelope.Parse(n.message.ReversePath)
	if err != nil || sender.IsNull() {
		return nil, errors.New("the reverse-path cannot be written to")
	}
	if n.id == "" {
		n.id = envelope.NewQueueID(n.now)
	}
	boundary := "=_report_" + n.id
	b, err := n.parts(boundary)
	if err != nil {
		return nil, fmt.Errorf("write the parts: %w", err)
	}
	header, err := n.header(sender, boundary, !mime.ASCII(b.Bytes()))
	if err != nil {
		return nil, err
	}
	hash := dkim.NewBodyHash()
	_, _ = hash.Write(b.Bytes())
	var lines mime.LineLimit
	_, _ = lines.Write(b.Bytes())
	return &store.Bounce{
		Message: store.Message{
			ID:         n.id,
			Received:   n.now,
			MessageID:  n.messageID(),
			Header:     header,
			Size:       int64(b.Len()),
			BodyHash:   hash.Sum(),
			LongLines:  lines.Exceeded,
			EightBit:   !mime.ASCII(b.Bytes()),
			UTF8:       sender.UTF8(),
			RequireTLS: n.message.RequireTLS,
		},
		Recipients: []store.Recipient{{
			Address: sender.String(),
			Person:  sender.Key(),
			Domain:  sender.Domain(),
			Notify:  "NEVER",
			State:   store.Queued,
			Next:    n.now,
		}},
		Body: b.Bytes(),
	}, nil
}

func (n notice) messageID() string { return "<" + n.id + "@" + n.hostname + ">" }

func (n notice) header(sender envelope.Address, boundary string, eightBit bool) ([]byte, error) {
	encoding := "" // of the whole: no less than that of a part (RFC 2045 section 6.4)
	if eightBit {
		encoding = "8bit"
	}
	fields := []struct{ name, value string }{
		{"Date", n.now.Format(time.RFC1123Z)},
		{"From", "Mail Delivery System <MAILER-DAEMON@" + n.hostname + ">"},
		{"To", "<" + sender.String() + ">"},
		{"Subject", wording[n.action].subject},
		{"Message-ID", n.messageID()},
		{"Auto-Submitted", "auto-replied"}, // RFC 3834 section 5
		{"In-Reply-To", n.message.MessageID},
		{"References", n.message.MessageID},
		{"MIME-Version", "1.0"},
		{"Content-Type", "multipart/report; report-type=delivery-status;\r\n boundary=\"" + boundary + "\""},
		{"Content-Transfer-Encoding", encoding},
	}
	var out []byte
	for _, f := range fields {
		if f.value == "" {
			continue
		}
		field, err := mime.NewField(f.name, f.value)
		switch {
		case err == nil:
		case f.name == "To": // a non-ASCII address, which Parse took: RFC 6532
			field = []byte("To: " + f.value + "\r\n")
		case f.name == "In-Reply-To", f.name == "References":
			continue // what the sender called it cannot be repeated
		default:
			return nil, err
		}
		out = append(out, field...)
	}
	return append(out, "\r\n"...), nil
}

// global chooses the type by whether the message is internationalized (RFC 6533).
func (n notice) global(plain, utf8 string) string {
	if n.message.UTF8 {
		return utf8
	}
	return plain
}

// parts writes the body: for people, for programs, and what is returned.
func (n notice) parts(boundary string) (*bytes.Buffer, error) {
	var b bytes.Buffer
	b.WriteString("This is a report about mail you sent, in MIME format.\r\n\r\n")
	w := textproto.NewMultipartWriter(&b)
	if err := w.SetBoundary(boundary); err != nil {
		return nil, err
	}
	kind, original := n.original()
	for _, p := range []struct {
		kind    string
		content []byte
	}{
		{"text/plain; charset=utf-8", n.text()},
		{n.global("message/delivery-status", "message/global-delivery-status"), n.fields()},
		{kind, original},
	} {
		if err := writePart(w, p.kind, p.content); err != nil {
			return nil, err
		}
	}
	return &b, w.Close()
}

// writePart adds a part. Text beyond US-ASCII is encoded, so that a hop without
// 8BITMIME takes the notification, as RFC 6522 section 4 allows; other types may not be (RFC 2046
// section 5.2.1), or go to systems that take 8 bits anyway (RFC 6533).
func writePart(w *textproto.MultipartWriter, kind string, content []byte) error {
	var h textproto.Header // the last one that is added is the first
	text := strings.HasPrefix(kind, "text/")
	switch {
	case mime.ASCII(content):
	case text:
		h.Add("Content-Transfer-Encoding", "quoted-printable")
	default:
		h.Add("Content-Transfer-Encoding", "8bit")
	}
	h.Add("Content-Type", kind)
	out, err := w.CreatePart(h)
	if err != nil {
		return err
	}
	if !text || mime.ASCII(content) {
		_, err = out.Write(content)
		return err
	}
	encoded := quotedprintable.NewWriter(out)
	_, err = encoded.Write(content)
	return errors.Join(err, encoded.Close())
}

// text is the part for people.
func (n notice) text() []byte {
	var b bytes.Buffer
	intro := wording[n.action].intro
	if len(n.recipients) == 1 {
		intro = strings.Replace(intro, "the recipients below", "the recipient below", 1)
	}
	fmt.Fprintf(&b, "This is the mail system at %s.\r\n\r\n%s\r\n", n.hostname, intro)
	if n.action == delayed {
		fmt.Fprintf(&b, "Delivery will be tried until %s.\r\n", n.until.UTC().Format(time.RFC1123Z))
	}
	for _, r := range n.recipients {
		fmt.Fprintf(&b, "\r\n<%s>\r\n", r.Address)
		if n.action == failed || n.action == delayed {
			if r.Status.Host != "" && r.Status.Code > 0 {
				fmt.Fprintf(&b, "    %s said: ", r.Status.Host)
			} else {
				b.WriteString("    ")
			}
			b.WriteString(diagnostic(r.Status) + "\r\n")
		}
	}
	return b.Bytes()
}

// diagnostic is a status on one line, as the hop gave it.
func diagnostic(st store.Status) string {
	var words []string
	if st.Code > 0 {
		words = append(words, fmt.Sprint(st.Code))
	}
	if st.Enhanced != "" {
		words = append(words, st.Enhanced)
	}
	return nexthop.OneLine(strings.Join(append(words, st.Text), " "), nexthop.MaxText)
}

// fields is the part for programs (RFC 3464 section 2).
func (n notice) fields() []byte {
	var b bytes.Buffer
	line := func(name, value string) {
		value = nexthop.OneLine(value, 900)
		if !n.message.UTF8 { // RFC 3464 section 2.1.2 has US-ASCII only; hops say what they like
			value = asciiOnly(value)
		}
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	line("Original-Envelope-Id", n.message.EnvelopeID)
	line("Reporting-MTA", "dns; "+n.hostname)
	line("Arrival-Date", n.message.Received.Format(time.RFC1123Z))
	for _, r := range n.recipients {
		b.WriteString("\r\n")
		if kind, original, ok := strings.Cut(r.Original, ";"); ok {
			switch {
			case n.message.UTF8 || mime.ASCII([]byte(original)):
			case kind == "utf-8":
				original = envelope.UTF8Address(original, false)
			default:
				original = envelope.Xtext(original)
			}
			line("Original-Recipient", kind+"; "+original)
		}
		kind := "rfc822"
		if !mime.ASCII(r.Address) {
			kind = "utf-8"
		}
		line("Final-Recipient", kind+"; "+r.Address)
		line("Action", string(n.action))
		line("Status", n.statusCode(r.Status))
		if r.Status.Code > 0 {
			host, _, _ := strings.Cut(r.Status.Host, " ")
			if host != "" {
				line("Remote-MTA", "dns; "+host)
			}
			line("Diagnostic-Code", "smtp; "+diagnostic(r.Status))
		} else if r.Status.Text != "" {
			line("Diagnostic-Code", "x-offramp; "+r.Status.Text)
		}
		line("Last-Attempt-Date", n.now.Format(time.RFC1123Z))
		if n.action == delayed {
			line("Will-Retry-Until", n.until.Format(time.RFC1123Z))
		}
	}
	return b.Bytes()
}

// asciiOnly puts a question mark for every character beyond US-ASCII.
func asciiOnly(s string) string {
	return strings.Map(func(r rune) rune {
		if r > 0x7e {
			return '?'
		}
		return r
	}, s)
}

// statusCode is the enhanced code of a recipient; its class is that of the
// action (RFC 3464 section 2.3.4).
func (n notice) statusCode(st store.Status) string {
	class := map[action]string{failed: "5", delayed: "4", relayed: "2", delivered: "2"}[n.action]
	if st.Enhanced == "" || st.Enhanced[:1] != class {
		return class + ".0.0"
	}
	return st.Enhanced
}

// original is what is returned of the message: all of it, or its header.
func (n notice) original() (kind string, content []byte) {
	header := bytes.TrimSuffix(n.header0(), []byte("\r\n"))
	if n.body != nil {
		return n.global("message/rfc822", "message/global"), append(append(header, "\r\n"...), n.body...)
	}
	if len(header) > fullLimit {
		header = header[:bytes.LastIndexByte(header[:fullLimit], '\n')+1]
	}
	return n.global("text/rfc822-headers", "message/global-headers"), header
}

// header0 is the header of the message with our trace and without what steers
// Offramp, with its empty line.
func (n notice) header0() []byte {
	return append(append([]byte(nil), n.message.Trace...), render.WithoutControls(n.message.Header)...)
}
