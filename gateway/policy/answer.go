package policy

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"offramp/gateway/envelope"
	"offramp/store"
)

// Answers (access(5)). Postfix puts "<recipient>: Recipient address rejected: "
// before the texts.
const (
	pass    = "DUNNO"
	dead    = "550 5.1.1 Mail to this address came back as undeliverable before, so none is sent to it"
	stopped = "550 5.7.1 The operator has stopped all mail to this address"
	unsure  = "451 4.3.0 Temporary local problem, try again later"
)

// answer decides about one request.
func (s *Server) answer(ctx context.Context, r request) (action string) {
	began := time.Now()
	defer func() {
		if cause := recover(); cause != nil {
			s.stats().Panics.Add(1)
			s.log().Error("panic in the policy service", "error", fmt.Sprint(cause), "stack", string(debug.Stack()))
			action = s.inDoubt()
		}
		s.stats().Durations.Since(began)
	}()
	address, ok := s.asked(r)
	if !ok {
		s.stats().Passed.Add(1)
		return pass
	}
	ctx, cancel := context.WithTimeout(ctx, verdictTimeout)
	defer cancel()
	// As for mail of no list: no opt-out counts.
	v, err := s.Verdicts.Verdict(ctx, address, "")
	if err != nil {
		s.log().Warn("the policy service cannot look a recipient up", "error", err)
		return s.inDoubt()
	}
	action = pass
	if v.Drop {
		switch v.Reason {
		case store.ReasonBounced:
			action = dead
		case store.ReasonManual:
			action = stopped
		}
	}
	if action == pass {
		s.stats().Passed.Add(1)
		return pass
	}
	s.stats().Stopped.Add(1)
	s.log().Info("recipient refused before queueing", "to", address.Masked(), "reason", string(v.Reason), "queue_id", envelope.MaskAll(cut(r.queueID)))
	return action
}

// asked is the recipient that a request is about. Bounces pass: a refusal would
// leave Postfix with a bounce of a bounce.
func (s *Server) asked(r request) (envelope.Address, bool) {
	if r.kind != "smtpd_access_policy" || r.state != "RCPT" || r.sender == "" {
		return envelope.Address{}, false
	}
	// Postfix sends addresses without the quotes of their local part.
	address, err := envelope.ParseUnquoted(r.recipient)
	if err != nil || s.Owns != nil && s.Owns(address) {
		return envelope.Address{}, false
	}
	return address, true
}

func (s *Server) inDoubt() string {
	s.stats().InDoubt.Add(1)
	if s.Config.InDoubt == InDoubtDefer {
		return unsure
	}
	return pass
}

// cut bounds what goes into the log of a text that somebody else wrote.
func cut(text string) string { return text[:min(len(text), 64)] }
