package web

import (
	"context"
	"errors"
	"hash/fnv"
	"net/http"
	"slices"
	"sync"

	"offramp/gateway/confirmation"
	"offramp/gateway/consent"
	"offramp/listunsub"
	"offramp/store"
)

// mostTries is how many codes may be typed after a mail was sent, right or
// wrong: enough for who mistypes, and far too few to guess one.
const mostTries = 5

// errTries says that they are used up.
var errTries = errors.New("too many codes typed")

// codeView is the page of a link that acts only with the code of its mail.
type codeView struct {
	frame
	Refused    []string
	Field      string // identifier of the field that is to be corrected
	Error      string // what is wrong with it
	Lines      []string
	Heading    string
	Paragraphs []string
	Code       *button // in whose form the code is typed; nil: there is nothing to do
	Rest       *button // erases what an erasure had to leave
	AllAgain   *button
}

// coded says whether the link acts only with the code of its mail.
func (v visit) coded() bool {
	return v.purpose == listunsub.ConfirmLink && confirmation.Coded(v.claims.List)
}

// erases says whether the link is for erasing.
func (v visit) erases() bool { return v.claims.List == confirmation.Erasure }

// showCode asks for the code, or says what came of it.
func (h *handler) showCode(w http.ResponseWriter, r *http.Request, v visit, now state, a answer) {
	past, err := h.erasures(r.Context(), v)
	erased := len(past) > 0
	switch {
	case err != nil:
		h.unavailable(w, r, v, err)
		return
	case erased && !now.goneSince(past), !erased && v.expired(h.now()):
		h.notice(w, r, noticeCodeExpired)
		return
	}
	b := builder{h: h, r: r, visit: v, state: now, say: h.speaker(r, now.list), at: h.now()}
	p := codeView{Lines: a.lines}
	switch a.refused {
	case "page.stale.what", "page.stale.foreign":
		a.refused = "page.stale.button" // there are no choices on this page
	}
	if a.refused != "" {
		p.Refused = []string{b.say.Say("page.stale.title"), b.say.Say(a.refused)}
	}
	if a.refused == "page.code.unreadable" || a.refused == "page.code.wrong" {
		p.Field, p.Error = "code", p.Refused[1]
	}
	switch {
	case erased && a.erase: // not all of it
		p.Heading = b.text("page.erase.title")
		p.Rest = b.button(actErase, "page.erase.button", sealed{})
	case erased:
		p.Heading, p.Paragraphs = b.text("page.erased.title"), []string{b.text("page.erased.what"), b.overwritten()}
		p.Lines = slices.DeleteFunc(slices.Clone(p.Lines), func(l string) bool { return l == p.Heading })
		p.AllAgain = b.button(actAllAgain, "page.again.all-button", sealed{})
		p.AllAgain.Hint = b.text("page.again.hint")
	case v.erases():
		p.Heading, p.Paragraphs = b.text("page.erase.title"), b.erasing()
		p.Code = b.button(actCode, "page.erase.button", sealed{})
	default:
		p.Heading, p.Paragraphs = b.text("page.history.title"), []string{b.text("page.code.data")}
		p.Code = b.button(actCode, "page.code.continue", sealed{})
	}
	if a.refused == "page.code.used" {
		p.Code = nil
	}
	p.frame = h.frame(r, b.say, p.Heading).of(now)
	h.render(w, r, a.code(), "code.html", p)
}

// gone says whether the person is erased and did not come back.
func (s state) gone() bool { return s.Erased && s.off(store.AllLists) }

// mostErasures is how often one mail erases: once, and then what was on its way
// at that time. Each leaves an event, and has the store write its file anew.
const mostErasures = 5

// erasures are those of the person since the mail was sent, the newest first and
// no more than mostErasures.
func (h *handler) erasures(ctx context.Context, v visit) ([]store.Event, error) {
	if !v.erases() {
		return nil, nil
	}
	return h.site.Ledger.Events(ctx, store.EventFilter{
		Recipient: v.subject.Recipient.Key(), Kinds: []store.EventKind{store.EventErased}, Since: v.claims.Issued,
		Latest: true, Limit: mostErasures})
}

