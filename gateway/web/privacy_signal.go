package web

import (
	"errors"
	"net/http"

	"offramp/gateway/consent"
	"offramp/store"
)

// signalled says whether the browser asks that data is not shared (Global
// Privacy Control, section 3.1).
func signalled(r *http.Request) bool { return r.Header.Get("Sec-GPC") == "1" }

// navigated says whether a person's browser opens r as a page now: not ahead of
// the person, and not as a part of something else (Fetch Metadata, sections 2.1
// and 2.2).
func navigated(r *http.Request) bool {
	for _, ahead := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		if r.Header.Get(ahead) != "" {
			return false
		}
	}
	return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// honour records that data is not shared when the browser asks for it: the
// signal is itself the request (CCPA regulations, 11 CCR section 7025(c)(1)), and
// the page says that it was followed ((c)(6)), whichever link and view of it was
// opened. It is the one thing that a visit changes, and only for people who never
// said anything about sharing, so that no signal overrides what they pressed. It
// returns what stands by now, and what the page is to say.
func (h *handler) honour(r *http.Request, v visit, now state) (state, answer) {
	if !signalled(r) || !navigated(r) || !now.Sharing.Since.IsZero() || now.Erased {
		return now, answer{}
	}
	ctx, cancel := bounded(r)
	defer cancel()
	refuse := true
	d := consent.Decision{Recipient: v.subject.Recipient, RefuseSharing: &refuse, Signal: true, If: &now.Person}
	events, err := h.site.Consent.Decide(ctx, d, store.Page, evidence(r, v))
	if err != nil && !errors.Is(err, store.ErrChanged) {
		h.log.ErrorContext(ctx, "privacy signal not recorded", "list", v.claims.List, "error", err)
	}
	after, errRead := h.state(ctx, v)
	if errRead != nil {
		h.log.ErrorContext(ctx, "state not read after a privacy signal", "list", v.claims.List, "error", errRead)
		after = now
	}
	if len(events) == 0 {
		return after, answer{}
	}
	h.stats.Page.Add(1)
	h.recorded(r, v, "privacy signal recorded", store.Page)
	a := answer{unasked: true, lines: []string{h.speaker(r, after.list).Say("page.signal.honoured")}}
	if errRead == nil {
		a.undo = &sealed{issued: after.Sharing.Since, seen: after.seen(), refused: new(bool)}
	}
	return after, a
}

// honouredView says on a view without forms that a signal was honoured.
type honouredView struct {
	Lines []string
	Undo  *button
}

// honoured is what a has to say of a signal; nil: nothing.
func (b *builder) honoured(a answer) *honouredView {
	if !a.unasked {
		return nil
	}
	p := &honouredView{Lines: a.lines}
	if a.undo != nil {
		p.Undo = b.undo(*a.undo)
	}
	return p
}
