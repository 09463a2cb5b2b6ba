package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"offramp/gateway/confirmation"
	"offramp/listunsub"
	"offramp/store"
)

// gallery collects the pages that a person can see in one language.
type gallery struct {
	*world
	query    string            // with the language
	path     string            // of the link of a list
	pages    map[string]string // by name
	policies map[string]string
}

// everyPage returns each page a person can see in a language, by name.
func everyPage(t testing.TB, lang string) (pages, policies map[string]string) {
	t.Helper()
	w := newWorld(t)
	w.site.OperatorAddress, w.site.OperatorEmail, w.site.PrivacyURL = "1 Example Street, Exampletown", "post@example.org", "https://example.org/privacy"
	w.site.ComplaintURL = "https://example.org/complaints"
	w.build()
	many(w)
	w.readers = []store.Reader{{Name: "Customer care of Example"}, {Name: "Warehouse"}}
	g := &gallery{world: w, query: "?lang=" + lang, path: w.link(listunsub.HeaderLink), pages: map[string]string{}, policies: map[string]string{}}
	g.standing()
	g.signals()
	g.choosing()
	g.leaving()
	g.confirmations()
	g.codes()
	g.notices()
	return g.pages, g.policies
}

func (g *gallery) keep(name string, res *http.Response, page string) {
	g.pages[name], g.policies[name] = page, res.Header.Get("Content-Security-Policy")
}

