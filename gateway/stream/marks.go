package stream

import (
	"strings"

	"offramp/gateway/dkim"
	"offramp/listunsub"
)

// MarkSigned is the mark of a newsletter that another system signed.
const MarkSigned = "DKIM-Signature over List-Unsubscribe"

// letter returns the mark of a letter of a list server, such as those by which
// people confirm that they come back; empty: there is none. No opt-out stops it,
// whatever its List-Id.
func (f *facts) letter() string {
	switch {
	case f.listPostAddress || f.group: // it was posted to a discussion list
		return ""
	case f.administrivia:
		return "X-List-Administrivia"
	case f.responder:
		return "Delivered-To"
	}
	return ""
}

// untouched returns the mark of other mail that must not get fields of the
// gateway; empty: there is none.
func (c *Classifier) untouched(m Mail, f *facts) string {
	switch {
	case f.autoSubmitted == "auto-replied": // RFC 3834 section 5; auto-generated is newsletters too
		return "Auto-Submitted: auto-replied"
	case f.autoReply != "":
		return f.autoReply
	case f.precedence == "auto_reply":
		return "Precedence: auto_reply"
	case f.answer != "" && !f.listed():
		return f.answer
	case f.report:
		return "multipart/report"
	case f.listPostAddress: // only the manager of a discussion list may set them (RFC 2369 section 4)
		return "List-Post"
	case f.group:
		return "Mailing-List"
	case f.resent != "":
		return f.resent
	case c.foreign(m, f):
		return MarkSigned
	}
	return ""
}

// foreign says whether the message is a newsletter of another system that is
// forwarded: new fields would break its signature and point its button here.
func (c *Classifier) foreign(m Mail, f *facts) bool {
	if len(f.signatures) == 0 || !f.hasListID && !f.unsubscribes() && f.campaign == "" || f.fromDomain == "" || c.Signs != nil && c.Signs(f.fromDomain) {
		return false
	}
	if word := c.LoginLists[m.Login]; m.Login != "" && word != "" && !equal(word, Transactional) {
		return false
	}
	for _, value := range f.signatures {
		if s := dkim.ParseSignature(value); s.Covers("list-unsubscribe") && s.Aligned(f.fromDomain) {
			return true
		}
	}
	return false
}

// wasPassedOn says whether somebody else may have written the message. What a
// list server of the domain in From sends on, it sends by that domain.
func (f *facts) wasPassedOn(m Mail) bool {
	return f.passedOn && (f.failed || !(dkim.Signature{Domain: m.Sender.Domain()}).Aligned(f.fromDomain))
}

// account returns the mark of account mail of a system that marks it like a
// list; empty: there is none.
func (f *facts) account() string {
	k := f.known
	switch {
	case k.listmonk && f.campaign == "":
		// Opt-in letters: if an opt-out stopped them, nobody could come back.
		return "X-Listmonk-Subscriber without X-Listmonk-Campaign"
	case f.phplist() && !isNumber(k.phplistID):
		return "X-MessageID of phpList"
	case k.redmine && !k.project:
		return "X-Redmine-Host without an issue or project" // its List-Id is on lost passwords too
	case strings.HasPrefix(f.mailer, "mediawiki mailer") && f.precedence == "":
		return "X-Mailer: MediaWiki mailer without Precedence"
	case k.postmarkStream == "outbound":
		return "X-PM-Message-Stream: outbound"
	case k.brevo && f.campaign == "" && f.listID.ID == "":
		// On what goes through Brevo's relay and API, which adds a one-click link.
		return "X-Mailin-EID without X-Mailin-Campaign"
	case k.mailjet && !k.mailjetCampaign && f.campaign == "" && f.listID.ID == "" && !f.bulk():
		return "X-MJ-Mid without a campaign"
	case k.sfmc == "transactional" && f.listID.ID == "":
		return "X-Delivery: Transactional"
	case f.listIDAlone() && f.suppress && !k.project:
		// Applications with a List-Id on all their mail, password resets too, such
		// as Zulip: no newsletter was found that has nothing beside it.
		return "List-Id alone with X-Auto-Response-Suppress"
	case k.mailman && !f.listPost:
		// Posts of Mailman 3 always have List-Post, an address or NO; the letters of
		// Mailman 2 itself have X-List-Administrivia.
		return "X-Mailman-Version without List-Post"
	case k.fluentOptIn:
		return "opt-in letter of FluentCRM"
	}
	return ""
}

// listIDAlone says whether List-Id is all that speaks of a list.
func (f *facts) listIDAlone() bool {
	return f.hasListID && !f.unsubscribes() && !f.listPost && f.listServer == "" && f.campaign == "" && !f.bulk()
}

// identifier reads a List-Id that identifies a list: a dot-atom with a dot (RFC
// 2919 section 2). Others are seen (a name in the brackets, a URI) and must not
// make a list each.
func identifier(value string) (l listunsub.ListID, bracketed bool) {
	bracketed = strings.Contains(value, "<")
	if !bracketed && strings.ContainsAny(value, " \t") {
		return listunsub.ListID{}, false // a sentence, which may hold a dot too
	}
	l, err := listunsub.ParseListID(value)
	l.ID = strings.TrimSuffix(l.ID, ".")
	if err != nil || !strings.Contains(l.ID, ".") {
		return listunsub.ListID{}, false
	}
	for label := range strings.SplitSeq(l.ID, ".") {
		if label == "" || strings.ContainsFunc(label, func(r rune) bool { return !atext(r) }) {
			return listunsub.ListID{}, false
		}
	}
	return l, bracketed
}

// atext is a character of an atom (RFC 5322 section 3.2.3).
func atext(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
}
