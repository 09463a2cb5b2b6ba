package diagnosis

import "strings"

// byReply believes the reply that a report quotes, where that answered RCPT and is
// clear by itself: what the report says around it, of policies and networks, is
// the same in all of its kind. Words about the mailbox or the message are not.
func byReply(f Finding, reason string) Finding {
	reply := replyIn(reason)
	around := reasons().find(withoutAdvice(strings.Replace(reason, reply, "", 1)))
	if f.Class == Hard || reply == "" || around[mailbox] != "" || around[content] != "" || around[either] != "" || !answersRecipient(reason) {
		return f
	}
	status, code := codesIn(reply)
	if class, cause, why := Classify(status, code, reply); class == Hard && reasons().find(reply).named() {
		f.Class, f.Cause, f.Why, f.Status, f.Reply = class, cause, why, status, code
	}
	return f
}

// formWords is how many words a reply may have that says no more than its code.
const formWords = 3

// strange says whether a reply, or a text without one, has words enough for a
// reason of its own.
func strange(text string) bool {
	said, _, _ := strings.Cut(firstOf(replyIn(text), text), "(in reply to")
	n := 0
	for _, w := range split(said).words {
		if strings.Trim(w, "0123456789") != "" {
			n++
		}
	}
	return n > formWords
}

// replyLines is over how many lines a reply is wrapped at most.
const replyLines = 4

// replyIn returns the reply that a text quotes: a reply code and what follows it,
// as far as it may be wrapped.
func replyIn(text string) string {
	_, code := codesIn(text)
	start := strings.Index(text, code)
	if code == "" || start < 0 {
		return ""
	}
	end := start
	for range replyLines {
		next := strings.IndexByte(text[end:], '\n')
		if next < 0 {
			return text[start:]
		}
		line := text[end : end+next]
		end += next + 1
		if strings.HasSuffix(strings.TrimSpace(line), ")") {
			break // "(in reply to RCPT TO command)"
		}
	}
	return text[start:end]
}
