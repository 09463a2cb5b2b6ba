package sink

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"net"
	"strings"
	"time"
)

var errEnd = errors.New("session ended")

// session speaks with one client.
type session struct {
	sink   *Sink
	number int
	conn   net.Conn
	in     *bufio.Reader
	out    *bufio.Writer
	helo   string
	login  string
	tls    bool
	mail   *Message // nil outside a transaction
}

func newSession(s *Sink, c net.Conn, number int) *session {
	return &session{sink: s, number: number, conn: c, in: bufio.NewReaderSize(c, 16<<10), out: bufio.NewWriter(c)}
}

func (c *session) serve() {
	if c.step(Connect, "", "") != nil || c.step(Banner, "", "220 "+c.sink.options.Name+" ESMTP") != nil {
		return
	}
	for {
		line, err := c.line()
		if err != nil {
			return
		}
		if c.command(line) != nil {
			return
		}
	}
}

func (c *session) command(line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	switch strings.ToUpper(verb) {
	case "EHLO", "HELO", "LHLO":
		c.helo, c.mail = rest, nil
		return c.step(EHLO, "", c.capabilities())
	case "STARTTLS":
		return c.startTLS()
	case "AUTH":
		return c.auth(rest)
	case "MAIL":
		path, params := mailbox(rest, "FROM:")
		c.mail = &Message{ReversePath: path, At: time.Now(), Helo: c.helo, TLS: c.tls, Login: c.login, Parameters: []string{params}}
		return c.step(Mail, "", "250 2.1.0 ok")
	case "RCPT":
		return c.rcpt(rest)
	case "DATA":
		return c.data()
	case "RSET":
		c.mail = nil
		return c.reply("250 2.0.0 ok")
	case "NOOP":
		return c.reply("250 2.0.0 ok")
	case "QUIT":
		c.reply("221 2.0.0 bye")
		return errEnd
	}
	return c.reply("500 5.5.2 unknown command")
}

func (c *session) capabilities() string {
	lines := append([]string{c.sink.options.Name}, c.sink.options.Extensions...)
	if c.sink.options.TLS != nil && !c.tls {
		lines = append(lines, "STARTTLS")
	}
	for i := range lines {
		sep := "-"
		if i == len(lines)-1 {
			sep = " "
		}
		lines[i] = "250" + sep + lines[i]
	}
	return strings.Join(lines, "\r\n")
}

func (c *session) startTLS() error {
	if c.sink.options.TLS == nil || c.tls {
		return c.reply("502 5.5.1 not offered")
	}
	if err := c.step(StartTLS, "", "220 2.0.0 go ahead"); err != nil {
		return err
	}
	t := tls.Server(c.conn, c.sink.options.TLS)
	if err := t.Handshake(); err != nil {
		return err
	}
	c.conn, c.tls, c.helo = t, true, ""
	c.in.Reset(t)
	c.out.Reset(t)
	return nil
}

func (c *session) auth(rest string) error {
	mechanism, initial, _ := strings.Cut(rest, " ")
	if !strings.EqualFold(mechanism, "PLAIN") {
		return c.reply("504 5.5.4 only PLAIN")
	}
	if initial == "" {
		if err := c.reply("334 "); err != nil {
			return err
		}
		var err error
		if initial, err = c.line(); err != nil {
			return err
		}
	}
	raw, _ := base64.StdEncoding.DecodeString(initial)
	if parts := bytes.Split(raw, []byte{0}); len(parts) == 3 {
		c.login = string(parts[1])
	}
	return c.step(Auth, "", "235 2.7.0 ok")
}

func (c *session) rcpt(rest string) error {
	if c.mail == nil {
		return c.reply("503 5.5.1 MAIL first")
	}
	path, params := mailbox(rest, "TO:")
	f := c.fault(Rcpt, path)
	if f.none() || strings.HasPrefix(f.Reply, "2") {
		c.mail.Recipients = append(c.mail.Recipients, path)
		c.mail.Parameters = append(c.mail.Parameters, params)
	}
	return c.answer(f, "250 2.1.5 ok")
}

