package nexthop

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

var (
	errReplyTooLong = errors.New("reply is too long")
	errOutOfStep    = errors.New("reply without a command")
	errNoReply      = errors.New("not an SMTP reply")
)

// reply is what a server says to one command.
type reply struct {
	code int
	text string // of all lines, with LF between them
}

// is says whether r has the code want, or is of its class where want is one
// digit: only the first digit says what to do (RFC 5321 section 4.2.1).
func (r reply) is(want int) bool { return r.code == want || r.code/100 == want }

// refusal is a reply that is not the one a command needs.
type refusal struct {
	code     int
	enhanced [3]int // RFC 3463; zero: none was given
	text     string
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s", r.code, r.text) }

// refused makes an error of r.
func (r reply) refused() *refusal {
	enhanced, text := splitEnhanced(r.code, r.text)
	if enhanced[0] != 0 {
		// Each line may begin with the code (RFC 2034 section 4).
		code := fmt.Sprintf("%d.%d.%d", enhanced[0], enhanced[1], enhanced[2])
		text = strings.ReplaceAll(text, "\n"+code+" ", "\n")
	}
	return &refusal{code: r.code, enhanced: enhanced, text: text}
}

// replyLine takes a line of a reply apart. Text, and the space before it, may
// be missing, and clients decide by the code (RFC 5321 section 4.2).
func replyLine(line []byte) (code int, more bool, text string, err error) {
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	for i := 0; i < 3 && len(line) >= 3; i++ {
		if line[i] < '0' || line[i] > '9' {
			code = 0
			break
		}
		code = code*10 + int(line[i]-'0')
	}
	if code < 200 || code > 599 || len(line) > 3 && line[3] >= '0' && line[3] <= '9' {
		return 0, false, "", fmt.Errorf("%w: %q", errNoReply, OneLine(string(line), 80))
	}
	if len(line) == 3 {
		return code, false, "", nil
	}
	if line[3] == '-' || line[3] == ' ' || line[3] == '\t' {
		return code, line[3] == '-', string(line[4:]), nil
	}
	return code, false, string(line[3:]), nil
}
