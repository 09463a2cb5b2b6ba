package web

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/gateway/confirmation"
	"offramp/listunsub"
	"offramp/store"
)

// Nothing but the code of this mail acts, however often and whatever is typed.
func TestWrongCodes(t *testing.T) {
	for _, list := range []string{confirmation.Erasure, confirmation.Access} {
		w := newWorld(t)
		path, code := w.letter(list)
		_, ofOther := w.letter(map[string]string{confirmation.Erasure: confirmation.Access, confirmation.Access: confirmation.Erasure}[list])
		w.pass(time.Minute)
		_, ofLater := w.letter(list)
		bobs := w.linkTo(listunsub.Claims{List: list, Recipient: bob, Issued: start, Purpose: listunsub.ConfirmLink})
		ofBob := w.ring.Digits("offramp mailed code", []byte(bobs[len("/c/"):]))
		f := w.form(path, actCode)
		wrong := func(what, typed string, status int, says string) {
			t.Helper()
			res, page := w.submit(path, f.with(fieldCode, typed))
			if res.StatusCode != status || res.Header.Get("Content-Disposition") != "" || (len(formsOf(t, page)) == 1) != (status == 422) {
				t.Errorf("%s: %s %s", what, res.Status, page)
			}
			lacks(t, page, "Nothing was changed", says)
			marked := strings.Contains(page, `<a href="#code">`) && strings.Contains(page, `aria-invalid="true" aria-describedby="code-error code-about"`)
			if marked != (status == 422) {
				t.Errorf("%s: the field is marked: %v", what, marked)
			}
		}
		// What is no code is no try: a scanner may send what it likes.
		for _, typed := range []string{"", " ", "test", "1234567", "123456789", "on", code + "0", strings.Repeat(code, 1000)} {
			wrong("no code", typed, 422, "A code has 8 digits")
		}
		for what, typed := range map[string]string{"another act": ofOther, "another time": ofLater, "another person": ofBob, "guessed": "00000000"} {
			wrong(what, typed, 422, "does not belong to the message")
		}
		if got := w.made(); len(got) != 0 || len(w.events) != 4 {
			t.Fatalf("changes %q, events %+v", got, w.events)
		}
		if e := w.events[0]; e.Kind != store.EventTyped || e.IP != client || e.Recipient != ada {
			t.Errorf("event %+v", e)
		}
		wrong("the last", "00000001", 422, "does not belong to the message")
		// Even the code itself, in a process that was just started.
		w.build()
		wrong("used up", code, 429, "ask on your page for a new message")
		if got := w.made(); len(got) != 0 || len(w.events) != 5 {
			t.Errorf("changes %q, %d events", got, len(w.events))
		}
		// A mail that is sent later has its own tries.
		w.pass(time.Minute)
		path, code = w.letter(list)
		w.press(path, actCode, fieldCode, code)
	}
}

// slow lets others run between reading events and what is made of them.
type slow struct{ Ledger }

func (s slow) Events(ctx context.Context, f store.EventFilter) ([]store.Event, error) {
	events, err := s.Ledger.Events(ctx, f)
	for range 1000 {
		runtime.Gosched()
	}
	return events, err
}

// Tries at the same time are counted as well as one after the other.
func TestTriesAtTheSameTime(t *testing.T) {
	w := newWorld(t)
	w.site.Ledger = slow{w.site.Ledger}
	w.build()
	path, _ := w.letter(confirmation.Erasure)
	f := w.form(path, actCode)
	statuses := make(chan int, 40)
	for i := range cap(statuses) {
		go func() {
			res, _ := w.submit(path, f.with(fieldCode, fmt.Sprintf("%08d", i)))
			statuses <- res.StatusCode
		}()
	}
	count := map[int]int{}
	for range cap(statuses) {
		count[<-statuses]++
	}
	if count[422] != mostTries || count[429] != cap(statuses)-mostTries {
		t.Errorf("answers %v", count)
	}
}

// The code and its link live a day.
func TestCodesExpire(t *testing.T) {
	w := newWorld(t)
	for _, list := range []string{confirmation.Erasure, confirmation.Access} {
		path, code := w.letter(list)
		f := w.form(path, actCode).with(fieldCode, code)
		w.pass(confirmation.CodeLife + time.Second)
		if res, page := w.get(path); res.StatusCode != 410 || !strings.Contains(page, "valid for 1 day") {
			t.Errorf("link: %s %s", res.Status, page)
		}
		if res, _ := w.submit(path, f); res.StatusCode != 410 {
			t.Errorf("form: %s", res.Status)
		}
	}
	if got := w.made(); len(got) != 0 || len(w.events) != 0 {
		t.Errorf("changes %q, events %v", got, w.events)
	}
}

