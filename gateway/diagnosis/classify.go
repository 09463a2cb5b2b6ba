package diagnosis

import "strings"

// reasons is every known text, found by its first word.
var reasons = newIndex(
	group{dead, deadTexts}, group{dead, deadTextsWorld}, group{noHost, noHostTexts}, group{moved, movedTexts}, group{doubtful, doubtfulTexts},
	group{mailbox, mailboxTexts}, group{content, contentTexts}, group{sender, senderTexts},
	group{network, networkTexts}, group{refusal, refusalTexts}, group{delay, delayTexts},
)

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
	e := evidence{status: status, reply: reply, found: reasons.find(text)}
	if generic(e.status) && textStatus != "" {
		e.status = textStatus
	}
	if e.reply == "" {
		e.reply = textReply
	}
	e.other = textStatus
	return e.judge()
}

// evidence is all that is known about why mail was not delivered.
type evidence struct {
	status string
	reply  string
	other  string // status code of the text, where a report gave one too
	found  hits
}

func (e evidence) judge() (Class, Cause, string) {
	if e.is('2') {
		return Undecided, "", "the reply is not a refusal"
	}
	against, cause := e.against()
	claim := e.claim()
	switch {
	case e.is('4'):
		return Soft, e.softCause(cause), "the code " + e.code() + " is of a temporary failure"
	case claim == "" && cause == CauseNetwork && statusCause(e.status) == CauseMailbox:
		// An error that comes from a full mailbox reads like a server error.
		return Soft, CauseMailbox, "the status " + e.status + " speaks of the mailbox"
	case claim == "" && against != "":
		return Soft, cause, "the text " + against + " speaks of the " + subject(cause) + ", not of a dead address"
	case claim == "":
		return e.unclear()
	case against != "" && !e.named() && cause == CauseMailbox:
		return Soft, cause, "the text " + against + " is about the mailbox, whatever the code says"
	case against != "":
		return Undecided, cause, claim + ", but " + against + " speaks of the " + subject(cause)
	case e.contradicted() != "":
		code := e.contradicted()
		return Undecided, statusCause(code), claim + ", but the code " + code + " says something else"
	case !e.named() && e.found[refusal] != "":
		return Undecided, CauseAddress, claim + `, but the text only says "` + e.found[refusal] + `"`
	}
	return Hard, CauseAddress, claim
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
	return e.found[dead] != "" || e.found[noHost] != "" || e.found[moved] != ""
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
	case e.reply == "556":
		return "the reply 556 says that the domain takes no mail"
	}
	return ""
}

// against returns what in the text speaks of something else than the address.
// The mailbox comes first: "mailbox size limit" does not mean that the message is too large.
func (e evidence) against() (string, Cause) {
	for _, t := range []struct {
		about topic
		cause Cause
	}{{mailbox, CauseMailbox}, {sender, CauseSender}, {content, CauseMessage}, {network, CauseNetwork}} {
		if found := e.found[t.about]; found != "" {
			return `"` + found + `"`, t.cause
		}
	}
	return "", ""
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
		case code == "5.1.7", code == "5.1.8", code == "5.1.9", code == "5.1.3", code == "5.1.4":
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
	case e.found[doubtful] != "":
		return Undecided, CauseAddress, `the text "` + e.found[doubtful] + `" does not say that the address is dead for good`
	case cause != "" && cause != CauseAddress:
		return Soft, cause, "the status " + e.status + " speaks of the " + subject(cause)
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
	case "1.7", "1.8", "1.9", "2.4":
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
