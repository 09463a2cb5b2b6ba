package web

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/gateway/consent"
	"offramp/listunsub"
	"offramp/store"

	"github.com/google/go-cmp/cmp"
)

const other = "other.example.org"

// Every option of every control, what it records, what the page says, and that
// the undo brings back what stood before.
func TestEveryOption(t *testing.T) {
	day := 24 * time.Hour
	before := store.Choice{List: news, State: store.Limited, Every: store.Weekly}
	beforeAll := store.Choice{State: store.Limited, Every: store.Monthly}
	pausedFor := func(list string, every store.Frequency, d time.Duration) store.Choice {
		return store.Choice{List: list, State: store.Paused, Every: every, Until: start.Add(d)}
	}
	until := time.Date(2027, 1, 16, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		list, value string
		want        store.Choice
		says        string
	}{
		{news, "all", store.Choice{List: news, State: store.Subscribed}, "You get every message of “Example News”."},
		{news, "day", store.Choice{List: news, State: store.Limited, Every: store.Daily}, "at most one message a day of “Example News”"},
		{news, "month", store.Choice{List: news, State: store.Limited, Every: store.Monthly}, "at most one message a month of “Example News”"},
		{news, "pause-30", pausedFor(news, store.Weekly, 30*day), "“Example News” is paused until 23 December 2026."},
		{news, "pause-60", pausedFor(news, store.Weekly, 60*day), "“Example News” is paused until 22 January 2027."},
		{news, "pause-90", pausedFor(news, store.Weekly, 90*day), "“Example News” is paused until 21 February 2027."},
		{news, "pause-until", store.Choice{List: news, State: store.Paused, Every: store.Weekly, Until: until}, "“Example News” is paused until 15 January 2027."},
		{news, "off", store.Choice{List: news, State: store.Unsubscribed}, "You are unsubscribed from “Example News”."},
		{"", "all", store.Choice{State: store.Subscribed}, "The choice for all lists together is removed"},
		{"", "day", store.Choice{State: store.Limited, Every: store.Daily}, "at most one message a day of all lists together"},
		{"", "week", store.Choice{State: store.Limited, Every: store.Weekly}, "at most one message a week of all lists together"},
		{"", "pause-30", pausedFor("", store.Monthly, 30*day), "All lists are paused until 23 December 2026."},
		{"", "pause-until", store.Choice{State: store.Paused, Every: store.Monthly, Until: until}, "All lists are paused until 15 January 2027."},
	} {
		t.Run(c.list+" "+c.value, func(t *testing.T) {
			w := newWorld(t)
			w.choose(before)
			w.choose(beforeAll)
			path := w.link(listunsub.BodyLink)
			f := w.form(path, actChoose)
			if !slices.Contains(f.values[fieldList+c.list], c.value) {
				t.Fatalf("options %q", f.values)
			}
			res, page := w.submit(path, f.with(fieldList+c.list, c.value, fieldUntil, "2027-01-15"))
			if res.StatusCode != 200 {
				t.Fatalf("%s %s", res.Status, page)
			}
			lacks(t, page, c.says)
			c.want.Recipient = ada
			if got := w.choices[ada+" "+c.list]; !got.Same(c.want) {
				t.Errorf("recorded %+v, want %+v", got, c.want)
			}
			if n := len(w.made()); n != 1 {
				t.Errorf("changes %q", w.made())
			}
			w.pass(time.Minute)
			undo, ok := formsOf(t, page)[actUndo]
			if !ok {
				t.Fatalf("no undo: %s", page)
			}
			if res, page := w.submit(path, undo); res.StatusCode != 200 {
				t.Fatalf("undo: %s %s", res.Status, page)
			}
			for _, old := range []store.Choice{before, beforeAll} {
				old.Recipient = ada
				if got := w.choices[ada+" "+old.List]; !got.Same(old) {
					t.Errorf("after the undo %+v, want %+v", got, old)
				}
			}
		})
	}
}

// One form, one decision: several lists, everything and sharing at once, and
// one undo for all of it.
func TestManyChoicesAtOnce(t *testing.T) {
	w := newWorld(t)
	w.lists[other] = store.List{ID: other, Name: "Other", Public: true, ThirdParty: true}
	path := w.link(listunsub.HeaderLink)
	res, page := w.submit(path, w.form(path, actChoose).with(fieldList+news, "off", fieldList+other, "week", fieldList, "day", fieldSharing, "refuse"))
	if res.StatusCode != 200 {
		t.Fatalf("%s %s", res.Status, page)
	}
	lacks(t, page, "You are unsubscribed from “Example News”.", "at most one message a week of “Other”", "a day of all lists together", "Your data is not shared any more.")
	want := []string{outPage, "limited " + ada + " " + other + " page", "limited " + ada + "  page", "sharing-refused " + ada + " page"}
	if d := cmp.Diff(want, w.made()); d != "" {
		t.Fatal(d)
	}
	w.submit(path, formsOf(t, page)[actUndo])
	want = append(want, backPage, "subscribed "+ada+" "+other+" page", "subscribed "+ada+"  page", "sharing-allowed "+ada+" page")
	if d := cmp.Diff(want, w.made()); d != "" {
		t.Error(d)
	}
}

