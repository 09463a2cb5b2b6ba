package nexthop

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// maxReplyLine is over three times what RFC 5321 section 4.5.3.1.5 allows, and
// less than the client's own limit, which the replay must keep.
const maxReplyLine = 1900

// dialogue is the part of a session before the go-smtp client.
type dialogue struct {
	wire    *wire
	timeout time.Duration
}

// command sends line and returns the lines of the reply, which must have code.
func (d *dialogue) command(line string, code int) ([]string, error) {
	if _, err := d.wire.Write([]byte(line + "\r\n")); err != nil {
		return nil, err
	}
	return d.expect(code)
}

// expect reads one reply. Another code than the one asked for is a *smtp.SMTPError.
func (d *dialogue) expect(code int) ([]string, error) {
	if err := d.wire.Conn.SetReadDeadline(time.Now().Add(d.timeout)); err != nil {
		return nil, err
	}
	var lines []string
	got := 0
	for {
		line, err := d.line()
		if err != nil {
			return nil, err
		}
		n, more, text, err := replyLine(line)
		if err != nil {
			return nil, err
		}
		if got != 0 && n != got {
			return nil, errors.New("reply with several codes")
		}
		got = n
		lines = append(lines, text)
		if !more {
			break
		}
	}
	if got != code {
		return nil, replyError(got, lines)
	}
	return lines, nil
}

// line reads one line, without its end. The wire hands over no more than one
// reply, so nothing behind it is lost.
func (d *dialogue) line() (string, error) {
	var line []byte
	var one [1]byte
	for {
		n, err := d.wire.Read(one[:])
		if err != nil {
			return "", err
		}
		if n == 0 {
			continue
		}
		if one[0] == '\n' {
			return string(bytes.TrimSuffix(line, []byte("\r"))), nil
		}
		if len(line) == maxReplyLine {
			return "", errReplyTooLong
		}
		line = append(line, one[0])
	}
}

// replyLine takes a line of a reply apart (RFC 5321 section 4.2).
func replyLine(line string) (code int, more bool, text string, err error) {
	if len(line) < 3 {
		return 0, false, "", fmt.Errorf("not an SMTP reply: %q", OneLine(line, 80))
	}
	for i := range 3 {
		c := line[i]
		if c < '0' || c > '9' {
			return 0, false, "", fmt.Errorf("not an SMTP reply: %q", OneLine(line, 80))
		}
		code = code*10 + int(c-'0')
	}
	if len(line) == 3 {
		return code, false, "", nil
	}
	if line[3] != ' ' && line[3] != '-' {
		return 0, false, "", fmt.Errorf("not an SMTP reply: %q", OneLine(line, 80))
	}
	return code, line[3] == '-', line[4:], nil
}

func replyError(code int, lines []string) error {
	enhanced, text := splitEnhanced(code, strings.Join(lines, " "))
	return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: text}
}

// hello greets, with HELO where EHLO is unknown (RFC 5321 section 3.2), and
// returns the extensions offered, names in upper case.
func (d *dialogue) hello(name string, lmtp bool) (map[string]string, error) {
	verb := "EHLO "
	if lmtp {
		verb = "LHLO "
	}
	lines, err := d.command(verb+name, 250)
	if refused, ok := errors.AsType[*smtp.SMTPError](err); ok && !lmtp && (refused.Code == 500 || refused.Code == 502) {
		_, err = d.command("HELO "+name, 250)
		lines = nil
	}
	if err != nil {
		return nil, err
	}
	ext := make(map[string]string)
	for i, line := range lines {
		if i == 0 {
			continue
		}
		keyword, params, _ := strings.Cut(line, " ")
		ext[strings.ToUpper(keyword)] = params
	}
	return ext, nil
}

// replayed returns what the go-smtp client reads instead of a greeting (the
// first greetingLength bytes) and of the reply to its EHLO. The client looks
// extensions up in upper case only.
func replayed(ext map[string]string) []byte {
	out := []byte(greeting)
	out = append(out, "250-ready\r\n"...)
	for _, keyword := range slices.Sorted(maps.Keys(ext)) {
		if params := ext[keyword]; params != "" {
			keyword += " " + params
		}
		out = append(out, "250-"+textproto.TrimString(keyword)+"\r\n"...)
	}
	return append(out, "250 OK\r\n"...)
}

const (
	greeting       = "220 ready\r\n"
	greetingLength = len(greeting)
)