func (c *session) data() error {
	if c.mail == nil || len(c.mail.Recipients) == 0 {
		return c.reply("503 5.5.1 no recipients")
	}
	f := c.fault(Data, "")
	if err := c.answer(f, "354 go ahead"); err != nil || !f.none() && !strings.HasPrefix(f.Reply, "354") {
		return err
	}
	if err := c.body(); err != nil {
		return err
	}
	f = c.fault(Dot, "")
	m := *c.mail
	c.mail = nil
	if f.none() || f.Keep || strings.HasPrefix(f.Reply, "2") {
		c.sink.take(m)
	}
	if err := c.answer(f, "250 2.0.0 taken"); err != nil {
		return err
	}
	return c.answer(c.faultAt(Replied, m), "")
}

// body reads up to CRLF.CRLF and removes the dots of RFC 5321 section 4.5.2.
func (c *session) body() error {
	var data bytes.Buffer
	first, start := true, true
	for {
		part, err := c.in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if first {
			first = false
			if f := c.fault(Body, ""); !f.none() {
				return c.answer(f, "")
			}
		}
		ends := bytes.HasSuffix(part, []byte("\r\n"))
		if start && ends && string(part) == ".\r\n" {
			c.mail.Data = data.Bytes()
			return nil
		}
		if start && part[0] == '.' {
			part = part[1:]
		}
		c.mail.Size += len(part)
		if !c.sink.options.Discard {
			data.Write(part)
		}
		start = ends
	}
}

// step meets a stage: its fault, or else its answer.
func (c *session) step(s Stage, recipient, answer string) error {
	return c.answer(c.fault(s, recipient), answer)
}

func (c *session) fault(s Stage, recipient string) Fault {
	var m Message
	if c.mail != nil {
		m = *c.mail
	}
	if c.sink.options.Fault == nil {
		return Fault{}
	}
	return c.sink.options.Fault(s, Transaction{Session: c.number, ReversePath: m.ReversePath, Recipient: recipient, Recipients: m.Recipients, Data: m.Data})
}

func (c *session) faultAt(s Stage, m Message) Fault {
	if c.sink.options.Fault == nil {
		return Fault{}
	}
	return c.sink.options.Fault(s, Transaction{Session: c.number, ReversePath: m.ReversePath, Recipients: m.Recipients, Data: m.Data})
}

// answer performs a fault, or gives the answer when there is none.
func (c *session) answer(f Fault, answer string) error {
	if f.Stall > 0 {
		c.out.Flush()
		// The client may give up first: reading tells.
		c.conn.SetReadDeadline(time.Now().Add(f.Stall))
		_, err := c.in.Peek(c.in.Buffered() + 1)
		var timeout net.Error
		if err != nil && !(errors.As(err, &timeout) && timeout.Timeout()) {
			return err
		}
		c.conn.SetReadDeadline(time.Time{})
	}
	if f.Drop {
		return errEnd
	}
	if f.Reply != "" {
		answer = f.Reply
	}
	if answer == "" {
		return nil
	}
	if err := c.reply(answer); err != nil {
		return err
	}
	if strings.HasPrefix(answer, "421") {
		c.out.Flush()
		return errEnd
	}
	return nil
}

// reply sends at once what the client waits for: replies to pipelined commands
// travel together (RFC 2920 section 3.2).
func (c *session) reply(text string) error {
	c.out.WriteString(text)
	c.out.WriteString("\r\n")
	if c.in.Buffered() > 0 {
		return nil
	}
	return c.out.Flush()
}

func (c *session) line() (string, error) {
	c.out.Flush()
	line, err := c.in.ReadString('\n')
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"), nil
}

// mailbox splits "FROM:<a@b> PARAM=1" into the address and the parameters. A
// quoted local part may hold ">" (RFC 5321 section 4.1.2).
func mailbox(s, keyword string) (address, params string) {
	if len(s) < len(keyword) || !strings.EqualFold(s[:len(keyword)], keyword) {
		return s, ""
	}
	s = strings.TrimPrefix(strings.TrimSpace(s[len(keyword):]), "<")
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == '>' && !quoted:
			return s[:i], strings.TrimSpace(s[i+1:])
		}
	}
	return s, ""
}
