package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"offramp/gateway/confirmation"
	"offramp/gateway/consent"
	"offramp/store"
)

// confirmView is the page of a link that a mail asked to open.
type confirmView struct {
	frame
	Refused    []string
	Lines      []string
	Heading    string
	Paragraphs []string
	Button     *button
	AllAgain   *button
}

// showConfirmation answers GET and HEAD. Scanners of mail open links: only the
// button acts.
func (h *handler) showConfirmation(w http.ResponseWriter, r *http.Request, v visit) {
	ctx, cancel := context.WithTimeout(r.Context(), changeTimeout)
	defer cancel()
	now, err := h.state(ctx, v)
	if err != nil {
		h.unavailable(w, r, v, err)
		return
	}
	h.stats.Shown.Add(1)
	h.confirmation(w, r, v, now, answer{})
}

// sharing says whether a link is about sharing, and not about mail.
func (v visit) sharing() bool { return v.claims.List == confirmation.Sharing }

// expired says whether the link asks what is too long ago.
func (v visit) expired(now time.Time) bool {
	return now.Sub(v.claims.Issued) > confirmation.LifeOf(v.claims.List)
}

// stopped says whether what the link asks for is still not so.
func (s state) stopped(v visit) bool {
	if v.sharing() {
		return s.Sharing.Refused
	}
	return s.off(v.subject.List)
}

// superseded says whether the person changed their mind after the link was
// made. Links know their time to the second.
func (s state) superseded(v visit) bool {
	changed := s.Sharing.Since
	if !v.sharing() {
		c, _ := s.choice(v.subject.List)
		changed = c.Since
	}
	return !changed.Before(v.claims.Issued.Add(time.Second))
}

// confirmation shows what the link asks, or what came of it.
func (h *handler) confirmation(w http.ResponseWriter, r *http.Request, v visit, now state, a answer) {
	if v.coded() {
		h.showCode(w, r, v, now, a)
		return
	}
	if v.expired(h.now()) {
		h.notice(w, r, noticeExpired)
		return
	}
	b := builder{h: h, r: r, visit: v, state: now, say: h.speaker(r, now.list), at: h.now()}
	p := confirmView{Lines: a.lines}
	if now.stopped(v) && now.superseded(v) && a.refused == "" {
		a.status, a.refused = http.StatusConflict, "page.stale.what"
	}
	if a.refused != "" {
		p.Refused = []string{b.say.Say("page.stale.title"), b.say.Say(a.refused)}
	}
	switch kind := b.question(); {
	case !now.stopped(v):
		p.Heading = b.say.Say("page.done.title")
		if len(p.Lines) == 0 {
			p.Lines = []string{b.came()}
		}
	case now.superseded(v):
		p.Heading, p.Paragraphs, _ = b.heading()
		if v.sharing() {
			p.Heading, p.Paragraphs = b.say.Say("page.sharing.heading"), []string{b.say.Say("page.sharing.refused")}
		}
	default:
		p.Heading = b.text("page.confirm." + kind + "-title")
		p.Paragraphs = []string{b.text("page.confirm." + kind + "-what"), b.say.Say("page.confirm.nothing")}
		p.Button = b.button(actConfirm, "page.confirm.button", sealed{})
	}
	if !now.stopped(v) && !v.sharing() && now.off(store.AllLists) {
		p.Paragraphs = append(p.Paragraphs, b.say.Say("page.confirm.all-off"))
		p.AllAgain = b.button(actAllAgain, "page.again.all-button", sealed{})
		p.AllAgain.Hint = b.text("page.again.hint")
	}
	p.frame = h.frame(r, b.say, p.Heading).of(now)
	h.render(w, r, a.code(), "confirm.html", p)
}

// question names the texts of what a link asks.
func (b *builder) question() string {
	switch {
	case b.visit.sharing():
		return "sharing"
	case b.visit.subject.List == store.AllLists:
		return "all"
	}
	return "list"
}

// came says what stands once a link did what it asked.
func (b *builder) came() string {
	return b.text(map[string]string{
		"sharing": "page.done.sharing-allowed", "all": "page.done.on-all", "list": "page.done.on",
	}[b.question()])
}

// confirm does what the mail asked.
func (h *handler) confirm(x *submission) {
	v := x.visit
	switch {
	case v.claims.Issued.IsZero(), v.expired(h.now()):
		h.notice(x.w, x.r, noticeExpired)
		return
	case !x.now.stopped(v):
		h.confirmation(x.w, x.r, v, x.now, answer{}) // pressed twice
		return
	case !x.fresh(), x.now.superseded(v):
		h.stale(x)
		return
	}
	d := consent.Decision{Recipient: v.subject.Recipient, If: &x.now.Person}
	if v.sharing() {
		d.RefuseSharing = new(bool)
	} else {
		d.Wishes = []consent.Wish{{List: v.subject.List, State: store.Subscribed}}
	}
	events, err := h.site.Consent.Decide(x.r.Context(), d, store.Confirmed, evidence(x.r, v))
	if len(events) > 0 {
		h.stats.Confirmed.Add(1)
		h.recorded(x.r, v, "choice confirmed", store.Confirmed)
	}
	switch {
	case errors.Is(err, store.ErrChanged):
		h.explain(x.w, x.r, v, http.StatusConflict, "page.stale.what")
	case err != nil:
		h.unavailable(x.w, x.r, v, err)
	default:
		h.answerWith(x, answer{})
	}
}
