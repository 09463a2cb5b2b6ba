package web

import (
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/listunsub"
	"offramp/store"
)

// A program that presses buttons for ever fills nothing: after a hundred records
// of a day the page takes only what stops mail, and that always.
func TestManyChangesOfOnePerson(t *testing.T) {
	w := newWorld(t)
	w.lists[other] = store.List{ID: other, Name: "Other", Public: true}
	path := w.link(listunsub.HeaderLink)
	choose := func(pairs ...string) int {
		t.Helper()
		w.pass(time.Second)
		res, _ := w.submit(path, w.form(path, actChoose).with(pairs...))
		return res.StatusCode
	}
	made := 0
	for day := range 2 { // the next day begins anew
		for n := range perDay {
			if status := choose(fieldList, []string{"week", "day"}[n%2]); status != 200 {
				t.Fatalf("day %d, change %d: %d", day, n, status)
			}
		}
		made = len(w.made())
		if status := choose(fieldList, "week"); status != 429 || len(w.made()) != made {
			t.Errorf("one more: %d, %d changes", status, len(w.made())-made)
		}
		if day == 0 {
			w.pass(25 * time.Hour)
		}
	}
	// Of a form with both, what stops mail is done.
	if status := choose(fieldList, "week", fieldList+news, "off"); status != 200 {
		t.Errorf("a list left among other wishes: %d", status)
	}
	got := w.made()[made:]
	if len(got) != 1 || slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "limited") }) {
		t.Errorf("changes %q", got)
	}
	res, page := w.submit(path, w.form(path, actLeave))
	if res.StatusCode != 200 || len(w.made()) != made+2 {
		t.Errorf("leave all: %s, %q", res.Status, w.made()[made:])
	}
	forms := formsOf(t, page)
	for _, action := range []string{actUndo, actReason} {
		f, ok := forms[action]
		if !ok {
			t.Fatalf("no form %s", action)
		}
		if res, _ := w.submit(path, f.with(fieldText, "because")); res.StatusCode != 429 || len(w.made()) != made+2 {
			t.Errorf("%s: %s", action, res.Status)
		}
	}
}
