package web

import (
	"errors"
	"net/http"
	"time"

	"offramp/gateway/consent"
	"offramp/store"
)

// eraseView says what erasing does, before a mail asks for it.
type eraseView struct {
	frame
	Honoured   *honouredView
	Heading    string
	Paragraphs []string
	Button     *button
	Back       string
}

// showErase says what erasing does, with the button that asks the mailbox.
func (h *handler) showErase(w http.ResponseWriter, r *http.Request, v visit, now state, a answer) {
	b := builder{h: h, r: r, visit: v, state: now, say: h.speaker(r, now.list), at: h.now()}
	p := eraseView{
		Heading: b.text("page.erase.title"), Paragraphs: b.erasing(), Back: query(r, ""),
		Button: b.button(actAskErase, "page.erase.button", sealed{}),
	}
	p.Button.Hint = b.text("page.code.hint")
	p.Honoured = b.honoured(a)
	p.frame = h.frame(r, b.say, p.Heading).of(now)
	h.render(w, r, http.StatusOK, "erase.html", p)
}

// erasing is what a person must know before they are erased.
func (b *builder) erasing() (out []string) {
	out = append(out, b.text("page.erase.what"), b.overwritten())
	for _, key := range []string{"stays", "proof", "elsewhere"} {
		out = append(out, b.text("page.erase."+key))
	}
	return out
}

// overwritten says until when copies are left on the disk.
func (b *builder) overwritten() string {
	return b.say.Count("page.erase.disk", int64(b.h.site.EraseWithin/time.Hour))
}

// Why nobody is erased.
var (
	errCameBack = errors.New("the person came back after the erasure")
	errErased   = errors.New("erased as often as one mail does it")
)

// erase forgets who the person is. Whoever comes here typed the code, the button
// that does what an erasure had to leave less than formLife ago.
func (h *handler) erase(x *submission) {
	switch err := h.eraseOnce(x); {
	case errors.Is(err, errCameBack):
		h.notice(x.w, x.r, noticeCodeExpired)
	case errors.Is(err, errErased):
		h.answerWith(x, answer{}) // that it is done
	case errors.Is(err, consent.ErrSending):
		x.w.Header().Set("Retry-After", "300")
		h.answerWith(x, answer{status: http.StatusServiceUnavailable, lines: []string{x.say.Say("page.erase.sending")}, erase: true})
	case err != nil:
		h.unavailable(x.w, x.r, x.visit, err)
	default:
		h.stats.Erased.Add(1)
		// Nothing of the person: the log would outlive what was erased.
		h.log.InfoContext(x.r.Context(), "recipient erased")
		h.answerWith(x, answer{lines: []string{x.say.Say("page.erased.title")}})
	}
}

// eraseOnce erases, unless it was done often enough or the person came back. Of
// one link no two do so at the same time, or the count would be of no use.
func (h *handler) eraseOnce(x *submission) error {
	turn := h.turn(x.visit)
	turn.Lock()
	defer turn.Unlock()
	past, err := h.erasures(x.r.Context(), x.visit)
	if err != nil {
		return err
	}
	person, err := h.site.Consent.Person(x.r.Context(), x.visit.subject.Recipient)
	switch {
	case err != nil:
		return err
	case len(past) == 0 && x.form.action == actErase,
		len(past) > 0 && !(state{Person: person}).goneSince(past):
		return errCameBack
	case len(past) == mostErasures:
		return errErased
	}
	return h.site.Consent.Erase(x.r.Context(), x.visit.subject.Recipient, store.Confirmed, consent.Evidence{})
}
