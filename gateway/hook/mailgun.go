package hook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"offramp/gateway/diagnosis"
	"offramp/gateway/feedback"
)

// mailgunCall is a webhook of Mailgun ("Webhooks", "Securing webhooks").
type mailgunCall struct {
	Signature struct{ Timestamp, Token, Signature string }
	Event     struct {
		Event, ID, Severity, Reason, Recipient string
		Status                                 struct {
			Code                 json.Number
			Message, Description string
			Enhanced             string `json:"enhanced-code"`
		} `json:"delivery-status"`
		Message struct {
			Headers map[string]string
		}
	} `json:"event-data"`
}

// readMailgun checks the HMAC over timestamp and token. It does not cover the
// event: whoever sees one call could send others until the signature is too
// old, which is why Mailgun has to call by https.
func readMailgun(c *call) ([]feedback.Told, error) {
	var m mailgunCall
	if err := json.Unmarshal(c.body, &m); err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	s := m.Signature
	mac := hmac.New(sha256.New, []byte(c.h.Config.MailgunKey))
	mac.Write([]byte(s.Timestamp + s.Token))
	got, err := hex.DecodeString(s.Signature)
	if err != nil || s.Token == "" || !hmac.Equal(got, mac.Sum(nil)) {
		return nil, errSignature
	}
	seconds, err := strconv.ParseInt(s.Timestamp, 10, 64)
	if err != nil || !c.fresh(time.Unix(seconds, 0)) {
		return nil, fmt.Errorf("%w: it is too old, or the clock is wrong", errSignature)
	}
	e := m.Event
	t := feedback.Told{
		Vendor: "mailgun", Recipient: e.Recipient, ID: e.ID, MessageID: e.Message.Headers["message-id"],
		Status: e.Status.Enhanced, Said: strings.TrimSpace(e.Status.Message + " " + e.Status.Description),
	}
	if t.ID == "" {
		t.ID = digest(c.body)
	}
	for name, value := range e.Message.Headers {
		t.Header += name + ": " + value + "\n"
	}
	switch e.Event {
	case "failed":
		t.Kind = diagnosis.Bounce
		if code := e.Status.Code.String(); len(code) == 3 {
			t.Reply = code
		}
		// Mailgun calls what it suppressed itself permanent too.
		t.Permanent = e.Severity == "permanent" && e.Reason != "suppress-complaint" && e.Reason != "suppress-unsubscribe" && e.Reason != "espblock"
	case "complained":
		t.Kind, t.Type = diagnosis.Complaint, "abuse"
	case "unsubscribed":
		t.Kind = diagnosis.OptOut
	default:
		return nil, nil
	}
	return []feedback.Told{t}, nil
}
