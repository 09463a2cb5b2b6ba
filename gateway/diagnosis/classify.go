package diagnosis

import (
	"strings"
	"sync"
)

// tables are all known texts.
var tables = []group{
	{dead, deadTexts}, {dead, deadTextsWorld}, {dead, deadTextsPages}, {noHost, noHostTexts}, {moved, movedTexts},
	{doubtful, doubtfulTexts}, {spurned, spurnedTexts}, {unverified, unverifiedTexts}, {vacant, vacantTexts}, {frame, frameTexts},
	{mailbox, mailboxTexts}, {content, contentTexts}, {sender, senderTexts}, {sender, senderTextsWorld}, {relays, relayTexts}, {barred, barredTexts},
	{network, networkTexts}, {passing, passingTexts}, {refusal, refusalTexts}, {delay, delayTexts},
}

// reasons finds them by their first word. It is made when it is first needed: no
// command but a server needs it, and it takes a while.
var reasons = sync.OnceValue(func() index { return newIndex(tables...) })

// hardStatus is what a status code says that alone is enough for hard (RFC 3463
// section 3.2; RFC 7505 section 4.2 for 5.1.10).
var hardStatus = map[string]string{
	"5.1.1":  "no such mailbox",
	"5.1.2":  "no such host or domain",
	"5.1.6":  "the mailbox has moved",
	"5.1.10": "the domain takes no mail, or has no such mailbox",
}

// Classify judges the reply of a mail system: reply "550", status "5.1.1" or "",
// and the text behind them, of which 8 KiB are looked at. It is right about a
// recipient only for a reply to that recipient or to its message. why is one
// sentence. Codes in the text count where reply and status are not given, and
// against what was given where they contradict it.
func Classify(status, reply, text string) (c Class, cause Cause, why string) {
	text = clip(text, maxReason)
	textStatus, textReply := codesIn(text)
	e := evidence{status: status, reply: reply, found: reasons().find(text)}
	if generic(e.status) && textStatus != "" {
		e.status = textStatus
	}
	if e.reply == "" {
		e.reply = textReply
	}
	e.other = textStatus
	e.strange = strange(text)
	return e.judge()
}

// ClassifyFor is Classify for the reply about one recipient: one that names
// another address, such as that of a forward or the sender's own, is not hard.
func ClassifyFor(recipient, status, reply, text string) (c Class, cause Cause, why string) {
	text = clip(text, maxReason)
	c, cause, why = Classify(status, reply, text)
	f := Finding{Kind: Bounce, Class: c, Cause: cause, Why: why, Reply: reply, Recipient: recipient}
	if _, quoted := codesIn(text); reply != "" || quoted != "" { // and not what was looked up for this recipient
		f.Reply = firstOf(reply, quoted)
		f = ofRecipient(f, text)
	}
	if f.Class == Hard && namesOthers(text, recipient) {
		f.Class, f.Why = Soft, f.Why+", but of another address"
	}
	return f.Class, f.Cause, f.Why
}

// evidence is all that is known about why mail was not delivered.
type evidence struct {
	status string
	reply  string
	other  string // status code of the text, where a report gave one too
	found  hits

	strange bool // the text is a sentence
}

func (e evidence) judge() (Class, Cause, string) {
	against, cause := e.against()
	claim := e.claim()
	switch {
	case e.is('2'):
		return Undecided, "", "the reply is not a refusal"
	case e.is('4'):
		return Soft, e.softCause(cause), "the code " + e.code() + " is of a temporary failure"
	case e.found[either] != "" && cause != CauseSender && cause != CauseMessage:
		return Soft, CauseMailbox, `the text "` + e.found[either] + `" is one of several reasons given`
	case claim == "" && cause == CauseNetwork && statusCause(e.status) == CauseMailbox:
		// An error that comes from a full mailbox reads like a server error.
		return Soft, CauseMailbox, "the status " + e.status + " speaks of the mailbox"
	case claim == "" && against != "":
		return Soft, cause, "the text " + against + " speaks of the " + subject(cause) + ", not of a dead address"
	case claim == "":
		return e.unclear()
	case against != "":
		return e.doubted(claim, against, cause)
	case e.contradicted() != "":
		return e.outweighed(claim, e.contradicted())
	case !e.named() && e.found[joined] != "":
		return Soft, CauseMailbox, claim + `, but the text gives several reasons: "` + e.found[joined] + `"`
	case e.found[dead] == "" && e.found[noHost] != "" && e.found[refusal] != "":
		return Undecided, CauseSender, claim + `, but "` + e.found[refusal] + `" may mean the sender's`
	case e.found[barred] != "":
		return Soft, CauseAddress, claim + `, but the text also says "` + e.found[barred] + `"`
	case !e.named() && e.found[unverified] != "":
		return Soft, CauseAddress, claim + `, but the text only says "` + e.found[unverified] + `"`
	case !e.named() && e.found[refusal] != "":
		return Soft, CauseAddress, claim + `, but the text only says "` + e.found[refusal] + `"`
	}
	if !e.named() && e.doubtful() == "" && e.strange { // in a language or about a state that is not known
		return Soft, CauseAddress, claim + ", but nothing in the words beside it"
	}
	return Hard, CauseAddress, claim
}

