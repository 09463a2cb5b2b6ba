package trial

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// client speaks SMTP to the program, in lockstep, without any library.
type client struct {
	conn net.Conn
	in   *bufio.Reader
	ext  string // EHLO answer, upper case
}

func dial(addr string) (*client, error) {
	conn, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, in: bufio.NewReader(conn)}
	conn.SetDeadline(time.Now().Add(2 * time.Minute))
	if err := c.expect("220"); err != nil {
		c.close()
		return nil, err
	}
	return c, c.hello()
}

func (c *client) hello() error {
	reply, err := c.command("EHLO source.trial.example")
	c.ext = strings.ToUpper(reply)
	if err == nil && !strings.HasPrefix(reply, "250") {
		err = errors.New(reply)
	}
	return err
}

func (c *client) startTLS() error {
	if reply, err := c.command("STARTTLS"); err != nil || !strings.HasPrefix(reply, "220") {
		return fmt.Errorf("STARTTLS: %q %w", reply, err)
	}
	t := tls.Client(c.conn, &tls.Config{InsecureSkipVerify: true})
	if err := t.Handshake(); err != nil {
		return err
	}
	c.conn, c.in = t, bufio.NewReader(t)
	return c.hello()
}

func (c *client) close() { c.conn.Close() }

// reply reads one reply, all its lines.
func (c *client) reply() (string, error) {
	var lines []string
	for {
		l, err := c.in.ReadString('\n')
		if err != nil {
			return "", err
		}
		lines = append(lines, strings.TrimRight(l, "\r\n"))
		if len(l) > 3 && l[3] != '-' {
			return strings.Join(lines, "\n"), nil
		}
	}
}

func (c *client) expect(code string) error {
	reply, err := c.reply()
	if err != nil {
		return err
	}
	if !strings.HasPrefix(reply, code) {
		return &refused{reply}
	}
	return nil
}

func (c *client) command(line string) (string, error) {
	if _, err := fmt.Fprintf(c.conn, "%s\r\n", line); err != nil {
		return "", err
	}
	return c.reply()
}

// refused is a reply that was not the one wanted.
type refused struct{ reply string }

func (r *refused) Error() string { return r.reply }

// send is one transaction by DATA; data has CRLF line ends and no dots doubled.
func (c *client) send(from string, to []string, data []byte) error {
	if err := c.envelope(from, to); err != nil {
		return err
	}
	if reply, err := c.command("DATA"); err != nil || !strings.HasPrefix(reply, "354") {
		return wrap(reply, err)
	}
	if _, err := c.conn.Write(stuff(data)); err != nil {
		return err
	}
	return c.expect("250")
}

// sendChunks is one transaction by BDAT in chunks of n octets.
func (c *client) sendChunks(from string, to []string, data []byte, n int) error {
	if err := c.envelope(from, to); err != nil {
		return err
	}
	for len(data) > 0 {
		k, last := min(n, len(data)), ""
		if k == len(data) {
			last = " LAST"
		}
		if _, err := fmt.Fprintf(c.conn, "BDAT %d%s\r\n%s", k, last, data[:k]); err != nil {
			return err
		}
		if err := c.expect("250"); err != nil {
			return err
		}
		data = data[k:]
	}
	return nil
}

func (c *client) envelope(from string, to []string) error {
	c.conn.SetDeadline(time.Now().Add(2 * time.Minute))
	if reply, err := c.command("MAIL FROM:<" + from + ">"); err != nil || !strings.HasPrefix(reply, "250") {
		return wrap(reply, err)
	}
	for _, r := range to {
		if reply, err := c.command("RCPT TO:<" + r + ">"); err != nil || !strings.HasPrefix(reply, "250") {
			return wrap(reply, err)
		}
	}
	return nil
}

func wrap(reply string, err error) error {
	if err != nil {
		return err
	}
	return &refused{reply}
}

// stuff doubles leading dots and ends the data (RFC 5321 section 4.5.2).
func stuff(data []byte) []byte {
	s := strings.ReplaceAll(string(data), "\r\n.", "\r\n..")
	if strings.HasPrefix(s, ".") {
		s = "." + s
	}
	if !strings.HasSuffix(s, "\r\n") {
		s += "\r\n"
	}
	return []byte(s + ".\r\n")
}
