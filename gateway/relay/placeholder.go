package relay

import (
	"offramp/gateway/mime"
	"offramp/store"
)

// replaces says whether placeholders in the body are replaced.
func (in *incoming) replaces() bool { return in.message.List != "" && !in.message.Untouched }

// placeholders returns what looks for placeholders in the body; nil where nobody
// means any: strangers wrote what came back, came for the postmaster or was
// passed on.
func (in *incoming) placeholders() *mime.Scanner {
	if !in.replaces() && (in.decision.Step == "" || in.decision.PassedOn) {
		return nil
	}
	return mime.NewScanner(in.header)
}

// note keeps where placeholders are to be replaced, and whether others stay.
func (in *incoming) note(found *mime.Scanner) {
	m := in.message
	parts := found.Parts()
	in.left = found.Left()
	gone := []string{"X-Offramp-*", "Bcc", "Resent-Bcc"} // fields that do not leave
	if !in.replaces() {
		in.left = in.left || len(parts) > 0 || in.header.HoldsPlaceholder(gone...)
		return
	}
	// The List-Unsubscribe of list mail is replaced as a whole.
	in.left = in.left || in.header.HoldsPlaceholder(append(gone, "List-Unsubscribe")...)
	for _, p := range parts {
		m.Parts = append(m.Parts, store.Part(p))
	}
}
