package web

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/listunsub"
	"offramp/store"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

// outline is what a page shows without opening anything: headings, buttons and
// fields, and what is folded by its summary alone.
func outline(t testing.TB, page string) (lines []string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode {
			switch n.Data {
			case "details":
				for c := range n.ChildNodes() {
					if c.Data == "summary" {
						lines = append(lines, "> "+words(c))
					}
				}
				if !has(n, "open") {
					return
				}
			case "h1", "h2":
				if n.Parent.Data != "summary" {
					lines = append(lines, n.Data+" "+words(n))
				}
			case "button":
				lines = append(lines, strings.TrimSpace("["+words(n)+"] "+attr(n, "class")))
			case "select", "textarea":
				lines = append(lines, attr(n, "name"))
			case "input":
				if attr(n, "type") != "hidden" {
					lines = append(lines, attr(n, "name"))
				}
			}
		}
		for c := range n.ChildNodes() {
			walk(c)
		}
	}
	walk(doc)
	return lines
}

func words(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// What a person came for stands first: leaving the list, then leaving all;
// after leaving, what was done with the way back, and all else folded.
func TestOrderOfThePage(t *testing.T) {
	w := newWorld(t)
	w.lists[other] = store.List{ID: other, Name: "Other", Public: true}
	path := w.link(listunsub.BodyLink)
	_, page := w.get(path)
	want := []string{
		"h1 Unsubscribe from “Example News”?", "[Unsubscribe]", "[Unsubscribe from all lists] second",
		"h2 Or choose what you get", "list:" + news, "list:" + other, "list:", "> Pause until a certain date", "[Save my choices] second",
		"h2 Your data",
	}
	if d := cmp.Diff(want, outline(t, page)); d != "" {
		t.Errorf("standing:\n%s", d)
	}
	page = w.press(path, actUnsubscribe)
	want = []string{
		"h1 You are unsubscribed from “Example News”", "[Undo] second", "[Unsubscribe from the other lists, too] second",
		"> Why did you unsubscribe?", "> Do you want this mail again?", "> Choose what you get", "> Your data",
	}
	if d := cmp.Diff(want, outline(t, page)); d != "" {
		t.Errorf("left:\n%s", d)
	}
	notice, _, _ := strings.Cut(page, "</div>")
	if !strings.Contains(notice, `<div class="notice" role="status">`) || strings.Count(notice, "You are unsubscribed from") != 2 { // title and heading
		t.Errorf("what was done is not said once, in one block: %s", notice)
	}
	_, page = w.get(path)
	want = slices.Delete(slices.Clone(want), 1, 2) // undo
	want = slices.Delete(slices.Clone(want), 2, 3) // why
	if d := cmp.Diff(want, outline(t, page)); d != "" {
		t.Errorf("off:\n%s", d)
	}
	if strings.Contains(page, `role="status"`) {
		t.Error("a visit is answered as if something was done")
	}
	page = w.press(path, actLeave)
	want = []string{
		"h1 You are unsubscribed from all lists of Example Ltd", "[Undo] second",
		"> Why did you unsubscribe?", "> Do you want this mail again?", "> Your data",
	}
	if d := cmp.Diff(want, outline(t, page)); d != "" {
		t.Errorf("left all:\n%s", d)
	}
}

// What opening the page did by itself does not push away what the person came for.
func TestSignalIsSaidBelowTheButtons(t *testing.T) {
	w := newWorld(t)
	w.lists[other] = store.List{ID: other, Name: "Other", Public: true}
	page := text(t, w.send(navigation(w.link(listunsub.BodyLink))))
	want := []string{"h1 Unsubscribe from “Example News”?", "[Unsubscribe]", "[Unsubscribe from all lists] second", "[Undo] second", "h2 Or choose what you get"}
	if d := cmp.Diff(want, outline(t, page)[:len(want)]); d != "" {
		t.Error(d)
	}
	lacks(t, page, "<title>Unsubscribe from “Example News”?")
}

// Leaving another list than that of the link is said beside what stands.
func TestOtherListLeft(t *testing.T) {
	w := newWorld(t)
	w.lists[other] = store.List{ID: other, Name: "Other", Public: true}
	path := w.link(listunsub.BodyLink)
	page := w.press(path, actChoose, fieldList+other, optOff)
	lacks(t, page, "<strong>You are unsubscribed from “Other”.</strong>", "<h1>Unsubscribe from “Example News”?</h1>")
	page = w.press(path, actChoose, fieldList+news, optOff)
	if got := outline(t, page); got[0] != "h1 You are unsubscribed from “Example News”" || got[1] != "[Undo] second" {
		t.Errorf("%q", got)
	}
}

// A choice for all lists together needs two lists, or one that stands.
func TestEverythingNeedsTwoLists(t *testing.T) {
	for _, c := range []struct {
		name  string
		lists int
		all   store.Choice
		want  bool
	}{
		{"one list", 1, store.Choice{}, false},
		{"two lists", 2, store.Choice{}, true},
		{"one list, all paused", 1, store.Choice{State: store.Paused, Until: start.Add(48 * time.Hour)}, true},
		{"one list, all limited", 1, store.Choice{State: store.Limited, Every: store.Weekly}, true},
	} {
		w := newWorld(t)
		if c.lists > 1 {
			w.lists[other] = store.List{ID: other, Name: "Other", Public: true}
		}
		if c.all.State != "" {
			w.choose(c.all)
		}
		_, got := w.form(w.link(listunsub.BodyLink), actChoose).values[fieldList]
		if got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// A date that is missing or wrong is marked at its field, which is unfolded, and
// all that was chosen is still chosen, also on the second page of lists.
func TestDateIsMarked(t *testing.T) {
	w := newWorld(t)
	many(w)
	path := w.link(listunsub.BodyLink)
	at := path + "?page=1"
	for until, value := range map[string]string{"": "", "2026-11-22": "2026-11-22", "soon": "", `"><b>`: ""} {
		res, page := w.submit(path, w.form(at, actChoose).with(fieldList+"list08.example.org", optPauseUntil, fieldUntil, until,
			fieldList+"list09.example.org", "week", fieldList, "month", fieldSharing, "refuse"))
		if res.StatusCode != 422 || len(w.made()) > 0 {
			t.Fatalf("%q: %s, changes %q", until, res.Status, w.made())
		}
		lacks(t, page, `<a href="#until">The last day of the pause must be in the future`, `<p class="error" id="until-error">`,
			`aria-invalid="true" aria-describedby="until-error until-about"`, fmt.Sprintf(`name="until" value="%s"`, value))
		f := formsOf(t, page)[actChoose].fields
		for field, want := range map[string]string{
			fieldList + "list08.example.org": optPauseUntil, fieldList + "list09.example.org": "week", fieldList: "month", fieldSharing: "refuse"} {
			if got := f.Get(field); got != want {
				t.Errorf("%q: field %q has %q, want %q", until, field, got, want)
			}
		}
		if lines := outline(t, page); !slices.Contains(lines, fieldUntil) {
			t.Errorf("%q: the field is folded: %q", until, lines)
		}
		// With the date, the same form does all of it.
		res, _ = w.submit(path, formsOf(t, page)[actChoose].with(fieldUntil, "2027-01-01"))
		if res.StatusCode != 200 || len(w.made()) != 4 {
			t.Errorf("%q: %s, changes %q", until, res.Status, w.made())
		}
		w.reset()
	}
}

// The buttons that a person came for are on the first screen of a small phone,
// in every language, before and after leaving.
func TestLeavingIsOnTheFirstScreen(t *testing.T) {
	b := browser(t)
	b.use(t, screen{Name: "phone", Width: 320, Height: 568})
	const ends = `Math.max(...Array.from(document.querySelectorAll("input[value=leave]"), e => e.form.querySelector("button").getBoundingClientRect().bottom))`
	for _, lang := range languages(t) {
		w := newWorld(t)
		w.lists[news] = store.List{ID: news, Name: "Example News for everybody", Description: strings.Repeat("What happened. ", 20)}
		w.lists[other] = store.List{ID: other, Name: "Other", Public: true}
		base, path := "http://"+w.serve(), w.link(listunsub.BodyLink)
		query := "?lang=" + lang
		for _, state := range []string{"standing", "left", "off"} {
			switch state {
			case "left":
				b.press(t, "unsubscribe")
			default:
				b.visit(t, base+path+query)
			}
			b.shot(t, lang+"-"+state)
			if got := evaluate[float64](t, b, ends); got > 568 || got < 44 {
				t.Errorf("%s, %s: the button that leaves all lists ends at %v", lang, state, got)
			}
		}
	}
}
