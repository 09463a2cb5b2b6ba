package web

import (
	"slices"
	"testing"
	"time"

	"offramp/gateway/confirmation"
	"offramp/listunsub"
	"offramp/store"

	"github.com/google/go-cmp/cmp"
)

// What takes an opt-out back is asked for by mail, and nothing changes until
// the link in it is opened and its button pressed.
func TestAgain(t *testing.T) {
	left := store.Choice{List: news, State: store.Unsubscribed}
	leftAll := store.Choice{State: store.Unsubscribed}
	refuse := func(w *world) {
		w.sharing[ada] = store.Sharing{Recipient: ada, Refused: true, Since: start.Add(-time.Hour)}
	}
	for name, c := range map[string]struct {
		arrange func(*world)
		action  string
		pairs   []string
		asked   confirmation.Question
		claim   string // list of the link in the mail
		says    string
		want    string
	}{
		"the list": {func(w *world) { w.choose(left) }, actAgain, nil,
			confirmation.Question{What: confirmation.ListAgain, List: news, ListName: "Example News", Sender: "The editors"},
			news, "You get every message of “Example News”.", "subscribed " + ada + " " + news + " confirmed"},
		"the list, among others": {func(w *world) { w.choose(left) }, actChoose, []string{fieldList + news, optAgain},
			confirmation.Question{What: confirmation.ListAgain, List: news, ListName: "Example News", Sender: "The editors"},
			news, "You get every message of “Example News”.", "subscribed " + ada + " " + news + " confirmed"},
		"all lists": {func(w *world) { w.choose(leftAll) }, actAllAgain, nil,
			confirmation.Question{What: confirmation.AllAgain},
			"", "The choice for all lists together is removed", "subscribed " + ada + "  confirmed"},
		"an erased person": {func(w *world) { w.choose(leftAll); w.erased[ada] = true }, actAllAgain, nil,
			confirmation.Question{What: confirmation.AllAgain},
			"", "The choice for all lists together is removed", "subscribed " + ada + "  confirmed"},
		"sharing": {refuse, actAllow, nil,
			confirmation.Question{What: confirmation.SharingAgain},
			confirmation.Sharing, "Your data may be shared again.", "sharing-allowed " + ada + " confirmed"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.lists[news] = store.List{ID: news, Name: "Example News", Sender: "The editors"}
			c.arrange(w)
			path := w.link(listunsub.BodyLink)
			page := w.press(path, c.action, c.pairs...)
			lacks(t, page, "We sent a message to a•••@example.com")
			if len(w.asked) != 1 || len(w.made()) > 0 {
				t.Fatalf("asked %+v, changes %q", w.asked, w.made())
			}
			got := w.asked[0]
			if got.Recipient.Key() != ada || got.Speaker.Tag() != "en" {
				t.Errorf("asked %+v", got)
			}
			got.Recipient, got.Speaker = c.asked.Recipient, nil
			if got != c.asked {
				t.Errorf("asked %+v, want %+v", got, c.asked)
			}
			if e := w.events[len(w.events)-1]; e.Kind != store.EventAsked {
				t.Errorf("last event %+v", e)
			}
			link := w.linkTo(listunsub.Claims{List: c.claim, Recipient: ada, Issued: start, Purpose: listunsub.ConfirmLink})
			w.pass(6 * 24 * time.Hour)
			// A scanner opens the link and posts to it.
			w.get(link)
			if res := w.send(request("POST", link, "", nil)); res.StatusCode != 400 || len(w.made()) > 0 {
				t.Fatalf("post of a scanner: %s, changes %q", res.Status, w.made())
			}
			f := w.form(link, actConfirm)
			res, page := w.submit(link, f)
			if res.StatusCode != 200 {
				t.Fatalf("%s %s", res.Status, page)
			}
			lacks(t, page, c.says)
			res, _ = w.submit(link, f) // pressed twice
			if res.StatusCode != 200 {
				t.Errorf("second press: %s", res.Status)
			}
			if got := w.made(); !slices.Equal(got, []string{c.want}) {
				t.Errorf("changes %q, want %q", got, c.want)
			}
		})
	}
}

// A link asks once: it does not overrule what was decided after it was made.
func TestConfirmLinkOfThePast(t *testing.T) {
	w := newWorld(t)
	w.choose(store.Choice{List: news, State: store.Unsubscribed})
	link := w.linkTo(listunsub.Claims{List: news, Recipient: ada, Issued: start, Purpose: listunsub.ConfirmLink})
	w.pass(time.Minute)
	used := w.form(link, actConfirm)
	w.submit(link, used)
	w.pass(time.Minute)
	w.send(request("POST", w.link(listunsub.HeaderLink), "", nil))
	for name, f := range map[string]shown{"used": used} {
		if res, page := w.submit(link, f); res.StatusCode != 409 {
			t.Errorf("%s form: %s %s", name, res.Status, page)
		}
	}
	res, page := w.get(link)
	if _, ok := formsOf(t, page)[actConfirm]; ok || res.StatusCode != 409 {
		t.Errorf("%s %s", res.Status, page)
	}
	w.pass(confirmation.Life)
	if res, page := w.get(link); res.StatusCode != 410 {
		t.Errorf("expired: %s %s", res.Status, page)
	}
	want := []string{"subscribed " + ada + " " + news + " confirmed", "unsubscribed " + ada + " " + news + " one-click"}
	if d := cmp.Diff(want, w.made()); d != "" {
		t.Error(d)
	}
}

// One list again does not end the opt-out from all; the page says so, and
// offers the way.
func TestListAgainWhileAllAreOff(t *testing.T) {
	w := newWorld(t)
	w.choose(store.Choice{List: news, State: store.Unsubscribed})
	w.choose(store.Choice{State: store.Unsubscribed})
	link := w.linkTo(listunsub.Claims{List: news, Recipient: ada, Issued: start, Purpose: listunsub.ConfirmLink})
	page := w.press(link, actConfirm)
	lacks(t, page, "You are still unsubscribed from all lists")
	w.submit(link, formsOf(t, page)[actAllAgain])
	if len(w.asked) != 1 || w.asked[0].What != confirmation.AllAgain {
		t.Errorf("asked %+v", w.asked)
	}
}

// Too many mails are not sent, and the person is told.
func TestAskedTooOften(t *testing.T) {
	w := newWorld(t)
	w.choose(store.Choice{List: news, State: store.Unsubscribed})
	path := w.link(listunsub.BodyLink)
	for range 5 {
		w.press(path, actAgain)
	}
	lacks(t, w.press(path, actAgain), "was sent to a•••@example.com in the last 24 hours")
	if n := w.site.Stats.Asked.Load(); n != 5 || len(w.asked) != 5 {
		t.Errorf("%d counted, %d sent", n, len(w.asked))
	}
}

// Links of one purpose are not links of another.
func TestPurposesStayApart(t *testing.T) {
	w := newWorld(t)
	w.choose(store.Choice{List: news, State: store.Unsubscribed})
	for _, made := range []listunsub.Purpose{listunsub.HeaderLink, listunsub.BodyLink, listunsub.ConfirmLink} {
		token := w.linkTo(listunsub.Claims{List: news, Recipient: ada, Issued: start, Purpose: made})[3:]
		for _, used := range []listunsub.Purpose{listunsub.HeaderLink, listunsub.BodyLink, listunsub.ConfirmLink} {
			res, _ := w.get("/" + string(rune(used)) + "/" + token)
			if want := map[bool]int{true: 200, false: 404}[made == used]; res.StatusCode != want {
				t.Errorf("%c as %c: %s", made, used, res.Status)
			}
		}
	}
}