// Bad input gets a page that says what is wrong, and changes nothing, not even
// the good half of a form.
func TestBadChoices(t *testing.T) {
	w := newWorld(t)
	w.lists[other] = store.List{ID: other, Name: "Other", Public: true}
	w.lists["hidden.example.org"] = store.List{ID: "hidden.example.org", Name: "Hidden"}
	path := w.link(listunsub.HeaderLink)
	good := w.form(path, actChoose).with(fieldList+other, "week")
	for name, c := range map[string]struct {
		pairs []string
		says  string
	}{
		"yesterday":          {[]string{fieldList + news, optPauseUntil, fieldUntil, "2026-11-22"}, "last day of the pause must be in the future"},
		"in three years":     {[]string{fieldList + news, optPauseUntil, fieldUntil, "2029-11-22"}, "at most two years"},
		"no date":            {[]string{fieldList + news, optPauseUntil}, "last day of the pause must be in the future"},
		"no such day":        {[]string{fieldList + news, optPauseUntil, fieldUntil, "2027-02-30"}, "last day of the pause must be in the future"},
		"a novel for a date": {[]string{fieldList + news, optPauseUntil, fieldUntil, strings.Repeat("9", 5000)}, "last day of the pause must be in the future"},
		"unknown list":       {[]string{fieldList + "elsewhere.example.org", "off"}, "a list that you do not get"},
		"hidden list":        {[]string{fieldList + "hidden.example.org", "off"}, "a list that you do not get"},
		"unknown option":     {[]string{fieldList + news, "yearly"}, "a choice that does not exist"},
		"odd pause":          {[]string{fieldList + news, "pause-31"}, "a choice that does not exist"},
		"no number":          {[]string{fieldList + news, "pause-"}, "a choice that does not exist"},
		"negative pause":     {[]string{fieldList + news, "pause--30"}, "a choice that does not exist"},
		"off all by choice":  {[]string{fieldList, "off"}, "a choice that does not exist"},
		"again, but on":      {[]string{fieldList + news, optAgain}, "a choice that does not exist"},
		"keep, not paused":   {[]string{fieldList + news, optKeep}, "a choice that does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			res, page := w.submit(path, good.with(c.pairs...))
			if res.StatusCode != 422 {
				t.Errorf("%s", res.Status)
			}
			lacks(t, page, "Nothing was changed", c.says)
			if got := w.made(); len(got) != 0 {
				t.Errorf("changes %q", got)
			}
		})
	}
	// Today is the last day of a pause that ends at midnight.
	if res, _ := w.submit(path, good.with(fieldList+news, optPauseUntil, fieldUntil, "2026-11-23")); res.StatusCode != 200 {
		t.Errorf("today: %s", res.Status)
	}
}

// Two tabs that contradict each other: the first counts, the second is told.
func TestTwoTabs(t *testing.T) {
	w := newWorld(t)
	path := w.link(listunsub.HeaderLink)
	a, b := w.form(path, actChoose), w.form(path, actChoose)
	w.submit(path, a.with(fieldList+news, "off"))
	res, page := w.submit(path, b.with(fieldList+news, "day"))
	if res.StatusCode != 409 {
		t.Errorf("%s", res.Status)
	}
	lacks(t, page, "Nothing was changed", "You are unsubscribed from “Example News”")
	if got := w.made(); !slices.Equal(got, []string{outPage}) {
		t.Errorf("changes %q", got)
	}
}

// A person with many lists sees ten at a time, and decides about those.
func TestManyLists(t *testing.T) {
	w := newWorld(t)
	for i := range 24 {
		id := fmt.Sprintf("l%02d.example.org", i)
		w.lists[id] = store.List{ID: id, Name: fmt.Sprintf("List %02d", i), Public: i%2 == 0}
		if i%2 == 1 {
			w.contacts = append(w.contacts, store.Contact{Recipient: ada, List: id, Count: 1, Last: start})
		}
	}
	path := w.link(listunsub.HeaderLink)
	seen := map[string]bool{}
	for page, want := range []int{10, 10, 5} {
		at := fmt.Sprintf("%s?page=%d", path, page)
		f := w.form(at, actChoose)
		n := 0
		for field := range f.values {
			if list, ok := strings.CutPrefix(field, fieldList); ok && list != "" {
				seen[list] = true
				n++
			}
		}
		if n != want {
			t.Errorf("page %d has %d lists, want %d", page, n, want)
		}
	}
	if len(seen) != 25 {
		t.Errorf("%d lists seen", len(seen))
	}
	last := path + "?page=2"
	if res, page := w.submit(last, w.form(last, actChoose).with(fieldList+"l23.example.org", "off")); res.StatusCode != 200 {
		t.Errorf("%s %s", res.Status, page)
	}
	for _, odd := range []string{"-1", "99999999999999999999", "x", "1000"} {
		if res, _ := w.get(path + "?page=" + odd); res.StatusCode != 200 {
			t.Errorf("page %s: %s", odd, res.Status)
		}
	}
}

// FuzzChoose: whatever the fields of a genuine form say, a decision is one the
// form could make, or none.
func FuzzChoose(f *testing.F) {
	for _, seed := range [][3]string{{"off", "", ""}, {"pause-until", "2027-01-01", "refuse"}, {"pause-999999999999", "", ""}, {"again", "x", ""}, {"week", "2026-13-01", "no"}} {
		f.Add(seed[0], seed[1], seed[2])
	}
	s := sealed{issued: start, was: []consent.Wish{{List: news, State: store.Subscribed}}, refused: new(bool)}
	f.Fuzz(func(t *testing.T, value, until, sharing string) {
		c, err := form{values: map[string][]string{fieldList + news: {value}, fieldUntil: {until}, fieldSharing: {sharing}}}.read(s)
		if err != nil {
			return
		}
		if len(c.again) > 0 || len(c.decision.Wishes) > 1 {
			t.Fatalf("%q: %+v", value, c)
		}
		for _, w := range c.decision.Wishes {
			if w.List != news || w.State == store.Subscribed || w.State == store.Limited && w.Every.Period() == 0 || w.State == store.Paused && w.Until.IsZero() {
				t.Errorf("%q %q: %+v", value, until, w)
			}
		}
	})
}
