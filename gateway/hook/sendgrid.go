package hook

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"offramp/gateway/feedback"
)

// Headers of SendGrid's signed Event Webhook.
const (
	sendGridSignature = "X-Twilio-Email-Event-Webhook-Signature"
	sendGridTimestamp = "X-Twilio-Email-Event-Webhook-Timestamp"
)

// sendGridEvent is one event (SendGrid, "Event Webhook Reference").
type sendGridEvent struct {
	Email, Event, Reason, Type string
	Status                     word
	Timestamp                  json.Number
	Classification             string `json:"bounce_classification"`
	EventID                    word   `json:"sg_event_id"`
	MessageID                  string `json:"smtp-id"`
}

// sendGridSigned is what the header of a signed call has.
func sendGridSigned(c *call) (stamp string, at time.Time, signature []byte, err error) {
	stamp = c.header.Get(sendGridTimestamp)
	signature, err = base64.StdEncoding.DecodeString(c.header.Get(sendGridSignature))
	seconds, notTime := strconv.ParseInt(stamp, 10, 64)
	if err != nil || notTime != nil || len(signature) == 0 {
		return "", at, nil, fmt.Errorf("%w: the header has none; turn on the signature of the Event Webhook", errSignature)
	}
	return stamp, time.Unix(seconds, 0), signature, nil
}

func admitSendGrid(c *call) (most int64, err error) {
	_, _, _, err = sendGridSigned(c)
	return maxBatch, err
}

// readSendGrid checks the ECDSA signature over timestamp and body, and then reads
// the events one by one.
func readSendGrid(c *call) error {
	key, err := publicKey(c.h.Config.SendGridKey)
	if err != nil {
		return fmt.Errorf("key of SendGrid: %w", err)
	}
	stamp, at, signature, err := sendGridSigned(c)
	if err != nil {
		return err
	}
	sum := sha256.New()
	io.WriteString(sum, stamp)
	for _, p := range c.body.pieces {
		sum.Write(p)
	}
	if !ecdsa.VerifyASN1(key, sum.Sum(nil), signature) {
		return errSignature
	}
	if err := c.fresh(at); err != nil {
		return err
	}
	events := json.NewDecoder(c.body.reader())
	if open, err := events.Token(); err != nil || open != json.Delim('[') {
		return fmt.Errorf("%w: not an array", errMalformed)
	}
	for events.More() {
		var raw json.RawMessage
		if err := events.Decode(&raw); err != nil {
			return fmt.Errorf("%w: %w", errMalformed, err)
		}
		var e sendGridEvent
		if len(raw) > maxBody || decode(raw, &e) != nil {
			continue // an event of another shape is not one we know
		}
		if e.EventID == "" {
			e.EventID = word(digest(raw))
		}
		if t, ok := e.told(); ok {
			t.Variables = texts(raw) // what we had it repeat is among its own members
			if err := c.tell(t); err != nil {
				return err
			}
		}
	}
	if _, err := events.Token(); err != nil {
		return fmt.Errorf("%w: %w", errMalformed, err)
	}
	return nil
}

// sendGridElsewhere are the classes that are not about the address, whatever the
// last server said: filters say "user unknown", too.
var sendGridElsewhere = []string{"Content", "Reputation", "Frequency or Volume Too High", "Technical Failure"}

func (e sendGridEvent) told() (feedback.Told, bool) {
	t := feedback.Told{
		Recipient: e.Email, MessageID: e.MessageID, ID: string(e.EventID), At: unix(e.Timestamp),
		Status: string(e.Status), Said: e.Reason,
	}
	switch e.Event {
	case "bounce":
		t.Kind = feedback.ToldBounce
		// Of the classes only this one is about the address, and "blocked" is
		// about the sender or the message ("Bounces", "Blocks").
		t.Final = e.Type != "blocked" && (e.Classification == "" || e.Classification == "Invalid Address" || e.Classification == "Unclassified")
		t.Elsewhere = slices.Contains(sendGridElsewhere, e.Classification)
		if e.Type == "blocked" && e.Classification == "" {
			t.Status = "" // it is SendGrid's guess: what the last server said has to say why
		}
	case "dropped":
		return e.dropped(t)
	case "deferred":
		t.Kind = feedback.ToldDeferred
	case "delivered":
		t.Kind = feedback.ToldDelivered
	case "spamreport":
		t.Kind, t.Type = feedback.ToldComplaint, "abuse"
	case "unsubscribe", "group_unsubscribe":
		t.Kind = feedback.ToldOptOut
	default:
		return t, false
	}
	return t, true
}

// dropped is mail that SendGrid did not send, because of a list of its own, or
// of the message ("Drops").
func (e sendGridEvent) dropped(t feedback.Told) (feedback.Told, bool) {
	t.Kind = feedback.ToldWithheld
	reason := strings.ToLower(e.Reason)
	switch {
	case strings.Contains(reason, "unsubscribed"):
		t.Cause = feedback.ListedUnsubscribed
	case strings.Contains(reason, "spam report"):
		t.Cause = feedback.ListedComplained
	case strings.Contains(reason, "bounced"), reason == "invalid", strings.Contains(reason, "invalid email"), strings.Contains(reason, "invalid address"):
		t.Cause = feedback.ListedBounced
	default:
		return t, false
	}
	return t, true
}

// unix reads seconds since 1970, perhaps with a fraction; zero: there are none.
func unix(n json.Number) time.Time {
	seconds, err := n.Float64()
	if err != nil || seconds <= 0 || seconds > 1e11 {
		return time.Time{}
	}
	return time.UnixMicro(int64(seconds * 1e6))
}
