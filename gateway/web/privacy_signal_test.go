package web

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/gateway/confirmation"
	"offramp/listunsub"
	"offramp/store"

	"github.com/google/go-cmp/cmp"
)

const refusedAda = "sharing-refused " + ada + " page"

// navigation is a person who opens a page with Global Privacy Control.
func navigation(path string) *http.Request {
	r := request("GET", path, "", nil)
	for name, value := range map[string]string{
		"Sec-GPC": "1", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none", "Sec-Fetch-User": "?1",
	} {
		r.Header.Set(name, value)
	}
	return r
}

// Opening a page with the signal refuses sharing, whichever link and view of it:
// once, shown, and with undo.
func TestSignalIsHonoured(t *testing.T) {
	for _, p := range []listunsub.Purpose{listunsub.BodyLink, listunsub.HeaderLink} {
		for _, view := range []string{"", "?view=history", "?view=erase", "?lang=de&view=history", "?page=1"} {
			t.Run(string(rune(p))+view, func(t *testing.T) {
				w := newWorld(t)
				honoured(t, w, w.link(p), view)
			})
		}
	}
}

func honoured(t *testing.T, w *world, path, view string) {
	page := text(t, w.send(navigation(path+view)))
	if strings.Contains(view, "lang=de") {
		lacks(t, page, "Das Opt-out-Signal Ihres Browsers (Global Privacy Control) wurde befolgt")
	} else {
		lacks(t, page, "Your opt-out preference signal was honoured")
	}
	if d := cmp.Diff([]string{refusedAda}, w.made()); d != "" {
		t.Fatal(d)
	}
	if e := w.events[0]; e.Detail != "Sec-GPC: 1" || e.Kind != store.EventSharingRefused || e.IP != client {
		t.Errorf("event %+v", e)
	}
	undo, ok := formsOf(t, page)[actUndo]
	if !ok {
		t.Fatalf("no undo: %s", page)
	}
	w.pass(time.Minute)
	again := text(t, w.send(navigation(path)))
	if strings.Contains(again, "was honoured") || !strings.Contains(again, "Your data is not shared") || len(w.made()) != 1 {
		t.Errorf("the second visit: %q %s", w.made(), again)
	}
	if res, page := w.submit(path, undo, "Sec-GPC", "1"); res.StatusCode != 200 || w.sharing[ada].Refused {
		t.Fatalf("undo: %s %s", res.Status, page)
	}
	// What the person pressed is not overridden by their browser, also not when
	// it sends the form of another button.
	made := w.made()
	for range 2 {
		w.pass(time.Hour)
		if page := text(t, w.send(navigation(path))); strings.Contains(page, "was honoured") {
			t.Errorf("after the undo: %s", page)
		}
	}
	w.submit(path, w.form(path, actUnsubscribe), "Sec-GPC", "1")
	if d := cmp.Diff(append(made, outPage), w.made()); d != "" {
		t.Error(d)
	}
}

// An undo that was given is good for half an hour, like any other.
func TestUndoOfASignalExpires(t *testing.T) {
	w := newWorld(t)
	path := w.link(listunsub.BodyLink)
	undo := formsOf(t, text(t, w.send(navigation(path))))[actUndo]
	w.pass(formLife + time.Minute)
	if res, _ := w.submit(path, undo); res.StatusCode != 409 || !w.sharing[ada].Refused {
		t.Errorf("%s", res.Status)
	}
}

