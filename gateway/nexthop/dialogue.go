package nexthop

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// dialogue is commands and their replies.
type dialogue struct {
	wire    *wire
	timeout time.Duration // for a reply
}

// say sends a line.
func (d *dialogue) say(line string) error {
	if strings.ContainsAny(line, "\r\n") {
		return errors.New("a command must not contain CR or LF")
	}
	if err := d.wire.quiet(); err != nil {
		return err
	}
	_, err := d.wire.Write([]byte(line + "\r\n"))
	return err
}

// command sends a line and returns the reply, whatever it says.
func (d *dialogue) command(line string) (reply, error) {
	if err := d.say(line); err != nil {
		return reply{}, err
	}
	return d.wire.reply(d.timeout)
}

// want sends a line. Another reply than the code or class wanted is a *refusal.
func (d *dialogue) want(code int, line string) (reply, error) {
	r, err := d.command(line)
	return wanted(code, r, err)
}

func wanted(code int, r reply, err error) (reply, error) {
	if err == nil && !r.is(code) {
		err = r.refused()
	}
	return r, err
}

// errNoEHLO marks that a hop did not bear EHLO and left: a new connection may
// greet with HELO.
type errNoEHLO struct{ error }

func (e errNoEHLO) Unwrap() error { return e.error }

// hello greets and returns the extensions offered. Where EHLO is refused,
// whatever the code, HELO may do (RFC 5321 section 3.2): many servers use
// another than 500 or 502.
func (d *dialogue) hello(name string, h hop) (extensions, error) {
	if h.helo {
		_, err := d.want(2, "HELO "+name)
		return nil, err
	}
	verb := "EHLO "
	if h.lmtp {
		verb = "LHLO "
	}
	r, err := d.want(2, verb+name)
	if err == nil {
		return parseExtensions(r.text), nil
	}
	if h.needsEHLO() {
		return nil, err
	}
	refused, ok := errors.AsType[*refusal](err)
	switch {
	case ok && refused.code/100 == 5:
		if _, err = d.want(2, "HELO "+name); err != nil && !replied(err) {
			err = errNoEHLO{err}
		}
	case closed(err):
		err = errNoEHLO{err}
	}
	return nil, err
}

// closed says whether err is that the hop closed the connection.
func closed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// extensions are the parameters of what a hop offers, by keyword in upper case.
type extensions map[string]string

// parseExtensions reads the text of a reply to EHLO (RFC 5321 section 4.1.1.1).
// "AUTH=PLAIN LOGIN" was written before RFC 2554; beside it there may be
// another line for AUTH.
func parseExtensions(text string) extensions {
	ext := make(extensions)
	_, rest, _ := strings.Cut(text, "\n")
	for line := range strings.SplitSeq(rest, "\n") {
		line = strings.TrimSpace(line)
		end := strings.IndexAny(line, " \t=")
		if end < 0 {
			end = len(line)
		}
		keyword, params := strings.ToUpper(line[:end]), strings.TrimLeft(line[end:], " \t=")
		if before := ext[keyword]; before != "" {
			params = strings.TrimSpace(before + " " + params)
		}
		if keyword != "" {
			ext[keyword] = params
		}
	}
	return ext
}

// maxLimitDigits is from RFC 9422 section 4: a larger number is none.
const maxLimitDigits = 6

// limit returns a number of the LIMITS extension (RFC 9422); 0: none is announced.
func (e extensions) limit(name string) int {
	for word := range strings.FieldsSeq(e["LIMITS"]) {
		key, value, _ := strings.Cut(word, "=")
		if !strings.EqualFold(key, name) || len(value) > maxLimitDigits {
			continue
		}
		if n, err := strconv.ParseUint(value, 10, 32); err == nil {
			return int(n)
		}
	}
	return 0
}
