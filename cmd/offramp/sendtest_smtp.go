package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// dialogue is one SMTP session whose lines are kept.
type dialogue struct {
	conn net.Conn
	text *textproto.Conn
	said *[]string
	ext  []string // of the last EHLO
}

// refusedReply is a reply that is not the one wanted.
type refusedReply struct{ command, reply string }

func (e refusedReply) Error() string { return fmt.Sprintf("%s is answered %q", e.command, e.reply) }

func (d *dialogue) use(conn net.Conn) { d.conn, d.text = conn, textproto.NewConn(conn) }

// say sends a line, shown as it is, or as shown where that is not empty.
func (d *dialogue) say(line, shown string, want int) error {
	shown = cmp.Or(shown, line)
	*d.said = append(*d.said, "> "+shown)
	if err := d.text.PrintfLine("%s", line); err != nil {
		return err
	}
	return d.hear(shown, want)
}

// hear reads a reply, whose first digit is to be want.
func (d *dialogue) hear(command string, want int) error {
	code, text, err := d.text.ReadResponse(0)
	if err != nil {
		return err
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		mark := "-"
		if i == len(lines)-1 {
			mark = " "
		}
		*d.said = append(*d.said, fmt.Sprintf("< %d%s%s", code, mark, line))
	}
	d.ext = lines
	if code/100 != want {
		return refusedReply{command, fmt.Sprintf("%d %s", code, lines[len(lines)-1])}
	}
	return nil
}

func (d *dialogue) offers(name string) bool {
	return slices.ContainsFunc(d.ext, func(line string) bool {
		word, _, _ := strings.Cut(line, " ")
		return strings.EqualFold(word, name)
	})
}

