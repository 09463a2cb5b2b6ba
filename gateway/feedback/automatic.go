package feedback

import (
	"strings"

	"offramp/gateway/diagnosis"
	"offramp/gateway/envelope"
	"offramp/gateway/mime"
)

// automatic returns why a message was not sent because somebody wanted it sent,
// and "" for one that was. These are automatic (RFC 3834 sections 2 and 5):
//
//   - the null reverse-path: bounces, and most answering machines,
//   - multipart/report: bounces, read receipts, complaints,
//   - Auto-Submitted "auto-replied": vacation programs. Apple Mail writes it, too,
//     into the mail that its Unsubscribe button sends, with X-Apple-Unsubscribe
//     beside it, so it does not count there,
//   - X-Autoreply, X-Autorespond, Precedence auto_reply: answering machines that
//     do not know RFC 3834.
//
// "auto-generated" and other values are no answer to a message (RFC 3834 section
// 5.1), and what a mail provider sends when its user presses the button may bear
// them.
func automatic(reversePath envelope.Address, h mime.Header) string {
	if reversePath.IsNull() {
		return "null reverse-path"
	}
	for _, f := range h.Fields() {
		value := f.Value()
		switch strings.ToLower(f.Name) {
		case "auto-submitted":
			if mime.Keyword(value) == "auto-replied" && !diagnosis.AppleUnsubscribe(h) {
				return "Auto-Submitted"
			}
		case "content-type":
			if mime.Keyword(value) == "multipart/report" {
				return "multipart/report"
			}
		case "x-autoreply", "x-autorespond":
			if mime.Keyword(value) != "no" {
				return f.Name
			}
		case "precedence":
			if word := mime.Keyword(value); word == "auto_reply" || word == "auto-reply" {
				return "Precedence"
			}
		}
	}
	return ""
}
