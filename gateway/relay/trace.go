package relay

import (
	"fmt"
	"net/netip"
	"time"

	"offramp/gateway/mime"
)

// trace returns the Received field of a message (RFC 5321 section 4.4). It has
// no FOR clause: that would show one blind recipient to the others.
func trace(c Client, hostname, id string, now time.Time) ([]byte, error) {
	b := make([]byte, 0, 256)
	b = append(b, "from "...)
	b = appendHost(b, c.Name)
	b = append(b, " (["...)
	if a := c.Addr.Unmap().WithZone(""); a.Is6() {
		b = append(b, "IPv6:"...) // RFC 5321 section 4.1.3
		b = a.AppendTo(b)
	} else if a != (netip.Addr{}) {
		b = a.AppendTo(b)
	} else {
		b = append(b, "unknown"...)
	}
	b = append(b, "])\r\n\tby "...)
	b = appendHost(b, hostname)
	b = append(b, " with "...)
	protocol := c.Protocol
	if protocol == "" {
		protocol = "ESMTP"
	}
	b = append(b, protocol...)
	b = append(b, " id "...)
	b = append(b, id...)
	b = append(b, ";\r\n\t"...)
	b = now.AppendFormat(b, "Mon, 02 Jan 2006 15:04:05 -0700")
	return mime.NewField("Received", string(b))
}

// complete puts before the trace what a message must have and lacks (RFC 6409
// section 8): a server behind us would add it, and break the signature. Only the
// trace may stand directly on top of a message: what that begins with may go on
// the line before.
func (r *Relay) complete(in *incoming) error {
	m := in.message
	var added []byte
	add := func(name, value string) error {
		field, err := mime.NewField(name, value)
		if err != nil {
			return fmt.Errorf("make %s: %w", name, err)
		}
		added = append(added, field...)
		return nil
	}
	if in.missing.messageID {
		m.MessageID = "<" + m.ID + "@" + r.Hostname + ">"
		if err := add("Message-ID", m.MessageID); err != nil {
			return err
		}
	}
	if in.missing.date {
		if err := add("Date", m.Received.Format("Mon, 02 Jan 2006 15:04:05 -0700")); err != nil {
			return err
		}
	}
	if len(added) > 0 {
		m.Trace = append(added, m.Trace...)
	}
	return nil
}

// maxHost is the longest domain (RFC 5321 section 4.5.3.1.2).
const maxHost = 255

// appendHost adds a name that a stranger chose, with everything that has no
// place in a domain or address literal made a question mark.
func appendHost(b []byte, name string) []byte {
	if name == "" {
		return append(b, "unknown"...)
	}
	if len(name) > maxHost {
		name = name[:maxHost]
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '.' || c == '-' || c == '_' || c == ':' || c == '[' || c == ']':
		default:
			c = '?'
		}
		b = append(b, c)
	}
	return b
}
