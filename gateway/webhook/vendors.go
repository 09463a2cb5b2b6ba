package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"offramp/store"
)

// enhanced is a status of RFC 3463.
var enhanced = regexp.MustCompile(`\b[245]\.[0-9]{1,3}\.[0-9]{1,3}\b`)

// statusOf is the status of what bounced; 5.0.0 where none is known.
func statusOf(detail string) string {
	if status := enhanced.FindString(detail); status != "" {
		return status
	}
	return "5.0.0"
}

// pmChange is Postmark's SubscriptionChange.
type pmChange struct {
	RecordType        string
	MessageID         string
	ServerID          int
	MessageStream     string
	ChangedAt         time.Time
	Recipient         string
	Origin            string
	SuppressSending   bool
	SuppressionReason *string
	Tag               string
	Metadata          map[string]string
}

// pmBounce is Postmark's Bounce and SpamComplaint.
type pmBounce struct {
	RecordType    string
	ID            int64
	Type          string
	TypeCode      int
	Name          string
	Tag           string
	MessageID     string
	ServerID      int
	MessageStream string
	Description   string
	Details       string
	Email         string
	From          string
	BouncedAt     time.Time
	DumpAvailable bool
	Inactive      bool
	CanActivate   bool
	Subject       string
	Content       string
	Metadata      map[string]string
}

// postmark makes a call of Postmark's webhooks, which have no signature.
func (r *receiver) postmark(e store.Event) (call, error) {
	v, ok := postmarkRecord(e)
	if !ok {
		return call{}, nil
	}
	body, err := encode(v)
	return call{body: body}, err
}

func postmarkRecord(e store.Event) (any, bool) {
	metadata := map[string]string{"offramp-event-id": idOf(e)}
	messageID := strings.Trim(e.MessageID, "<>")
	bounce := pmBounce{
		ID: e.ID, Tag: e.List, MessageID: messageID, MessageStream: e.List, Details: e.Detail, Email: e.Recipient, BouncedAt: e.Time.UTC(),
		Inactive: true, Metadata: metadata,
	}
	change := pmChange{
		RecordType: "SubscriptionChange", MessageID: messageID, MessageStream: e.List, ChangedAt: e.Time.UTC(), Recipient: e.Recipient,
		Origin: "Recipient", SuppressSending: true, SuppressionReason: new("ManualSuppression"), Tag: e.List, Metadata: metadata,
	}
	if e.Way == store.Operator {
		change.Origin = "Customer"
	}
	switch e.Kind {
	case store.EventUnsubscribed:
		return change, true
	case store.EventResubscribed, store.EventUnsuppressed:
		change.SuppressSending, change.SuppressionReason = false, nil
		return change, true
	case store.EventSuppressed:
		switch e.Reason {
		case store.ReasonBounced:
			bounce.RecordType, bounce.Type, bounce.TypeCode, bounce.Name, bounce.CanActivate = "Bounce", "HardBounce", 1, "Hard bounce", true
			return bounce, true
		case store.ReasonComplained:
			bounce.RecordType, bounce.Type, bounce.TypeCode, bounce.Name = "SpamComplaint", "SpamComplaint", 100001, "Spam complaint"
			return bounce, true
		}
		return change, true
	}
	return nil, false
}

// mgBody is the body of Mailgun's webhooks.
type mgBody struct {
	Signature mgSignature `json:"signature"`
	Event     mgEvent     `json:"event-data"`
}

type mgSignature struct {
	Timestamp string `json:"timestamp"`
	Token     string `json:"token"`
	Signature string `json:"signature"`
}

type mgEvent struct {
	Event     string            `json:"event"`
	ID        string            `json:"id"`
	Timestamp float64           `json:"timestamp"`
	Level     string            `json:"log-level"`
	Recipient string            `json:"recipient"`
	Tags      []string          `json:"tags"`
	Variables map[string]string `json:"user-variables"`
	Message   mgMessage         `json:"message"`
	Severity  string            `json:"severity,omitempty"`
	Reason    string            `json:"reason,omitempty"`
	Status    *mgStatus         `json:"delivery-status,omitempty"`
}

type mgMessage struct {
	Headers map[string]string `json:"headers"`
}

type mgStatus struct {
	Code        int    `json:"code"`
	Message     string `json:"message"`
	Description string `json:"description"`
	Enhanced    string `json:"enhanced-code"`
}

// mailgun makes a call of Mailgun's webhooks.
func (r *receiver) mailgun(e store.Event) (call, error) {
	one, ok := mailgunEvent(e)
	if !ok {
		return call{}, nil
	}
	token := make([]byte, 25)
	if _, err := io.ReadFull(r.random(), token); err != nil {
		return call{}, err
	}
	now := r.now()
	s := mgSignature{Timestamp: strconv.FormatInt(now.Unix(), 10), Token: hex.EncodeToString(token)}
	mac := hmac.New(sha256.New, []byte(r.settings.oldest(now)))
	mac.Write([]byte(s.Timestamp + s.Token))
	s.Signature = hex.EncodeToString(mac.Sum(nil))
	body, err := encode(mgBody{s, one})
	return call{body: body}, err
}

func mailgunEvent(e store.Event) (one mgEvent, ok bool) {
	one = mgEvent{
		ID: idOf(e), Timestamp: float64(e.Time.UnixMicro()) / 1e6, Level: "info", Recipient: e.Recipient, Tags: []string{}, Variables: map[string]string{},
		Message: mgMessage{map[string]string{"to": e.Recipient, "message-id": strings.Trim(e.MessageID, "<>")}},
	}
	if e.List != store.AllLists {
		one.Tags = append(one.Tags, e.List)
	}
	switch {
	case e.Kind == store.EventUnsubscribed, e.Kind == store.EventSuppressed && e.Reason == store.ReasonManual:
		one.Event = "unsubscribed"
	case e.Kind == store.EventSuppressed && e.Reason == store.ReasonComplained:
		one.Event, one.Level = "complained", "warn"
	case e.Kind == store.EventSuppressed && e.Reason == store.ReasonBounced:
		one.Event, one.Level, one.Severity, one.Reason = "failed", "error", "permanent", "bounce"
		one.Status = &mgStatus{Code: 550, Message: e.Detail, Description: e.Detail, Enhanced: statusOf(e.Detail)}
	default:
		return one, false
	}
	return one, true
}
