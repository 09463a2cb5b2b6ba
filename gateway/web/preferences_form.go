package web

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"offramp/gateway/consent"
	"offramp/store"
)

// perPage is how many lists one page has, so that it stays under 30 KiB in
// every language.
const perPage = 10

// chooseView is the form in which a person decides about many things at once.
type chooseView struct {
	button
	Lists      []choiceView
	Everything *choiceView
	Date       *dateView
	Sharing    *sharingView
	Open       bool   // where the form is folded
	Shown      string // which of how many lists; empty: all of them
	Previous   string // query; empty: there are none
	Next       string
}

// choiceView is one scope with its options.
type choiceView struct {
	listView
	Field   string // name of the control
	ID      string // unique on the page
	Options []optionView
}

type optionView struct {
	Value, Label string
	Selected     bool
}

// dateView is the field for the last day of a pause.
type dateView struct {
	First, Last string // days
	Value       string // what was entered
	Hint, Error string
	Open        bool
}

type sharingView struct {
	Checked bool
	Signal  bool // the browser asks for it
}

// choices makes the form; nil when there is nothing to decide about.
func (b *builder) choices(a answer) *chooseView {
	now := sealed{issued: b.at, seen: b.state.seen()}
	c := &chooseView{Open: a.kept != nil || b.r.URL.Query().Has("page")}
	if !b.state.off(store.AllLists) && len(b.state.lists) > 0 {
		for i, l := range b.shown(c) {
			c.Lists = append(c.Lists, b.choice(l, strconv.Itoa(i+1)).keep(a.kept))
			now.was = append(now.was, b.state.at(l.ID, b.at))
		}
		if all := b.state.at(store.AllLists, b.at); len(b.state.lists) > 1 || all.State != store.Subscribed {
			everything := b.choice(store.List{}, "all").keep(a.kept)
			c.Everything = &everything
			now.was = append(now.was, all)
		}
		c.Date = b.date(a)
	}
	if b.state.shared && !b.state.Sharing.Refused && !b.state.Erased {
		signal := signalled(b.r) && b.state.Sharing.Since.IsZero()
		c.Sharing = &sharingView{Checked: signal, Signal: signal}
		if a.kept != nil {
			c.Sharing.Checked = a.kept.Get(fieldSharing) != ""
		}
		now.refused = new(bool)
	}
	if c.Lists == nil && c.Sharing == nil {
		return nil
	}
	c.button = *b.button(actChoose, "page.choose.save", now)
	if page, err := strconv.Atoi(b.r.URL.Query().Get("page")); err == nil && c.Shown != "" {
		c.Query = query(b.r, "page="+strconv.Itoa(page)) // the answer shows the same lists
	}
	c.Hint = b.say.Say("page.choose.intro", "Save", c.Label)
	return c
}

// date makes the field, with what was entered and what is wrong with it.
func (b *builder) date(a answer) *dateView {
	d := &dateView{
		First: b.at.UTC().Format(time.DateOnly),
		Last:  b.at.UTC().Add(consent.LongestPause - 48*time.Hour).Format(time.DateOnly),
		Hint:  b.say.Say("page.date.hint", "Option", b.say.Say("page.option.pause-until")),
	}
	if a.kept != nil {
		d.Open, d.Error = true, b.say.Say(a.refused)
		if day, err := time.Parse(time.DateOnly, a.kept.Get(fieldUntil)); err == nil {
			d.Value = day.Format(time.DateOnly)
		}
	}
	return d
}

// keep selects what was chosen in a form that could not be taken.
func (c choiceView) keep(kept url.Values) choiceView {
	chosen := kept.Get(c.Field)
	if !slices.ContainsFunc(c.Options, func(o optionView) bool { return o.Value == chosen }) {
		return c
	}
	for i := range c.Options {
		c.Options[i].Selected = c.Options[i].Value == chosen
	}
	return c
}

// shown returns the lists of the page that was asked for.
func (b *builder) shown(c *chooseView) []store.List {
	lists := b.state.lists
	page, _ := strconv.Atoi(b.r.URL.Query().Get("page"))
	page = max(0, min(page, (len(lists)-1)/perPage))
	first := page * perPage
	last := min(first+perPage, len(lists))
	number := func(n int) string { return b.say.Number(int64(n)) }
	if len(lists) > perPage {
		c.Shown = b.say.Say("page.choose.shown", "First", number(first+1), "Last", number(last), "Total", number(len(lists)))
	}
	if page > 0 {
		c.Previous = query(b.r, "page="+strconv.Itoa(page-1))
	}
	if last < len(lists) {
		c.Next = query(b.r, "page="+strconv.Itoa(page+1))
	}
	return lists[first:last]
}

// choice makes the control for a list; the zero List means all lists.
func (b *builder) choice(l store.List, id string) choiceView {
	stands := b.state.at(l.ID, b.at)
	c := choiceView{Field: fieldList + l.ID, ID: "choice-" + id}
	unlimited := "page.option.all"
	if l.ID == store.AllLists {
		c.Name, unlimited = b.say.Say("page.choose.everything"), "page.option.each"
	} else {
		c.listView = b.list(l)
	}
	selected := option(stands)
	add := func(value, label string) {
		c.Options = append(c.Options, optionView{Value: value, Label: label, Selected: value == selected})
	}
	if stands.State == store.Unsubscribed {
		add(optOff, b.say.Say("page.option.is-off"))
		add(optAgain, b.say.Say("page.option.again"))
		return c
	}
	if stands.State == store.Paused {
		add(optKeep, b.say.Say("page.option.keep", "Date", b.say.Date(lastDay(stands.Until))))
	}
	add(optAll, b.say.Say(unlimited))
	for _, f := range []store.Frequency{store.Daily, store.Weekly, store.Monthly} {
		add(string(f), b.say.Say("page.option."+string(f)))
	}
	for _, days := range pauses {
		add(optPause+strconv.FormatInt(days, 10), b.say.Count("page.option.pause", days))
	}
	add(optPauseUntil, b.say.Say("page.option.pause-until"))
	if l.ID != store.AllLists {
		add(optOff, b.say.Say("page.option.off"))
	}
	return c
}
