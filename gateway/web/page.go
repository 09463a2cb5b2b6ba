package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"offramp/store"
)

// standing is what holds for one person and one list.
type standing struct {
	store.Standing
	list store.List
}

func (h *handler) standing(ctx context.Context, v visit) (standing, error) {
	st, err := h.site.Consent.Standing(ctx, v.subject)
	if err != nil {
		return standing{}, err
	}
	list, err := h.site.Lists.List(ctx, v.claims.List)
	if errors.Is(err, store.ErrNotFound) {
		list, err = store.List{ID: v.claims.List}, nil
	}
	return standing{Standing: st, list: list}, err
}

func (s standing) seen() fingerprint { return fingerprintOf(s.Standing) }

// choice returns the person's choice for the list, or for all lists.
func (s standing) choice(list string) (store.Choice, bool) {
	for _, c := range s.Choices {
		if c.List == list {
			return c, true
		}
	}
	return store.Choice{}, false
}

// off tells the choice by which the person left, for all lists before the one.
func (s standing) off() (store.Choice, bool) {
	for _, scope := range []string{store.AllLists, s.list.ID} {
		if c, ok := s.choice(scope); ok && c.State == store.Unsubscribed {
			return c, true
		}
	}
	return store.Choice{}, false
}

// leftHereSince says whether the person left the list on the page at or
// after t, which is to the second.
func (s standing) leftHereSince(t time.Time) bool {
	c, ok := s.choice(s.list.ID)
	return ok && c.State == store.Unsubscribed && c.Way == store.Page && !c.Since.Before(t)
}

// view is what the page shows. Every section is a template of its own, and
// an empty field leaves its section out.
type view struct {
	CSS         css
	Title       string
	Notice      string // what the person must know first
	Heading     string
	List        string
	Description string
	Recipient   string // masked
	State       string // see the state constants: selects the sentences
	Since       time.Time
	Stopped     string // why nothing is sent although the person did not leave
	Form        *formView
}

// The states of a page.
const (
	stateOn            = "on"            // mail is sent; the button leaves
	stateOff           = "off"           // the person left this list
	stateOffAll        = "off-all"       // the person left every list
	stateTransactional = "transactional" // cannot be left
)

type formView struct {
	Action  string
	Seal    string
	Button  string
	Heading string // of its section
	Hint    string
}

// view describes what stands, with the button that leaves where there is
// something to leave.
func (h *handler) view(v visit, now standing, notice string) view {
	p := view{
		CSS:         h.pages.style(),
		Notice:      notice,
		List:        now.list.Name,
		Description: now.list.Description,
		Recipient:   v.subject.Recipient.Masked(),
	}
	if p.List == "" {
		p.List = v.claims.List
	}
	off, left := now.off()
	switch {
	case now.list.Transactional:
		p.State, p.Title, p.Heading = stateTransactional, "Service mail", "This mail cannot be switched off here"
	case left && off.List == store.AllLists:
		p.State, p.Title, p.Heading, p.Since = stateOffAll, "Unsubscribed", "You are off all lists of this sender", off.Since
	case left:
		p.State, p.Title, p.Heading, p.Since = stateOff, "Unsubscribed", "You are off the list", off.Since
	default:
		p.State, p.Title, p.Heading = stateOn, "Unsubscribe", "Unsubscribe from this list?"
		p.Stopped = stopped(now.Suppressions)
		p.Form = &formView{
			Action: actUnsubscribe,
			Seal:   h.seal(v, actUnsubscribe, sealed{issued: h.now(), seen: now.seen()}),
			Button: "Unsubscribe",
		}
	}
	return p
}

// stopped tells a person why mail does not arrive at the moment.
func stopped(s []store.Suppression) string {
	if len(s) == 0 {
		return ""
	}
	switch s[0].Reason {
	case store.ReasonBounced:
		return "At the moment nothing is sent to this address, because earlier mail to it came back."
	case store.ReasonComplained:
		return "At the moment nothing is sent to this address, because mail to it was reported as spam."
	default:
		return "At the moment nothing is sent to this address; the sender stopped it."
	}
}

// left answers the page's form after an opt-out, with the undo.
func (h *handler) left(w http.ResponseWriter, r *http.Request, v visit, now standing) {
	p := h.view(v, now, "")
	p.State, p.Title, p.Heading, p.Form, p.Stopped = stateOff, "Unsubscribed", "You are off the list", nil, ""
	// The undo lives from the opt-out on, so that sending the form again does
	// not prolong it.
	c, ok := now.choice(now.list.ID)
	if ok && c.State == store.Unsubscribed {
		p.Since = c.Since
		p.Form = &formView{
			Action:  actUndo,
			Seal:    h.seal(v, actUndo, sealed{issued: c.Since, seen: now.seen()}),
			Button:  "Undo: keep sending me this mail",
			Heading: "Was this a mistake?",
			Hint:    "You can undo it on this page within 30 minutes.",
		}
	}
	h.render(w, r, http.StatusOK, p)
}

// show answers GET and HEAD. It changes nothing, whoever asks.
func (h *handler) show(w http.ResponseWriter, r *http.Request, v visit) {
	h.stats.Shown.Add(1)
	h.explain(w, r, v, http.StatusOK, "")
}

// explain shows what stands, after a notice.
func (h *handler) explain(w http.ResponseWriter, r *http.Request, v visit, status int, notice string) {
	ctx, cancel := context.WithTimeout(r.Context(), changeTimeout)
	defer cancel()
	now, err := h.standing(ctx, v)
	if err != nil {
		h.unavailable(w, r, v, err)
		return
	}
	h.render(w, r, status, h.view(v, now, notice))
}
