package diagnosis

import (
	"strings"

	"offramp/gateway/message"
)

// complaint reads a feedback report (RFC 5965), also a redacted one (RFC 6590)
// or one without its outer form, and the forms from before: a message that a
// provider hands back as it was.
func (r *reader) complaint() []Finding {
	for _, p := range r.parts {
		if p.inside || p.media != "message/feedback-report" {
			continue
		}
		return reportFindings(p.text(maxText), r.returned)
	}
	if strings.Contains(strings.ToLower(r.header.Get("Content-Type")), "feedback-report") {
		for _, p := range r.parts {
			if text := p.text(maxText); !p.inside && strings.Contains(strings.ToLower(text), "feedback-type:") {
				return reportFindings(text, r.returned)
			}
		}
		return []Finding{{Kind: Complaint, FeedbackType: "other", Recipient: r.returnedRecipient(), Why: "it is a feedback report without its fields"}}
	}
	return r.junkReport()
}

// reportFindings reads the fields of a report. A report that names several
// recipients is about all of them (RFC 5965 section 3.2).
func reportFindings(text string, returned message.Header) (found []Finding) {
	f := Finding{Kind: Complaint, Why: "it is a feedback report"}
	var recipients []string
	for field := range unfolded(text) {
		name, value, _ := strings.Cut(field, ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "feedback-type":
			f.FeedbackType = message.Keyword(value)
		case "original-rcpt-to":
			if len(recipients) < maxFindings {
				recipients = append(recipients, cleanAddress(value))
			}
		case "user-agent":
			f.System = value
		case "removal-recipient":
			if len(recipients) == 0 {
				recipients = append(recipients, cleanAddress(value))
			}
		case "auth-failure", "delivery-result":
			f.Diagnostic += value + " "
		}
	}
	if f.FeedbackType == "" {
		f.FeedbackType = "other"
	}
	if f.FeedbackType == "opt-out-list" {
		f.FeedbackType = "opt-out" // of one list, which is what an opt-out is here
	}
	f.Why = "it is a feedback report of the type " + f.FeedbackType
	if len(recipients) == 0 {
		if to := addressesIn(returned.Get("To")); len(to) == 1 {
			recipients = to
		} else {
			recipients = []string{""}
		}
	}
	for _, one := range recipients {
		f.Recipient = one
		found = append(found, f)
	}
	return found
}

// junkReport knows the form of Microsoft's JMRP and Yahoo's older one: the
// message itself in a message from the provider.
func (r *reader) junkReport() []Finding {
	whole := false
	for _, p := range r.parts {
		whole = whole || p.media == "message/rfc822" && !p.inside
	}
	from := strings.ToLower(r.header.Get("From"))
	subject := strings.ToLower(r.header.Get("Subject"))
	recipient := ""
	for _, name := range [...]string{"X-HmXmrOriginalRecipient", "X-MS-Exchange-Organization-OriginalRecipient"} {
		for _, h := range [...]message.Header{r.header, r.returned} {
			if v := h.Get(name); v != "" {
				recipient = cleanAddress(v)
			}
		}
	}
	f := Finding{Kind: Complaint, FeedbackType: "abuse", Recipient: recipient, System: "Microsoft JMRP"}
	switch {
	case recipient != "", strings.HasPrefix(from, "staff@hotmail.com"), strings.Contains(from, "<staff@hotmail.com>"):
		f.Why = "it has the form of Microsoft's junk mail reports"
	case whole && strings.HasPrefix(subject, "complaint about message from"):
		f.Why = "its subject is that of a junk mail report"
	case whole && strings.Contains(from, "feedback@arf.mail.yahoo.com"), whole && r.header.Get("X-Yahoo-Complaint") != "":
		f.System, f.Why = "Yahoo", "it has the form of Yahoo's reports"
	default:
		return r.noticeSES()
	}
	if f.Recipient == "" {
		f.Recipient = r.returnedRecipient()
	}
	return []Finding{f}
}