// doubted weighs a claim against a text that speaks of something else. Where the
// text names a dead address and only trouble of the mail system beside it, it
// still counts: the code is permanent. So does a host that was not found, unless
// the name service failed for a while.
func (e evidence) doubted(claim, against string, cause Cause) (Class, Cause, string) {
	why := claim + ", but " + against + " speaks of the " + subject(cause)
	switch {
	case cause == CauseMailbox:
		return Soft, cause, why
	case e.found[sender] == "" && e.found[unserved] != "" && !vague(e.found[dead]):
		return Soft, CauseAddress, why // it would not be asked to relay for a name it knew
	case cause == CauseNetwork && containsAny(e.found[network], []string{"loop", "hop"}):
		return Undecided, cause, why
	case cause == CauseNetwork && (e.found[dead] != "" || e.found[noHost] != "" && e.found[passing] == ""):
		return Soft, CauseAddress, why
	}
	return Undecided, cause, why
}

// outweighed weighs a claim against a code of something else. Mail systems that
// refuse in a policy's stead answer 5.7.1 "no such user" for what does not
// exist: the words are the more exact.
func (e evidence) outweighed(claim, code string) (Class, Cause, string) {
	why := claim + ", but the code " + code + " says something else"
	cause := statusCause(code)
	switch {
	case e.found[dead] == "", strings.HasPrefix(code, "5.1.") && statusCause(code) == CauseSender:
		return Undecided, cause, why
	case (code == "5.7.1" || code == "5.7.0") && e.found[barred] == "" && !vague(e.found[dead]):
		return Hard, CauseAddress, claim + ", whatever class the code " + code + " is of"
	case cause == CauseMailbox:
		return Soft, cause, why
	case strings.HasPrefix(code, "5.7.") && code != "5.7.1" && code != "5.7.0":
		return Undecided, cause, why
	}
	return Soft, CauseAddress, why
}

// vague says whether a phrase of a dead address may also be a filter's: "invalid
// recipient" may be invalid for this sender.
func vague(phrase string) bool {
	for _, word := range []string{"invalid", "illegal", "bad", "not a valid", "is not a valid"} {
		if strings.HasPrefix(phrase, word+" ") {
			return true
		}
	}
	return false
}

// is says whether a code is of a class; a temporary one of either sort counts.
func (e evidence) is(class byte) bool {
	if class == '2' {
		return strings.HasPrefix(e.reply, "2") && !strings.HasPrefix(e.status, "4") && !strings.HasPrefix(e.status, "5") ||
			strings.HasPrefix(e.status, "2") && !strings.HasPrefix(e.reply, "4") && !strings.HasPrefix(e.reply, "5")
	}
	return e.status != "" && e.status[0] == class || e.reply != "" && e.reply[0] == class || e.other != "" && e.other[0] == class
}

func (e evidence) code() string {
	for _, code := range []string{e.status, e.reply, e.other} {
		if strings.HasPrefix(code, "4") {
			return code
		}
	}
	return e.status
}

// named says whether the text itself says that the address is dead.
func (e evidence) named() bool {
	return e.found.named()
}

// claim says what speaks for a dead address, or "".
func (e evidence) claim() string {
	switch {
	case e.found[dead] != "":
		return `the text "` + e.found[dead] + `" says that there is no such mailbox`
	case e.found[noHost] != "":
		return `the text "` + e.found[noHost] + `" says that the host or domain takes no mail`
	case e.found[moved] != "":
		return `the text "` + e.found[moved] + `" says that the reader has moved away`
	case hardStatus[e.status] != "":
		return "the status " + e.status + " says: " + hardStatus[e.status]
	case e.found[vacant] != "" && e.vacant():
		return `the text "` + e.found[vacant] + `" is that of RFC 5321 for a mailbox that does not exist`
	case e.reply == "556":
		return "the reply 556 says that the domain takes no mail"
	}
	return ""
}

// doubtful returns what speaks of the address and does not say that it is dead.
func (e evidence) doubtful() string {
	return firstOf(e.found[doubtful], firstOf(e.found[spurned], firstOf(e.found[unverified], e.found[vacant])))
}

