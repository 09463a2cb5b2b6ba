package diagnosis

import (
	"strings"

	"offramp/gateway/mime"
)

// complaints reads a feedback report (RFC 5965), also one that is no
// multipart/report, and the form of Microsoft's junk mail reporting program. A
// status report with a feedback part beside it stays a bounce unless it says
// that it is a feedback report.
func complaints(l *letter) []Finding {
	if fields := l.feedbackFields(); fields != nil {
		return feedbackFindings(l, mime.ParseHeader(fields))
	}
	if l.status != nil {
		return nil
	}
	recipient := addressIn(l.returned.Get("X-HmXmrOriginalRecipient"))
	subject := strings.ToLower(l.subject)
	if recipient == "" && !strings.HasPrefix(subject, "complaint about message from") {
		return nil
	}
	if recipient == "" {
		recipient = addressIn(l.returned.Get("To"))
	}
	return []Finding{{
		Kind: Complaint, FeedbackType: "abuse", Recipient: recipient, System: "Outlook.com",
		Why: "it has the form of Microsoft's junk mail reporting program",
	}}
}

// feedbackFields returns the fields of a feedback report, from its part or from
// a text that begins with them.
func (l *letter) feedbackFields() []byte {
	if l.feedback != nil {
		kind := strings.ToLower(mime.Param(l.header.Get("Content-Type"), "report-type"))
		if l.status != nil && kind != "feedback-report" {
			return nil
		}
		return l.feedback
	}
	if l.status != nil {
		return nil
	}
	lower := "\n" + asciiLower(l.text)
	start := strings.Index(lower, "\nfeedback-type:")
	if start < 0 || !strings.Contains(lower, "\nuser-agent:") && !strings.Contains(lower, "\nversion:") {
		return nil
	}
	for start > 0 { // fields before it, up to an empty line
		previous := strings.LastIndexByte(lower[:start], '\n')
		if previous < 0 || !strings.Contains(lower[previous:start], ":") {
			break
		}
		start = previous
	}
	return []byte(l.text[start:])
}

func feedbackFindings(l *letter, fields mime.Header) []Finding {
	kind := mime.Keyword(fields.Get("Feedback-Type"))
	if kind == "" {
		kind = "other" // RFC 5965 section 3.1 demands one
	}
	f := Finding{Kind: Complaint, FeedbackType: clip(kind, 64), System: reporter(l, fields)}
	f.Why = "it is a feedback report of the type " + f.FeedbackType
	if strings.ContainsFunc(f.FeedbackType, func(r rune) bool { return r <= ' ' || r > '~' }) {
		f.FeedbackType, f.Why = "other", "it is a feedback report of an invalid type"
	}
	var found []Finding
	seen := map[string]bool{}
	for _, address := range complainants(l, fields) {
		if !seen[strings.ToLower(address)] && len(found) < maxRecipients {
			seen[strings.ToLower(address)] = true
			f.Recipient = address
			found = append(found, f)
		}
	}
	if len(found) == 0 {
		found = append(found, f)
	}
	return found
}

// complainants are who got the message complained about. Where the report was
// redacted (RFC 6590) the opaque value is kept: it names nobody by mistake.
func complainants(l *letter, fields mime.Header) []string {
	var all []string
	for _, name := range []string{"Original-Rcpt-To", "Removal-Recipient", "X-HmXmrOriginalRecipient"} {
		for _, f := range append(fields.Fields(), l.returned.Fields()...) {
			if strings.EqualFold(f.Name, name) {
				if a := typedAddress(words(f.Value())); a != "" {
					all = append(all, a)
				}
			}
		}
		if len(all) > 0 {
			return all
		}
	}
	for _, name := range []string{"To", "Delivered-To", "X-Original-To"} {
		if to := addressesIn(l.returned.Get(name)); len(to) > 0 {
			return to[:1]
		}
	}
	return nil
}

// reporter is the provider whose user complained.
func reporter(l *letter, fields mime.Header) string {
	agent := strings.ToLower(fields.Get("User-Agent"))
	for _, p := range []struct{ mark, name string }{
		{"yahoo", "Yahoo"}, {"aol", "AOL"}, {"hotmail", "Outlook.com"}, {"msn", "Outlook.com"}, {"amazon", "Amazon SES"}, {"return path", "Return Path"}, {"validity", "Validity"}, {"opendmarc", "OpenDMARC"}, {"opendkim", "OpenDKIM"}, {"cloudmark", "Cloudmark"},
	} {
		if strings.Contains(agent, p.mark) {
			return p.name
		}
	}
	return systemOf(l)
}
