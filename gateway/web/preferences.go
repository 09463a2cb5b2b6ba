package web

import (
	"net/http"
	"slices"
	"time"

	"offramp/gateway/consent"
	"offramp/gateway/language"
	"offramp/listunsub"
	"offramp/store"
)

// view is the page that shows what stands, with the forms that change it. An
// empty field leaves its section out.
type view struct {
	frame
	Refused   []string // why nothing was changed
	Field     string   // identifier of the field that is to be corrected
	Lines     []string // what was done
	Unasked   bool     // it was done by opening the page, so the buttons come first
	Left      bool     // what was done is what the heading says
	Folded    bool     // what is left to decide is folded
	AtOnce    bool
	Undo      *button
	Receipt   *button
	Reason    *reasonView
	Heading   string
	Sentences []string
	Since     string
	List      listView
	About     bool   // the list is described: no choice does it
	Recipient string // masked
	Leave     *button
	Again     *button
	AllAgain  *button
	Choose    *chooseView
	Refusing  *button // data is not shared; the button asks to allow it again
	LeaveAll  *button
	History   string // query of the view
	Erase     string
}

// listView is a list for people.
type listView struct {
	Name, Description  string
	Sender, ThirdParty string // sentences
	Mails              string // how many, and when the last
}

// button is a form with nothing but a button.
type button struct {
	Query, Seal, Action string
	Label, Hint         string
	Event               int64 // of a receipt
}

type reasonView struct {
	button
	Options []string
}

// showState shows what stands, after what a person must know first.
func (h *handler) showState(w http.ResponseWriter, r *http.Request, v visit, now state, a answer) {
	if v.purpose == listunsub.ConfirmLink {
		h.confirmation(w, r, v, now, a)
		return
	}
	b := builder{h: h, r: r, visit: v, state: now, say: h.speaker(r, now.list), at: h.now()}
	h.render(w, r, a.code(), "page.html", b.page(a))
}

// show200 says what was done where what stands cannot be read.
func (h *handler) show200(x *submission, a answer) {
	title := x.say.Say("page.done.title")
	h.render(x.w, x.r, http.StatusOK, "said.html", view{frame: h.frame(x.r, x.say, title), Heading: title, Lines: a.lines, AtOnce: a.atOnce})
}

// builder makes the parts of one page.
type builder struct {
	h     *handler
	r     *http.Request
	visit visit
	state state
	say   *language.Speaker
	at    time.Time
}

func (b *builder) page(a answer) view {
	p := view{
		Lines: a.lines, Unasked: a.unasked, AtOnce: a.atOnce,
		List: b.list(b.state.list), Recipient: b.visit.subject.Recipient.MaskedLocal(),
		History: query(b.r, "view="+viewHistory), Erase: query(b.r, "view="+viewErase),
	}
	p.Heading, p.Sentences, p.Since = b.heading()
	title := p.Heading
	if a.refused != "" {
		title = b.say.Say("page.stale.title")
		p.Refused = []string{title, b.say.Say(a.refused)}
		if a.unreachable {
			p.Refused = append(p.Refused, b.text("page.code.contact"))
		}
	} else if len(a.lines) > 0 && !a.unasked {
		title = a.lines[0]
	}
	p.frame = b.h.frame(b.r, b.say, title).of(b.state)
	p.About = b.state.list.Transactional
	p.Folded = b.state.off(store.AllLists) || b.state.off(b.state.list.ID)
	if scope := b.left(); scope != nil {
		line := b.done(consent.Wish{List: *scope, State: store.Unsubscribed})
		p.Left = slices.Contains(p.Lines, line)
		p.Lines = slices.DeleteFunc(slices.Clone(p.Lines), func(l string) bool { return l == line })
	}
	b.forms(&p, a)
	if a.undo != nil {
		p.Undo = b.undo(*a.undo)
	}
	if a.receipt && b.h.site.Receipts != nil {
		p.Receipt = b.button(actAskData, "page.done.receipt", sealed{})
	}
	if a.left {
		p.Reason = &reasonView{button: *b.button(actReason, "page.reason.button", sealed{}), Options: reasons[:]}
		p.Reason.Hint = b.text("page.reason.hint")
	}
	return p
}

// forms adds what the person can do.
func (b *builder) forms(p *view, a answer) {
	list, now := b.state.list, b.state
	if now.off(store.AllLists) {
		p.AllAgain = b.button(actAllAgain, "page.again.all-button", sealed{})
		p.AllAgain.Hint = b.text("page.again.hint")
	} else {
		if now.off(list.ID) {
			p.Again = b.button(actAgain, "page.again.button", sealed{})
			p.Again.Hint = b.text("page.again.hint")
		} else if !list.Transactional {
			p.Leave = b.button(actUnsubscribe, "page.unsubscribe", b.was(list.ID))
		}
		label := "page.all.button"
		if now.off(list.ID) && len(now.lists) > 1 {
			label = "page.all.also"
		}
		p.LeaveAll = b.button(actLeave, label, b.was(store.AllLists))
		p.LeaveAll.Hint = b.text("page.all.what")
	}
	if now.Sharing.Refused {
		p.Refusing = b.button(actAllow, "page.sharing.allow", sealed{})
		p.Refusing.Hint = b.text("page.again.hint")
	}
	p.Choose = b.choices(a)
	if a.kept != nil && p.Choose != nil && p.Choose.Date != nil {
		p.Field = "until"
	}
}