// No code counts while it cannot be recorded that it was typed: otherwise a
// full disk would give anybody as many tries as they like.
func TestTriesThatCannotBeCounted(t *testing.T) {
	w := newWorld(t)
	path, code := w.letter(confirmation.Access)
	f := w.form(path, actCode).with(fieldCode, code)
	w.err = store.ErrUnavailable
	res, _ := w.submit(path, f)
	w.err = nil
	w.calls, w.failing = nil, slices.Index(w.callsOf(func() { w.submit(path, f) }), "AddEvents")+1
	after, _ := w.submit(path, f)
	for _, res := range []int{res.StatusCode, after.StatusCode} {
		if res != 503 {
			t.Errorf("%d", res)
		}
	}
	if log := w.log.String(); strings.Contains(log, "e•••") || strings.Contains(log, client) || !strings.Contains(log, "page request failed") {
		t.Errorf("log: %s", log)
	}
}

// callsOf returns what is asked of what is behind the site.
func (w *world) callsOf(do func()) []string {
	w.calls = nil
	do()
	calls := w.calls
	w.calls = nil
	return calls
}

// A form of the page's own, made for a link without a code, erases nobody and
// gives no file: releases before this one made such forms.
func TestOnlyCodedLinksEraseAndGive(t *testing.T) {
	w := newWorld(t)
	w.press(w.link(listunsub.HeaderLink), actUnsubscribe)
	made := w.made()
	h := w.handler.(*handler)
	links := map[string]visit{}
	for _, c := range []listunsub.Claims{
		{List: news, Purpose: listunsub.HeaderLink}, {List: news, Purpose: listunsub.BodyLink}, {List: news, Purpose: listunsub.ConfirmLink},
		{Purpose: listunsub.ConfirmLink}, {List: confirmation.Sharing, Purpose: listunsub.ConfirmLink},
		{List: confirmation.Access, Purpose: listunsub.ConfirmLink}, {List: confirmation.Erasure, Purpose: listunsub.ConfirmLink},
	} {
		c.Recipient, c.Issued = ada, start
		path := w.linkTo(c)
		links[path] = visit{token: path[3:], purpose: c.Purpose, claims: c}
	}
	for path, v := range links {
		for _, action := range []string{actErase, actDownload, actReceipt, actConfirm, actLeave} {
			switch {
			case v.claims.List == confirmation.Erasure && action == actErase,
				v.claims.List == confirmation.Access && (action == actDownload || action == actReceipt),
				!v.coded() && (action == actLeave || action == actConfirm):
				continue
			}
			if err := h.open(&v); err != nil {
				t.Fatal(err)
			}
			now, err := h.state(t.Context(), v)
			if err != nil {
				t.Fatal(err)
			}
			f := shown{target: "?"}.with(fieldSeal, h.seal(v, action, sealed{issued: start, seen: now.seen()}), fieldAction, action, fieldEvent, "1")
			res, page := w.submit(path, f)
			if res.StatusCode != 400 || res.Header.Get("Content-Disposition") != "" || !strings.Contains(page, "Nothing was changed") {
				t.Errorf("%s on %c %q: %s", action, v.purpose, v.claims.List, res.Status)
			}
		}
	}
	if got := w.made(); !slices.Equal(got, made) || w.site.Stats.Taken.Load() != 0 {
		t.Errorf("changes %q", got)
	}
}

// The mail goes out whatever the person left or complained of, and the answer
// is the same whether anything is stored or not.
func TestCodesAreSentWhateverStands(t *testing.T) {
	answers := map[string]bool{}
	for name, arrange := range map[string]func(*world){
		"nothing is stored": func(*world) {},
		"everything left":   func(w *world) { w.choose(store.Choice{State: store.Unsubscribed}) },
		"complained":        func(w *world) { w.stops = []store.Suppression{{Recipient: ada, Reason: store.ReasonComplained}} },
		"bounced for a list": func(w *world) {
			w.stops = []store.Suppression{{Recipient: ada, List: news, Reason: store.ReasonBounced}}
		},
		"history": func(w *world) {
			w.contacts = []store.Contact{{Recipient: ada, List: news, Last: start, Count: 9}}
			w.happened(store.Event{Kind: store.EventUnsubscribed, Recipient: ada, List: news})
		},
		"erased": func(w *world) { w.erased[ada] = true; w.choose(store.Choice{State: store.Unsubscribed}) },
	} {
		for action, view := range map[string]string{actAskErase: "erase", actAskData: "history"} {
			w := newWorld(t)
			arrange(w)
			path := w.link(listunsub.BodyLink)
			page := w.press(path+"?view="+view, action)
			if len(w.asked) != 1 || w.events[len(w.events)-1].Kind != store.EventAsked || w.events[len(w.events)-1].Detail != action {
				t.Errorf("%s, %s: asked %v, events %v", name, action, w.asked, w.events)
			}
			if log := w.log.String(); strings.Contains(log, "e•••") || strings.Contains(log, client) || !strings.Contains(log, "mail with a code asked for") {
				t.Errorf("%s: log %q", name, log)
			}
			_, said, _ := strings.Cut(page, `role="status">`)
			said, _, _ = strings.Cut(said, "</div>")
			answers[said] = true
		}
	}
	if len(answers) != 1 {
		t.Errorf("answers differ: %v", answers)
	}
}

