package diagnosis

import (
	"encoding/json"
	"strings"
)

// notice is what Amazon SES sends through SNS: JSON as the text of a mail.
type notice struct {
	Kind    string `json:"notificationType"`
	Event   string `json:"eventType"` // the same, from event publishing
	Message string `json:"Message"`   // a notice as text, in the envelope of SNS
	Bounce  struct {
		Type       string `json:"bounceType"`
		Recipients []struct {
			Address    string `json:"emailAddress"`
			Action     string `json:"action"`
			Status     string `json:"status"`
			Diagnostic string `json:"diagnosticCode"`
		} `json:"bouncedRecipients"`
	} `json:"bounce"`
	Complaint struct {
		Recipients []struct {
			Address string `json:"emailAddress"`
		} `json:"complainedRecipients"`
		FeedbackType string `json:"complaintFeedbackType"`
	} `json:"complaint"`
	Delivery struct {
		Recipients []string `json:"recipients"`
	} `json:"delivery"`
}

// jsonNotice reads a notice of Amazon SES, also one that SNS put into a message of
// its own, with words around it.
func jsonNotice(l *letter) []Finding {
	n, ok := noticeIn(l.text)
	if !ok {
		return nil
	}
	switch firstOf(n.Kind, n.Event) {
	case "Bounce":
		return n.bounced()
	case "Complaint":
		return n.complained()
	case "Delivery":
		f := Finding{Kind: Other, System: "Amazon SES", Why: "the notice says that the message was delivered"}
		if len(n.Delivery.Recipients) > 0 {
			f.Recipient = clip(n.Delivery.Recipients[0], maxAddress)
		}
		return []Finding{f}
	}
	return nil
}

// noticeIn finds a notice in a text. Lines may have been wrapped on the way, at a
// space or inside a word.
func noticeIn(text string) (notice, bool) {
	_, text, found := strings.Cut(text, "{")
	if !found || !strings.Contains(text, "notificationType") && !strings.Contains(text, "eventType") && !strings.Contains(text, `"Message"`) {
		return notice{}, false
	}
	text = strings.ReplaceAll("{"+text, "\r", "")
	for _, unwrapped := range []string{
		strings.ReplaceAll(text, "\n", " "),
		strings.NewReplacer("\n ", "", "\n", "").Replace(text),
	} {
		var n notice
		err := json.NewDecoder(strings.NewReader(unwrapped)).Decode(&n)
		if err == nil && n.Message != "" {
			err = json.Unmarshal([]byte(n.Message), &n)
		}
		whom := len(n.Bounce.Recipients) + len(n.Complaint.Recipients) + len(n.Delivery.Recipients)
		if firstOf(n.Kind, n.Event) != "" && (err == nil && n.Kind == "Delivery" || whom > 0) {
			return n, true
		}
	}
	return notice{}, false
}

func (n notice) bounced() []Finding {
	var found []Finding
	for _, r := range n.Bounce.Recipients[:min(len(n.Bounce.Recipients), maxRecipients)] {
		_, diagnostic, ok := strings.Cut(r.Diagnostic, ";")
		if !ok {
			diagnostic = r.Diagnostic
		}
		f := findingOf(recipientReport{
			final: typedAddress(r.Address), action: strings.ToLower(r.Action), status: firstStatus(r.Status),
			diagnostic: clip(strings.TrimSpace(diagnostic), maxReason),
		})
		f.System = "Amazon SES"
		if n.Bounce.Type == "Transient" && f.Class == Hard {
			f.Class, f.Why = Undecided, f.Why+", but the notice calls it transient"
		}
		found = append(found, settle(f, false))
	}
	return found
}

func (n notice) complained() []Finding {
	kind := strings.ToLower(clip(n.Complaint.FeedbackType, 64))
	if kind == "" {
		kind = "abuse" // SES names none where the provider named none
	}
	var found []Finding
	for _, r := range n.Complaint.Recipients[:min(len(n.Complaint.Recipients), maxRecipients)] {
		found = append(found, Finding{Kind: Complaint, FeedbackType: kind, System: "Amazon SES", Recipient: typedAddress(r.Address), Why: "it is a complaint notification"})
	}
	return found
}
