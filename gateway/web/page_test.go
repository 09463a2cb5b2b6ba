package web

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/gateway/envelope"
	"offramp/listunsub"
	"offramp/store"
)

const (
	outPage  = "unsubscribed " + ada + " " + news + " page"
	backPage = "subscribed " + ada + " " + news + " page"
)

func TestPageFlow(t *testing.T) {
	for _, p := range []listunsub.Purpose{listunsub.HeaderLink, listunsub.BodyLink} {
		t.Run(string(rune(p)), func(t *testing.T) {
			w := newWorld(t)
			path := w.link(p)
			res, page := w.get(path)
			lacks(t, page, "Unsubscribe from “Example News”?", "What happened at Example, once a week.", "a•••@example.com", "no more mail from this list", "Example Ltd")
			if strings.Contains(page, ada) || res.StatusCode != 200 {
				t.Errorf("%s, or the page shows the address", res.Status)
			}
			first := formsOf(t, page)[actUnsubscribe]
			w.pass(time.Minute)
			res, page = w.submit(path, first)
			if res.StatusCode != 200 {
				t.Fatalf("%s %s", res.Status, page)
			}
			lacks(t, page, "You are unsubscribed from “Example News”.", "for 30 minutes", "23 November 2026, 12:01 UTC")
			undo := formsOf(t, page)[actUndo]
			// The page itself never offers the undo: whoever has the link could
			// put the person back.
			_, page = w.get(path)
			if _, ok := formsOf(t, page)[actUndo]; ok {
				t.Errorf("page of a person who left: %s", page)
			}
			lacks(t, page, "You are unsubscribed from “Example News”")
			w.pass(29 * time.Minute)
			res, page = w.submit(path, undo)
			if res.StatusCode != 200 {
				t.Errorf("undo: %s %s", res.Status, page)
			}
			lacks(t, page, "The change was undone", "Unsubscribe from “Example News”?")
			// Both forms are used up.
			for name, f := range map[string]shown{"first": first, "undo": undo} {
				if res, page := w.submit(path, f); res.StatusCode != 409 || !strings.Contains(page, "Nothing was changed") {
					t.Errorf("%s form again: %s", name, res.Status)
				}
			}
			if got, want := w.made(), []string{outPage, backPage}; !slices.Equal(got, want) {
				t.Errorf("changes %q, want %q", got, want)
			}
		})
	}
}

// A button pressed twice must not take the undo away.
func TestDoubleSubmitKeepsUndo(t *testing.T) {
	for name, pairs := range map[string][]string{
		actUnsubscribe: nil, actLeave: nil,
		actChoose: {fieldList + news, "pause-30", fieldList, "week", fieldSharing, "refuse"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.lists[other] = store.List{ID: other, Name: "Other", Public: true}
			path := w.link(listunsub.HeaderLink)
			f := w.form(path, name).with(pairs...)
			w.submit(path, f)
			made := w.made()
			w.pass(20 * time.Minute)
			res, page := w.submit(path, f)
			undo, ok := formsOf(t, page)[actUndo]
			if res.StatusCode != 200 || !ok {
				t.Fatalf("%s %s", res.Status, page)
			}
			// It does not prolong the undo.
			w.pass(11 * time.Minute)
			if res, _ := w.submit(path, undo); res.StatusCode != 409 {
				t.Errorf("undo 31 minutes after the decision: %s", res.Status)
			}
			if got := w.made(); len(made) == 0 || !slices.Equal(got, made) {
				t.Errorf("changes %q, want %q", got, made)
			}
		})
	}
}

// Who had the page open with a forwarded link while the person left does not get
// the undo by sending their own form: it would bring mail back unconfirmed.
func TestUndoIsForTheVisitorWhoDecided(t *testing.T) {
	for _, action := range []string{actUnsubscribe, actLeave} {
		w := newWorld(t)
		path := w.link(listunsub.BodyLink)
		strangers := w.form(path, action)
		w.pass(time.Minute)
		w.press(path, action)
		made := w.made()
		res, page := w.submit(path, strangers, "User-Agent", "a stranger's/2")
		if _, ok := formsOf(t, page)[actUndo]; res.StatusCode != 200 || ok {
			t.Errorf("%s: %s, undo given: %v", action, res.Status, ok)
		}
		if got := w.made(); !slices.Equal(got, made) {
			t.Errorf("%s: changes %q, want %q", action, got, made)
		}
	}
}