// A mail that cannot be sent is told, and nothing of the person logged.
func TestCodesThatCannotBeSent(t *testing.T) {
	w := newWorld(t)
	path := w.link(listunsub.BodyLink)
	f := w.form(path+"?view=erase", actAskErase)
	calls := w.callsOf(func() { w.submit(path, f) })
	w.log.Reset()
	w.failing = slices.Index(calls, "Ask") + 1
	_, page := w.submit(path, f)
	lacks(t, page, "could not be completed just now")
	if log := w.log.String(); !strings.Contains(log, "confirmation not asked for") || strings.Contains(log, "e•••") || strings.Contains(log, client) {
		t.Errorf("log %q", log)
	}
}

// To an address that no mail reaches none is sent, and the page names whom to
// write to.
func TestCodesForADeadAddress(t *testing.T) {
	for reason, says := range map[store.Reason]string{store.ReasonBounced: "earlier mail to it came back", store.ReasonManual: "the sender stopped it"} {
		w := newWorld(t)
		w.stops = []store.Suppression{{Recipient: ada, Reason: reason}}
		path := w.link(listunsub.BodyLink)
		for action, view := range map[string]string{actAskErase: "erase", actAskData: "history"} {
			res, page := w.submit(path, w.form(path+"?view="+view, action))
			if res.StatusCode != 409 || len(w.asked) != 0 {
				t.Errorf("%s: %s, asked %v", action, res.Status, w.asked)
			}
			lacks(t, page, "Nothing was changed", says, "Write to people@out.example.org: Example Ltd can do it for you")
		}
	}
}

// A stop that has ended keeps no mail from the address.
func TestCodesAfterAStopHasEnded(t *testing.T) {
	for _, reason := range []store.Reason{store.ReasonBounced, store.ReasonManual} {
		w := newWorld(t)
		w.stops = []store.Suppression{{Recipient: ada, Reason: reason, Until: start.Add(time.Minute)}}
		path := w.link(listunsub.BodyLink)
		f := w.form(path+"?view=erase", actAskErase)
		if res, _ := w.submit(path, f); res.StatusCode != 409 || len(w.asked) != 0 {
			t.Errorf("%s, before its end: %s, %d mails", reason, res.Status, len(w.asked))
		}
		w.pass(time.Minute)
		if res, _ := w.submit(path, f); res.StatusCode != 200 || len(w.asked) != 1 {
			t.Errorf("%s, at its end: %s, %d mails", reason, res.Status, len(w.asked))
		}
	}
}

// The mails of a day are counted by what is recorded, so that a new process does
// not send more; those without a code for themselves, but of an erased person, of
// whom it is not kept what was asked.
func TestMailsOfADayOutliveTheProcess(t *testing.T) {
	for name, c := range map[string]struct {
		action, other string
		most          int
		erased        bool
	}{
		"with a code": {actAskErase, actAskData, 3, false}, "without one": {actAllAgain, actAllAgain, 5, false}, "of the erased": {actAskErase, actAskErase, 3, true},
	} {
		w := newWorld(t)
		w.choose(store.Choice{State: store.Unsubscribed})
		path := w.link(listunsub.BodyLink)
		ask := func(action string) {
			t.Helper()
			w.asked = nil // the count of a new process
			view := map[string]string{actAskErase: "?view=erase", actAskData: "?view=history"}[action]
			w.press(path+view, action)
		}
		for n := range c.most + 2 {
			ask([]string{c.action, c.other}[n%2])
			if sent := len(w.asked) == 1; sent != (n < c.most) {
				t.Errorf("%s, mail %d: sent %v", name, n+1, sent)
			}
			if c.erased {
				for i := range w.events {
					w.events[i].Detail = ""
				}
			}
			w.pass(time.Hour)
		}
		if !c.erased {
			ask(map[bool]string{true: actAllAgain, false: actAskErase}[c.action == actAskErase])
			if len(w.asked) != 1 {
				t.Errorf("%s: mails of the other kind are not sent", name)
			}
		}
		w.pass(24 * time.Hour)
		if ask(c.action); len(w.asked) != 1 {
			t.Errorf("%s: none the next day", name)
		}
	}
}
