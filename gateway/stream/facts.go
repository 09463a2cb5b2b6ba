package stream

import (
	"strings"

	"offramp/gateway/mime"
	"offramp/listunsub"
)

// facts is what the decision rests on, read in one pass. Of several fields with
// one name the first counts.
type facts struct {
	fields []mime.Field

	control              string
	controls             int
	from, fromDomain     string
	subject, decoded     string           // decoded: when a rule asked for it
	listID               listunsub.ListID // the first that identifies a list
	named                string           // what the first List-Id has in its brackets, canonical
	hasListID, bracketed bool             // of List-Id: present; the identifier in angle brackets
	unsubscribeHTTP      bool
	unsubscribeMail      bool
	listPost             bool // present, whatever it says
	listPostAddress      bool
	autoSubmitted        string
	precedence           string
	report               bool
	autoReply, resent    string // the field that says so
	answer               string // the same of fields that seldom say it
	failed               bool   // who wrote it was found not to be who it says
	responder, passedOn  bool   // a letter of a list server; mail that was delivered somewhere before
	administrivia        bool
	campaign, listServer string // the field that says so
	service              string // a field that a service for campaigns puts on other mail too
	suppress             bool   // X-Auto-Response-Suppress
	group                bool   // a discussion list that says so without List-Post
	feedbackID           bool
	mailer               string // lower case
	known                systems
	signatures           []string
}

// systems are fields by which rule 5 knows account mail.
type systems struct {
	listmonk, mailman, redmine, project     bool
	fluentOptIn                             bool
	brevo, mailjet, mailjetCampaign         bool
	phplistID, postmarkStream, mautic, sfmc string
}

// bulk says whether Precedence calls the message bulk mail.
func (f *facts) bulk() bool {
	return f.precedence == "bulk" || f.precedence == "list" || f.precedence == "junk"
}

// automatic says whether Auto-Submitted names any kind of automatic message
// (RFC 3834 section 5).
func (f *facts) automatic() bool { return f.autoSubmitted != "" && f.autoSubmitted != "no" }

// listed says whether anything speaks of a list.
func (f *facts) listed() bool { return f.hasListID || f.unsubscribes() || f.campaign != "" || f.bulk() }

func (f *facts) unsubscribes() bool { return f.unsubscribeHTTP || f.unsubscribeMail }

func read(fields []mime.Field) *facts {
	f := &facts{fields: fields}
	var name [maxFieldName]byte
	for _, field := range fields {
		if len(field.Name) > len(name) {
			continue
		}
		lower := name[:len(field.Name)]
		for i := range lower {
			lower[i] = field.Name[i]
			if 'A' <= lower[i] && lower[i] <= 'Z' {
				lower[i] += 'a' - 'A'
			}
		}
		if take, ok := readers[string(lower)]; ok {
			take(f, field)
		}
	}
	f.concludeCampaign()
	return f
}

// maxFieldName is over the longest name in readers.
const maxFieldName = 64

// once sets dst to a value unless an earlier field of the name has.
func once(dst *string, field mime.Field) {
	if *dst == "" {
		*dst = strings.TrimSpace(field.Value())
	}
}

func word(dst *string, field mime.Field) {
	if *dst == "" {
		*dst = mime.Keyword(field.Value())
	}
}

