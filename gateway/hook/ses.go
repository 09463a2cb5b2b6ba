package hook

import (
	"fmt"
	"strings"

	"offramp/gateway/feedback"
)

// sesEvent is what Amazon SES publishes (SES developer guide, "Amazon SNS
// notification contents", "Event data that Amazon SES publishes to Amazon SNS").
type sesEvent struct {
	NotificationType, EventType string
	Bounce                      struct {
		BounceType, BounceSubType, FeedbackID, Timestamp string
		BouncedRecipients                                []sesRecipient
	}
	Complaint struct {
		ComplainedRecipients                                           []sesRecipient
		ComplaintFeedbackType, ComplaintSubType, FeedbackID, Timestamp string
	}
	Delivery struct {
		Recipients []string
		Timestamp  string
	}
	DeliveryDelay struct {
		DelayedRecipients []sesRecipient
	}
	Subscription struct {
		Timestamp                                string
		NewTopicPreferences, OldTopicPreferences struct{ UnsubscribeAll bool }
	}
	Mail struct {
		MessageID   string
		Destination []string
		Headers     []struct{ Name, Value string }
	}
}

type sesRecipient struct{ EmailAddress, Action, Status, DiagnosticCode string }

// readSES takes a notification of SNS with an event of SES in it, or the
// request to confirm the subscription.
func readSES(c *call) error {
	n, err := c.openNotification()
	if err != nil {
		return err
	}
	switch n.Type {
	case "SubscriptionConfirmation":
		return c.confirm(n)
	case "Notification":
	case "UnsubscribeConfirmation":
		c.h.log().Warn("the subscription to a topic was ended: its bounces and complaints are not reported any more", "vendor", ses, "topic", n.TopicArn)
		return nil
	default:
		return nil
	}
	if strings.HasPrefix(n.Message, "Successfully validated SNS topic") {
		return nil // the first message when SES is given the topic
	}
	var e sesEvent
	if err := decode([]byte(n.Message), &e); err != nil {
		return fmt.Errorf("%w: %w", errMalformed, err)
	}
	for _, t := range e.told() {
		if t.ID == "" {
			t.ID = n.MessageID
		}
		if err := c.tell(t); err != nil {
			return err
		}
	}
	return nil
}

func (e sesEvent) told() (all []feedback.Told) {
	base := feedback.Told{MessageID: e.Mail.MessageID}
	for _, h := range e.Mail.Headers {
		if strings.HasPrefix(strings.ToLower(h.Name), "list-") || strings.HasPrefix(strings.ToLower(h.Name), "cfbl-") {
			base.Header += h.Name + ": " + h.Value + "\n"
		}
		if strings.EqualFold(h.Name, "Message-ID") {
			base.MessageID = h.Value // the one that the message came with
		}
	}
	kind := e.EventType
	if kind == "" {
		kind = e.NotificationType
	}
	switch kind {
	case "Bounce":
		base.ID, base.At = e.Bounce.FeedbackID, moment(e.Bounce.Timestamp)
		for _, r := range e.Bounce.BouncedRecipients {
			all = append(all, e.bounced(base, r))
		}
	case "Complaint":
		all = e.complained(base)
	case "Delivery":
		base.Kind, base.At = feedback.ToldDelivered, moment(e.Delivery.Timestamp)
		for _, address := range e.Delivery.Recipients {
			base.Recipient = address
			all = append(all, base)
		}
	case "DeliveryDelay":
		base.Kind = feedback.ToldDeferred
		for _, r := range e.DeliveryDelay.DelayedRecipients {
			base.Recipient = r.EmailAddress
			all = append(all, base)
		}
	case "Subscription":
		// Somebody used the link of SES's own list management.
		if s := e.Subscription; s.NewTopicPreferences.UnsubscribeAll && !s.OldTopicPreferences.UnsubscribeAll && len(e.Mail.Destination) == 1 {
			base.Kind, base.At, base.Recipient = feedback.ToldOptOut, moment(s.Timestamp), e.Mail.Destination[0]
			all = append(all, base)
		}
	}
	return all
}

// bounced reads a bounce of one recipient ("Bounce types"). The type Permanent
// is also that of mail that SES did not send.
func (e sesEvent) bounced(t feedback.Told, r sesRecipient) feedback.Told {
	t.Kind, t.Recipient, t.Status, t.Said = feedback.ToldBounce, r.EmailAddress, r.Status, withoutType(r.DiagnosticCode)
	kind, sub := strings.ToLower(e.Bounce.BounceType), strings.ToLower(e.Bounce.BounceSubType)
	said := strings.ToLower(r.DiagnosticCode)
	switch {
	case strings.Contains(sub, "unsubscribed"):
		t.Kind, t.Cause = feedback.ToldWithheld, feedback.ListedUnsubscribed
	case strings.Contains(sub, "suppress"), strings.Contains(said, "amazon ses did not send"), strings.Contains(said, "amazon ses has suppressed"):
		t.Kind, t.Cause = feedback.ToldWithheld, feedback.ListedBounced
	case strings.EqualFold(r.Action, "delayed"):
		t.Kind = feedback.ToldDeferred
	case sub == "messagetoolarge", sub == "contentrejected", sub == "attachmentrejected":
		t.Elsewhere = true
	default:
		t.Final = kind == "permanent"
	}
	return t
}

// complained reads a complaint. Where SES cannot tell who complained it names
// everybody at that provider whom the message went to ("Complained recipients"):
// then only a token, which one of them has, could say who.
func (e sesEvent) complained(t feedback.Told) (all []feedback.Told) {
	q := e.Complaint
	t.Kind, t.Type, t.ID, t.At = feedback.ToldComplaint, q.ComplaintFeedbackType, q.FeedbackID, moment(q.Timestamp)
	if q.ComplaintSubType != "" {
		// SES held the mail back itself: the complaint was an earlier one.
		t.Kind, t.Cause = feedback.ToldWithheld, feedback.ListedComplained
	}
	t.Unsure = len(q.ComplainedRecipients) > 1
	for _, r := range q.ComplainedRecipients {
		t.Recipient = r.EmailAddress
		all = append(all, t)
	}
	return all
}
