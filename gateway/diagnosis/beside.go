package diagnosis

import "strings"

// told is what the human-readable text says, by recipient.
type told struct {
	only *Finding // where there is but one
	by   map[string]*Finding
	hits hits // of the whole text
	rcpt bool // the only section there is speaks of the answer to a recipient
}

func (l *letter) tell() told {
	found := l.textFindings()
	t := told{by: make(map[string]*Finding, len(found)), hits: reasons().find(withoutAdvice(l.said()))}
	for i := range found {
		t.by[strings.ToLower(found[i].Recipient)] = &found[i]
	}
	if len(found) == 1 {
		t.only, t.rcpt = &found[0], answersRecipient(clip(l.text, maxReason))
	}
	return t
}

// besideText weighs the human-readable text where the fields do not decide the
// matter alone, and always before an address is called dead.
func besideText(f Finding, text told) Finding {
	if f.Class == Hard {
		return text.confirm(f)
	}
	t := text.by[strings.ToLower(f.Recipient)]
	if t == nil {
		t = text.only
	}
	if t == nil {
		return f
	}
	if f.Reply == "" {
		f.Reply = t.Reply
	}
	if generic(f.Status) && t.Status != "" && (f.Status == "" || f.Status[0] == t.Status[0]) {
		f.Status = t.Status
	}
	class, cause, why := Classify(f.Status, f.Reply, beside(f.Diagnostic, t.Diagnostic))
	if t.Delayed && f.Status == "" {
		f.Delayed, class = true, Soft
	}
	f.Class, f.Why = class, why
	if cause != "" {
		f.Cause = cause
	}
	if f.Diagnostic == "" {
		f.Diagnostic = t.Diagnostic
	}
	if f.Recipient == "" {
		f.Recipient = t.Recipient
	}
	if f.Class == Hard {
		return text.confirm(f)
	}
	return f
}

// confirm doubts a hard of the fields: where the text for people speaks of the
// mailbox, or of the message without naming a dead address, and where an answer
// may be one to the message.
func (t told) confirm(f Finding) Finding {
	own := t.by[strings.ToLower(f.Recipient)]
	hits := t.hits
	if own != nil && own != t.only {
		hits = reasons().find(withoutAdvice(own.Diagnostic)) // the rest is about others
	}
	named := hits.named() || evidence{found: hits}.doubtful() != ""
	if other := hits[mailbox]; other != "" {
		f.Class, f.Cause, f.Why = Soft, CauseMailbox, f.Why+`, but the text for people says "`+other+`"`
		return f
	}
	if answersSender(firstOf(diagnosticOf(own), diagnosticOf(t.only))) {
		f.Class, f.Cause, f.Why = Undecided, CauseSender, f.Why+", but that answered the command that names the sender"
		return f
	}
	if other := hits[content]; other != "" && !named {
		f.Class, f.Why = Undecided, f.Why+`, but the text for people says "`+other+`"`
		return f
	}
	if exact := hardStatus[f.Status] != "" && reasons().find(f.Diagnostic).named(); hits[either] != "" && !exact {
		f.Class, f.Cause, f.Why = Soft, CauseMailbox, f.Why+`, but the text for people gives several reasons`
		return f
	}
	rcpt := t.rcpt
	if own != nil && !rcpt {
		rcpt = answersRecipient(own.Diagnostic)
	}
	return settle(f, rcpt)
}

// withoutAdvice drops the sentences that only say what may be the reason, or what
// to do about it: they name every reason there is.
func withoutAdvice(text string) string {
	var out strings.Builder
	text = clip(text, maxReason)
	for text != "" {
		end := 0
		for end < len(text) && !endsSentence(text[end:]) {
			end++
		}
		end = min(end+1, len(text))
		if !advises(text[:end]) {
			out.WriteString(text[:end])
		}
		text = text[end:]
	}
	return out.String()
}

// endsSentence says whether a sentence ends with the first sign of a text, or at
// an empty line behind it.
func endsSentence(text string) bool {
	return strings.HasPrefix(text, "\n\n") || len(text) > 1 && strings.IndexByte(".!?", text[0]) >= 0 && text[1] <= ' '
}

func advises(sentence string) bool {
	for _, w := range strings.Fields(fold(sentence)) {
		if advice[w] {
			return true
		}
	}
	return containsAny(sentence, []string{"可能", "もし", "場合", "かもしれ"})
}

var advice = wordSet("if may might perhaps possible possibly maybe wenn falls möglicherweise vielleicht si peut peuvent puede pueden può pode może если może возможно")

// settle takes a hard back that rests on words after a bare reply alone. Filters
// answer a message they do not like with "user unknown", too, so the words count
// where they came as the answer to RCPT, where a status code bears them out, or
// where the mail system speaks for itself and quotes no reply.
func settle(f Finding, rcpt bool) Finding {
	if f.Class != Hard || f.Reply == "" || rcpt || f.Reply == "556" || answersRecipient(f.Diagnostic) {
		return f
	}
	if hardStatus[f.Status] != "" {
		return f
	}
	found := reasons().find(f.Diagnostic)
	host := found[dead] == "" && found[noHost] != "" && !strings.Contains(found[noHost], "domain")
	if host || found[moved] != "" {
		return f // a host is looked up by the mail system itself; a domain may be the sender's
	}
	f.Class = Soft
	f.Why += ", but not whether that answered RCPT or the message"
	return f
}

func diagnosticOf(f *Finding) string {
	if f == nil {
		return ""
	}
	return f.Diagnostic
}

// answersSender says whether a text shows that the reply came before any
// recipient was named.
func answersSender(text string) bool {
	folded := strings.Join(strings.Fields(fold(text)), " ")
	return containsAny(folded, []string{
		"in reply to mail from", "after mail from", "after sender verify", "smtp mail from", "in reply to ehlo", "in reply to helo", "after ehlo", "after helo",
	}) && !containsAny(folded, []string{"in reply to rcpt", "after rcpt"})
}

// answersMessage says whether a folded text shows that the reply came after the
// recipients.
func answersMessage(folded string) bool {
	return containsAny(folded, []string{
		"end of data", "to data command", "smtp command data", "after data", "dot command",
		"after i sent the message", "end of message", "after eom", "data phase", "smtp data",
	})
}

// answersRecipient says whether a text shows that the reply was one to RCPT,
// and not to a later command.
func answersRecipient(text string) bool {
	for line := range strings.Lines(text) {
		if line = asciiLower(strings.TrimSpace(line)); strings.HasPrefix(line, "rcpt to: ") && !strings.Contains(line, "<") {
			text = strings.Replace(asciiLower(text), line, "", 1) // a detail of the message, beside its size
		}
	}
	text = strings.Join(strings.Fields(fold(text)), " ")
	if answersMessage(text) {
		return false
	}
	for _, mark := range []string{
		"to rcpt", "smtp rcpt", "rcpt host", "at rcpt", "command rcpt", "rcpt failed", "rcpt said", "after rcpt", "rcpt to", "rcpt command", "does not like recipient", "recipient address rejected", "recipient rejected",
		"relay recipient table", "local recipient table",
		// Of qmail's line only the end is left, and the start says where it was not.
		"remote host said", "remote server said", "remote system said",
		// Gmail has judged the answer itself; where it is not sure it adds "or is unable to receive mail".
		"address couldnt be found check for typos",
		// Yahoo takes every RCPT and names unknown users after the message; what its filters say reads otherwise.
		"delivery error dd this user doesnt have a",
	} {
		if strings.Contains(text, mark) {
			return true
		}
	}
	return false
}
