package web

import (
	"errors"
	"net/http"

	"offramp/gateway/consent"
	"offramp/store"
)

// eraseView asks before everything is erased.
type eraseView struct {
	frame
	Heading    string
	Paragraphs []string
	Button     *button
	Back       string
}

// showErase says what erasing does, with the button that does it.
func (h *handler) showErase(w http.ResponseWriter, r *http.Request, v visit, now state) {
	b := builder{h: h, r: r, visit: v, state: now, say: h.speaker(r, now.list), at: h.now()}
	p := eraseView{
		Heading: b.text("page.erase.title"), Back: query(r, ""),
		Button: b.button(actErase, "page.erase.button", sealed{}),
	}
	for _, key := range []string{"what", "stays", "proof", "elsewhere"} {
		p.Paragraphs = append(p.Paragraphs, b.text("page.erase."+key))
	}
	p.frame = h.frame(r, b.say, p.Heading).of(now.list)
	h.render(w, r, http.StatusOK, "erase.html", p)
}

// erase forgets who the person is.
func (h *handler) erase(x *submission) {
	if !x.fresh() && !x.now.Erased {
		h.stale(x)
		return
	}
	recipient := x.visit.subject.Recipient
	err := h.site.Consent.Erase(x.r.Context(), recipient, store.Page, consent.Evidence{})
	switch {
	case errors.Is(err, consent.ErrSending):
		x.w.Header().Set("Retry-After", "300")
		h.answerWith(x, answer{status: http.StatusServiceUnavailable, lines: []string{x.say.Say("page.erase.sending")}, erase: true})
	case err != nil:
		h.unavailable(x.w, x.r, x.visit, err)
	default:
		h.stats.Erased.Add(1)
		// Not even masked: the log would outlive what was erased.
		h.log.InfoContext(x.r.Context(), "recipient erased", "ip", x.visit.peer.ip())
		h.answerWith(x, answer{lines: []string{x.say.Say("page.erased.title")}})
	}
}
