package diagnosis

import (
	"strings"
)

// evidence is what is known about the failure of one recipient.
type evidence struct {
	status  string // of the report, with what stands behind the code
	text    string // what the last mail system said
	human   string // what is written for people besides
	command string // in reply to which it was said; empty: not known
	own     bool   // text is a mail system's own account of its recipients, not a field
	program bool   // a program failed that takes mail for the address
	delayed bool
}

// Classify says what the reply of a next hop means: reply is its code such as
// "550", status its enhanced code or "", text what it said. It is that of RCPT,
// or of a transaction with one recipient. No code at all stands for a domain
// that cannot be reached.
func Classify(status, reply, text string) (Class, Cause, string) {
	f := evidence{status: status, text: reply + " " + text, command: commandRcpt}.judge()
	return f.Class, f.Cause, f.Why
}

// judge weighs what was said. What speaks against a dead address comes first.
func (e evidence) judge() Finding {
	codes := readCodes(e.status, e.text)
	said := normal(e.text + " " + behindStatus(e.status))
	f := Finding{Status: codes.status, Reply: codes.reply, Diagnostic: strings.Join(strings.Fields(e.text), " "), Delayed: e.delayed}
	cause, phrase := causeOf(said)
	if cause == "" || cause == CauseAddress {
		// Some systems give their own reason only in the text.
		if other := firstPhrase(fullPhrases, normal(e.human)); other != "" {
			cause, phrase = CauseMailbox, other
		}
	}
	if cause == "" {
		cause = codes.cause()
	}
	f.Cause = cause
	quoted := ""
	if phrase != "" {
		quoted = `: "` + strings.ReplaceAll(phrase, "*", "...") + `"`
	}
	switch {
	case e.delayed:
		f.Class, f.Why = Soft, "the mail system is still trying"
	case codes.temporary():
		f.Class, f.Why = Soft, "the code "+codes.any()+" says for now"
	case cause == CauseMailbox:
		f.Class, f.Why = Soft, "the mailbox takes nothing at the moment"+quoted
	case cause == CauseNetwork:
		f.Class, f.Why = Soft, "a connection or a server failed"+quoted
	case cause == CauseSender:
		f.Class, f.Why = Undecided, "it is about the sender, not the address"+quoted
	case cause == CauseMessage:
		f.Class, f.Why = Undecided, "it is about the message, not the address"+quoted
	case cause == CauseAddress:
		f.Class, f.Why = e.addressClass(codes, said, phrase)
	default:
		f.Class, f.Why = Undecided, "the reason is not known"
	}
	return f
}

// addressClass says whether the address is dead, where nothing speaks of
// anything else.
func (e evidence) addressClass(codes codes, said, phrase string) (Class, string) {
	quoted := `"` + strings.ReplaceAll(phrase, "*", "...") + `"`
	switch {
	case e.program:
		return Undecided, "a program that takes mail for the address failed"
	case codes.contradict:
		return Undecided, "its codes say different things"
	case e.command == commandData && !codes.namesAddress():
		return Undecided, "it was said to the message, not to the address"
	case e.command == commandMail || e.command == commandConnect:
		return Undecided, "it was said before the address was named"
	case phraseIn(doubtful, phrase) && !codes.namesAddress():
		return Undecided, quoted + " may be about something else"
	case !codes.namesAddress() && holdsAny(" "+said+" ", guesses):
		return Undecided, "the mail system guesses"
	case phrase == "" && holdsWord(said, suspicious):
		return Undecided, "the status " + codes.status + " does not go with the text"
	case codes.namesAddress():
		return Hard, "the status " + codes.status + " says that there is no such address"
	case phrase == "":
		return Undecided, "the reason is not known"
	case phraseIn(certain, phrase), phraseIn(tellingPhrases, phrase) && !codes.specific():
		return Hard, "the mail system says " + quoted
	case codes.status == "5.2.1" && e.command != commandData && phraseIn(unknownPhrases, phrase):
		return Hard, "the mail system says " + quoted
	case codes.specific():
		return Undecided, quoted + " does not go with the status " + codes.status
	case e.command == commandRcpt:
		return Hard, "the address was refused with " + quoted
	case e.own && codes.reply == "" && codes.status == "":
		return Hard, "the mail system says " + quoted
	}
	return Undecided, quoted + " may be said of a message as well"
}

// behindStatus is what stands behind the code of a Status field, such as
// "(mailbox disabled, not accepting messages)".
func behindStatus(status string) string {
	_, comment, _ := strings.Cut(status, "(")
	return comment
}

// normal is a text for comparison: lower case, without addresses, links and
// codes, since words inside them say nothing.
func normal(s string) string {
	s = strings.ToLower(cut(s, maxSection))
	s = quotes.Replace(s)
	var out strings.Builder
	for word := range strings.FieldsSeq(s) {
		if strings.ContainsAny(word, "@") || strings.Contains(word, "://") || strings.HasPrefix(word, "www.") || isCode(word) {
			continue
		}
		if out.Len() > 0 {
			out.WriteByte(' ')
		}
		out.WriteString(word)
	}
	return out.String()
}

var quotes = strings.NewReplacer("'", "", "’", "", "`", "", `"`, " ", "<", " ", ">", " ", "(", " ", ")", " ", "[", " ", "]", " ", "...", " ", ";", " ", "=\n", "")