// submit hands the newsletter to the server, as an application would.
func (t *tester) submit(ctx context.Context, message []byte) bool {
	addr := t.flags.via
	if addr == "" {
		addr = reachable(t.settings.Gateway.SMTPAddr)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := t.deliver(ctx, addr, message); err != nil {
		t.add(findFail, "submission", t.whyNot(addr, err), "")
		return false
	}
	t.add(findOK, "submission", fmt.Sprintf("%s took the newsletter as %s", addr, t.queueID), "")
	return true
}

// whyNot words why the newsletter was not taken.
func (t *tester) whyNot(addr string, err error) string {
	var refused refusedReply
	switch {
	case errors.As(err, &refused):
		return fmt.Sprintf("%s refuses the newsletter: %v", addr, err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("nothing listens on %s: start the server, or name its address with --via", addr)
	}
	return fmt.Sprintf("%s cannot be used: %v", addr, err)
}

// reachable is where to reach the first listener from this machine.
func reachable(addrs []string) string {
	if len(addrs) == 0 {
		return "127.0.0.1:25"
	}
	host, port, err := net.SplitHostPort(addrs[0])
	if ip, ipErr := netip.ParseAddr(host); err == nil && (host == "" || ipErr == nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addrs[0]
}

func (t *tester) deliver(ctx context.Context, addr string, message []byte) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	d := &dialogue{said: &t.dialogue}
	d.use(conn)
	if err := d.hear("connection", 2); err != nil {
		return err
	}
	if err := t.greetAndLogIn(d); err != nil {
		return err
	}
	for _, step := range []struct {
		line string
		want int
	}{{fmt.Sprintf("MAIL FROM:<%s>", t.from), 2}, {fmt.Sprintf("RCPT TO:<%s>", t.to), 2}, {"DATA", 3}} {
		if err := d.say(step.line, "", step.want); err != nil {
			return err
		}
	}
	t.dialogue = append(t.dialogue, fmt.Sprintf("> (the newsletter, %s)", plural(len(message), "byte")))
	w := d.text.DotWriter()
	if _, err := w.Write(message); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := d.hear("the newsletter", 2); err != nil {
		return err
	}
	words := strings.Fields(d.ext[len(d.ext)-1])
	if t.queueID = ""; len(words) > 0 {
		t.queueID = words[len(words)-1]
	}
	_ = d.say("QUIT", "", 2) // it is taken already
	return nil
}

// greetAndLogIn begins the session, under TLS where the server offers it.
func (t *tester) greetAndLogIn(d *dialogue) error {
	hello := "EHLO " + t.settings.Gateway.Hostname
	if err := d.say(hello, "", 2); err != nil {
		return err
	}
	if d.offers("STARTTLS") {
		if err := d.say("STARTTLS", "", 2); err != nil {
			return err
		}
		// The certificate of this listener may be made for a private network; that of
		// the page is what mail programs verify.
		d.use(tls.Client(d.conn, &tls.Config{InsecureSkipVerify: true}))
		if err := d.say(hello, "", 2); err != nil {
			return err
		}
	}
	if t.flags.login == "" {
		return nil
	}
	if err := mayLogIn(d.conn); err != nil {
		return err
	}
	password, err := t.app.readInput(t.flags.passwordFile)
	if err != nil {
		return err
	}
	secret := base64.StdEncoding.EncodeToString([]byte("\x00" + t.flags.login + "\x00" + strings.TrimRight(string(password), "\r\n")))
	return d.say("AUTH PLAIN "+secret, "AUTH PLAIN "+mask, 2)
}

// mayLogIn refuses to show a password to whoever is on the way to the server.
func mayLogIn(conn net.Conn) error {
	if _, encrypted := conn.(*tls.Conn); encrypted {
		return nil
	}
	to, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err == nil && to.Addr().Unmap().IsLoopback() {
		return nil
	}
	return errors.New("it offers no STARTTLS, and a password is sent in clear on this machine only")
}

// hops looks whether mail is encrypted on its way to each next hop.
func (t *tester) hops(ctx context.Context) {
	for _, text := range t.settings.Gateway.NextHop.Servers {
		u, err := url.Parse(text)
		if text == "mx" || err != nil || u.Host == "" {
			continue
		}
		if err := greet(ctx, text, t.settings.Gateway.NextHop, t.settings.Gateway.Hostname); err != nil {
			t.add(findFail, "next hop", fmt.Sprintf("%s: %v", u.Redacted(), err), "")
			continue
		}
		switch {
		case u.Scheme == "smtps" || u.Scheme == "smtp+starttls":
			t.add(findOK, "next hop", u.Redacted()+" answers, under TLS with a valid certificate", "")
		case onThisMachine(u.Hostname()):
			t.add(findOK, "next hop", u.Redacted()+" answers, on this machine", "")
		default:
			t.offersTLS(ctx, u)
		}
	}
}

func onThisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// offersTLS asks a next hop that is used without TLS whether it has it.
func (t *tester) offersTLS(ctx context.Context, u *url.URL) {
	port := cmp.Or(u.Port(), map[string]string{"smtp": "25", "lmtp": "24"}[u.Scheme])
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		t.add(findFail, "next hop", fmt.Sprintf("%s: %v", u.Redacted(), err), "")
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	var unshown []string
	d := &dialogue{said: &unshown}
	d.use(conn)
	hello := "EHLO "
	if u.Scheme == "lmtp" {
		hello = "LHLO "
	}
	err = d.hear("connection", 2)
	if err == nil {
		err = d.say(hello+t.settings.Gateway.Hostname, "", 2)
	}
	switch {
	case err != nil:
		t.add(findFail, "next hop", fmt.Sprintf("%s: %v", u.Redacted(), err), "")
	case d.offers("STARTTLS"):
		t.addFinding(finding{State: findWarn, What: "next hop", Text: u.Redacted() + " answers and offers STARTTLS; with smtp it is used where offered, and not required",
			Do: "write OFFRAMP_NEXT_HOP with smtp+starttls, so that mail never leaves in clear"})
	default:
		t.add(findWarn, "next hop", u.Redacted()+" answers, and offers no STARTTLS: mail goes to it in clear", "")
	}
}

// readAllOf reads a file that a person named.
func readAllOf(in io.Reader) ([]byte, error) {
	const most = 64 << 20
	return io.ReadAll(io.LimitReader(bufio.NewReader(in), most))
}
