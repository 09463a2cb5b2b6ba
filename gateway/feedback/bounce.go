package feedback

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"offramp/gateway/consent"
	"offramp/gateway/diagnosis"
	"offramp/gateway/envelope"
	"offramp/listunsub"
	"offramp/store"
)

// returned does what mail to a bounce address says about the person that the
// address names.
func (m *mail) returned(ctx context.Context, s consent.Subject) error {
	report := m.read()
	finding, exact := about(report.Findings, s.Recipient)
	var err error
	switch finding.Kind {
	case diagnosis.Bounce:
		// Only what a mail system sends, from the null reverse-path, and about
		// this very address, can report that it is dead (RFC 5321 section 4.5.5).
		err = m.bounce(ctx, s, finding, exact, m.in.Envelope.ReversePath.IsNull())
	case diagnosis.Complaint:
		err = m.complaint(ctx, s, finding.FeedbackType)
	case diagnosis.AutoReply:
		err = m.answered(ctx, s, finding.Why)
	case diagnosis.OptOut:
		if automatic(m.in.Envelope.ReversePath, m.header) == "" {
			err = m.leave(ctx, s)
		}
	default:
		m.notUnderstood(ctx, s, true)
	}
	if err != nil {
		return err
	}
	return m.passOn(ctx, s)
}

// about picks what is said about a person, and whether it is about that very
// address. What it says under the same name at another host, without any
// address, or about the one address it names, may be about a mailbox that the
// person's address forwards to, so it is less sure.
func about(all []diagnosis.Finding, recipient envelope.Address) (f diagnosis.Finding, exact bool) {
	for _, one := range all {
		if strings.EqualFold(one.Recipient, recipient.String()) {
			return one, true
		}
	}
	for _, one := range all {
		local, _, _ := strings.Cut(one.Recipient, "@")
		if one.Recipient == "" || strings.EqualFold(local, recipient.Local()) {
			return one, false
		}
	}
	if len(all) == 1 {
		return all[0], false
	}
	return diagnosis.Finding{Kind: diagnosis.Bounce, Class: diagnosis.Undecided, Why: "it names several others"}, false
}

// bounce records a bounce. exact says that it is about the very address, certain
// that a mail system sent it to us: a hard one needs both.
func (m *mail) bounce(ctx context.Context, s consent.Subject, found diagnosis.Finding, exact, certain bool) error {
	if found.Delayed {
		return m.answered(ctx, s, "delivery is delayed")
	}
	weight := weigh(found.Class, found.Cause, exact && certain)
	if (found.Loose || !certain) && !exact {
		weight = consent.NoWeight // people write about bounces of their own
	}
	stopped, err := m.f.Consent.Bounced(ctx, consent.Bounce{
		Recipient: s.Recipient, List: s.List, Weight: weight, Way: store.Mail,
		Detail: detail(found), Once: m.once("bounce", s), Merged: m.merged(fmt.Sprintf("bounce %d", weight), s),
	}, m.evidence())
	if err != nil {
		return fmt.Errorf("bounce by mail: %w", err)
	}
	m.f.countBounce(weight, stopped)
	if found.Class == diagnosis.Undecided && found.Cause == "" {
		m.keep(true)
	}
	m.log(ctx, "bounced", s, slog.String("class", string(found.Class)), slog.String("dsn", found.Status), slog.String("why", found.Why), slog.Bool("stopped", stopped))
	return nil
}

// weigh is what a bounce counts: one about the message, the sender or the way
// says nothing about the address.
func weigh(class diagnosis.Class, cause diagnosis.Cause, certain bool) consent.Weight {
	switch {
	case class == diagnosis.Hard && certain:
		return consent.Hard
	case class == diagnosis.Hard, cause == diagnosis.CauseAddress, cause == diagnosis.CauseMailbox:
		return consent.Soft
	}
	return consent.NoWeight
}

func (f *Feedback) countBounce(w consent.Weight, stopped bool) {
	s := f.stats()
	switch w {
	case consent.Hard:
		s.Hard.Add(1)
	case consent.Soft:
		s.Soft.Add(1)
	default:
		s.Undecided.Add(1)
	}
	if stopped {
		s.Stopped.Add(1)
	}
}

// detail is what an event keeps of a bounce. What the mail system said may name
// somebody, so it is left out.
func detail(found diagnosis.Finding) string {
	parts := []string{string(found.Class), found.Reply, found.Status, found.System}
	text := ""
	for _, p := range parts {
		if p != "" {
			text += p + " "
		}
	}
	return text + "(" + found.Why + ")"
}

// answered records that a machine answered: once a day for a person and list,
// however many answers come.
func (m *mail) answered(ctx context.Context, s consent.Subject, why string) error {
	err := m.f.Answers.Answered(ctx, consent.Answer{
		Subject: s, Kind: store.EventAnswered, Detail: why,
		Once: "answered " + m.f.now().UTC().Format("2006-01-02") + " " + s.List + " " + s.Recipient.Key(),
	}, m.evidence())
	if err != nil {
		return fmt.Errorf("automatic answer: %w", err)
	}
	m.f.stats().Automatic.Add(1)
	m.log(ctx, "answered by a machine", s, slog.String("why", why))
	return nil
}

// passOn sends what came to a bounce address on to the reverse-path that the
// sender gave. It is the last step, so that a repetition sends nothing twice
// but what failed here.
func (m *mail) passOn(ctx context.Context, s consent.Subject) error {
	if m.f.Senders == nil || !m.f.Config.PassOn || !m.whole {
		return nil
	}
	token := m.read().Returned.Get(envelope.FieldReturnPath)
	if token == "" {
		return nil
	}
	claims, err := m.f.Tokens.Open(token, listunsub.ReturnPath)
	if err != nil {
		return nil // somebody else's, or forged
	}
	to, err := envelope.Parse(claims.Recipient)
	if err != nil || m.f.Owns(to) || !m.f.passes.take(s.Recipient.Key(), m.f.now()) {
		return nil
	}
	if err := m.f.Senders.PassOn(ctx, to, m.in.IP, m.raw); err != nil {
		return fmt.Errorf("pass a bounce on: %w", err)
	}
	m.f.stats().PassedOn.Add(1)
	return nil
}
