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
	actual          string // sendmail's: whom the alias in final leads to
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

// elsewhere says whether not the address that mail was sent to failed, but one
// that it leads to: a member of an alias may be dead while the others read on.
func (r recipientReport) elsewhere() bool {
	first := r.address()
	for _, a := range []string{r.final, r.actual} {
		if a == "" || strings.EqualFold(a, first) || strings.EqualFold(a, withoutTag(first)) {
			continue
		}
		local, _, _ := strings.Cut(first, "@")
		if strings.Contains(a, "@") || !strings.EqualFold(a, local) {
			return true
		}
	}
	return namesOthers(r.diagnostic, first)
}

// namesOthers says whether a reply is about other addresses than this one.
func namesOthers(reply, address string) bool {
	others := false
	if strings.Contains(address, "?=@") { // an encoded word, which has no business there
		address = words("=" + address)
	}
	address = strings.ToLower(address)
	for _, a := range addressesIn(reply) {
		a = strings.ToLower(a)
		if strings.HasSuffix(a, address) || strings.HasSuffix(a, withoutTag(address)) {
			return false // some put a label in front, without a space
		}
		local, _, _ := strings.Cut(a, "@")
		others = others || !helps(a) && local != "postmaster"
	}
	return others && reasons().find(reply)[moved] == "" // which names the new address
}

// withoutTag is the mailbox that delivers an address with a tag.
func withoutTag(address string) string {
	local, domain, _ := strings.Cut(address, "@")
	local, _, _ = strings.Cut(local, "+")
	return local + "@" + domain
}

// reached are the addresses that a report says got the mail, in lower case.
func reached(reports []recipientReport) map[string]bool {
	all := map[string]bool{}
	for _, r := range reports {
		if arrived(r.action) {
			all[strings.ToLower(r.address())] = true
		}
	}
	return all
}

// arrived says whether an action is that nothing failed. "deliverable" is
// Postfix's answer to a probe.
func arrived(action string) bool {
	switch action {
	case "delivered", "relayed", "expanded", "deliverable":
		return true
	}
	return false
}

// throughAlias weighs a failure of what an address leads to.
func throughAlias(f Finding, r recipientReport, reached map[string]bool) Finding {
	switch {
	case f.Kind != Bounce || f.Delayed:
	case reached[strings.ToLower(r.address())]:
		f.Class, f.Cause, f.Why = Undecided, "", "the same report says that the mail reached others behind this address"
	case f.Class == Hard && r.elsewhere():
		f.Class, f.Why = Soft, f.Why+", but of an address that this one leads to"
	}
	return f
}

// ofSender takes back what a reply says of who sent the message, or answered to
// the command that names the sender.
func (l *letter) ofSender(f Finding, r recipientReport) Finding {
	if f.Kind != Bounce || f.Cause != CauseAddress {
		return f
	}
	if l.got(f.Recipient) {
		f.Class, f.Cause, f.Why = Undecided, CauseSender, f.Why+", but of the address that the report itself came to"
		return f
	}
	if namesOthers(r.diagnostic, f.Recipient) {
		for _, a := range addressesIn(r.diagnostic) {
			if l.sent(strings.ToLower(a)) {
				f.Class, f.Cause, f.Why = Undecided, CauseSender, f.Why+", but of the sender"
				return f
			}
		}
	}
	return f
}

// got says whether an address is the one that the report was sent to: what could
// not reach that was a report, too, and nobody's mail.
func (l *letter) got(address string) bool {
	return address != "" && strings.EqualFold(addressIn(l.header.Get("To")), address)
}

// sent says whether an address is one that the message was sent from.
func (l *letter) sent(address string) bool {
	if l.parties[address] {
		return true
	}
	for _, name := range []string{"From", "Sender", "Reply-To", "Return-Path"} {
		if strings.EqualFold(addressIn(l.returned.Get(name)), address) {
			return true
		}
	}
	return false
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
	got := reached(reports)
	for _, r := range reports {
		f := throughAlias(memo.finding(r, text), r, got)
		f.System = system
		f = l.ofSender(ofRecipient(f, firstOf(r.diagnostic, f.Diagnostic)), r)
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
	if f.Kind == Bounce && !f.Delayed && (f.Class != Soft || f.Cause == "" || f.Cause == CauseAddress) {
		return besideText(f, text())
	}
	j.report, j.known, j.result = key, true, f
	return f
}

func findingOf(r recipientReport) Finding {
	f := Finding{Kind: Bounce, Status: r.status, Recipient: r.address(), Diagnostic: clip(r.diagnostic, maxDiagnostic)}
	var textStatus string
	textStatus, f.Reply = codesIn(r.diagnostic)
	if arrived(r.action) {
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
		all := addressesIn(value)
		if len(all) != 1 {
			continue
		}
		local, _, _ := strings.Cut(all[0], "@")
		if found[0].Class == Hard && found[0].Recipient != "" && !strings.EqualFold(found[0].Recipient, local) {
			found[0].Class, found[0].Why = Soft, found[0].Why+", but under another name"
		}
		found[0].Recipient = all[0]
		return
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
		r.actual = typedAddress(f.Value())
		if r.original == "" && r.final == "" {
			r.final = r.actual
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
