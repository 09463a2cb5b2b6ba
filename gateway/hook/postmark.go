package hook

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"offramp/gateway/diagnosis"
	"offramp/gateway/feedback"
)

// postmarkEvent is what Postmark's bounce, spam complaint and subscription
// change webhooks have of use.
type postmarkEvent struct {
	RecordType, Type, MessageID, Email, Details, Description string
	ID                                                       json.Number
	Recipient, Origin, SuppressionReason, ChangedAt          string
	SuppressSending                                          bool
}

// readPostmark checks basic authentication, which is all that Postmark offers.
func readPostmark(c *call) ([]feedback.Told, error) {
	scheme, credentials, _ := strings.Cut(c.header.Get("Authorization"), " ")
	login, err := base64.StdEncoding.DecodeString(strings.TrimSpace(credentials))
	// Digests have one length, so the time reveals nothing about the password.
	got, want := sha256.Sum256(login), sha256.Sum256([]byte(c.h.Config.PostmarkLogin))
	if err != nil || !strings.EqualFold(scheme, "Basic") || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		return nil, errSignature
	}
	var e postmarkEvent
	if err := json.Unmarshal(c.body, &e); err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	if t, ok := e.told(c.body); ok {
		return []feedback.Told{t}, nil
	}
	return nil, nil
}

func (e postmarkEvent) told(body []byte) (feedback.Told, bool) {
	t := feedback.Told{Vendor: "postmark", Recipient: e.Email, MessageID: e.MessageID, ID: e.ID.String(), Said: e.Details}
	if t.ID == "" || t.ID == "0" {
		t.ID = digest(body)
	}
	switch e.RecordType {
	case "Bounce":
		switch e.Type {
		case "HardBounce", "BadEmailAddress":
			t.Kind, t.Permanent = diagnosis.Bounce, true
		case "SpamComplaint":
			t.Kind, t.Type = diagnosis.Complaint, "abuse"
		case "Unsubscribe":
			t.Kind = diagnosis.OptOut
		case "AutoResponder", "Subscribe", "OpenRelayTest", "ChallengeVerification", "AddressChange":
			return t, false
		default:
			t.Kind = diagnosis.Bounce
		}
	case "SpamComplaint":
		t.Kind, t.Type = diagnosis.Complaint, "abuse"
	case "SubscriptionChange":
		t.Recipient, t.Said, t.ID = e.Recipient, "", digest(body)
		switch {
		case !e.SuppressSending:
			return t, false // taking an opt-out back is for the person, not for a list elsewhere
		case e.SuppressionReason == "HardBounce":
			t.Kind, t.Permanent = diagnosis.Bounce, true
		case e.SuppressionReason == "SpamComplaint":
			t.Kind, t.Type = diagnosis.Complaint, "abuse"
		case e.Origin == "Recipient":
			t.Kind = diagnosis.OptOut
		default:
			return t, false // the operator's own list there
		}
	default:
		return t, false
	}
	return t, true
}
