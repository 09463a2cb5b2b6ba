package hook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"offramp/gateway/feedback"
)

// mailgunCall is a webhook of Mailgun ("Webhooks", "Securing webhooks").
type mailgunCall struct {
	Signature struct{ Timestamp, Token, Signature word }
	Event     json.RawMessage `json:"event-data"`
}

// mailgunEvent is what happened ("Event structure").
type mailgunEvent struct {
	Event, Severity, Reason, Recipient string
	ID                                 word
	Timestamp                          json.Number
	Status                             struct {
		Code                 word
		Message, Description string
		Enhanced             string `json:"enhanced-code"`
	} `json:"delivery-status"`
	Message struct {
		Headers map[string]json.RawMessage
	}
	Variables json.RawMessage `json:"user-variables"`
}

// readMailgun checks the HMAC over timestamp and token, before it looks at the
// event. The HMAC does not cover the event, so a token is taken for one event
// alone, and Mailgun has to call by https.
func readMailgun(c *call) error {
	var m mailgunCall
	if err := decode(c.body.bytes(), &m); err != nil {
		return fmt.Errorf("%w: %w", errSignature, err)
	}
	s := m.Signature
	mac := hmac.New(sha256.New, []byte(c.h.Config.MailgunKey))
	mac.Write([]byte(s.Timestamp + s.Token))
	got, err := hex.DecodeString(string(s.Signature))
	seconds, notTime := strconv.ParseInt(string(s.Timestamp), 10, 64)
	if err != nil || notTime != nil || s.Token == "" || !hmac.Equal(got, mac.Sum(nil)) {
		return errSignature
	}
	if err := c.fresh(time.Unix(seconds, 0)); err != nil {
		return err
	}
	var e mailgunEvent
	if err := decode(m.Event, &e); err != nil {
		return fmt.Errorf("%w: %w", errMalformed, err)
	}
	if !c.h.tokens.take(string(s.Timestamp+s.Token), sameEvent(m.Event), c.now) {
		return fmt.Errorf("%w: its token was used for another event", errSignature)
	}
	t, ok := e.told()
	if !ok {
		return nil
	}
	if t.ID == "" {
		t.ID = digest(m.Event)
	}
	return c.tell(t)
}

// sameEvent is a digest of an event that is the same however it is written.
func sameEvent(raw json.RawMessage) [32]byte {
	var event any
	if json.Unmarshal(raw, &event) == nil {
		if written, err := json.Marshal(event); err == nil {
			raw = written
		}
	}
	return sha256.Sum256(raw)
}

func (e mailgunEvent) told() (feedback.Told, bool) {
	t := feedback.Told{
		Recipient: e.Recipient, ID: string(e.ID), At: unix(e.Timestamp), Variables: texts(e.Variables),
		Status: e.Status.Enhanced, Said: strings.TrimSpace(e.Status.Message + " " + e.Status.Description),
	}
	for name, value := range e.Message.Headers {
		text := strings.TrimSpace(texts(value))
		t.Header += name + ": " + text + "\n"
		if strings.EqualFold(name, "message-id") {
			t.MessageID = text
		}
	}
	switch e.Event {
	case "failed":
		return e.failed(t), true
	case "delivered":
		t.Kind = feedback.ToldDelivered
	case "complained":
		t.Kind, t.Type = feedback.ToldComplaint, "abuse"
	case "unsubscribed":
		t.Kind = feedback.ToldOptOut
	default:
		return t, false
	}
	return t, true
}

// mailgunLists are the reasons and codes for which Mailgun does not send.
var mailgunLists = []struct {
	reason, code string
	cause        feedback.ListCause
}{
	{"suppress-bounce", "605", feedback.ListedBounced},
	{"suppress-unsubscribe", "606", feedback.ListedUnsubscribed},
	{"suppress-complaint", "607", feedback.ListedComplained},
}

// failed reads a failure. Mailgun calls permanent whatever it does not try
// again: also what it did not send, what is too old, and what filters refused.
func (e mailgunEvent) failed(t feedback.Told) feedback.Told {
	code := string(e.Status.Code)
	for _, l := range mailgunLists {
		if e.Reason == l.reason || code == l.code {
			t.Kind, t.Cause = feedback.ToldWithheld, l.cause
			return t
		}
	}
	if strings.HasPrefix(e.Reason, "suppress-") {
		t.Kind, t.Cause = feedback.ToldWithheld, feedback.ListedOther
		return t
	}
	t.Kind = feedback.ToldBounce
	if e.Severity == "temporary" || e.Severity == "" && strings.HasPrefix(code, "4") {
		t.Kind = feedback.ToldDeferred
		return t
	}
	replied := len(code) == 3 && (code[0] == '4' || code[0] == '5')
	if replied {
		t.Reply = code
	}
	t.Final = e.Severity == "permanent"
	// Other codes are Mailgun's own ("602 Too old"), and so are most reasons.
	t.Elsewhere = code != "" && code != "0" && !replied || !slices.Contains([]string{"", "bounce", "generic", "hardfail"}, e.Reason)
	return t
}