// Nothing else that comes with the signal changes anything.
func TestSignalsThatChangeNothing(t *testing.T) {
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) {
			if value == "" {
				r.Header.Del(name)
				return
			}
			r.Header.Set(name, value)
		}
	}
	for name, c := range map[string]struct {
		path   func(*world) string
		change func(*http.Request)
	}{
		"HEAD":               {nil, func(r *http.Request) { r.Method = http.MethodHead }},
		"OPTIONS":            {nil, func(r *http.Request) { r.Method = http.MethodOptions }},
		"no signal":          {nil, set("Sec-GPC", "")},
		"another signal":     {nil, set("Sec-GPC", "0")},
		"no fetch metadata":  {nil, func(r *http.Request) { r.Header.Del("Sec-Fetch-Mode"); r.Header.Del("Sec-Fetch-Dest") }},
		"a script":           {nil, set("Sec-Fetch-Mode", "cors")},
		"no destination":     {nil, set("Sec-Fetch-Dest", "")},
		"a frame":            {nil, set("Sec-Fetch-Dest", "iframe")},
		"a picture":          {nil, set("Sec-Fetch-Dest", "image")},
		"prefetch":           {nil, set("Sec-Purpose", "prefetch")},
		"prerender":          {nil, set("Sec-Purpose", "prefetch;prerender")},
		"prefetch of before": {nil, set("Purpose", "prefetch")},
		"a confirmation": {func(w *world) string {
			return w.linkTo(listunsub.Claims{List: news, Recipient: ada, Issued: start, Purpose: listunsub.ConfirmLink})
		}, nil},
		"a code":           {func(w *world) string { p, _ := w.letter(confirmation.Access); return p }, nil},
		"an invalid token": {func(w *world) string { return w.link(listunsub.BodyLink) + "A" }, nil},
		"a damaged token":  {func(w *world) string { p := w.link(listunsub.BodyLink); return p[:len(p)-3] + "AAA" }, nil},
		"no token":         {func(*world) string { return "/p/" }, nil},
		"an erased person": {func(w *world) string { w.erased[ada] = true; return w.link(listunsub.BodyLink) }, nil},
		"allowed before":   {func(w *world) string { w.sharing[ada] = store.Sharing{Since: start}; return w.link(listunsub.BodyLink) }, nil},
		"refused before": {func(w *world) string {
			w.sharing[ada] = store.Sharing{Since: start, Refused: true}
			return w.link(listunsub.BodyLink)
		}, nil},
		"one-click, a POST": {nil, func(r *http.Request) { r.Method = http.MethodPost }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			path := w.link(listunsub.BodyLink)
			if c.path != nil {
				path = c.path(w)
			}
			r := navigation(path)
			if c.change != nil {
				c.change(r)
			}
			page := text(t, w.send(r))
			if len(w.made()) > 0 || len(w.events) > 0 || strings.Contains(page, "was honoured") {
				t.Errorf("changes %q: %s", w.made(), page)
			}
		})
	}
}

// A store that cannot write shows the page all the same, and claims nothing.
func TestSignalThatCannotBeRecorded(t *testing.T) {
	w := newWorld(t)
	path := w.link(listunsub.BodyLink)
	calls := w.callsOf(func() { w.send(navigation(path)) })
	w.reset()
	for i, call := range calls {
		w.calls, w.failing = nil, i+1
		res := w.send(navigation(path))
		page := text(t, res)
		recorded := slices.Contains(w.made(), refusedAda)
		if said := strings.Contains(page, "was honoured"); said != recorded {
			t.Errorf("%s fails: %s, recorded %v, said %v", call, res.Status, recorded, said)
		}
		w.failing = 0
		w.reset()
	}
}

