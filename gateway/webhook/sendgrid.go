package webhook

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"

	"offramp/listunsub"
	"offramp/store"
)

// sgEvent is an event of SendGrid's Event Webhook.
type sgEvent struct {
	Email     string   `json:"email"`
	Timestamp int64    `json:"timestamp"`
	Event     string   `json:"event"`
	EventID   string   `json:"sg_event_id"`
	MessageID string   `json:"sg_message_id,omitempty"`
	SMTPID    string   `json:"smtp-id,omitempty"`
	Category  []string `json:"category,omitempty"`
	Group     int64    `json:"asm_group_id,omitempty"`
	Reason    string   `json:"reason,omitempty"`
	Status    string   `json:"status,omitempty"`
	Type      string   `json:"type,omitempty"`
}

// groupID is the number of a list, as the API that is compatible with SendGrid's has it.
func groupID(list string) int64 { return int64(listunsub.ListKey(list) & (1<<53 - 1)) }

// sendGrid makes a call of SendGrid's Event Webhook: an array of events.
func (r *receiver) sendGrid(events []store.Event) (call, error) {
	var all []sgEvent
	for _, e := range events {
		if one, ok := sendGridEvent(e); ok && concerns(SendGrid, e) {
			all = append(all, one)
		}
	}
	if len(all) == 0 {
		return call{}, nil
	}
	body, err := encode(all)
	if err != nil {
		return call{}, err
	}
	now := r.now()
	key, err := privateKey(r.settings.oldest(now))
	if err != nil {
		return call{}, fmt.Errorf("key: %w", err)
	}
	at := strconv.FormatInt(now.Unix(), 10)
	digest := sha256.Sum256(append([]byte(at), body...))
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		return call{}, err
	}
	h := http.Header{}
	h.Set("X-Twilio-Email-Event-Webhook-Signature", base64.StdEncoding.EncodeToString(signature))
	h.Set("X-Twilio-Email-Event-Webhook-Timestamp", at)
	return call{header: h, body: body}, nil
}

// sendGridEvent translates an event; ok is false for what SendGrid has no event for.
func sendGridEvent(e store.Event) (one sgEvent, ok bool) {
	one = sgEvent{Email: e.Recipient, Timestamp: e.Time.Unix(), EventID: idOf(e), MessageID: e.QueueID, SMTPID: e.MessageID}
	if e.List != store.AllLists {
		one.Category, one.Group = []string{e.List}, groupID(e.List)
	}
	switch e.Kind {
	case store.EventUnsubscribed:
		one.Event = "unsubscribe"
	case store.EventResubscribed, store.EventUnsuppressed:
		one.Event = "group_resubscribe"
		return one, one.Group != 0
	case store.EventDropped:
		one.Event, one.Reason, one.Group = "dropped", string(e.Reason), 0
		return one, true
	case store.EventSuppressed:
		switch e.Reason {
		case store.ReasonBounced:
			one.Event, one.Type, one.Reason, one.Group = "bounce", "bounce", e.Detail, 0
			one.Status = statusOf(e.Detail)
			return one, true
		case store.ReasonComplained:
			one.Event, one.Group = "spamreport", 0
			return one, true
		}
		one.Event = "unsubscribe"
	default:
		return one, false
	}
	if one.Group != 0 {
		one.Event = "group_unsubscribe"
	}
	return one, true
}
