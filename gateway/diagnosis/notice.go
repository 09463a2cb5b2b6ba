package diagnosis

import (
	"encoding/json"
	"strings"
)

// sesNotice is the notification that Amazon SES has its notification service
// send by mail (SES developer guide, "Amazon SNS notification contents").
type sesNotice struct {
	NotificationType, EventType string
	Bounce                      struct {
		BounceType        string
		BouncedRecipients []struct{ EmailAddress, Action, Status, DiagnosticCode string }
	}
	Complaint struct {
		ComplainedRecipients  []struct{ EmailAddress string }
		ComplaintFeedbackType string
	}
	Delivery struct {
		Recipients   []string
		SMTPResponse string
	}
	Mail struct{ Destination []string }
}

// noticeSES reads such a notification; nil: it is none.
func (r *reader) noticeSES() (found []Finding) {
	// Lines over 998 octets were cut on the way, also inside a string.
	text := strings.TrimSpace(strings.ReplaceAll(r.text, "\n", ""))
	if !strings.HasPrefix(text, "{") {
		return nil
	}
	var n sesNotice
	// What stands behind the object is a note on how to stop the notices.
	if err := json.NewDecoder(strings.NewReader(text)).Decode(&n); err != nil {
		return nil
	}
	const system = "Amazon SES"
	switch n.NotificationType + n.EventType {
	case "Bounce":
		for _, b := range n.Bounce.BouncedRecipients {
			kind, said, _ := strings.Cut(b.DiagnosticCode, ";")
			f := evidence{status: b.Status, text: strings.TrimSpace(said), program: strings.EqualFold(kind, "x-unix")}.judge()
			if f.Class == Hard && n.Bounce.BounceType != "Permanent" {
				f.Class, f.Why = Undecided, "the service does not call it permanent"
			}
			f.Kind, f.Recipient, f.System = Bounce, cleanAddress(b.EmailAddress), system
			found = append(found, f)
		}
	case "Complaint":
		kind := strings.ToLower(n.Complaint.ComplaintFeedbackType)
		if kind == "" {
			kind = "abuse"
		}
		for _, c := range n.Complaint.ComplainedRecipients {
			found = append(found, Finding{Kind: Complaint, FeedbackType: kind, Recipient: cleanAddress(c.EmailAddress), System: system, Why: "the service says that the recipient complained"})
		}
	case "Delivery":
		for _, to := range append(n.Delivery.Recipients, n.Mail.Destination...)[:min(1, len(n.Delivery.Recipients)+len(n.Mail.Destination))] {
			found = append(found, Finding{Kind: Other, Recipient: cleanAddress(to), System: system, Why: "the service says that the message arrived"})
		}
	}
	return found
}
