package web

import (
	"net/http"
	"time"

	"offramp/store"
)

// historyView is what is held about a person, for the person.
type historyView struct {
	frame
	Honoured *honouredView
	Heading  string
	What     string
	Kept     string // for how long
	Choices  []rowView
	Contacts []rowView
	Stops    []rowView
	Events   []eventView
	Download *button // asks the mailbox for all of it
	Receipts bool
	Back     string
}

// rowView is one line of a table: what it is about, and what is held.
type rowView struct{ Name, Value, Since string }

type eventView struct {
	Time, What, List, How string
	InForce               string // since when a choice holds; empty: not recorded, or no choice
	Receipt               *button
}

// perHistory is how many events the history shows, the newest.
const perHistory = 40

// history shows what is held and what happened, in short: whoever has the link
// can see it. It leaves out what proves an event and what a person wrote.
func (h *handler) history(w http.ResponseWriter, r *http.Request, v visit, now state, a answer) {
	events, err := h.site.Ledger.Events(r.Context(), store.EventFilter{Recipient: v.subject.Recipient.Key(), Latest: true, Limit: perHistory})
	if err != nil {
		h.unavailable(w, r, v, err)
		return
	}
	b := builder{h: h, r: r, visit: v, state: now, say: h.speaker(r, now.list), at: h.now()}
	p := historyView{
		Heading: b.text("page.history.title"), What: b.text("page.history.what"), Kept: b.kept(),
		Choices: b.choiceRows(), Contacts: b.contactRows(), Stops: b.stopRows(),
		Download: b.button(actAskData, "page.history.download", sealed{}), Receipts: h.site.Receipts != nil,
		Back: query(r, ""),
	}
	p.Download.Hint = b.text("page.code.hint")
	p.Honoured = b.honoured(a)
	p.frame = h.frame(r, b.say, p.Heading).of(now)
	p.Events = b.rows(events)
	h.render(w, r, http.StatusOK, "history.html", p)
}

func (b *builder) kept() string {
	if b.h.site.Retention == 0 {
		return b.say.Say("page.history.kept-always")
	}
	return b.say.Count("page.history.kept", int64(b.h.site.Retention/(24*time.Hour)))
}

// scope is the name of what a record is about.
func (b *builder) scope(list string) string {
	if list == store.AllLists {
		return b.say.Say("page.scope.all")
	}
	return b.state.name(list)
}

func (b *builder) choiceRows() (rows []rowView) {
	for _, c := range b.state.Choices {
		value := ""
		switch w := b.state.at(c.List, b.at); w.State {
		case store.Paused:
			value = b.say.Say("page.state.paused", "Date", b.say.Date(lastDay(w.Until)))
		case store.Limited:
			value = b.say.Say("page.state." + string(w.Every))
		default:
			value = b.say.Say("page.state." + string(w.State))
		}
		rows = append(rows, rowView{b.scope(c.List), value, b.say.Moment(c.Since)})
	}
	if s := b.state.Sharing; !s.Since.IsZero() {
		key := "page.state.sharing-allowed"
		if s.Refused {
			key = "page.state.sharing-refused"
		}
		rows = append(rows, rowView{b.say.Say("page.sharing.heading"), b.say.Say(key), b.say.Moment(s.Since)})
	}
	return rows
}

func (b *builder) contactRows() (rows []rowView) {
	for _, c := range b.state.Contacts {
		rows = append(rows, rowView{b.scope(c.List), b.say.Count("page.mails", c.Count, "Date", b.say.Date(c.Last.UTC())), ""})
	}
	return rows
}

func (b *builder) stopRows() (rows []rowView) {
	for _, s := range b.state.Suppressions {
		if s.Over(b.at) {
			continue
		}
		rows = append(rows, rowView{b.scope(s.List), b.say.Say(stopped(s)), b.say.Moment(s.Since)})
	}
	return rows
}

// rows are events for people, with a choice and its coming into force in one.
func (b *builder) rows(events []store.Event) (rows []eventView) {
	choices, inForce := map[int64]bool{}, map[int64]time.Time{}
	for _, e := range events {
		choices[e.ID] = true
		if e.Kind == store.EventInForce {
			inForce[e.Ref] = e.Time
		}
	}
	for _, e := range events {
		if e.Kind == store.EventInForce && choices[e.Ref] {
			continue
		}
		row := b.event(e)
		if at, ok := inForce[e.ID]; ok {
			row.InForce = b.say.Say("page.since", "Moment", b.say.Moment(at))
		}
		rows = append(rows, row)
	}
	return rows
}

func (b *builder) event(e store.Event) eventView {
	known := func(key, otherwise string) string {
		if text := b.say.Say(key); text != key {
			return text
		}
		return otherwise
	}
	return eventView{
		Time: b.say.Moment(e.Time),
		What: known("page.event."+string(e.Kind), b.say.Say("page.event.other")),
		List: b.scope(e.List),
		How:  known("page.way."+string(wayShown(e.Way)), ""),
	}
}

// wayShown is a way as people know it: they need not know where the operator has a record
// from.
func wayShown(w store.Way) store.Way {
	if w == store.Imported {
		return store.Operator
	}
	return w
}
