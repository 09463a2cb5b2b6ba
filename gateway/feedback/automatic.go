package feedback

import (
	"strings"

	"offramp/gateway/envelope"
	"offramp/gateway/mime"
)

// automatic returns why a message was not sent because somebody wanted it sent,
// and "" for one that was. These are automatic (RFC 3834 sections 2 and 5):
//
//   - the null reverse-path: bounces, and most answering machines,
//   - Auto-Submitted other than "no" and "auto-generated",
//   - multipart/report: bounces, read receipts, complaints,
//   - X-Autoreply, X-Autorespond, Precedence auto_reply: answering machines that
//     do not know RFC 3834.
//
// "auto-generated" is not an answer to a message (RFC 3834 section 5.1), and what a
// mail provider sends when its user presses the button may bear it.
func automatic(reversePath envelope.Address, h mime.Header) string {
	if reversePath.IsNull() {
		return "null reverse-path"
	}
	for _, f := range h.Fields() {
		value := f.Value()
		switch strings.ToLower(f.Name) {
		case "auto-submitted":
			if word := mime.Keyword(value); word != "no" && word != "auto-generated" {
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