// readers take the fields that count, by lower-case name.
var readers = map[string]func(*facts, mime.Field){
	"x-offramp-list": func(f *facts, v mime.Field) { f.controls++; once(&f.control, v) },
	"from": func(f *facts, v mime.Field) {
		if f.fromDomain == "" {
			f.from, f.fromDomain = mime.FromAddress(v.Value())
		}
	},
	"subject": func(f *facts, v mime.Field) { once(&f.subject, v) },
	"list-id": func(f *facts, v mime.Field) {
		if f.named == "" {
			if l, err := listunsub.ParseListID(v.Value()); err == nil {
				f.named = listunsub.CanonicalID(l.ID)
			}
		}
		if f.hasListID = true; f.listID.ID == "" {
			f.listID, f.bracketed = identifier(v.Value())
		}
	},
	"list-unsubscribe": func(f *facts, v mime.Field) {
		// Folded into a URI, or encoded: senders do both.
		value := strings.ToLower(strings.Join(strings.Fields(mime.DecodeWords(v.Value())), ""))
		f.unsubscribeHTTP = f.unsubscribeHTTP || strings.Contains(value, "https://") || strings.Contains(value, "http://")
		f.unsubscribeMail = f.unsubscribeMail || strings.Contains(value, "mailto:")
		// Its campaigns name an email in the link, its opt-in letters do not.
		f.known.fluentOptIn = f.known.fluentOptIn || strings.Contains(value, "fluentcrm=1") && strings.Contains(value, "route=unsubscribe") && !strings.Contains(value, "ce_id=")
	},
	"list-post": func(f *facts, v mime.Field) {
		value := strings.ToLower(v.Value())
		f.listPost = true
		// NO says that nobody may post (RFC 2369 section 3.4), a URL is a forum.
		f.listPostAddress = f.listPostAddress || strings.Contains(value, "mailto:") ||
			strings.Contains(value, "@") && !strings.Contains(value, "://")
	},
	"list-subscribe": serverField,
	"list-owner":     serverField,
	"list-help":      serverField,
	"list-archive":   serverField,
	"mailing-list": func(f *facts, v mime.Field) {
		serverField(f, v)
		// Groups write "list NAME@HOST; contact ...", and no List-Post.
		f.group = f.group || strings.HasPrefix(strings.ToLower(strings.TrimSpace(v.Value())), "list ")
	},
	"x-mailing-list": func(f *facts, v mime.Field) { f.group = f.group || strings.Contains(v.Value(), "@") },
	"auto-submitted": func(f *facts, v mime.Field) { word(&f.autoSubmitted, v) },
	"precedence":     func(f *facts, v mime.Field) { word(&f.precedence, v) },
	"content-type": func(f *facts, v mime.Field) {
		f.report = f.report || mime.Keyword(v.Value()) == "multipart/report"
	},
	"feedback-id":       func(f *facts, _ mime.Field) { f.feedbackID = true },
	"x-feedback-id":     func(f *facts, _ mime.Field) { f.feedbackID = true },
	"resent-from":       resentField,
	"resent-to":         resentField,
	"resent-cc":         resentField,
	"resent-sender":     resentField,
	"resent-date":       resentField,
	"resent-message-id": resentField,
	"x-list-administrivia": func(f *facts, v mime.Field) {
		f.administrivia = f.administrivia || mime.Keyword(v.Value()) == "yes"
	},
	"dkim-signature": func(f *facts, v mime.Field) {
		// The first few are enough: a signer needs one.
		if len(f.signatures) < 8 {
			f.signatures = append(f.signatures, v.Value())
		}
	},
	"x-mailer": func(f *facts, v mime.Field) {
		if f.mailer == "" {
			f.mailer = strings.ToLower(strings.TrimSpace(v.Value()))
		}
	},
	"x-auto-response-suppress": func(f *facts, _ mime.Field) { f.suppress = true },
	"x-listmonk-subscriber":    func(f *facts, _ mime.Field) { f.known.listmonk = true },
	"x-mailman-version": func(f *facts, v mime.Field) {
		f.known.mailman = f.known.mailman || strings.HasPrefix(v.Value(), "3")
	},
	"x-redmine-host":      func(f *facts, _ mime.Field) { f.known.redmine = true },
	"x-redmine-issue-id":  func(f *facts, _ mime.Field) { f.known.project = true },
	"x-redmine-project":   func(f *facts, _ mime.Field) { f.known.project = true },
	"x-gitlab-project":    func(f *facts, _ mime.Field) { f.known.project = true },
	"x-mailin-eid":        func(f *facts, _ mime.Field) { f.known.brevo = true },
	"x-mj-mid":            func(f *facts, _ mime.Field) { f.known.mailjet = true },
	"x-mailjet-campaign":  func(f *facts, _ mime.Field) { f.known.mailjetCampaign = true },
	"x-delivery":          func(f *facts, v mime.Field) { word(&f.known.sfmc, v) },
	"x-messageid":         func(f *facts, v mime.Field) { once(&f.known.phplistID, v) },
	"x-pm-message-stream": func(f *facts, v mime.Field) { word(&f.known.postmarkStream, v) },
	"x-email-id":          func(f *facts, v mime.Field) { once(&f.known.mautic, v) },
	// Tools that somebody installs: the field is on campaigns alone.
	"x-listmonk-campaign":           campaignField,
	"x-newsletter-email-id":         campaignField,
	"x-campaign":                    campaignField,
	"x-campaign-id":                 campaignField,
	"x-mailin-campaign":             campaignField,
	"x-acelle-campaign-id":          campaignField,
	"x-mw-campaign-uid":             campaignField,
	"x-mailer-lid":                  campaignField,
	"x-mailcoach":                   campaignField,
	"x-mailster-campaign":           campaignField,
	"x-typo3mid":                    campaignField,
	"x-campaign-activity-id":        campaignField,
	"x-roving-campaignid":           campaignField,
	"x-fbl":                         campaignField,
	"x-ses-list-management-options": campaignField,
	// Services: receipts and notices bear it too (Airbnb's bookings, e-receipts by
	// Salesforce, CiviCRM's receipts), so one more mark is asked for.
	"x-civimail-bounce": serviceField,
	"x-kmail-message":   serviceField,
	"x-hs-cid":          serviceField,
	"x-sfmc-stack":      serviceField,
	"x-marketoid":       serviceField,
	"x-rpcampaign":      serviceField,
	"x-roving-id":       serviceField,
	"x-campaignid":      serviceField,
	"x-beehiiv-type": func(f *facts, v mime.Field) {
		if mime.Keyword(v.Value()) == "newsletter" {
			campaignField(f, v)
		}
	},
	"x-bulkmail":             serviceField,
	"x-emailoctopus-list-id": serviceField,
	// Answers by machines, as many programs mark them.
	"x-autoreply":           replyField,
	"x-autorespond":         replyField,
	"x-autoresponse":        answerField,
	"x-autoresponder":       answerField,
	"x-auto-reply-from":     answerField,
	"x-autoreply-from":      answerField,
	"x-mail-autoreply":      answerField,
	"x-fc-machinegenerated": answerField,
	"x-failed-recipients":   answerField,
	"x-precedence": func(f *facts, v mime.Field) {
		if mime.Keyword(v.Value()) == "auto_reply" {
			answerField(f, v)
		}
	},
	"x-loop": func(f *facts, v mime.Field) {
		if strings.Contains(strings.ToLower(v.Value()), "virtual vacation") {
			answerField(f, v)
		}
	},
	// What a delivery leaves behind: the message came from elsewhere.
	"delivered-to": func(f *facts, v mime.Field) {
		f.passedOn = true
		if value := strings.ToLower(v.Value()); strings.HasPrefix(value, "responder for ") || value == "autoresponder" {
			f.responder = true // ezmlm, qmail's autorespond
		}
	},
	"return-path":  passedOnField,
	"received-spf": passedOnField,
	"authentication-results": func(f *facts, v mime.Field) {
		f.passedOn = true
		value := strings.ToLower(v.Value())
		f.failed = f.failed || strings.Contains(value, "dmarc=fail") || strings.Contains(value, "spf=fail")
	},
	"arc-seal":       passedOnField,
	"x-original-to":  passedOnField,
	"x-forwarded-to": passedOnField,
}