// A browser with Global Privacy Control that does not say that it navigates has
// the box ticked, and acting on the page records it; a visit records nothing.
func TestPrivacySignalWithoutNavigation(t *testing.T) {
	refused := "sharing-refused " + ada + " page"
	for name, c := range map[string]struct {
		action string
		pairs  []string
		want   []string
	}{
		"saved as it is":     {actChoose, nil, []string{refused}},
		"box emptied":        {actChoose, []string{fieldSharing, "", fieldList + news, "off"}, []string{outPage}},
		"another button":     {actUnsubscribe, nil, []string{outPage, refused}},
		"leaving everything": {actLeave, nil, []string{"unsubscribed " + ada + "  page", refused}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.lists[adverts] = store.List{ID: adverts, ThirdParty: true}
			path := w.link(listunsub.HeaderLink)
			r := request("GET", path, "", nil)
			r.Header.Set("Sec-GPC", "1")
			page := text(t, w.send(r))
			lacks(t, page, "Global Privacy Control")
			f := formsOf(t, page)[c.action]
			if c.action == actChoose && f.fields.Get(fieldSharing) == "" {
				t.Error("the box is not ticked")
			}
			if len(w.made()) > 0 {
				t.Fatalf("the visit changed %q", w.made())
			}
			_, page = w.submit(path, f.with(c.pairs...), "Sec-GPC", "1")
			if d := cmp.Diff(c.want, w.made()); d != "" {
				t.Fatal(d)
			}
			if slices.Contains(c.want, refused) {
				if e := w.events[len(w.events)-1]; e.Kind == store.EventSharingRefused && e.Detail != "Sec-GPC: 1" {
					t.Errorf("event %+v", e)
				}
				w.submit(path, formsOf(t, page)[actUndo], "Sec-GPC", "1")
				if w.sharing[ada].Refused {
					t.Error("the undo left it refused")
				}
			}
		})
	}
}

// Where the page has no box for it, what the browser asks for is recorded with
// whatever is pressed, and said.
func TestPrivacySignalWithoutTheBox(t *testing.T) {
	for action, pairs := range map[string][]string{actChoose: {fieldList + news, "week"}, actUnsubscribe: nil} {
		w := newWorld(t)
		path := w.link(listunsub.HeaderLink)
		_, page := w.submit(path, w.form(path, action).with(pairs...), "Sec-GPC", "1")
		lacks(t, page, "Your opt-out preference signal was honoured")
		if made := w.made(); len(made) != 2 || made[1] != refusedAda {
			t.Errorf("%s: changes %q", action, made)
		}
	}
}

// Where no list is sent on behalf of others, nothing is shared and the page does
// not ask about it; a refusal that stands is shown all the same.
func TestSharingWhereNothingIsShared(t *testing.T) {
	w := newWorld(t)
	path := w.link(listunsub.BodyLink)
	_, page := w.get(path)
	if strings.Contains(page, "share") || strings.Contains(page, fieldSharing) {
		t.Errorf("without a list for others: %s", page)
	}
	w.sharing[ada] = store.Sharing{Recipient: ada, Refused: true, Since: start}
	_, page = w.get(path)
	lacks(t, page, "Your data is not shared", "Allow sharing again")
	delete(w.sharing, ada)
	w.lists[adverts] = store.List{ID: adverts, ThirdParty: true}
	_, page = w.get(path)
	lacks(t, page, "Do not share my data", "no mail from lists that are sent on behalf of others")
}

// That other systems are told stands on the page where there are some, by name.
func TestReadersAreNamed(t *testing.T) {
	w := newWorld(t)
	letter, _ := w.letter(confirmation.Erasure)
	paths := []string{w.link(listunsub.BodyLink), w.link(listunsub.BodyLink) + "?view=history", w.link(listunsub.BodyLink) + "?view=erase",
		letter, w.linkTo(listunsub.Claims{List: news, Recipient: ada, Issued: start, Purpose: listunsub.ConfirmLink})}
	for _, path := range paths {
		if _, page := w.get(path); strings.Contains(page, "passed on") || strings.Contains(page, "connected") || strings.Contains(page, "informed") {
			t.Errorf("without a reader: %s", page)
		}
	}
	w.readers = []store.Reader{{Name: "<b>Customer care</b>"}, {Name: "أخبار"}}
	for _, path := range paths {
		_, page := w.get(path)
		lacks(t, page, "It is passed on to these systems: &lt;b&gt;Customer care&lt;/b&gt;, \u2068أخبار\u2069.")
	}
	w.site.Readers = nil
	w.build()
	if _, page := w.get(paths[0]); strings.Contains(page, "passed on") {
		t.Error("a site that knows of no reader names some")
	}
}