func TestFormsThatChangeNothing(t *testing.T) {
	w := newWorld(t)
	path, body := w.link(listunsub.HeaderLink), w.link(listunsub.BodyLink)
	good := w.form(path, actUnsubscribe)
	bob := w.linkTo(listunsub.Claims{List: news, Recipient: "bob@example.com", Issued: start, Purpose: listunsub.HeaderLink})
	ofBob := w.form(bob, actUnsubscribe)
	seal := good.fields.Get(fieldSeal)
	flipped := []byte(seal)
	flipped[20] ^= 1
	cases := map[string]struct {
		path string
		form shown
		wait time.Duration
		want int
	}{
		"no seal":           {path, good.with(fieldSeal, ""), 0, 400},
		"short seal":        {path, good.with(fieldSeal, "AAAA"), 0, 400},
		"no base64":         {path, good.with(fieldSeal, "%%%"), 0, 400},
		"flipped":           {path, good.with(fieldSeal, string(flipped)), 0, 400},
		"without its MAC":   {path, good.with(fieldSeal, strings.Split(seal, ".")[0]+"."), 0, 400},
		"other action":      {path, good.with(fieldAction, actUndo), 0, 400},
		"erasing":           {path, good.with(fieldAction, actErase), 0, 400},
		"no action":         {path, good.with(fieldAction, ""), 0, 400},
		"of another person": {path, ofBob, 0, 400},
		"of another link":   {body, good, 0, 400},
		"too long":          {path, good.with(fieldText, strings.Repeat("x", maxBody)), 0, 400},
		"too old":           {path, good, formLife + time.Second, 409},
		"from the future":   {path, good, -2 * clockSkew, 409},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w.pass(c.wait)
			defer w.pass(-c.wait)
			res, page := w.submit(c.path, c.form)
			if _, ok := formsOf(t, page)[actUnsubscribe]; res.StatusCode != c.want || !ok || !strings.Contains(page, "Nothing was changed") {
				t.Errorf("%s %s", res.Status, page)
			}
			if got := w.made(); len(got) != 0 {
				t.Errorf("changes %q", got)
			}
		})
	}
}

// What changed in between by another way makes the form stale.
func TestFormAfterAnotherChange(t *testing.T) {
	w := newWorld(t)
	path := w.link(listunsub.HeaderLink)
	f := w.form(path, actUnsubscribe)
	w.send(request("POST", path, "", nil)) // the mail program
	res, page := w.submit(path, f)
	if _, undo := formsOf(t, page)[actUndo]; res.StatusCode != 409 || undo {
		t.Errorf("%s %s", res.Status, page)
	}
	lacks(t, page, "You are unsubscribed from “Example News”", "Nothing was changed")
	if got := w.made(); !slices.Equal(got, optedOut) {
		t.Errorf("changes %q", got)
	}
}

func TestTransactionalListCannotBeLeft(t *testing.T) {
	w := newWorld(t)
	path := w.link(listunsub.BodyLink)
	f := w.form(path, actUnsubscribe)
	w.lists[news] = store.List{ID: news, Name: "Receipts", Transactional: true}
	_, page := w.get(path)
	if _, ok := formsOf(t, page)[actUnsubscribe]; ok {
		t.Errorf("page: %s", page)
	}
	lacks(t, page, "“Receipts” cannot be switched off here", "service mail")
	if res, _ := w.submit(path, f); res.StatusCode != 409 {
		t.Errorf("form from before: %s", res.Status)
	}
	if got := w.made(); len(got) != 0 {
		t.Errorf("changes %q", got)
	}
}

