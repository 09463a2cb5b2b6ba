package feedback

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"offramp/gateway/consent"
	"offramp/gateway/diagnosis"
	"offramp/gateway/envelope"
	"offramp/store"
)

// boxed does what mail to an address without a MAC says, as far as tokens in
// what it returns prove which recipient it is about.
func (m *mail) boxed(ctx context.Context, box string) error {
	report := m.read()
	proof, err := m.prove(ctx)
	if err != nil {
		return err
	}
	// Keys are looked up at a name that the sender chose, so it is done only for
	// what a token of ours would let change something.
	if box == boxCFBL && proof.any() {
		ok, err := m.verified(ctx)
		if err != nil {
			return err
		}
		if !ok {
			m.f.stats().Unverified.Add(1)
			m.f.log().InfoContext(ctx, "complaint without a valid DKIM signature of its From domain discarded (RFC 9477 section 3.5)", slog.String("ip", m.in.IP))
			return nil
		}
	}
	finding := report.Findings[0]
	switch finding.Kind {
	case diagnosis.Complaint:
		if proof.header {
			return m.complaint(ctx, proof.subject, finding.FeedbackType)
		}
	case diagnosis.Bounce:
		// Whoever got the mail has its tokens, so this is not proof that the
		// address is dead: it counts as one of several at most.
		if proof.header {
			found, exact := about(report.Findings, proof.subject.Recipient)
			return m.bounce(ctx, proof.subject, found, exact, false)
		}
	case diagnosis.AutoReply:
		if proof.any() {
			return m.answered(ctx, proof.subject, finding.Why)
		}
		m.f.stats().Automatic.Add(1)
		return nil
	case diagnosis.OptOut:
		return m.wish(ctx, proof)
	}
	if finding.Kind != diagnosis.Other {
		m.f.stats().Unproven.Add(1)
		m.f.log().InfoContext(ctx, "feedback without a valid token", slog.String("kind", string(finding.Kind)), slog.String("ip", m.in.IP))
	}
	m.notUnderstood(ctx, proof.subject, false)
	return nil
}

// stops says whether whoever reports mail as kind wants no more of it (RFC 5965
// section 7.3, RFC 6650 section 5).
func stops(kind string) bool {
	return kind == "abuse" || kind == "fraud" || kind == "opt-out" || kind == "opt-out-list"
}

func (f *Feedback) countComplaint(err error, stopped bool) {
	if err != nil {
		return
	}
	f.stats().Complaints.Add(1)
	if stopped {
		f.stats().Stopped.Add(1)
	}
}

// complaint records what a person reported.
func (m *mail) complaint(ctx context.Context, s consent.Subject, kind string) error {
	stopped, err := m.f.Consent.Complained(ctx, consent.Complaint{
		Subject: s, Kind: kind, Stops: stops(kind), Way: store.Mail,
		Once: m.once("complaint "+kind, s), Merged: m.merged(fmt.Sprintf("complaint %t", stops(kind)), s),
	}, m.evidence())
	m.f.countComplaint(err, stopped)
	if err != nil {
		return fmt.Errorf("complaint by mail: %w", err)
	}
	m.log(ctx, "complained", s, slog.String("kind", kind), slog.Bool("stopped", stopped))
	return nil
}

// wish is a reply that asks to leave. A token of the header proves that its
// author got the mail. A link of the body goes along when the mail is shown to
// others, so beside it From must name the same person.
func (m *mail) wish(ctx context.Context, proof proof) error {
	if automatic(m.in.Envelope.ReversePath, m.header) != "" {
		m.f.stats().Automatic.Add(1)
		return nil
	}
	from, known := fromOf(m.report)
	if proof.header || proof.body && known && from.Key() == proof.subject.Recipient.Key() {
		return m.leave(ctx, proof.subject)
	}
	if !proof.body {
		if !known {
			return nil
		}
		proof.subject = consent.Subject{Recipient: from}
	}
	return m.propose(ctx, proof.subject)
}

func fromOf(r *diagnosis.Report) (envelope.Address, bool) {
	a, err := envelope.Parse(r.Findings[0].Recipient)
	return a, err == nil && a.Domain() != ""
}

// propose records a wish that nothing proves, for the operator to look at: of
// people we hold something about, once a day, and not more than one client can
// well have.
func (m *mail) propose(ctx context.Context, s consent.Subject) error {
	p, err := m.f.Answers.Person(ctx, s.Recipient)
	if err != nil {
		return fmt.Errorf("proposed opt-out: %w", err)
	}
	if p.Erased || len(p.Contacts)+len(p.Choices) == 0 || !m.f.proposals.take(m.f.now()) {
		m.f.stats().Unproven.Add(1)
		return nil
	}
	err = m.f.Answers.Answered(ctx, consent.Answer{
		Subject: s, Kind: store.EventProposed, Detail: "a reply asks for it",
		Once: "proposed " + m.f.now().UTC().Format("2006-01-02") + " " + s.List + " " + s.Recipient.Key(),
	}, m.evidence())
	if err != nil {
		return fmt.Errorf("proposed opt-out: %w", err)
	}
	m.f.stats().Proposed.Add(1)
	m.log(ctx, "opt-out proposed: a reply asks for it, but nothing proves who wrote it", s)
	return nil
}

// perHour is how many proposals are recorded: anybody can write them.
const perHour = 200

// proposals counts them.
type proposals struct {
	mu    sync.Mutex
	since time.Time
	n     int
}

func (p *proposals) take(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.since) >= time.Hour {
		p.since, p.n = now, 0
	}
	p.n++
	return p.n <= perHour
}

// notUnderstood counts and keeps what says nothing known. proven says that its
// address has a MAC.
func (m *mail) notUnderstood(ctx context.Context, s consent.Subject, proven bool) {
	m.f.stats().Other.Add(1)
	m.keep(proven)
	to := ""
	if !s.Recipient.IsNull() {
		to = s.Recipient.Masked()
	}
	m.f.log().InfoContext(ctx, "feedback not recognised", slog.String("to", to), slog.String("ip", m.in.IP),
		slog.String("message_id", strings.TrimSpace(m.header.Get("Message-ID"))))
}

func (m *mail) keep(proven bool) {
	if m.f.Kept == nil {
		return
	}
	if err := m.f.Kept.Keep(m.raw, proven, m.f.now()); err != nil {
		m.f.log().Warn("cannot store feedback for the operator", "error", err)
	}
}