// button makes a form of s, which says what its action changes.
func (b *builder) button(action, label string, s sealed) *button {
	if s.issued.IsZero() {
		s.issued, s.seen = b.at, b.state.seen()
	}
	return &button{Query: query(b.r, ""), Seal: b.h.seal(b.visit, action, s), Action: action, Label: b.text(label)}
}

// was is the present state of one scope.
func (b *builder) was(list string) sealed {
	return sealed{was: []consent.Wish{b.state.at(list, b.at)}}
}

func (b *builder) undo(s sealed) *button {
	undo := b.button(actUndo, "page.undo.button", s)
	left := max(1, int64(s.issued.Add(formLife).Sub(b.at)/time.Minute))
	undo.Hint = b.say.Count("page.undo.hint", left)
	return undo
}

// text says a text with whatever it may name.
func (b *builder) text(key string) string {
	return b.say.Say(key, "List", isolate(b.say, name(b.state.list)), "Operator", isolate(b.say, b.h.operator),
		"Address", isolate(b.say, b.visit.subject.Recipient.MaskedLocal()), "Contact", isolate(b.say, b.h.site.Contact))
}

func (b *builder) list(l store.List) listView {
	out := listView{Name: name(l), Description: l.Description}
	if l.ThirdParty {
		out.ThirdParty = b.say.Say("page.third-party")
	}
	if l.Sender != "" {
		out.Sender = b.say.Say("page.sender", "Sender", isolate(b.say, l.Sender))
	}
	if c := b.state.contact(l.ID); c.Count > 0 {
		out.Mails = b.say.Count("page.mails", c.Count, "Date", b.say.Date(c.Last.UTC()))
	} else {
		out.Mails = b.say.Say("page.no-mails")
	}
	return out
}

// left is the scope that the heading says was left; nil: none was.
func (b *builder) left() *string {
	all, list := store.AllLists, b.state.list.ID
	switch {
	case b.state.Erased && b.state.off(all), b.state.list.Transactional:
		return nil // it says something else
	case b.state.off(all):
		return &all
	case b.state.off(list):
		return &list
	}
	return nil
}

// heading describes the state of the list of the link.
func (b *builder) heading() (heading string, sentences []string, since string) {
	say := func(keys ...string) (out []string) {
		for _, k := range keys {
			out = append(out, b.text(k))
		}
		return out
	}
	all, _ := b.state.choice(store.AllLists)
	one, _ := b.state.choice(b.state.list.ID)
	switch {
	case b.state.Erased && b.state.off(store.AllLists):
		return b.text("page.erased.title"), say("page.erased.what"), b.since(all)
	case b.state.list.Transactional:
		return b.text("page.service.title"), say("page.service.what", "page.service.help"), ""
	case b.state.off(store.AllLists):
		return b.text("page.off-all.title"), say("page.off-all.what"), b.since(all)
	case b.state.off(b.state.list.ID):
		return b.text("page.off.title"), say("page.off.what"), b.since(one)
	}
	return b.text("page.on.title"), append(b.stops(), say("page.on.what")...), ""
}

func (b *builder) since(c store.Choice) string {
	return b.say.Say("page.since", "Moment", b.say.Moment(c.Since))
}

// stops tells a person why mail does not arrive at the moment.
func (b *builder) stops() (out []string) {
	until := func(key, list string) {
		if w := b.state.at(list, b.at); w.State == store.Paused {
			out = append(out, b.say.Say(key, "Date", b.say.Date(lastDay(w.Until))))
		}
	}
	until("page.stopped.paused", b.state.list.ID)
	until("page.stopped.paused-all", store.AllLists)
	if b.state.Sharing.Refused && b.state.list.ThirdParty {
		out = append(out, b.text("page.stopped.sharing"))
	}
	for _, s := range b.state.Suppressions {
		if s.List != store.AllLists && s.List != b.state.list.ID || s.Over(b.at) {
			continue
		}
		out = append(out, b.text(stopped(s)))
	}
	return out
}

// stopped names the text that says why mail of one list, or of all, is not sent.
func stopped(s store.Suppression) string {
	texts := map[store.Reason][2]string{
		store.ReasonBounced:    {"page.stopped.bounced", "page.stopped.bounced-list"},
		store.ReasonComplained: {"page.stopped.complained", "page.stopped.complained-list"},
	}
	text, ok := texts[s.Reason]
	if !ok {
		text = [2]string{"page.stopped.manual", "page.stopped.manual-list"}
	}
	if s.List == store.AllLists {
		return text[0]
	}
	return text[1]
}
