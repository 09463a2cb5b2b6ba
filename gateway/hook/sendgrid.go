package hook

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"offramp/gateway/diagnosis"
	"offramp/gateway/feedback"
)

// Headers of SendGrid's signed Event Webhook.
const (
	sendGridSignature = "X-Twilio-Email-Event-Webhook-Signature"
	sendGridTimestamp = "X-Twilio-Email-Event-Webhook-Timestamp"
)

// sendGridEvent is one event (SendGrid, "Event Webhook Reference").
type sendGridEvent struct {
	Email, Event, Reason, Status, Type string
	Classification                     string `json:"bounce_classification"`
	EventID                            string `json:"sg_event_id"`
	MessageID                          string `json:"smtp-id"`
}

// readSendGrid checks the ECDSA signature over timestamp and body, and reads
// the events.
func readSendGrid(c *call) ([]feedback.Told, error) {
	key, err := publicKey(c.h.Config.SendGridKey)
	if err != nil {
		return nil, fmt.Errorf("key of SendGrid: %w", err)
	}
	stamp := c.header.Get(sendGridTimestamp)
	signature, err := base64.StdEncoding.DecodeString(c.header.Get(sendGridSignature))
	if err != nil {
		return nil, errSignature
	}
	sum := sha256.Sum256(append([]byte(stamp), c.body...))
	if !ecdsa.VerifyASN1(key, sum[:], signature) {
		return nil, errSignature
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || !c.fresh(time.Unix(seconds, 0)) {
		return nil, fmt.Errorf("%w: it is too old, or the clock is wrong", errSignature)
	}
	var events []json.RawMessage
	if err := json.Unmarshal(c.body, &events); err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	var all []feedback.Told
	for _, raw := range events {
		var e sendGridEvent
		if err := json.Unmarshal(raw, &e); err != nil {
			continue // an event of another shape is not one we know
		}
		if e.EventID == "" {
			e.EventID = digest(raw)
		}
		if t, ok := e.told(); ok {
			all = append(all, t)
		}
	}
	return all, nil
}

// told maps an event. What SendGrid dropped, it dropped because of an earlier report
// before, or by another account's list: the reason says which.
func (e sendGridEvent) told() (feedback.Told, bool) {
	t := feedback.Told{Vendor: "sendgrid", Recipient: e.Email, MessageID: e.MessageID, ID: e.EventID, Status: e.Status, Said: e.Reason}
	switch e.Event {
	case "bounce":
		t.Kind = diagnosis.Bounce
		t.Permanent = e.Type != "blocked" && (e.Classification == "Invalid Address" || e.Classification == "" && strings.HasPrefix(e.Status, "5.1."))
	case "dropped":
		switch e.Reason {
		case "Bounced Address", "Invalid", "Invalid SMTPAPI header":
			t.Kind, t.Permanent, t.Said = diagnosis.Bounce, e.Reason == "Bounced Address", ""
		case "Spam Reporting Address":
			t.Kind = diagnosis.Complaint
		case "Unsubscribed Address":
			t.Kind = diagnosis.OptOut
		default:
			return t, false
		}
	case "spamreport":
		t.Kind, t.Type = diagnosis.Complaint, "abuse"
	case "unsubscribe", "group_unsubscribe":
		t.Kind = diagnosis.OptOut
	default:
		return t, false
	}
	return t, true
}