func passedOnField(f *facts, _ mime.Field) { f.passedOn = true }

func serviceField(f *facts, field mime.Field) {
	if f.service == "" && strings.TrimSpace(field.Value()) != "" {
		f.service = printableName(field.Name)
	}
}

func campaignField(f *facts, field mime.Field) {
	// An empty one was left by a template that had nothing to say, and one relay
	// puts "default" on all it sends.
	if value := strings.TrimSpace(field.Value()); f.campaign == "" && value != "" && !equal(value, "default") {
		f.campaign = printableName(field.Name)
	}
}

func serverField(f *facts, field mime.Field) {
	if f.listServer == "" {
		f.listServer = printableName(field.Name)
	}
}

func resentField(f *facts, field mime.Field) {
	f.resent, f.passedOn = printableName(field.Name), true
}

func replyField(f *facts, field mime.Field) {
	if says(field) {
		f.autoReply = printableName(field.Name)
	}
}

func answerField(f *facts, field mime.Field) {
	if says(field) {
		f.answer = printableName(field.Name)
	}
}

// says whether a field says yes by being there: some write that it does not.
func says(field mime.Field) bool {
	switch mime.Keyword(field.Value()) {
	case "", "no", "none", "false", "0", "suppress":
		return false
	}
	return true
}

// printableName is a field name as marks show it: readers match ASCII alone.
func printableName(name string) string { return strings.TrimSpace(name) }

// concludeCampaign finds campaigns that more than a name tells.
func (f *facts) concludeCampaign() {
	switch {
	case f.campaign != "":
	case f.known.postmarkStream == "broadcast":
		f.campaign = "X-PM-Message-Stream: broadcast"
	case f.phplist() && isNumber(f.known.phplistID):
		f.campaign = "X-MessageID"
	case f.service != "" && (f.unsubscribes() || f.hasListID || f.bulk()):
		f.campaign = f.service
	case strings.HasPrefix(f.mailer, "zoho campaigns") || strings.Contains(f.mailer, "sendy") || strings.Contains(f.mailer, "mailchimp"):
		f.campaign = "X-Mailer"
	case f.known.mautic != "" && f.precedence == "bulk":
		f.campaign = "X-EMAIL-ID"
	}
}

func (f *facts) phplist() bool {
	return strings.HasPrefix(f.mailer, "phplist") && f.known.phplistID != ""
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func equal(a, b string) bool { return strings.EqualFold(strings.TrimSpace(a), b) }
