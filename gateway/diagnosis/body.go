package diagnosis

import "strings"

// section is what a text says about one recipient.
type section struct {
	recipient string
	text      strings.Builder
	alias     bool // the text names another address behind it
	prose     bool // the recipient is only mentioned somewhere
}

// textBounce reads a bounce that has no fields of RFC 3464.
func textBounce(l *letter) []Finding {
	if !l.looksBounced() {
		return nil
	}
	found := l.textFindings()
	system := systemOf(l)
	for i := range found {
		found[i].System = system
		found[i] = l.loosen(found[i])
	}
	if len(found) == 1 && found[0].Recipient == "" && l.itself() {
		found[0].Class, found[0].Cause, found[0].Why = Undecided, CauseSender, "it is about the address that it came to itself"
		return found
	}
	l.nameRecipients(found)
	return found
}

// itself says whether what failed is mail to the address that the report came to:
// a bounce that bounced.
func (l *letter) itself() bool {
	for line := range strings.Lines(clip(l.said(), maxReason)) {
		if address, _ := recipientLine(strings.TrimSpace(line)); l.got(address) {
			return true
		}
	}
	return false
}

// loosen doubts what rests on a sentence alone. Ticket systems, shops and
// answering machines send from the null reverse-path, too, and write "the
// account does not exist yet" of something else.
func (l *letter) loosen(f Finding) Finding {
	if f.Reply != "" || f.Status != "" || l.header.Count("X-Failed-Recipients") > 0 || f.Delayed {
		return f
	}
	nobody := f.Recipient == "" && len(l.returned.Fields()) == 0
	if l.traced() || l.daemon() && !nobody {
		return f
	}
	f.Loose = true
	if f.Class == Hard {
		f.Class, f.Why = Soft, f.Why+", but no mail system says so"
	}
	if nobody && !l.daemon() {
		f.Class, f.Cause, f.Why = Undecided, "", "it names no recipient, and no mail system wrote it"
	}
	return f
}

// textFindings reads the text a mail system wrote for people: an address opens a
// section, and what follows it up to the next is the reason.
func (l *letter) textFindings() []Finding {
	preamble, sections := l.sections(recipientLine)
	if len(sections) == 0 {
		preamble, sections = l.sections(codeLine)
	}
	sections = l.reconcile(sections)
	if len(sections) == 0 {
		whom := l.mentioned()
		sections = []*section{{recipient: whom, prose: !l.saysOf(whom)}}
	}
	delayed := l.delayed()
	state := reasons().find(withoutAdvice(preamble))[mailbox]
	found := make([]Finding, 0, len(sections))
	var memo map[string]Finding
	if len(sections) > 1 {
		memo = map[string]Finding{}
	}
	for _, s := range sections {
		reason := strings.TrimSpace(s.text.String())
		f, known := memo[reason]
		if !known {
			f = sectionFinding(reason, preamble, delayed)
			if memo != nil {
				memo[reason] = f
			}
		}
		f.Recipient = s.recipient
		f = ofRecipient(f, firstOf(replyIn(reason), reason))
		if f.Class == Hard && (s.alias || derived(reason, s.recipient) || namesOthers(replyIn(reason), s.recipient)) {
			f.Class, f.Why = Soft, f.Why+", but of another address"
		}
		if f.Class == Hard && s.prose && f.Status == "" && f.Reply == "" && !l.traced() {
			f.Class, f.Why = Soft, f.Why+", but perhaps not of the address that is mentioned"
		}
		if f.Class == Hard && state != "" {
			f.Class, f.Cause, f.Why = Soft, CauseMailbox, f.Why+`, but the report begins with "`+state+`"`
		}
		found = append(found, f)
	}
	return found
}

