package web

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// focused is what has the keyboard's focus.
type focused struct {
	Element, Type, Name, Value, Text, Outline string
	Options                                   []string // values of a select
}

const askFocus = `(e => ({Element: e.nodeName, Type: e.type ?? "", Name: e.name ?? "", Value: e.value ?? "",
	Text: ["BUTTON", "A", "SUMMARY"].includes(e.nodeName) ? e.textContent : "",
	Options: e.nodeName === "SELECT" ? Array.from(e.options, o => o.value) : [],
	Outline: getComputedStyle(e).outlineStyle + " " + getComputedStyle(e).outlineWidth}))(document.activeElement)`

// mostStops is how many times Tab is pressed before a person would give up.
const mostStops = 60

// tabTo moves with the Tab key alone, and sees where the focus is at every stop.
func (b *tab) tabTo(t *testing.T, what string, is func(focused) bool) focused {
	t.Helper()
	var passed []string
	for range mostStops {
		b.do(t, chromedp.KeyEvent(kb.Tab))
		f := evaluate[focused](t, b, askFocus)
		if f.Element != "BODY" && f.Outline != "solid 3px" {
			t.Fatalf("the focus on %+v cannot be seen", f)
		}
		if is(f) {
			return f
		}
		passed = append(passed, strings.TrimSpace(f.Element+" "+f.Name+f.Text))
	}
	t.Fatalf("Tab does not lead to %s, but to %q", what, passed)
	return focused{}
}

// tabToText moves to a button or a link.
func (b *tab) tabToText(t *testing.T, text string) {
	t.Helper()
	b.tabTo(t, fmt.Sprintf("%q", text), func(f focused) bool { return plain(f.Text) == plain(text) })
}

// unfold opens what is folded under a heading.
func (b *tab) unfold(t *testing.T, heading string) {
	t.Helper()
	b.tabToText(t, heading)
	b.do(t, chromedp.KeyEvent(kb.Enter))
}

// tabToField moves to a control.
func (b *tab) tabToField(t *testing.T, name string) focused {
	t.Helper()
	return b.tabTo(t, "the field "+name, func(f focused) bool { return f.Name == name })
}

// enter presses Enter on a button or link, and returns when the next page is there.
func (b *tab) enter(t *testing.T, text string) {
	t.Helper()
	b.tabToText(t, text)
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	res, err := chromedp.RunResponse(ctx, chromedp.KeyEvent(kb.Enter))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if res.Status != 200 {
		t.Fatalf("%s: %d: %s", text, res.Status, b.words(t, "main"))
	}
}

// pick chooses an option of a select with the arrow keys.
func (b *tab) pick(t *testing.T, field, value string) {
	t.Helper()
	f := b.tabToField(t, field)
	at := slices.Index(f.Options, value)
	if at < 0 {
		t.Fatalf("%s has no option %q, but %q", field, value, f.Options)
	}
	b.do(t, chromedp.KeyEvent(kb.Home))
	for range at {
		b.do(t, chromedp.KeyEvent(kb.ArrowDown))
	}
	if got := evaluate[focused](t, b, askFocus).Value; got != value {
		t.Fatalf("%s has %q, want %q", field, got, value)
	}
}

// words is the text of the first element that matches a selector.
func (b *tab) words(t *testing.T, selector string) string {
	t.Helper()
	return evaluate[string](t, b, fmt.Sprintf(`document.querySelector(%q)?.textContent ?? ""`, selector))
}

// press presses the button of an action, and returns when the next page is there.
func (b *tab) press(t *testing.T, action string) {
	t.Helper()
	evaluate[chromedp.Void](t, b, fmt.Sprintf(`document.querySelector('input[value=%s]').form.querySelector("button").focus()`, action))
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	res, err := chromedp.RunResponse(ctx, chromedp.KeyEvent(kb.Enter))
	if err != nil || res.Status != 200 {
		t.Fatalf("%s: %v %+v", action, err, res)
	}
}
