package diagnosis

import "strings"

// section is what a text says about one recipient.
type section struct {
	recipient string
	text      string
	human     string // what it says before, about all of them
	command   string // in reply to which the recipient was refused; see commandIn
}

// maxSection is how much text about one recipient is of use.
const maxSection = 4 << 10

// sections reads a text line by line: what follows an address is about it. The
// transcript of sendmail is the other way round: there the address comes last.
type sections struct {
	skip    map[string]bool // addresses that nothing is about
	only    map[string]bool // nil: all others
	before  strings.Builder
	all     []section
	pending []string // lines of a transcript that no address has ended
	now     int      // index of the section that goes on; -1: none
}

// readSections cuts what the message says by recipients.
func (r *reader) readSections() []section {
	s := sections{skip: map[string]bool{}, now: -1}
	for _, name := range [...]string{"To", "From", "Return-Path", "Delivered-To", "X-Original-To", "Envelope-To", "Reply-To", "Cc"} {
		for _, a := range addressesIn(r.header.Get(name)) {
			s.skip[strings.ToLower(a)] = true
		}
	}
	if failed := addressesIn(r.header.Get("X-Failed-Recipients")); len(failed) > 0 {
		s.only = map[string]bool{}
		for _, a := range failed {
			s.only[strings.ToLower(a)] = true
			delete(s.skip, strings.ToLower(a))
		}
	}
	for line := range strings.SplitSeq(r.text, "\n") {
		s.line(strings.TrimSpace(line))
	}
	if len(s.all) == 0 {
		for a := range s.only {
			s.all = append(s.all, section{recipient: a, text: cut(r.text, maxSection)})
		}
	}
	for i := range s.all {
		one := &s.all[i]
		one.human = s.before.String()
		if one.command == "" {
			one.command = commandIn(strings.ToLower(one.text))
		}
	}
	return s.all
}

func (s *sections) line(line string) {
	lower := strings.ToLower(line)
	addresses := s.recipients(line, lower)
	switch {
	case strings.HasPrefix(lower, ">>> rcpt to") && len(addresses) > 0:
		s.about(addresses[0], line)
		s.all[s.now].command = commandRcpt
		s.pending = []string{line}
	case strings.HasPrefix(line, "<<<"), strings.HasPrefix(line, ">>>") && (len(addresses) == 0 || commandIn(lower) != ""):
		if len(s.pending) > 0 && s.now >= 0 && s.all[s.now].command == commandRcpt && commandIn(strings.ToLower(s.pending[0])) == commandRcpt && line[0] == '<' {
			s.add(line)
		}
		s.pending = append(s.pending, line)
	case noise(lower):
	case strings.HasPrefix(lower, "... while talking to"), strings.HasPrefix(lower, "while talking to"):
		s.pending = []string{""}
	case len(addresses) > 0:
		s.about(addresses[0], line)
	case s.pending != nil && startsWithCode(line):
		s.pending = []string{} // about a host that is none of the recipients
	case s.now >= 0:
		s.add(line)
	case s.before.Len() < maxSection:
		s.before.WriteString(line)
		s.before.WriteByte('\n')
	}
}

// noise says whether a line is about the form of the message, or names the
// message that was sent.
func noise(lower string) bool {
	for _, start := range [...]string{"to:", "cc:", "bcc:", "subject:", "sent:", "date:", "from:", "size", "sent date:", "mail from:"} {
		if strings.HasPrefix(lower, start) {
			return true
		}
	}
	return holdsAny(lower, []string{"mime format", "mime-encapsulated", "does not understand", "may not be legible", "multi-part message"})
}

// recipients returns the addresses a line may be about.
func (s *sections) recipients(line, lower string) (all []string) {
	if holdsAny(lower, notAbout) {
		return nil
	}
	for _, a := range addressesIn(line) {
		key := strings.ToLower(a)
		if s.skip[key] || isSystem(a) || s.only != nil && !s.only[key] {
			continue
		}
		all = append(all, a)
	}
	return all
}

// notAbout stand in lines whose addresses are somebody else's.
var notAbout = []string{
	"contact", "support@", "helpdesk", "help@", "please report", "message-id", "generated from", "expanded from",
	"sender:", "mail from", "mail_from", "reverse-path", "envelope-from", "originally from", "if you have questions",
	"forwarded from", "x-sender", "return-path",
}

// about begins a section, or goes on with the one about the same address.
func (s *sections) about(address, line string) {
	at := -1
	for i := range s.all {
		if strings.EqualFold(s.all[i].recipient, address) {
			at = i
		}
	}
	if at < 0 {
		if len(s.all) >= maxFindings {
			s.now = -1
			return
		}
		at = len(s.all)
		s.all = append(s.all, section{recipient: address})
	}
	s.now = at
	if startsWithCode(line) {
		for _, earlier := range s.pending {
			if c := commandIn(strings.ToLower(earlier)); c != "" {
				s.all[at].command = c
			}
			s.add(earlier)
		}
		if s.pending != nil {
			s.pending = []string{}
		}
	}
	s.add(line)
}

func (s *sections) add(line string) {
	one := &s.all[s.now]
	if len(one.text)+len(line) < maxSection {
		one.text += line + "\n"
	}
}

func startsWithCode(line string) bool {
	return len(line) > 3 && (line[0] == '4' || line[0] == '5') && isDigit(line[1]) && isDigit(line[2]) && (line[3] == ' ' || line[3] == '-')
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// The commands of an SMTP dialogue that matter.
const (
	commandMail    = "MAIL"
	commandRcpt    = "RCPT"
	commandData    = "DATA"
	commandConnect = "connect"
)

// commandPhrases say in lower case after which command something was refused.
var commandPhrases = []struct{ phrase, command string }{
	{"in reply to end of data", commandData}, {"in reply to data", commandData}, {"after end of data", commandData},
	{"after data", commandData}, {"after i sent the message", commandData}, {"failed on data", commandData}, {">>> data", commandData},
	{"for text command", commandData}, {"end of message", commandData}, {"after pipelined end of data", commandData}, {">>> .", commandData},
	{"in reply to mail from", commandMail}, {"after mail from", commandMail}, {">>> mail from", commandMail}, {"in reply to helo", commandConnect},
	{"in reply to ehlo", commandConnect}, {"server refused to talk to me", commandConnect}, {">>> ehlo", commandConnect}, {">>> helo", commandConnect},
	{"while connected from", ""}, {"in reply to rcpt to", commandRcpt}, {"after rcpt", commandRcpt}, {">>> rcpt to", commandRcpt},
	{"does not like recipient", commandRcpt}, {"most progress was rcpt to", commandRcpt}, {"failed on rcpt", commandRcpt}, {"for rcpt", commandRcpt},
	{"rcpt to command", commandRcpt}, {"rcpt failed", commandRcpt}, {"recipient address rejected", commandRcpt},
}

// commandIn returns the command a text in lower case names.
func commandIn(lower string) string {
	for _, c := range commandPhrases {
		if strings.Contains(lower, c.phrase) {
			return c.command
		}
	}
	return ""
}

// aboutRecipient is what the text beside a status report says about a
// recipient; only says that there is no other.
func (r *reader) aboutRecipient(who string, only bool) section {
	all := r.readSections()
	for _, s := range all {
		if strings.EqualFold(s.recipient, who) {
			return s
		}
	}
	if only {
		return section{human: cut(r.text, maxSection), command: commandIn(strings.ToLower(cut(r.text, maxSection)))}
	}
	return section{}
}
