package diagnosis

import (
	"bytes"
	"strings"
	"sync"

	"offramp/gateway/mime"
)

// recipientReport is what a delivery status says about one recipient (RFC 3464
// section 2.3).
type recipientReport struct {
	original, final string
	action          string
	status          string
	diagnostic      string
}

func (r recipientReport) address() string {
	if strings.Contains(r.original, "@") || r.final == "" {
		return r.original
	}
	return r.final
}

// statusReport reads a bounce in the form of RFC 3464, as a part of its own or
// written into the text.
func statusReport(l *letter) []Finding {
	raw := l.status
	if raw == nil && l.feedback == nil {
		raw = statusInText(l.text)
	}
	if raw == nil {
		return nil
	}
	reports := readStatus(raw)
	if len(reports) == 0 {
		return nil
	}
	system := systemOf(l)
	text := sync.OnceValue(l.tell)
	var found []Finding
	var memo judged
	for _, r := range reports {
		f := memo.finding(r, text)
		f.System = system
		found = append(found, f)
	}
	l.nameRecipients(found)
	return found
}

// judged remembers the last judgement: reports on thousands of recipients give
// the same reason for all.
type judged struct {
	report recipientReport
	known  bool
	result Finding
}

func (j *judged) finding(r recipientReport, text func() told) Finding {
	key := recipientReport{action: r.action, status: r.status, diagnostic: r.diagnostic}
	if j.known && key == j.report {
		f := j.result
		f.Recipient = r.address()
		return f
	}
	f := findingOf(r)
	if f.Kind == Bounce && !f.Delayed && (f.Class != Soft || f.Cause == "") {
		return besideText(f, text())
	}
	j.report, j.known, j.result = key, true, f
	return f
}

func findingOf(r recipientReport) Finding {
	f := Finding{Kind: Bounce, Status: r.status, Recipient: r.address(), Diagnostic: clip(r.diagnostic, maxDiagnostic)}
	var textStatus string
	textStatus, f.Reply = codesIn(r.diagnostic)
	switch r.action {
	case "delivered", "relayed", "expanded":
		f.Kind, f.Why = Other, "the report says "+r.action+": nothing failed"
		return f
	}
	f.Class, f.Cause, f.Why = Classify(r.status, f.Reply, r.diagnostic)
	if generic(f.Status) && textStatus != "" {
		f.Status = textStatus
	}
	if r.action == "delayed" {
		f.Delayed, f.Class = true, Soft
		f.Why = "the report says delayed: the mail system keeps trying"
	}
	return f
}

// nameRecipients gives a lone finding without a recipient the one that other
// fields name.
func (l *letter) nameRecipients(found []Finding) {
	if len(found) != 1 || strings.Contains(found[0].Recipient, "@") {
		return
	}
	for _, value := range []string{l.header.Get("X-Failed-Recipients"), l.returned.Get("To")} {
		if all := addressesIn(value); len(all) == 1 {
			found[0].Recipient = all[0]
			return
		}
	}
}

// readStatus reads the groups of fields. The empty lines between them are not
// relied on: they get lost, and some systems put them inside a group.
func readStatus(raw []byte) []recipientReport {
	var all []recipientReport
	var now recipientReport
	ended := false // an empty line came after the last field
	flush := func() {
		if (now.final != "" || now.original != "" || now.action != "" || now.status != "") && len(all) < maxRecipients {
			all = append(all, now)
		}
		now = recipientReport{}
	}
	for len(raw) > 0 && len(all) < maxRecipients {
		var block []byte
		block, raw = cutBlock(raw)
		for _, f := range mime.ParseHeader(block).Fields() {
			switch strings.ToLower(f.Name) {
			case "original-recipient":
				if now.original != "" || ended && now.final != "" {
					flush()
				}
			case "final-recipient":
				if now.final != "" || ended && now.original != "" {
					flush()
				}
			}
			ended = false
			now.take(f)
		}
		ended = true
	}
	flush()
	return all
}

func (r *recipientReport) take(f mime.Field) {
	switch strings.ToLower(f.Name) {
	case "original-recipient":
		r.original = typedAddress(f.Value())
	case "final-recipient":
		r.final = typedAddress(f.Value())
	case "x-actual-recipient":
		if r.original == "" && r.final == "" {
			r.final = typedAddress(f.Value())
		}
	case "action":
		word, _, _ := strings.Cut(mime.Keyword(f.Value()), " ")
		r.action = strings.Trim(word, ".,")
	case "status":
		if s := firstStatus(f.Value()); s != "" {
			r.status = s
		}
	case "diagnostic-code":
		if r.diagnostic == "" {
			value := words(f.Value())
			if kind, rest, ok := strings.Cut(value, ";"); ok && !strings.ContainsAny(strings.TrimSpace(kind), " \t") {
				value = rest // behind the type: "smtp;"
			}
			r.diagnostic = clip(strings.TrimSpace(value), maxReason)
		}
	}
}

// cutBlock cuts off the first group and the empty lines behind it.
func cutBlock(raw []byte) (block, rest []byte) {
	pos := 0
	for line := range bytes.Lines(raw) {
		if len(bytes.TrimSpace(line)) == 0 {
			return raw[:pos], raw[pos+len(line):]
		}
		pos += len(line)
	}
	return raw, nil
}

// statusInText finds the fields of RFC 3464 where they stand in a text.
func statusInText(text string) []byte {
	lower := asciiLower(text)
	start := -1
	for _, name := range []string{"\nfinal-recipient:", "\noriginal-recipient:", "\nreporting-mta:"} {
		if i := strings.Index("\n"+lower, name); i >= 0 && (start < 0 || i < start) {
			start = i
		}
	}
	if start < 0 || !strings.Contains(lower[start:], "final-recipient:") || !strings.Contains(lower[start:], "\nstatus:") && !strings.Contains(lower[start:], "\naction:") {
		return nil
	}
	return []byte(text[start:])
}
