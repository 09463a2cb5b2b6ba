package smtpd

import (
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"offramp/gateway/throttle"
)

// AuthMechanisms are offered under TLS only (RFC 4954 section 4); go-smtp asks
// only then.
func (t *session) AuthMechanisms() []string {
	if t.s.Logins == nil || !t.tls {
		return nil
	}
	return []string{sasl.Plain, sasl.Login}
}

// Auth begins a login. Its errors, and those of what it returns, are replies.
func (t *session) Auth(mechanism string) (sasl.Server, error) {
	t.mu.Lock()
	open := t.tx != nil
	t.mu.Unlock()
	switch {
	case open:
		return nil, replyAuthMail.smtp()
	case !t.tls:
		return nil, replyAuthTLS.smtp()
	case t.s.Logins == nil:
		return nil, replyMechanism.smtp()
	}
	switch mechanism {
	case sasl.Plain:
		return replying{sasl.NewPlainServer(func(identity, name, password string) error {
			if identity != "" && identity != name {
				return t.refused(name) // nobody may act for another
			}
			return t.authenticate(name, password)
		})}, nil
	case sasl.Login:
		return replying{&loginServer{check: t.authenticate}}, nil
	}
	return nil, replyMechanism.smtp()
}

// authenticate checks a password. Who failed too often is not checked, unless
// the same password was right a moment ago: others must not lock a sender out.
func (t *session) authenticate(name, password string) error {
	now := time.Now()
	if !t.s.Logins.remembers(name, password) {
		if t.s.clients.Empty(throttle.Network(t.c.addr), now) || t.s.names.Empty(t.s.Logins.bucket(name), now) {
			t.s.Stats.Throttled.Add(1)
			t.failure()
			return replyThrottled.smtp()
		}
		ok, err := t.s.Logins.Verify(t.ctx, name, password)
		if err != nil {
			return t.failed("check a login", err).smtp()
		}
		if !ok {
			return t.refused(name)
		}
	}
	t.login = name
	t.s.Stats.Logins.Add(1)
	t.c.progress()
	return nil
}

// refused counts a failed login.
func (t *session) refused(name string) error {
	now := time.Now()
	t.s.clients.Take(throttle.Network(t.c.addr), now)
	t.s.names.Take(t.s.Logins.bucket(name), now)
	t.s.Stats.LoginFailed.Add(1)
	t.s.Log.Warn("login failed", "ip", t.c.addr.String())
	t.failure()
	return replyAuthFailed.smtp()
}

func (t *session) failure() {
	if t.failures++; t.failures >= t.s.limits.AuthPerConnection {
		t.c.endAfterReply(replyAuthEnd)
	}
}

// replying makes every error of a mechanism a reply: go-smtp would send its
// text, and call it temporary.
type replying struct{ sasl.Server }

func (r replying) Next(response []byte) (challenge []byte, done bool, err error) {
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
