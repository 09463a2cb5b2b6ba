package smtpd

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/emersion/go-smtp"
)

// command is what the dialogue knows of the line that go-smtp handles now.
type command struct {
	verb       string // the first word, when go-smtp sees one
	original   string // ORCPT as given
	postmaster bool   // RCPT names the postmaster without a domain
	broken     bool   // AUTH or a response to it is not base64
}

func (c command) is(verb string) bool { return strings.EqualFold(c.verb, verb) }

// is says whether line begins with a word, in any case.
func is(line []byte, word string) bool {
	return len(line) >= len(word) && bytes.EqualFold(line[:len(word)], []byte(word))
}

// verb and arguments of a line, as go-smtp divides it: four letters and a space.
// A line that it cannot divide has no verb.
func divide(line []byte) (verb, args string) {
	s := strings.TrimRight(string(line), "\r\n")
	switch {
	case len(s) == 4:
		return s, ""
	case len(s) > 5 && s[4] == ' ':
		return s[:4], strings.TrimSpace(s[5:])
	}
	return "", ""
}

// replyChunk ends a session in which nobody knows where a message begins.
var replyChunk = &reply{501, smtp.EnhancedCode{5, 5, 4}, "invalid BDAT command"}

// command looks at a command, and returns the line that go-smtp gets for it, or
// the reply that ends the connection.
func (d *dialogue) command(line []byte) (command, []byte, *reply) {
	verb, args := divide(line)
	now := command{verb: verb}
	startTLS := is(line, "STARTTLS") && len(bytes.TrimRight(line, " \t\r\n")) == len("STARTTLS") && d.tls != nil && !d.secure
	// A client that goes on before the reply to EHLO or STARTTLS either injects
	// commands (CVE-2011-0411, CVE-2021-38371) or does not listen (RFC 2920
	// section 3.1, RFC 3207 section 4).
	if d.in.Buffered() > 0 && (!d.hello || startTLS) {
		return now, nil, replyTalking
	}
	switch {
	case startTLS:
		d.upgrade = true
	case now.is("EHLO"), now.is("HELO"):
		name, _, _ := strings.Cut(args, " ")
		if !printable(name) {
			return now, []byte(verb + "\r\n"), nil // go-smtp has a reply for no name
		}
		d.helo = now.is("HELO")
	case is(line, "BDAT"):
		// go-smtp would take the chunk behind one that it cannot read for commands
		// (RFC 3030 section 2).
		size, ok := chunkSize(args)
		if !ok {
			return now, nil, replyChunk
		}
		d.left = size
	case now.is("MAIL"):
		line = now.mail(line, args)
	case now.is("RCPT"):
		line = now.rcpt(line, args, d.name)
	case now.is("AUTH"):
		line = now.auth(line, args)
	}
	return now, line, nil
}

// chunkSize reads the arguments of BDAT: a size, and perhaps LAST.
func chunkSize(args string) (uint64, bool) {
	words := strings.Fields(args)
	if len(words) == 0 || len(words) > 2 || len(words) == 2 && !strings.EqualFold(words[1], "LAST") {
		return 0, false
	}
	size, err := strconv.ParseUint(words[0], 10, 32)
	return size, err == nil
}

// printable refuses what could confuse a log or a terminal.
func printable(name string) bool {
	for i := 0; i < len(name); i++ {
		if name[i] <= ' ' || name[i] == 0x7f {
			return false
		}
	}
	return len(name) <= 255 // RFC 5321 section 4.5.3.1.2
}

// mail takes AUTH off MAIL: it names who wrote the message, which nobody has to
// believe (RFC 4954 section 5), and go-smtp refuses many a form of it.
func (c *command) mail(line []byte, args string) []byte {
	path, words := parameters(args, "FROM:")
	rest, _ := without(words, "AUTH")
	if len(rest) == len(words) {
		return line
	}
	return []byte("MAIL FROM:" + path + " " + strings.Join(rest, " ") + "\r\n")
}

// rcpt takes ORCPT off RCPT, which go-smtp knows only of some types, and gives
// the postmaster a domain: without one go-smtp takes no address (RFC 5321 section
// 4.5.1).
func (c *command) rcpt(line []byte, args, name string) []byte {
	path, words := parameters(args, "TO:")
	var rest []string
	rest, c.original = without(words, "ORCPT")
	bare := strings.TrimSuffix(strings.TrimPrefix(path, "<"), ">")
	c.postmaster = strings.EqualFold(bare, "postmaster") && (path == bare || len(path) == len(bare)+2)
	switch {
	case c.postmaster:
		path = "<" + bare + "@" + name + ">"
	case len(rest) == len(words):
		return line
	}
	return []byte("RCPT TO:" + path + " " + strings.Join(rest, " ") + "\r\n")
}

// parameters divides the arguments of MAIL or RCPT where go-smtp does. A quoted
// local part may hold anything. What go-smtp refuses may come apart in any way.
func parameters(args, begin string) (path string, words []string) {
	if !is([]byte(args), begin) {
		return "", nil
	}
	s := strings.TrimSpace(args[len(begin):])
	i := 0
	if strings.HasPrefix(s, "<") {
		i++
	}
	if strings.HasPrefix(s[i:], "@") { // a source route
		i += strings.IndexByte(s[i:], ':') + 1
	}
	if strings.HasPrefix(s[i:], `"`) {
		for i++; i < len(s) && s[i] != '"'; i++ {
			if s[i] == '\\' {
				i++
			}
		}
		i = min(i, len(s))
	}
	end := strings.IndexAny(s[i:], "> \t")
	switch {
	case end < 0:
		return s, nil
	case s[0] == '<' && s[i+end] == '>':
		end++
	}
	return s[:i+end], strings.Fields(s[i+end:])
}

// without takes the parameters of a name that have a value off words, and returns
// the last value.
func without(words []string, name string) (rest []string, value string) {
	for _, w := range words {
		if key, v, _ := strings.Cut(w, "="); strings.EqualFold(key, name) && v != "" {
			value = v
			continue
		}
		rest = append(rest, w)
	}
	return rest, value
}

// auth looks at the initial response of AUTH.
func (c *command) auth(line []byte, args string) []byte {
	words := strings.Fields(args)
	if c.broken = len(words) > 2 || len(words) == 2 && !isBase64(words[1]); c.broken {
		return []byte("AUTH " + words[0] + " =\r\n")
	}
	return line
}

// response looks at a line that answers a challenge of AUTH. go-smtp has the wrong
// reply to one that is broken, so an empty one stands for it, and the mechanism
// asks whether it was (RFC 4954 section 4).
func response(line []byte) (command, []byte) {
	s := strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r")
	if s == "*" || isBase64(s) {
		return command{}, line
	}
	return command{broken: true}, []byte("=\r\n")
}

// isBase64 says whether s is a response: base64 as RFC 4648 section 4 writes it,
// or "=", which is empty.
func isBase64(s string) bool {
	if s == "=" {
		return true
	}
	_, err := base64.StdEncoding.Strict().DecodeString(s)
	return err == nil && !strings.ContainsAny(s, "\r\n")
}