func TestPageStates(t *testing.T) {
	cases := map[string]struct {
		arrange func(*world)
		want    string
		button  bool
	}{
		"nothing chosen": {func(*world) {}, "Unsubscribe from “Example News”?", true},
		"left":           {func(w *world) { w.choose(store.Choice{List: news, State: store.Unsubscribed}) }, "23 November 2026, 11:00 UTC", false},
		"left all":       {func(w *world) { w.choose(store.Choice{State: store.Unsubscribed}) }, "You are unsubscribed from all lists of Example Ltd", false},
		"came back":      {func(w *world) { w.choose(store.Choice{List: news, State: store.Subscribed}) }, "Unsubscribe from “Example News”?", true},
		"paused": {func(w *world) {
			w.choose(store.Choice{List: news, State: store.Paused, Until: start.Add(48 * time.Hour)})
		}, "Nothing from this list is sent to you until 25 November 2026, because you paused it", true},
		"all paused": {func(w *world) {
			w.choose(store.Choice{State: store.Paused, Until: start.Add(48 * time.Hour)})
		}, "because you paused all of them", true},
		"pause over": {func(w *world) {
			w.choose(store.Choice{List: news, State: store.Paused, Until: start, Every: store.Weekly})
		}, `<option value="week" selected>`, true},
		"limited":    {func(w *world) { w.choose(store.Choice{List: news, State: store.Limited, Every: store.Monthly}) }, `<option value="month" selected>`, true},
		"bounced":    {func(w *world) { w.stops = []store.Suppression{{Reason: store.ReasonBounced}} }, "earlier mail to it came back", true},
		"complained": {func(w *world) { w.stops = []store.Suppression{{Reason: store.ReasonComplained}} }, "reported as spam", true},
		"manual":     {func(w *world) { w.stops = []store.Suppression{{Reason: store.ReasonManual, Note: "private"}} }, "the sender stopped it", true},
		"bounced, of the list": {func(w *world) {
			w.stops = []store.Suppression{{List: news, Reason: store.ReasonBounced}}
		}, "nothing from this list is sent to this address, because earlier mail", true},
		"complained, of the list": {func(w *world) {
			w.stops = []store.Suppression{{List: news, Reason: store.ReasonComplained}}
		}, "nothing from this list is sent to this address, because mail to it was reported", true},
		"manual, of the list": {func(w *world) {
			w.stops = []store.Suppression{{List: news, Reason: store.ReasonManual, Note: "private"}}
		}, "nothing from this list is sent to this address; the sender stopped it", true},
		"manual, of the domain": {func(w *world) {
			w.stops = []store.Suppression{{Recipient: "@example.com", Reason: store.ReasonManual, Until: start.Add(time.Second)}}
		}, "the sender stopped it", true},
		"list unknown":  {func(w *world) { delete(w.lists, news) }, "<bdi>" + news + "</bdi>", true},
		"hostile name":  {func(w *world) { w.lists[news] = store.List{ID: news, Name: "<script>alert(1)</script>"} }, "&lt;script&gt;alert(1)&lt;/script&gt;", true},
		"right to left": {func(w *world) { w.lists[news] = store.List{ID: news, Name: "أخبار"} }, "“\u2068أخبار\u2069”", true},
		"third party": {func(w *world) {
			w.lists[news] = store.List{ID: news, ThirdParty: true, Sender: "Partner Inc", Footer: "Imprint of the list"}
			w.sharing[ada] = store.Sharing{Recipient: ada, Refused: true, Since: start}
		}, "Nothing from this list is sent to you, because you do not want your data to be shared.", true},
		"counted": {func(w *world) {
			w.contacts = []store.Contact{{Recipient: ada, List: news, Count: 1204, Last: start}}
		}, "1,204 messages so far, the last on 23 November 2026", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.arrange(w)
			res, page := w.get(w.link(listunsub.HeaderLink))
			if res.StatusCode != 200 || strings.Contains(page, "private") {
				t.Errorf("%s %s", res.Status, page)
			}
			lacks(t, page, c.want)
			if _, got := formsOf(t, page)[actUnsubscribe]; got != c.button {
				t.Errorf("button %v, want %v", got, c.button)
			}
		})
	}
}

// A suppression that has ended stops nothing, and the page does not say it does.
func TestEndedSuppressionIsNotShown(t *testing.T) {
	w := newWorld(t)
	w.stops = []store.Suppression{{Recipient: "@example.com", Reason: store.ReasonManual, Until: start, Since: start.Add(-time.Hour), Note: "closed"}}
	for _, view := range []string{"", "?view=history"} {
		if _, page := w.get(w.link(listunsub.BodyLink) + view); strings.Contains(page, "the sender stopped it") {
			t.Errorf("%q: %s", view, page)
		}
	}
	held, _ := w.download()
	if s := held.Suppressions; len(s) != 1 || s[0].Recipient != "@example.com" || !s[0].Until.Equal(start) {
		t.Errorf("held: %+v", s)
	}
}

// The opt-out is durable: the answer must not deny it because a later read
// fails.
func TestOptOutIsToldWhenTheStoreFailsAfterIt(t *testing.T) {
	w := newWorld(t)
	path := w.link(listunsub.HeaderLink)
	f := w.form(path, actUnsubscribe)
	w.site.Consent = failAfter{w.site.Consent, w}
	w.build()
	res, page := w.submit(path, f)
	if res.StatusCode != 200 || len(formsOf(t, page)) > 0 {
		t.Errorf("%s %s", res.Status, page)
	}
	lacks(t, page, "You are unsubscribed from “Example News”")
}

// failAfter lets nothing be read any more once a choice was made.
type failAfter struct {
	Consent
	w *world
}

func (f failAfter) Person(ctx context.Context, a envelope.Address) (store.Person, error) {
	if len(f.w.made()) > 0 {
		return store.Person{}, errors.New("gone")
	}
	return f.Consent.Person(ctx, a)
}

// What a query holds does not swell the page, in which it would stand many times.
func TestLongQueriesAreNotRepeated(t *testing.T) {
	w := newWorld(t)
	many(w)
	long := strings.Repeat("x", 10<<10)
	for _, path := range []string{w.link(listunsub.HeaderLink), w.link(listunsub.BodyLink)} {
		for _, query := range []string{"?lang=" + long, "?view=" + long, "?page=" + long, "?page=1" + strings.Repeat("0", 10<<10), "?" + long, "?lang=de&view=" + long} {
			for _, base := range []string{path, path + "/" + long} {
				if res, page := w.get(base + query); res.StatusCode != 200 || len(page) > 30<<10 {
					t.Errorf("%.40s: %s, %d bytes", query, res.Status, len(page))
				}
			}
		}
	}
}