// vacant says whether the codes fit a mailbox that does not exist.
func (e evidence) vacant() bool {
	for _, code := range []string{e.status, e.other} {
		if !generic(code) && code != "5.5.0" && !strings.HasPrefix(code, "5.1.") {
			return false
		}
	}
	return e.reply == "550"
}

// against returns what in the text speaks of something else than the address.
// The mailbox comes first: "mailbox size limit" does not mean that the message is too large.
func (e evidence) against() (string, Cause) {
	if e.found[sender] != "" && (blocks(e.found[mailbox]) || strings.HasPrefix(e.status, "5.7.")) {
		return `"` + e.found[sender] + `"`, CauseSender
	}
	for _, t := range []struct {
		about topic
		cause Cause
	}{{mailbox, CauseMailbox}, {sender, CauseSender}, {relays, CauseSender}, {content, CauseMessage}, {network, CauseNetwork}, {passing, CauseNetwork}} {
		if found := e.found[t.about]; found != "" {
			return `"` + found + `"`, t.cause
		}
	}
	return "", ""
}

// blocks says whether a phrase about a mailbox may as well be of who sends: both
// are blocked, and a server accepts no mail from either.
func blocks(phrase string) bool {
	return containsAny(phrase, []string{"block", "bloqu", "blok", "sperr", "заблок", "accept"})
}

func subject(c Cause) string {
	switch c {
	case CauseSender:
		return "sender or a policy"
	case "":
		return "unknown"
	}
	return string(c)
}

// contradicted returns a status code that has no business with a dead address:
// of another mailbox state, of size, content, security, or about the sender's
// address (RFC 3463 sections 3.2 to 3.8, RFC 7505, RFC 7372).
func (e evidence) contradicted() string {
	for _, code := range []string{e.status, e.other} {
		switch {
		case code == "5.1.7", code == "5.1.8", code == "5.1.9", code == "5.1.3", code == "5.1.4", code == "5.1.20", code == "5.1.90":
			return code
		case code == "5.2.2", code == "5.2.3", code == "5.2.4":
			return code
		case strings.HasPrefix(code, "5.3.") && code != "5.3.0", strings.HasPrefix(code, "5.6."), strings.HasPrefix(code, "5.7."):
			return code
		case code == "5.4.5", code == "5.4.6", code == "5.4.7", code == "5.5.1", code == "5.5.3", code == "5.5.4":
			return code
		}
	}
	return ""
}

// unclear judges what has no claim and nothing against one.
func (e evidence) unclear() (Class, Cause, string) {
	cause := statusCause(e.status)
	switch {
	case e.found[delay] != "":
		return Soft, CauseNetwork, `the text "` + e.found[delay] + `" says that delivery is still being tried`
	case e.doubtful() != "":
		return Soft, CauseAddress, `the text "` + e.doubtful() + `" does not say that the address is dead for good`
	case e.found[barred] != "":
		return Soft, CauseSender, `the text only says "` + e.found[barred] + `", and not why`
	case cause != "" && cause != CauseAddress:
		return Soft, cause, "the status " + e.status + " speaks of the " + subject(cause)
	case cause == CauseAddress:
		return Soft, cause, "the status " + e.status + " speaks of the address, and does not say that it is dead for good"
	case e.found[refusal] != "":
		return Undecided, cause, `the text only says "` + e.found[refusal] + `"`
	case e.status != "":
		return Undecided, cause, "the status " + e.status + " alone does not say that the address is dead for good"
	case e.reply != "":
		return Undecided, cause, "the reply " + e.reply + " alone does not say why"
	}
	return Undecided, "", "no code and no known text says why"
}

func (e evidence) softCause(cause Cause) Cause {
	if cause == "" || cause == CauseNetwork {
		if c := statusCause(e.status); c != "" {
			return c
		}
	}
	if cause == "" && e.named() {
		return CauseAddress
	}
	return cause
}

// statusCause is the cause a status code names (RFC 3463 section 3).
func statusCause(status string) Cause {
	if len(status) < 5 {
		return ""
	}
	switch status[2:] {
	case "1.7", "1.8", "1.9", "1.20", "1.90", "2.4":
		return CauseSender
	case "2.3", "3.4":
		return CauseMessage
	case "5.2", "5.3":
		return CauseSender
	}
	switch status[2:4] {
	case "1.":
		return CauseAddress
	case "2.":
		return CauseMailbox
	case "3.", "4.", "5.":
		return CauseNetwork
	case "6.":
		return CauseMessage
	case "7.":
		return CauseSender
	}
	return ""
}
