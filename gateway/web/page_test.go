package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/gateway/consent"
	"offramp/listunsub"
	"offramp/store"

	"golang.org/x/net/html"
)

// formOf returns the fields of the page's form, nil when there is none.
func formOf(t *testing.T, page string) url.Values {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var values url.Values
	for n := range doc.Descendants() {
		switch {
		case n.Type == html.ElementNode && n.Data == "form":
			if values != nil {
				t.Error("more than one form")
			}
			values = url.Values{}
		case n.Type == html.ElementNode && n.Data == "input":
			values.Set(attr(n, "name"), attr(n, "value"))
		}
	}
	return values
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// submit sends a form as a browser does: fields in their order on the page.
func (w *world) submit(path string, f url.Values) (*http.Response, string) {
	w.t.Helper()
	body := fieldSeal + "=" + url.QueryEscape(f.Get(fieldSeal)) + "&" + fieldAction + "=" + url.QueryEscape(f.Get(fieldAction))
	r := request("POST", path, "application/x-www-form-urlencoded", strings.NewReader(body))
	r.Header.Set("Accept", "text/html,application/xhtml+xml")
	r.Header.Set("Origin", "null")
	res := w.send(r)
	return res, text(w.t, res)
}

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
			for _, want := range []string{"Example News", "What happened at Example, once a week.", "a•••@e•••", "no more mail from this list"} {
				if !strings.Contains(page, want) {
					t.Errorf("page lacks %q", want)
				}
			}
			if strings.Contains(page, ada) || res.StatusCode != 200 {
				t.Errorf("%s, or the page shows the address", res.Status)
			}
			first := formOf(t, page)
			if first.Get(fieldAction) != actUnsubscribe {
				t.Fatalf("form %v", first)
			}
			w.pass(time.Minute)
			res, page = w.submit(path, first)
			if res.StatusCode != 200 || !strings.Contains(page, "You are off the list") {
				t.Fatalf("%s %s", res.Status, page)
			}
			undo := formOf(t, page)
			if undo.Get(fieldAction) != actUndo {
				t.Fatalf("form after it %v", undo)
			}
			// The page itself never offers the undo: whoever has the link could
			// put the person back.
			if _, page := w.get(path); formOf(t, page) != nil || !strings.Contains(page, "You are off the list") {
				t.Errorf("page of a person who left: %s", page)
			}
			w.pass(29 * time.Minute)
			res, page = w.submit(path, undo)
			if res.StatusCode != 200 || !strings.Contains(page, "You are on the list again") || formOf(t, page).Get(fieldAction) != actUnsubscribe {
				t.Errorf("undo: %s %s", res.Status, page)
			}
			// Both forms are used up.
			for name, f := range map[string]url.Values{"first": first, "undo": undo} {
				if res, page := w.submit(path, f); res.StatusCode != 409 || !strings.Contains(page, outOfDate) {
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
	w := newWorld(t)
	path := w.link(listunsub.HeaderLink)
	_, page := w.get(path)
	f := formOf(t, page)
	w.submit(path, f)
	w.pass(20 * time.Minute)
	res, page := w.submit(path, f)
	undo := formOf(t, page)
	if res.StatusCode != 200 || undo.Get(fieldAction) != actUndo {
		t.Fatalf("%s %s", res.Status, page)
	}
	// It does not prolong the undo.
	w.pass(11 * time.Minute)
	if res, _ := w.submit(path, undo); res.StatusCode != 409 {
		t.Errorf("undo 31 minutes after the opt-out: %s", res.Status)
	}
	if got := w.made(); !slices.Equal(got, []string{outPage}) {
		t.Errorf("changes %q", got)
	}
}

func TestFormsThatChangeNothing(t *testing.T) {
	w := newWorld(t)
	path, body := w.link(listunsub.HeaderLink), w.link(listunsub.BodyLink)
	_, page := w.get(path)
	good := formOf(t, page)
	otherToken, err := w.ring.Seal(listunsub.Claims{List: news, Recipient: "bob@example.com", Issued: start, Purpose: listunsub.HeaderLink})
	if err != nil {
		t.Fatal(err)
	}
	_, page = w.get("/u/" + otherToken)
	ofBob := formOf(t, page)
	values := func(seal, action string) url.Values {
		return url.Values{fieldSeal: {seal}, fieldAction: {action}}
	}
	seal := good.Get(fieldSeal)
	flipped := []byte(seal)
	flipped[20] ^= 1
	cases := map[string]struct {
		path string
		form url.Values
		wait time.Duration
		want int
	}{
		"no seal":           {path, values("", actUnsubscribe), 0, 400},
		"short seal":        {path, values("AAAA", actUnsubscribe), 0, 400},
		"no base64":         {path, values("%%%", actUnsubscribe), 0, 400},
		"flipped":           {path, values(string(flipped), actUnsubscribe), 0, 400},
		"other action":      {path, values(seal, actUndo), 0, 400},
		"no action":         {path, values(seal, ""), 0, 400},
		"of another person": {path, ofBob, 0, 400},
		"of another link":   {body, good, 0, 400},
		"too old":           {path, good, formLife + time.Second, 409},
		"from the future":   {path, good, -2 * clockSkew, 409},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w.pass(c.wait)
			defer w.pass(-c.wait)
			res, page := w.submit(c.path, c.form)
			if res.StatusCode != c.want || formOf(t, page).Get(fieldAction) != actUnsubscribe {
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
	_, page := w.get(path)
	f := formOf(t, page)
	w.send(request("POST", path, "", nil)) // the mail program
	if res, page := w.submit(path, f); res.StatusCode != 409 || formOf(t, page) != nil || !strings.Contains(page, "You are off the list") {
		t.Errorf("%s %s", res.Status, page)
	}
	if got := w.made(); !slices.Equal(got, optedOut) {
		t.Errorf("changes %q", got)
	}
}

func TestTransactionalListCannotBeLeft(t *testing.T) {
	w := newWorld(t)
	path := w.link(listunsub.BodyLink)
	_, page := w.get(path)
	f := formOf(t, page)
	w.lists[news] = store.List{ID: news, Name: "Receipts", Transactional: true}
	if _, page := w.get(path); formOf(t, page) != nil || !strings.Contains(page, "cannot be switched off here") || !strings.Contains(page, "service mail") {
		t.Errorf("page: %s", page)
	}
	if res, _ := w.submit(path, f); res.StatusCode != 409 {
		t.Errorf("form from before: %s", res.Status)
	}
	if got := w.made(); len(got) != 0 {
		t.Errorf("changes %q", got)
	}
}

func TestPageStates(t *testing.T) {
	all := func(w *world, list string, state store.State) {
		w.choices[ada+" "+list] = store.Choice{Recipient: ada, List: list, State: state, Since: start.Add(-time.Hour), Way: store.Mail}
	}
	cases := map[string]struct {
		arrange func(*world)
		want    string
		button  bool
	}{
		"nothing chosen": {func(*world) {}, "Unsubscribe from this list?", true},
		"left":           {func(w *world) { all(w, news, store.Unsubscribed) }, "23 November 2026, 11:00 UTC", false},
		"left all":       {func(w *world) { all(w, store.AllLists, store.Unsubscribed) }, "off all lists of this sender", false},
		"came back":      {func(w *world) { all(w, news, store.Subscribed) }, "Unsubscribe from this list?", true},
		"bounced":        {func(w *world) { w.stops = []store.Suppression{{Reason: store.ReasonBounced}} }, "earlier mail to it came back", true},
		"complained":     {func(w *world) { w.stops = []store.Suppression{{Reason: store.ReasonComplained}} }, "reported as spam", true},
		"manual":         {func(w *world) { w.stops = []store.Suppression{{Reason: store.ReasonManual, Note: "private"}} }, "the sender stopped it", true},
		"list unknown":   {func(w *world) { delete(w.lists, news) }, "<bdi>" + news + "</bdi>", true},
		"hostile name":   {func(w *world) { w.lists[news] = store.List{ID: news, Name: "<script>alert(1)</script>"} }, "&lt;script&gt;alert(1)&lt;/script&gt;", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.arrange(w)
			res, page := w.get(w.link(listunsub.HeaderLink))
			if res.StatusCode != 200 || !strings.Contains(page, c.want) || strings.Contains(page, "private") {
				t.Errorf("%s, lacks %q: %s", res.Status, c.want, page)
			}
			if got := formOf(t, page) != nil; got != c.button {
				t.Errorf("button %v, want %v", got, c.button)
			}
		})
	}
}

// The opt-out is durable: the answer must not deny it because a later read
// fails.
func TestOptOutIsToldWhenTheStoreFailsAfterIt(t *testing.T) {
	w := newWorld(t)
	path := w.link(listunsub.HeaderLink)
	_, page := w.get(path)
	w.site.Consent = failAfter{w}
	w.handler = w.site.Handler()
	res, page := w.submit(path, formOf(t, page))
	if res.StatusCode != 200 || !strings.Contains(page, "You are off the list") || formOf(t, page) != nil {
		t.Errorf("%s %s", res.Status, page)
	}
}

// failAfter lets nothing be read any more once a choice was made.
type failAfter struct{ *world }

func (f failAfter) Standing(ctx context.Context, s consent.Subject) (store.Standing, error) {
	if len(f.made()) > 0 {
		return store.Standing{}, errors.New("gone")
	}
	return f.world.Standing(ctx, s)
}
