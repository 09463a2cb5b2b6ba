package relay

import (
	"context"
	"fmt"
	"strings"
	"time"

	"offramp/gateway/envelope"
	"offramp/gateway/message"
	"offramp/listunsub"
	"offramp/store"
)

// ControlHeader names the list of a message, or exempts it with the value
// "transactional". It never leaves: delivery takes it out.
const ControlHeader = "X-Offramp-List"

// facts is what acceptance reads in a header, in one pass.
type facts struct {
	fields    int
	longest   int
	received  int
	control   string
	listID    string
	from      string
	messageID string
	automatic bool // Auto-Submitted other than "no" (RFC 3834 section 5)
	report    bool // multipart/report (RFC 6522)
	discussed bool // List-Post: only the manager of that list may set these fields (RFC 2369 section 4)
}

// read collects the facts. Of several fields with one name the first counts.
func read(h message.Header) facts {
	var f facts
	first := func(dst *string, field message.Field) {
		if *dst == "" {
			*dst = strings.TrimSpace(field.Value())
		}
	}
	for _, field := range h.Fields() {
		f.fields++
		f.longest = max(f.longest, len(field.Raw))
		switch name := field.Name; len(name) {
		case len("From"):
			if strings.EqualFold(name, "From") {
				first(&f.from, field)
			}
		case len("List-Id"):
			if strings.EqualFold(name, "List-Id") {
				first(&f.listID, field)
			}
		case len("Received"):
			if strings.EqualFold(name, "Received") {
				f.received++
			}
		case len("List-Post"):
			if strings.EqualFold(name, "List-Post") {
				f.discussed = true
			}
		case len("Message-ID"):
			if strings.EqualFold(name, "Message-ID") {
				first(&f.messageID, field)
			}
		case len("Content-Type"):
			if strings.EqualFold(name, "Content-Type") {
				f.report = f.report || message.Keyword(field.Value()) == "multipart/report"
			}
		case len(ControlHeader): // and Auto-Submitted
			if strings.EqualFold(name, ControlHeader) {
				first(&f.control, field)
			} else if strings.EqualFold(name, "Auto-Submitted") {
				f.automatic = f.automatic || isAutomatic(field.Value())
			}
		}
	}
	return f
}

// isAutomatic says whether an Auto-Submitted value exempts a message.
func isAutomatic(value string) bool {
	word := message.Keyword(value)
	return word != "" && word != "no"
}

// settle says which list a message belongs to; the zero List stands for mail
// that is exempt.
func (r *Relay) settle(ctx context.Context, c Client, e *envelope.Envelope, f *facts, now time.Time) (store.List, error) {
	if e.ReversePath.IsNull() || f.automatic || f.report || f.discussed {
		return store.List{}, nil
	}
	named := r.named(c, e, f)
	if named.ID == "" {
		return store.List{}, nil
	}
	id := listunsub.CanonicalID(named.ID)
	list, err := r.Lists.EnsureList(ctx, store.List{ID: id, Key: listunsub.ListKey(id), Name: shortName(named.Name), Created: now})
	if err != nil {
		return store.List{}, fmt.Errorf("list of the message: %w", err)
	}
	if list.Transactional {
		return store.List{}, nil
	}
	return list, nil
}

// shortName cuts a name nobody would read. It stands in a header of each
// message of the list and on its page; the admin API allows as much.
func shortName(name string) string {
	const longest = 200 // characters
	n := 0
	for i := range name {
		if n++; n > longest {
			return strings.TrimSpace(name[:i])
		}
	}
	return name
}

// named returns the list a message names, or the default that stands for it.
func (r *Relay) named(c Client, e *envelope.Envelope, f *facts) listunsub.ListID {
	if f.control != "" {
		if strings.EqualFold(f.control, StreamTransactional) {
			return listunsub.ListID{}
		}
		if l, err := listunsub.ParseListID(f.control); err == nil {
			return l
		}
		// What the sender wrote here was meant as a list: mail without a way
		// out would be the worse reading.
		return listunsub.ListID{ID: f.control}
	}
	if f.listID != "" {
		if l, err := listunsub.ParseListID(f.listID); err == nil {
			return l
		}
	}
	if r.DefaultStream == StreamTransactional {
		return listunsub.ListID{}
	}
	if id := r.LoginLists[c.Login]; c.Login != "" && id != "" {
		return listunsub.ListID{ID: id}
	}
	if domain := message.FromDomain(f.from); domain != "" {
		return listunsub.ListID{ID: domain}
	}
	return listunsub.ListID{ID: e.ReversePath.Domain()}
}