// sectionFinding judges a section by its own words, and by those before the
// first one only where it has none.
func sectionFinding(reason, preamble string, delayed bool) Finding {
	f := Finding{Kind: Bounce, Diagnostic: clip(reason, maxDiagnostic)}
	f.Status, f.Reply = codesIn(reason)
	f.Class, f.Cause, f.Why = Classify(f.Status, f.Reply, reason)
	rcpt := answersRecipient(reason)
	if f.Class == Undecided && f.Cause == "" || reason == "" {
		status, reply := codesIn(preamble)
		class, cause, why := Classify(firstOf(f.Status, status), firstOf(f.Reply, reply), beside(preamble, reason))
		f.Class, f.Cause, f.Why = class, cause, why
		rcpt = answersRecipient(clip(preamble, maxReason) + "\n" + reason)
		f.Status, f.Reply = firstOf(f.Status, status), firstOf(f.Reply, reply)
		if reason == "" {
			f.Diagnostic = clip(strings.TrimSpace(preamble), maxDiagnostic)
		}
	}
	f = settle(byReply(f, reason), rcpt)
	if delayed {
		f.Class, f.Delayed, f.Why = Soft, true, "the text says that the mail system keeps trying"
	}
	return f
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// traced says whether the returned message has a field of its way, which a mail
// system returns and nobody quotes.
func (l *letter) traced() bool {
	return l.returned.Count("Received") > 0 || l.returned.Count("Return-Path") > 0
}

// saysOf says whether one line names an address and says that it is dead.
func (l *letter) saysOf(address string) bool {
	for line := range strings.Lines(clip(l.text, maxReason)) {
		if address != "" && strings.Contains(line, address) && reasons().find(line).named() {
			return true
		}
	}
	return false
}

// splitter goes through a text line by line.
type splitter struct {
	before  strings.Builder // what stands before the first section
	all     []*section
	by      map[string]*section
	now     *section
	command string // last one of a transcript
	pending string // answers of a transcript, of the recipient that is named next
}

// sections splits the text; opens says which lines begin a section.
func (l *letter) sections(opens func(line string) (address, rest string)) (preamble string, all []*section) {
	s := splitter{by: map[string]*section{}}
	wrapped := false // the line before ended within a reply
	for line := range strings.Lines(l.said()) {
		line = strings.TrimSpace(line)
		opened, within := false, wrapped && s.now != nil
		wrapped = endsInCode(line)
		if address, rest := opens(line); address != "" && !within && !l.own(address) && len(s.all) < maxRecipients {
			s.open(address)
			line, opened = rest, true
		}
		if line = s.reason(line); line != "" || opened {
			s.add(line, opened)
		}
	}
	if s.now == nil {
		s.before.WriteString(s.pending)
	} else if len(s.all) == 1 && reasons().find(s.now.text.String()) == (hits{}) {
		s.now.text.WriteString(s.pending)
	}
	return s.before.String(), s.all
}

// endsInCode says whether a line ends with a code, as wrapped replies do: the
// address that the next line begins with is part of the reply.
func endsInCode(line string) bool {
	last := line[strings.LastIndexByte(line, ' ')+1:]
	return len(last) == 3 && len(line) > 3 && isReply(last) || isStatus(last)
}

func (s *splitter) open(address string) {
	key := strings.ToLower(address)
	if s.by[key] == nil {
		s.by[key] = &section{recipient: address}
		s.all = append(s.all, s.by[key])
	}
	s.now = s.by[key]
}

// reason returns what a line says about why, "" for one that only says what was
// sent or to whom.
func (s *splitter) reason(line string) string {
	if said, ok := strings.CutPrefix(line, ">>>"); ok {
		s.command = strings.ToLower(strings.TrimSpace(said))
		return ""
	}
	switch {
	case strings.HasPrefix(line, ">"):
		return ""
	case strings.HasPrefix(strings.ToLower(strings.TrimLeft(line, ". ")), "while talking to"):
		s.pending = ""
		return ""
	case strings.HasPrefix(line, "<<<"):
		if strings.HasPrefix(s.command, "quit") {
			return ""
		}
		return line + inReplyTo(s.command)
	}
	return line
}

func (s *splitter) add(line string, opened bool) {
	if !opened && isTranscript(line) {
		if len(s.pending) < maxReason {
			s.pending += line + "\n"
		}
		return
	}
	out := &s.before
	if s.now != nil {
		out = &s.now.text
	}
	if out.Len() < maxReason {
		if opened {
			out.WriteString(s.pending)
			s.pending = ""
		}
		out.WriteString(line)
		out.WriteByte('\n')
	}
}

// inReplyTo names the command of a transcript in the words Postfix uses.
func inReplyTo(command string) string {
	for verb, words := range map[string]string{"mail": "MAIL FROM", "rcpt": "RCPT TO", "data": "DATA command"} {
		if strings.HasPrefix(command, verb) {
			return " (in reply to " + words + ")"
		}
	}
	return ""
}

// isTranscript says whether a line is an answer in a transcript of sendmail's
// that names no recipient.
func isTranscript(line string) bool {
	return strings.HasPrefix(line, "<<<") || strings.Contains(line, " (smtp)... ")
}

// labels stand before an address that failed.
var labels = []string{
	"recipient address:", "recipient:", "recipients:", "failed recipient:", "failed recipients:", "failed address:",
	"final-recipient:", "original-recipient:", "unknown user:", "user unknown:", "invalid final delivery userid:", "unknown address:", "undeliverable address:",
	"email address:", "e-mail address:", "address:", "rcpt to:", ">>> rcpt to:", "to address:", "delivery failed:", "delivery to", "no such user:", "invalid user:", "invalid recipient:",
	"addressed to:", "deliver to:", "could not be delivered to:", "sent to:", "could not deliver mail to", "unable to deliver to:", "unable to deliver message to:", "message to", "your message to", "mailbox:", "intended recipient:",
	"empfänger:", "an:", "destinataire:", "destinatario:", "destinatário:", "ontvanger:", "odbiorca:", "получатель:", "宛先:", "宛先：", "收件人:", "收件人：", "收件者:", "المستلم:",
	"받는 사람:", "받는사람:", "수신자:", "수신인:", "收件人地址:", "收件人地址：", "收件人邮箱:", "收件人邮箱：", "empfängeradresse:", "destinataires:", "destinatari:", "destinatarios:", "destinatários:", "příjemce:", "prijemca:", "címzett:", "mottagare:", "mottaker:", "modtager:", "vastaanottaja:", "alıcı:", "kime:", "одержувач:", "кому:", "παραλήπτης:", "destinatar:", "受信者:", "受信者：", "送信先:", "送信先：",
}

// recipientLine says whether a line begins with the address that failed.
func recipientLine(line string) (address, rest string) {
	if line == "" || strings.HasPrefix(line, ">") && !strings.HasPrefix(line, ">>>") {
		return "", ""
	}
	bare := strings.TrimLeft(line, "-*• \t\"'")
	for _, label := range labels {
		if len(bare) >= len(label) && strings.EqualFold(bare[:len(label)], label) {
			bare = strings.TrimLeft(bare[len(label):], " \t\"'")
			break
		}
	}
	for _, typed := range []string{"rfc822;", "[smtp:", "smtp:", "mailto:"} {
		if len(bare) >= len(typed) && strings.EqualFold(bare[:len(typed)], typed) {
			bare = strings.TrimLeft(bare[len(typed):], " \t")
		}
	}
	bare = strings.TrimLeft(withoutCodes(bare), "<[(\"'")
	address = addressIn(clip(bare, 2*maxAddress))
	if address == "" || !strings.HasPrefix(bare, address) {
		return "", ""
	}
	return address, line
}

// withoutCodes takes the codes off a line of sendmail's: "550 5.1.1 <a@b>...
// User unknown" is about that recipient.
func withoutCodes(line string) string {
	rest := line
	for range 2 {
		word, after, _ := strings.Cut(rest, " ")
		if len(word) == 3 && isReply(word) || isStatus(word) {
			rest = strings.TrimLeft(after, " ")
		}
	}
	if rest != line && strings.HasPrefix(rest, "<") && strings.Contains(rest, ">...") {
		return rest
	}
	return line
}

// codeLine says whether a line has an address behind a reply: what a mail system
// answered about it.
func codeLine(line string) (address, rest string) {
	_, reply := codesIn(clip(line, 24))
	if reply == "" {
		return "", ""
	}
	address = addressIn(clip(line, maxDiagnostic))
	if address == "" {
		return "", ""
	}
	return address, line
}

// reconcile obeys X-Failed-Recipients, which names those that failed, and keeps
// the sections about them.
func (l *letter) reconcile(sections []*section) []*section {
	var failed []string
	for _, f := range l.header.Fields() {
		if strings.EqualFold(f.Name, "X-Failed-Recipients") {
			failed = append(failed, addressesIn(f.Value())...)
		}
	}
	if len(failed) == 0 {
		return sections
	}
	by := map[string]*section{}
	for _, s := range sections {
		by[strings.ToLower(s.recipient)] = s
	}
	kept := make([]*section, 0, len(failed))
	for _, address := range failed {
		s := by[strings.ToLower(address)]
		if s == nil {
			s = &section{recipient: address}
			if len(failed) == 1 { // named differently in the text: an alias
				s.alias = len(sections) > 0
				for _, other := range sections {
					s.text.WriteString(clip(other.text.String(), maxReason))
				}
			}
		}
		kept = append(kept, s)
	}
	return kept
}

// mentioned returns an address of the text that can be the one that failed.
func (l *letter) mentioned() string {
	for _, a := range addressesIn(clip(l.text, maxReason)) {
		if !l.own(a) && !helps(a) {
			return a
		}
	}
	if all := addressesIn(l.returned.Get("To")); len(all) == 1 {
		return all[0]
	}
	if a := addressIn(clip(l.subject, maxReason)); a != "" && !l.own(a) {
		return a
	}
	return localName(l.text)
}

// localName finds a recipient without a domain, as systems name their own users:
// "<john>:" or "<john>... User unknown".
func localName(text string) string {
	for line := range strings.Lines(clip(text, maxReason)) {
		line = strings.TrimSpace(line)
		if name, rest, ok := strings.Cut(strings.TrimPrefix(line, "<"), ">"); ok && line[0] == '<' && name != "" && len(name) < 65 &&
			!strings.ContainsAny(name, " /=@\"") && (rest == "" || rest[0] == ':' || rest[0] == '.') {
			return name
		}
	}
	return ""
}