// goneSince says whether the person is erased and did not come back since the
// newest of erasures, not even to leave again.
func (s state) goneSince(erasures []store.Event) bool {
	all, _ := s.choice(store.AllLists)
	return len(erasures) > 0 && s.gone() && !all.Since.After(erasures[0].Time)
}

// typed does what the mail was sent for, if the code in the form is that of it.
func (h *handler) typed(x *submission) {
	past, err := h.erasures(x.r.Context(), x.visit)
	switch {
	case err != nil:
		h.unavailable(x.w, x.r, x.visit, err)
		return
	case x.visit.expired(h.now()):
		h.notice(x.w, x.r, noticeCodeExpired)
		return
	case len(past) == mostErasures:
		h.showState(x.w, x.r, x.visit, x.now, answer{}) // that it is done
		return
	}
	code, ok := confirmation.ReadCode(x.form.values.Get(fieldCode))
	if !ok {
		// What sends forms without typing uses up no try.
		h.refuseForm(x, http.StatusUnprocessableEntity, "page.code.unreadable")
		return
	}
	right, err := h.try(x, code)
	switch {
	case errors.Is(err, errTries):
		h.refuseForm(x, http.StatusTooManyRequests, "page.code.used")
	case err != nil:
		h.unavailable(x.w, x.r, x.visit, err)
	case !right:
		h.refuseForm(x, http.StatusUnprocessableEntity, "page.code.wrong")
	case x.visit.erases():
		h.erase(x)
	default:
		h.opened(x)
	}
}

// turn is held while something is counted, so that no two of one person are at
// the same time, and hardly ever two of different people wait for one another.
// Nothing is sent to a client meanwhile.
func (h *handler) turn(v visit) *sync.Mutex {
	who := fnv.New32a()
	who.Write([]byte(v.subject.Recipient.Key()))
	return &h.turns[who.Sum32()%uint32(len(h.turns))]
}

// try says whether code is right. It is counted first, in the store: neither a
// restart nor a failure gives anybody more tries.
func (h *handler) try(x *submission, code string) (right bool, err error) {
	v := x.visit
	turn := h.turn(v)
	turn.Lock()
	defer turn.Unlock()
	tried, err := h.site.Ledger.Events(x.r.Context(), store.EventFilter{
		Recipient: v.subject.Recipient.Key(), Kinds: []store.EventKind{store.EventTyped}, Since: v.claims.Issued, Limit: mostTries})
	if err != nil {
		return false, err
	}
	if len(tried) >= mostTries {
		return false, errTries
	}
	detail := actDownload
	if v.erases() {
		detail = actErase
	}
	subject := consent.Subject{Recipient: v.subject.Recipient, List: store.AllLists}
	if err := h.site.Consent.Typed(x.r.Context(), subject, detail, evidence(x.r, v)); err != nil {
		return false, err
	}
	return confirmation.IsCode(h.site.Tokens, code, v.token), nil
}

// openedView offers what is stored to whoever typed the code.
type openedView struct {
	frame
	Heading  string
	What     string
	Download *button
	Receipts []eventView // of the newest opt-outs
}

// mostReceipts is how many receipts are offered at once; the download names
// every opt-out.
const mostReceipts = 20

// opened shows what only the mailbox may see. Its forms are good for what they
// do without the code, for formLife.
func (h *handler) opened(x *submission) {
	b := builder{h: h, r: x.r, visit: x.visit, state: x.now, say: x.say, at: h.now()}
	p := openedView{
		Heading: b.text("page.history.title"), What: b.text("page.code.opened"),
		Download: b.button(actDownload, "page.history.download", sealed{}),
	}
	if h.site.Receipts != nil {
		events, err := h.site.Ledger.Events(x.r.Context(), store.EventFilter{
			Recipient: x.visit.subject.Recipient.Key(), Kinds: []store.EventKind{store.EventUnsubscribed}, Latest: true, Limit: mostReceipts})
		if err != nil {
			h.unavailable(x.w, x.r, x.visit, err)
			return
		}
		for _, e := range events {
			line := b.event(e)
			line.Receipt = b.button(actReceipt, "page.history.receipt", sealed{})
			line.Receipt.Event = e.ID
			p.Receipts = append(p.Receipts, line)
		}
	}
	p.frame = h.frame(x.r, b.say, p.Heading).of(x.now)
	h.render(x.w, x.r, http.StatusOK, "opened.html", p)
}
