package smtpd

import (
	"fmt"
	"net"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// AuthMechanisms are offered where a password may be sent (RFC 4954 section 4).
func (t *session) AuthMechanisms() []string {
	if t.s.logins() == nil || !t.private() {
		return nil
	}
	return []string{sasl.Plain, sasl.Login}
}

// private says whether nobody between here and the client can read a password:
// under TLS, or where the connection never leaves this machine.
func (t *session) private() bool {
	return t.d.secure || t.s.AuthLoopback && loopback(t.d.LocalAddr()) && loopback(t.d.RemoteAddr())
}

func loopback(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return ok && t.AddrPort().Addr().Unmap().IsLoopback()
}

// authNeedsTLS is the reply to a login in clear: where to go instead.
func (s *Server) authNeedsTLS(listeners []Listener) *reply {
	text := "login needs TLS here: use STARTTLS"
	for _, l := range listeners {
		if a, ok := l.Addr().(*net.TCPAddr); ok && l.ImplicitTLS {
			text += fmt.Sprintf(", or TLS from the start on port %d", a.Port)
			break
		}
	}
	if s.tls == nil {
		text = "login needs TLS, and this server has no certificate"
		if s.AuthLoopback {
			text += "; without TLS log in from the same machine, over 127.0.0.1 or ::1"
		}
	}
	return &reply{523, smtp.EnhancedCode{5, 7, 10}, text} // RFC 5248 section 2.4
}

// Auth begins a login. Its errors, and those of what it returns, are replies.
func (t *session) Auth(mechanism string) (sasl.Server, error) {
	t.mu.Lock()
	open := t.tx != nil
	t.mu.Unlock()
	logins := t.s.logins()
	switch {
	case open:
		return nil, replyAuthMail.smtp()
	case logins == nil:
		return nil, replyMechanism.smtp()
	case !t.private():
		return nil, t.s.needsTLS.smtp()
	}
	switch mechanism {
	case sasl.Plain:
		return replying{t.d, sasl.NewPlainServer(func(identity, name, password string) error {
			if identity != "" && identity != name {
				return t.refused(logins, name) // nobody may act for another
			}
			return t.authenticate(logins, name, password)
		})}, nil
	case sasl.Login:
		return replying{t.d, &loginServer{check: func(name, password string) error { return t.authenticate(logins, name, password) }}}, nil
	}
	return nil, replyMechanism.smtp()
}

// authenticate checks a password. Who failed too often is not checked, unless
// the same password was right a moment ago: others must not lock a sender out.
func (t *session) authenticate(logins *Logins, name, password string) error {
	one := logins.guess(name, t.d.addr)
	if !logins.remembers(name, password) {
		if !t.s.guesses.turn(t.ctx, one) {
			t.s.Stats.Throttled.Add(1)
			t.failure()
			return replyThrottled.smtp()
		}
		ok, err := logins.Verify(t.ctx, name, password)
		if err != nil {
			return t.failed("check a login", err).smtp()
		}
		if !ok {
			return t.refused(logins, name)
		}
	}
	t.login = name
	t.s.guesses.right(one)
	t.s.places.visited(t.d.conn)
	t.s.Stats.Logins.Add(1)
	t.d.progress()
	return nil
}

// refused counts a failed login.
func (t *session) refused(logins *Logins, name string) error {
	t.s.guesses.wrong(logins.guess(name, t.d.addr))
	t.s.Stats.LoginFailed.Add(1)
	t.s.Log.Warn("login failed", "login", shown(name), "ip", t.d.addr.String())
	t.failure()
	return replyAuthFailed.smtp()
}

// maxShown bounds what a stranger writes into the log by one failed login.
const maxShown = 64

// shown is a name that a stranger gave, as it can stand in a log.
func shown(name string) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, name[:min(len(name), 4*maxShown)])
	if runes := []rune(name); len(runes) > maxShown {
		return string(runes[:maxShown]) + "..."
	}
	return name
}

func (t *session) failure() {
	if t.failures++; t.failures >= t.s.limits.AuthPerConnection {
		t.d.endAfterReply(replyAuthEnd)
	}
}

// replying makes every error of a mechanism a reply: go-smtp would send its
// text, and call it temporary. The dialogue knows of a response that is broken.
type replying struct {
	d *dialogue
	sasl.Server
}

func (r replying) Next(response []byte) (challenge []byte, done bool, err error) {
	if r.d.now.broken {
		return nil, false, replyAuthSyntax.smtp()
	}
	challenge, done, err = r.Server.Next(response)
	if _, ok := err.(*smtp.SMTPError); err != nil && !ok {
		err = replyAuthSyntax.smtp()
	}
	return challenge, done, err
}

// loginServer is the mechanism LOGIN (draft-murchison-sasl-login), which old
// senders need and go-sasl has for clients only.
type loginServer struct {
	check func(name, password string) error
	step  int
	name  string
}

// Next takes a response: nil at the start when the client sent none with AUTH.
func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	switch {
	case l.step == 0 && response == nil:
		return []byte("Username:"), false, nil
	case l.step == 0:
		l.step, l.name = 1, string(response)
		return []byte("Password:"), false, nil
	case l.step == 1:
		l.step = 2
		err := l.check(l.name, string(response))
		return nil, err == nil, err
	}
	return nil, false, sasl.ErrUnexpectedClientResponse
}
