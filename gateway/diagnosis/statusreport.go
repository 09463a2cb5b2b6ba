package diagnosis

import (
	"strings"

	"offramp/gateway/message"
)

// recipientStatus is what a delivery status notification says about one
// recipient (RFC 3464 section 2.3).
type recipientStatus struct {
	final, original string
	action          string // lower case
	status          string // with what stands behind the code
	kind            string // of Diagnostic-Code, lower case
	diagnostic      string
}

func (s recipientStatus) empty() bool { return s.final == "" && s.original == "" }

// statusReport reads message/delivery-status (RFC 3464), also where the part
// has lost its type, its blank lines or its end.
func (r *reader) statusReport() (found []Finding) {
	var all []recipientStatus
	for _, p := range r.parts {
		if !p.inside && (p.media == "message/delivery-status" || p.media == "message/global-delivery-status") {
			all = append(all, readStatus(p.text(MaxSize))...)
		}
	}
	if len(all) == 0 {
		for _, p := range r.parts {
			if text := p.text(maxText); !p.inside && strings.Contains(strings.ToLower(text), "final-recipient:") {
				all = append(all, readStatus(text)...)
			}
		}
	}
	for _, s := range all {
		if s.action == "" && s.status == "" && s.diagnostic == "" {
			continue
		}
		found = append(found, r.judgeStatus(s, len(all)))
		if len(found) >= maxFindings {
			break
		}
	}
	return found
}

// readStatus reads groups of fields. Where the blank line between two groups is
// missing, the second Final-Recipient begins the next one.
func readStatus(text string) (all []recipientStatus) {
	var now recipientStatus
	end := func() {
		if !now.empty() && len(all) <= maxFindings {
			all = append(all, now)
		}
		now = recipientStatus{}
	}
	for field := range unfolded(text) {
		name, value, _ := strings.Cut(field, ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "":
			if !now.empty() && (now.status != "" || now.action != "" || now.diagnostic != "") {
				end()
			}
		case "final-recipient":
			if now.final != "" {
				end()
			}
			now.final = typed(value)
		case "original-recipient":
			if now.original != "" {
				end()
			}
			now.original = xtext(typed(value))
		case "x-actual-recipient":
			if now.original == "" {
				now.original = typed(value)
			}
		case "action":
			now.action = message.Keyword(value)
		case "status":
			now.status = strings.TrimPrefix(strings.ToLower(value), "diagnostic-code:") // two fields in one line
		case "diagnostic-code":
			kind, text, found := strings.Cut(value, ";")
			if !found || strings.ContainsAny(strings.TrimSpace(kind), " ") {
				kind, text = "", value
			}
			now.kind, now.diagnostic = strings.ToLower(strings.TrimSpace(kind)), strings.TrimSpace(text)
		}
	}
	end()
	return all
}

// unfolded yields the fields of a text, and "" for a blank line.
func unfolded(text string) func(func(string) bool) {
	return func(yield func(string) bool) {
		var field strings.Builder
		for line := range strings.SplitSeq(text, "\n") {
			line = strings.TrimRight(line, " \t\r")
			if line != "" && (line[0] == ' ' || line[0] == '\t') && field.Len() > 0 {
				if field.Len() < 8<<10 { // more is of no use
					field.WriteByte(' ')
					field.WriteString(strings.TrimLeft(line, " \t"))
				}
				continue
			}
			if field.Len() > 0 && !yield(field.String()) {
				return
			}
			field.Reset()
			if line == "" && !yield("") {
				return
			}
			field.WriteString(line)
		}
		if field.Len() > 0 {
			yield(field.String())
		}
	}
}

// typed takes the type off "rfc822; ada@example.com".
func typed(value string) string {
	if kind, rest, found := strings.Cut(value, ";"); found && !strings.Contains(kind, "@") {
		value = rest
	}
	return cleanAddress(value)
}

// xtext undoes "+3D" (RFC 3461 section 4), which only an Original-Recipient has.
func xtext(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '+' && i+2 < len(s) {
			if high, low := hex(s[i+1]), hex(s[i+2]); high >= 0 && low >= 0 && high<<4|low > ' ' && high<<4|low < 0x7f {
				out.WriteByte(byte(high<<4 | low))
				i += 2
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// hex reads an upper case digit: xtext has no others.
func hex(c byte) int { return strings.IndexByte("0123456789ABCDEF", c) }

// judgeStatus says what one group says; of is how many there are.
func (r *reader) judgeStatus(s recipientStatus, of int) Finding {
	who := s.final
	if !strings.Contains(who, "@") && strings.Contains(s.original, "@") {
		who = s.original
	}
	switch s.action {
	case "delivered", "relayed", "expanded":
		return Finding{Kind: Other, Recipient: who, Status: firstStatus(s.status), Why: "the message arrived: Action is " + s.action}
	}
	about := r.aboutRecipient(who, of == 1)
	e := evidence{
		status: s.status, text: s.diagnostic, program: s.kind == "x-unix", delayed: s.action == "delayed",
		human: about.human, command: about.command,
	}
	if len(normal(e.text)) < 12 && about.text != "" {
		e.text += " " + about.text // a code alone, with the reason in the text
	}
	f := e.judge()
	f.Kind, f.Recipient = Bounce, who
	return f
}
