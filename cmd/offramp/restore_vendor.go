package main

import (
	"encoding/json"
	"time"

	"offramp/store"
)

// vendorBody is what the formats sendgrid, postmark, mailgun and listmonk of a webhook
// have in common with none of the others, as far as an opt-out is in it.
type vendorBody struct {
	// SendGrid
	Email     string   `json:"email"` // listmonk and Postmark's bounces too: names are read in any case
	Event     string   `json:"event"`
	Timestamp int64    `json:"timestamp"`
	Category  []string `json:"category"`
	// Postmark
	RecordType      string    `json:"RecordType"`
	Recipient       string    `json:"Recipient"`
	Tag             string    `json:"Tag"`
	ChangedAt       time.Time `json:"ChangedAt"`
	BouncedAt       time.Time `json:"BouncedAt"`
	SuppressSending bool      `json:"SuppressSending"`
	// Mailgun
	Data struct {
		Event     string   `json:"event"`
		Recipient string   `json:"recipient"`
		Timestamp float64  `json:"timestamp"`
		Tags      []string `json:"tags"`
	} `json:"event-data"`
	// listmonk
	Source string            `json:"source"`
	Meta   map[string]string `json:"meta"`
}

// vendorEvent reads the body of a webhook in the format of a vendor, as Offramp's own
// webhooks write it; ok is false for anything else.
func vendorEvent(item []byte) (e since, ok bool) {
	var b vendorBody
	if json.Unmarshal(item, &b) != nil {
		return e, false
	}
	switch {
	case b.Data.Event != "":
		seconds := int64(b.Data.Timestamp)
		e = since{Recipient: b.Data.Recipient, List: firstOf(b.Data.Tags), Time: time.Unix(seconds, 0)}
		e.Kind, e.Reason = vendorKind(b.Data.Event)
	case b.RecordType != "":
		e = since{Recipient: b.Recipient, List: b.Tag, Time: b.ChangedAt}
		word := b.RecordType
		if b.RecordType == "SubscriptionChange" && !b.SuppressSending {
			word = "resubscribe"
		}
		if e.Recipient == "" {
			e.Recipient, e.Time = b.Email, b.BouncedAt
		}
		e.Kind, e.Reason = vendorKind(word)
	case b.Source == "offramp" && b.Meta["kind"] != "":
		e = since{Recipient: b.Email, List: b.Meta["list"], Kind: store.EventKind(b.Meta["kind"]), Reason: store.ReasonManual}
	case b.Event != "" && b.Email != "":
		e = since{Recipient: b.Email, List: firstOf(b.Category), Time: time.Unix(b.Timestamp, 0)}
		e.Kind, e.Reason = vendorKind(b.Event)
	}
	return e, e.Kind != ""
}

func firstOf(all []string) string {
	if len(all) == 0 {
		return store.AllLists
	}
	return all[0]
}

// vendorKind is the event that a vendor's word stands for.
func vendorKind(word string) (store.EventKind, store.Reason) {
	switch word {
	case "unsubscribe", "group_unsubscribe", "unsubscribed", "SubscriptionChange":
		return store.EventUnsubscribed, ""
	case "bounce", "failed", "Bounce":
		return store.EventSuppressed, store.ReasonBounced
	case "spamreport", "complained", "SpamComplaint":
		return store.EventSuppressed, store.ReasonComplained
	case "resubscribe", "group_resubscribe":
		return store.EventResubscribed, ""
	case "dropped":
		return store.EventDropped, ""
	}
	return "", ""
}
