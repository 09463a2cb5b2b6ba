package hook

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"offramp/gateway/feedback"
)

// postmarkEvent is what Postmark's webhooks have of use ("Webhooks overview").
type postmarkEvent struct {
	RecordType, Type, MessageID, Email, Details, Description string
	ID                                                       word
	Recipient, Origin, SuppressionReason                     string
	SuppressSending                                          bool
	ChangedAt, BouncedAt, DeliveredAt                        string
	Metadata                                                 json.RawMessage
}

// login is how far basic authentication is right.
type login int

const (
	loginWrong    login = iota
	loginPassword       // the user is right, and the password is not
	loginRight
)

// loginOf checks basic authentication, which is all that Postmark offers.
func loginOf(c *call) login {
	scheme, credentials, _ := strings.Cut(c.header.Get("Authorization"), " ")
	got, err := base64.StdEncoding.DecodeString(strings.TrimSpace(credentials))
	if err != nil || !strings.EqualFold(scheme, "Basic") {
		return loginWrong
	}
	user, _, complete := strings.Cut(string(got), ":")
	wanted, _, _ := strings.Cut(c.h.Config.PostmarkLogin, ":")
	switch {
	case equal(string(got), c.h.Config.PostmarkLogin):
		return loginRight
	case complete && equal(user, wanted):
		return loginPassword
	}
	return loginWrong
}

// equal compares digests: they have one length, so the time reveals nothing.
func equal(a, b string) bool {
	one, two := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(one[:], two[:]) == 1
}

func admitPostmark(c *call) (most int64, err error) {
	switch loginOf(c) {
	case loginRight:
		return maxReport, nil
	case loginPassword:
		return maxBody, nil
	}
	return 0, errSignature
}

// maxReport is the size of one report, with the content of the message in it.
const maxReport = 16 << 20

// readPostmark reads one report. Where the user is right and the password is
// not, one of the two was changed: Postmark gives up for good at 403.
func readPostmark(c *call) error {
	var e postmarkEvent
	err := decode(c.body.bytes(), &e)
	if loginOf(c) != loginRight {
		if err != nil || e.RecordType == "" || !strings.Contains(e.Email+e.Recipient, "@") {
			return errSignature
		}
		return &slipError{cause: causeLogin, text: "the password is not that of OFFRAMP_HOOK_POSTMARK_LOGIN"}
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errMalformed, err)
	}
	if t, ok := e.told(); ok {
		return c.tell(t)
	}
	return nil
}

func (e postmarkEvent) told() (feedback.Told, bool) {
	t := feedback.Told{
		Recipient: e.Email, MessageID: e.MessageID, ID: string(e.ID), Said: withoutType(e.Details), Variables: texts(e.Metadata), At: moment(e.BouncedAt),
	}
	if t.ID == "" || t.ID == "0" {
		t.ID = digest([]byte(strings.Join([]string{e.RecordType, e.Type, e.MessageID, e.Email, e.Recipient, e.ChangedAt, e.BouncedAt, e.SuppressionReason}, "\n")))
	}
	switch e.RecordType {
	case "Bounce":
		return e.bounce(t)
	case "SpamComplaint":
		t.Kind, t.Type = feedback.ToldComplaint, "abuse"
	case "Delivery":
		t.Kind, t.Recipient, t.At = feedback.ToldDelivered, e.Recipient, moment(e.DeliveredAt)
	case "SubscriptionChange":
		t.Recipient, t.Said, t.At = e.Recipient, "", moment(e.ChangedAt)
		switch {
		case !e.SuppressSending:
			return t, false // taking an opt-out back is for the person, not for a list elsewhere
		case e.SuppressionReason == "HardBounce":
			return t, false // the bounce itself was reported, with what was said
		case e.SuppressionReason == "SpamComplaint":
			t.Kind, t.Cause = feedback.ToldWithheld, feedback.ListedComplained
		case e.Origin == "Recipient":
			t.Kind = feedback.ToldOptOut
		default:
			return t, false // the operator's own list there
		}
	default:
		return t, false
	}
	return t, true
}

// bounce reads a report by its type ("Bounce types").
func (e postmarkEvent) bounce(t feedback.Told) (feedback.Told, bool) {
	t.Kind = feedback.ToldBounce
	switch e.Type {
	case "HardBounce", "BadEmailAddress":
		t.Final = true
	case "SoftBounce", "Unknown", "Undeliverable":
		// Postmark has given up; the words say whether it was the mailbox.
	case "Transient", "DnsError":
		t.Kind = feedback.ToldDeferred // "Message delayed"
	case "SpamComplaint":
		t.Kind, t.Type = feedback.ToldComplaint, "abuse"
	case "Unsubscribe":
		t.Kind = feedback.ToldOptOut
	case "ManuallyDeactivated":
		t.Kind, t.Cause = feedback.ToldWithheld, feedback.ListedOther
	case "SMTPApiError":
		if !strings.Contains(strings.ToLower(e.Details+e.Description), "inactive") {
			return t, false // the message was not accepted
		}
		t.Kind, t.Cause = feedback.ToldWithheld, feedback.ListedBounced
	case "AutoResponder", "Subscribe", "OpenRelayTest", "ChallengeVerification", "AddressChange", "Unconfirmed", "InboundError", "TemplateRenderingFailed":
		return t, false
	default: // Blocked, SpamNotification, VirusNotification, DMARCPolicy, and what is new
		t.Elsewhere = true
	}
	return t, true
}

// withoutType removes the type before a diagnostic code (RFC 3464 section 2.3.6):
// "smtp; 550 5.1.1 no such user".
func withoutType(code string) string {
	kind, text, found := strings.Cut(code, ";")
	if found && !strings.ContainsAny(strings.TrimSpace(kind), " \t") {
		code = text
	}
	return strings.TrimSpace(code)
}

// moment reads a time; zero: there is none.
func moment(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at
}
