package hook

import (
	"encoding/json"
	"fmt"
	"strings"

	"offramp/gateway/diagnosis"
	"offramp/gateway/feedback"
)

// sesEvent is what Amazon SES publishes (SES developer guide, "Amazon SNS
// notification contents").
type sesEvent struct {
	NotificationType, EventType string
	Bounce                      struct {
		BounceType, BounceSubType, FeedbackID string
		BouncedRecipients                     []struct{ EmailAddress, Status, DiagnosticCode string }
	}
	Complaint struct {
		ComplainedRecipients                                []struct{ EmailAddress string }
		ComplaintFeedbackType, ComplaintSubType, FeedbackID string
	}
	Mail struct {
		MessageID string
		Headers   []struct{ Name, Value string }
	}
}

// readSES takes a notification of SNS with an event of SES in it, or the
// request to confirm the subscription.
func readSES(c *call) ([]feedback.Told, error) {
	n, err := c.openNotification()
	if err != nil {
		return nil, err
	}
	switch n.Type {
	case "SubscriptionConfirmation":
		return nil, c.confirm(n)
	case "Notification":
	default:
		return nil, nil
	}
	var e sesEvent
	if err := json.Unmarshal([]byte(n.Message), &e); err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	return e.told(n.MessageID), nil
}

func (e sesEvent) told(id string) (all []feedback.Told) {
	base := feedback.Told{Vendor: "ses", MessageID: e.Mail.MessageID}
	for _, h := range e.Mail.Headers {
		if strings.HasPrefix(strings.ToLower(h.Name), "list-") || strings.HasPrefix(strings.ToLower(h.Name), "cfbl-") {
			base.Header += h.Name + ": " + h.Value + "\n"
		}
	}
	add := func(t feedback.Told, recipient, own string) {
		if t.ID = own; own == "" {
			t.ID = id
		}
		t.Recipient = recipient
		all = append(all, t)
	}
	switch e.NotificationType + e.EventType {
	case "Bounce":
		for _, b := range e.Bounce.BouncedRecipients {
			t := base
			t.Kind, t.Status = diagnosis.Bounce, b.Status
			_, t.Said, _ = strings.Cut(b.DiagnosticCode, ";")
			t.Said = strings.TrimSpace(t.Said)
			t.Permanent = e.Bounce.BounceType == "Permanent"
			add(t, b.EmailAddress, e.Bounce.FeedbackID)
		}
	case "Complaint":
		if e.Complaint.ComplaintSubType != "" {
			return nil // SES held the mail back itself: the complaint was reported before
		}
		for _, r := range e.Complaint.ComplainedRecipients {
			t := base
			t.Kind, t.Type = diagnosis.Complaint, e.Complaint.ComplaintFeedbackType
			add(t, r.EmailAddress, e.Complaint.FeedbackID)
		}
	}
	return all
}
