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
	t := told{by: make(map[string]*Finding, len(found)), hits: reasons.find(l.text)}
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
	class, cause, why := Classify(f.Status, f.Reply, f.Diagnostic+"\n"+t.Diagnostic)
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

// confirm doubts a hard of the fields: where the text for people gives another
// reason and not this one, and where an answer may be one to the message.
func (t told) confirm(f Finding) Finding {
	named := t.hits[dead] != "" || t.hits[noHost] != "" || t.hits[moved] != "" || t.hits[doubtful] != ""
	for _, about := range []topic{mailbox, content} {
		if other := t.hits[about]; other != "" && !named {
			f.Class, f.Why = Undecided, f.Why+`, but the text for people says "`+other+`"`
			return f
		}
	}
	rcpt := t.rcpt
	if own := t.by[strings.ToLower(f.Recipient)]; own != nil && !rcpt {
		rcpt = answersRecipient(own.Diagnostic)
	}
	return settle(f, rcpt)
}

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
	found := reasons.find(f.Diagnostic)
	host := found[dead] == "" && found[noHost] != "" && !strings.Contains(found[noHost], "domain")
	if host || found[moved] != "" {
		return f // a host is looked up by the mail system itself; a domain may be the sender's
	}
	f.Class = Undecided
	f.Why += ", but not whether that answered RCPT or the message"
	return f
}

// answersRecipient says whether a text shows that the reply was one to RCPT,
// and not to a later command.
func answersRecipient(text string) bool {
	text = strings.Join(strings.Fields(fold(text)), " ")
	for _, later := range []string{"end of data", "to data command", "smtp command data", "after data", "dot command"} {
		if strings.Contains(text, later) {
			return false
		}
	}
	for _, mark := range []string{
		"to rcpt", "after rcpt", "rcpt to", "rcpt command", "does not like recipient", "recipient address rejected", "recipient rejected",
		"relay recipient table", "local recipient table",
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