func (g *gallery) open(name, path string, header ...string) {
	r := request("GET", path, "", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res := g.send(r)
	g.keep(name, res, text(g.t, res))
}

func (g *gallery) act(name, action string, pairs ...string) {
	g.sendForm(name, g.path, g.form(g.path+g.query, action).with(pairs...))
}

// follow sends a form of a page that is kept.
func (g *gallery) follow(name, page, action string, pairs ...string) {
	g.sendForm(name, g.path, formsOf(g.t, g.pages[page])[action].with(pairs...))
}

func (g *gallery) sendForm(name, path string, f shown) {
	g.t.Helper()
	res, page := g.submit(path, f)
	g.keep(name, res, page)
}

// standing are the pages of what stands already when the link is opened.
func (g *gallery) standing() {
	g.open("on", g.path+g.query)
	until := start.Add(30 * 24 * time.Hour)
	for name, choices := range map[string][]store.Choice{
		"paused":     {{List: news, State: store.Paused, Until: until}},
		"paused all": {{State: store.Paused, Until: until}},
		"limited":    {{List: news, State: store.Limited, Every: store.Weekly}, {State: store.Limited, Every: store.Monthly}},
		"came back":  {{List: news, State: store.Subscribed}},
	} {
		for _, c := range choices {
			g.choose(c)
		}
		g.open(name, g.path+g.query)
		clear(g.choices)
	}
	for _, reason := range []store.Reason{store.ReasonBounced, store.ReasonComplained, store.ReasonManual} {
		g.stops = append(g.stops, store.Suppression{Recipient: ada, Reason: reason})
	}
	g.open("stopped", g.path+g.query)
	g.open("stopped history", g.path+g.query+"&view=history")
	g.stops = nil
	lists, contacts := g.lists, g.contacts
	g.lists, g.contacts = map[string]store.List{news: lists[news]}, nil
	g.open("on one list", g.path+g.query)
	g.open("history of nothing", g.path+g.query+"&view=history")
	g.act("left one list", actUnsubscribe)
	g.open("off one list", g.path+g.query)
	g.lists, g.contacts = lists, contacts
	g.reset()
}

// signals are the pages of a browser with Global Privacy Control.
func (g *gallery) signals() {
	g.open("signal", g.path+g.query, "Sec-GPC", "1")
	for _, view := range []string{viewHistory, viewErase, ""} {
		delete(g.sharing, ada)
		g.open(strings.TrimSpace("signal honoured "+view), g.path+g.query+"&view="+view, "Sec-GPC", "1", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
	}
	g.follow("undone", "signal honoured", actUndo)
}

// choices are the answers to the form with the lists.
func (g *gallery) choosing() {
	g.act("bad date", actChoose, fieldList+news, optPauseUntil)
	g.act("bad day", actChoose, fieldList+news, optPauseUntil, fieldUntil, "2020-01-01", fieldList+"list02.example.org", "week")
	g.act("nothing chosen", actChoose)
	stale := g.form(g.path+g.query, actChoose)
	for range perDay {
		g.happened(store.Event{Time: g.now, Kind: store.EventLimited, Recipient: ada, List: news})
	}
	g.act("too many choices", actChoose, fieldList+news, "week")
	g.events = nil
	g.act("chosen", actChoose, fieldList+news, "week", fieldList+"list02.example.org", "pause-90", fieldSharing, "refuse")
	g.sendForm("stale", g.path, stale)
	g.open("second lists", g.path+g.query+"&page=1")
}

// leaving are the pages of who left, and what can be done then.
func (g *gallery) leaving() {
	g.act("left", actUnsubscribe)
	g.follow("thanks", "left", actReason, fieldReason, "other", fieldText, "my reason")
	g.open("off", g.path+g.query)
	g.act("asked", actAgain)
	g.asked = make([]confirmation.Question, 5)
	g.act("asked already", actAgain)
	g.world.asked = nil
	g.open("history", g.path+g.query+"&view=history")
	g.open("erase", g.path+g.query+"&view=erase")
	g.follow("erase asked", "erase", actAskErase)
	g.follow("data asked", "history", actAskData)
	g.stops = []store.Suppression{{Recipient: ada, Reason: store.ReasonBounced}}
	g.follow("unreachable", "erase", actAskErase)
	g.stops = nil
	g.act("left all", actLeave)
	g.open("off all", g.path+g.query)
}

// confirmations are the pages of links without a code.
func (g *gallery) confirmations() {
	link := func(list string, issued time.Time) string {
		return g.linkTo(listunsub.Claims{List: list, Recipient: ada, Issued: issued, Purpose: listunsub.ConfirmLink})
	}
	for name, list := range map[string]string{"confirm": news, "confirm all": "", "confirm sharing": confirmation.Sharing} {
		g.open(name, link(list, start)+g.query)
	}
	g.pass(2 * time.Second)
	confirmed := link(news, start.Add(2*time.Second))
	g.sendForm("confirmed", confirmed, g.form(confirmed+g.query, actConfirm))
	g.open("expired", link(news, start.Add(-8*24*time.Hour))+g.query)
	g.pass(2 * time.Second)
}

// codes are the pages of links with a code.
func (g *gallery) codes() {
	path, code := g.letter(confirmation.Access)
	g.open("code data", path+g.query)
	g.sendForm("opened", path, formsOf(g.t, g.pages["code data"])[actCode].with(fieldCode, code))
	consent, attempts := g.site.Consent, 1
	g.site.Consent = underWay{consent, &attempts}
	g.build()
	g.pass(2 * time.Second)
	path, code = g.letter(confirmation.Erasure)
	g.open("code erase", path+g.query)
	f := formsOf(g.t, g.pages["code erase"])[actCode]
	for name, typed := range map[string]string{"code unreadable": "x", "code wrong": "00000000"} {
		g.sendForm(name, path, f.with(fieldCode, typed))
	}
	g.sendForm("erasing", path, f.with(fieldCode, code))
	g.sendForm("erased", path, formsOf(g.t, g.pages["erasing"])[actErase])
	g.open("off erased", g.path+g.query)
	g.pass(2 * time.Second)
	path, _ = g.letter(confirmation.Erasure)
	f = g.form(path+g.query, actCode).with(fieldCode, "00000000")
	for range mostTries {
		g.submit(path, f)
	}
	g.sendForm("code used", path, f)
	g.pass(confirmation.CodeLife + time.Hour)
	g.open("code expired", path+g.query)
}

// notices are the pages without anything of a person, and the last of a list.
func (g *gallery) notices() {
	g.reset()
	clear(g.erased)
	g.lists[news] = store.List{ID: news, Name: strings.Repeat("long", 60), Description: strings.Repeat("text ", 100), Transactional: true}
	g.open("transactional", g.path+g.query)
	g.open("invalid link", "/u/x"+g.query)
	g.open("nothing", "/"+g.query)
	r := request(http.MethodDelete, g.path+g.query, "", nil)
	r.Header.Set("Accept", "text/html")
	res := g.send(r)
	g.keep("method", res, text(g.t, res))
	g.site.InvalidPerMinute = 1
	g.build()
	g.get("/u/x")
	g.open("too many", "/u/x"+g.query)
	g.err = store.ErrUnavailable
	g.open("unavailable", g.path+g.query)
}

// many gives ada mail of a dozen lists with long names.
func many(w *world) {
	for i := range 12 {
		id := fmt.Sprintf("list%02d.example.org", i)
		w.lists[id] = store.List{
			ID: id, Name: fmt.Sprintf("Example list number %d about many things", i), Sender: "Example Ltd, department of letters",
			Description: "One sentence in plain words that says what this list is about and how often it comes.", ThirdParty: i == 1,
		}
		w.contacts = append(w.contacts, store.Contact{Recipient: ada, List: id, First: start.Add(-9999 * time.Hour), Last: start.Add(-time.Hour), Count: int64(i*37 + 1)})
	}
}
