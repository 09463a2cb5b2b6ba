package web

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/gateway/confirmation"
	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/listunsub"
	"offramp/store"
)

const erasedAda = "erased " + ada

// eraseByCode types the code of a mail that was sent just now.
func (w *world) eraseByCode() (page string) {
	w.t.Helper()
	path, code := w.letter(confirmation.Erasure)
	return w.press(path, actCode, fieldCode, code)
}

// The page says in full what erasing does, and its button sends a mail; only
// the code of that mail erases. Then every page says so, and offers no way back
// but by a mail.
func TestErase(t *testing.T) {
	for _, p := range []listunsub.Purpose{listunsub.HeaderLink, listunsub.BodyLink} {
		t.Run(string(rune(p)), func(t *testing.T) {
			w := newWorld(t)
			path := w.link(p)
			w.press(path, actUnsubscribe)
			_, page := w.get(path)
			if link := linksOf(t, page)["Erase everything about me"]; link != "?view=erase" {
				t.Fatalf("link %q", link)
			}
			_, page = w.get(path + "?view=erase")
			lacks(t, page, "Erase everything about you?", "for good", "keeps you off the lists", "Receipts cannot be made any more", "until the code is typed")
			if forms := formsOf(t, page); len(forms) != 1 {
				t.Fatalf("forms %v", forms)
			}
			page = w.press(path+"?view=erase", actAskErase)
			lacks(t, page, "We sent a message to a•••@example.com. Open the link in it within 24 hours")
			if len(w.asked) != 1 || w.asked[0].What != confirmation.EraseAll || w.asked[0].Recipient.Key() != ada || slices.Contains(w.made(), erasedAda) {
				t.Fatalf("asked %+v, changes %q", w.asked, w.made())
			}
			letter, code := w.letter(confirmation.Erasure)
			w.pass(23 * time.Hour)
			_, page = w.get(letter)
			lacks(t, page, "Erase everything about you?", "for good", `inputmode="numeric"`)
			logged := w.log.Len()
			page = w.press(letter, actCode, fieldCode, code[:4]+" "+code[4:])
			_, later := w.get(letter)
			for _, page := range []string{page, later} {
				lacks(t, page, "What we knew about you is erased", "no list sends you mail any more")
				if strings.Count(page, "What we knew about you is erased") != 2 { // title and heading
					t.Errorf("said more than once: %s", page)
				}
				forms := formsOf(t, page)
				if _, again := forms[actAllAgain]; !again || len(forms) != 1 {
					t.Errorf("forms %v", forms)
				}
			}
			if _, page := w.get(path); !strings.Contains(page, "What we knew about you is erased") {
				t.Errorf("the page of before: %s", page)
			}
			if got := w.made(); !slices.Equal(got, []string{outPage, erasedAda}) || w.site.Stats.Erased.Load() != 1 {
				t.Errorf("changes %q", got)
			}
			if e := w.events[len(w.events)-1]; e.Kind != store.EventErased || e.Way != store.Confirmed || e.IP+e.UserAgent+e.Who+e.Detail != "" {
				t.Errorf("the event has evidence: %+v", e)
			}
			if line := w.log.String()[logged:]; !strings.Contains(line, "recipient erased") || strings.Contains(line, "e•••") || strings.Contains(line, client) {
				t.Errorf("log after the code: %q", line)
			}
		})
	}
}

// What was chosen while the mail was on its way does not stand in the way of
// its code; who came back after an erasure is not erased by the same mail.
func TestEraseMailOfThePast(t *testing.T) {
	w := newWorld(t)
	path, code := w.letter(confirmation.Erasure)
	w.pass(time.Second)
	early := w.form(path, actCode).with(fieldCode, code)
	w.press(w.link(listunsub.BodyLink), actChoose, fieldList+news, "week")
	w.pass(formLife + time.Hour) // the mail says how long it is good for, and not the form
	for range 2 {
		res, page := w.submit(path, early)
		if res.StatusCode != 200 || !strings.Contains(page, "What we knew about you is erased") {
			t.Errorf("%s %s", res.Status, page)
		}
	}
	w.pass(time.Minute)
	back := w.linkTo(listunsub.Claims{Recipient: ada, Issued: w.site.Now(), Purpose: listunsub.ConfirmLink})
	w.pass(time.Minute)
	w.press(back, actConfirm)
	made := w.made()
	if res, _ := w.submit(path, early); res.StatusCode != 410 {
		t.Errorf("form of a mail that was used: %s", res.Status)
	}
	if res, page := w.get(path); res.StatusCode != 410 || !strings.Contains(page, "This link is too old") {
		t.Errorf("mail that was used: %s", res.Status)
	}
	if got := w.made(); !slices.Equal(got, made) {
		t.Errorf("changes %q, want %q", got, made)
	}
}

// underWay lets a message be delivered while its recipient is erased.
type underWay struct {
	Consent
	attempts *int // that have not ended
}

func (u underWay) Erase(ctx context.Context, a envelope.Address, way store.Way, ev consent.Evidence) error {
	if err := u.Consent.Erase(ctx, a, way, ev); err != nil || *u.attempts == 0 {
		return err
	}
	*u.attempts--
	return errors.Join(consent.ErrSending)
}

// While mail is being delivered the person is told what is done and to come
// back; a button then does the rest, without the code.
func TestEraseWhileMailIsBeingSent(t *testing.T) {
	w := newWorld(t)
	attempts := 1
	w.site.Consent = underWay{w.site.Consent, &attempts}
	w.build()
	path, code := w.letter(confirmation.Erasure)
	f := w.form(path, actCode).with(fieldCode, code)
	res, page := w.submit(path, f)
	if res.StatusCode != 503 || res.Header.Get("Retry-After") != "300" || w.site.Stats.Erased.Load() != 0 {
		t.Errorf("%s, Retry-After %q", res.Status, res.Header.Get("Retry-After"))
	}
	lacks(t, page, "Nearly everything is erased", "press the button again in a few minutes")
	if strings.Contains(page, "is erased and") || strings.Contains(page, "What we knew about you is erased") {
		t.Errorf("it says that all is done: %s", page)
	}
	if !w.choices[ada+" "].Same(store.Choice{Recipient: ada, State: store.Unsubscribed}) || !w.erased[ada] {
		t.Errorf("choices %v", w.choices)
	}
	for name, again := range map[string]shown{"the code again": f, "the button": formsOf(t, page)[actErase]} {
		if res, page := w.submit(path, again); res.StatusCode != 200 || strings.Contains(page, "Nearly") {
			t.Errorf("%s: %s %s", name, res.Status, page)
		}
	}
}

// What a person left open in other tabs brings nothing back of what was erased.
func TestFormsOfBeforeTheErasure(t *testing.T) {
	w := newWorld(t)
	path := w.link(listunsub.HeaderLink)
	left := w.press(path, actUnsubscribe)
	forms := formsOf(t, left)
	if forms[actReason].fields == nil || forms[actUndo].fields == nil || forms[actAskData].fields == nil {
		t.Fatalf("forms %v", forms)
	}
	delete(forms, actAskData) // changes nothing, and says nothing either
	forms[actReason] = forms[actReason].with(fieldReason, "not-mine", fieldText, "I am Ada, of "+ada)
	w.eraseByCode()
	made, events := w.made(), len(w.events)
	for action, f := range forms {
		res, page := w.submit(path, f)
		if res.StatusCode != 409 {
			t.Errorf("%s: %s", action, res.Status)
		}
		lacks(t, page, "Nothing was changed", "What we knew about you is erased")
	}
	if got := w.made(); !slices.Equal(got, made) || len(w.events) != events || len(w.asked) != 0 {
		t.Errorf("changes %q, events %+v", got, w.events[events:])
	}
}

// The erasure is durable: the answer says so even if what stands cannot be read.
func TestErasureIsToldWhenTheStoreFailsAfterIt(t *testing.T) {
	w := newWorld(t)
	path, code := w.letter(confirmation.Erasure)
	f := w.form(path, actCode).with(fieldCode, code)
	w.site.Consent = failAfter{w.site.Consent, w}
	w.build()
	res, page := w.submit(path, f)
	if res.StatusCode != 200 {
		t.Errorf("%s", res.Status)
	}
	lacks(t, page, "What we knew about you is erased")
}

// unfinished erases ada while a message to her is on its way, and returns the
// mail's path and the form that does the rest.
func (w *world) unfinished() (path string, code, rest shown) {
	w.t.Helper()
	attempts := 1
	w.site.Consent = underWay{w.site.Consent, &attempts}
	w.build()
	path, typed := w.letter(confirmation.Erasure)
	code = w.form(path, actCode).with(fieldCode, typed)
	_, page := w.submit(path, code)
	rest, ok := formsOf(w.t, page)[actErase]
	if !ok {
		w.t.Fatalf("no form does the rest: %s", page)
	}
	return path, code, rest
}

// Who came back while the rest of an erasure was due is not erased by its
// button, nor by the code, also not after leaving again.
func TestRestOfAnErasureForWhoCameBack(t *testing.T) {
	w := newWorld(t)
	path, code, rest := w.unfinished()
	refused := func(when string) {
		t.Helper()
		made := w.made()
		for name, f := range map[string]shown{"the button": rest, "the code": code, "a wrong code": code.with(fieldCode, "00000000")} {
			if res, _ := w.submit(path, f); res.StatusCode != 410 {
				t.Errorf("%s, %s: %s", when, name, res.Status)
			}
		}
		if got := w.made(); !slices.Equal(got, made) {
			t.Errorf("%s: changes %q, want %q", when, got, made)
		}
	}
	w.pass(time.Minute)
	back := w.linkTo(listunsub.Claims{Recipient: ada, Issued: w.site.Now(), Purpose: listunsub.ConfirmLink})
	w.pass(time.Minute)
	w.press(back, actConfirm)
	refused("back")
	w.press(w.link(listunsub.BodyLink), actLeave)
	refused("left again")
}

// One mail erases a few times at most, however often its forms are sent: each
// time leaves an event, and costs the store more than a page does.
func TestErasuresOfOneMailAreBounded(t *testing.T) {
	w := newWorld(t)
	path, code, rest := w.unfinished()
	for range 3 * mostErasures {
		for _, f := range []shown{code, rest} {
			res, page := w.submit(path, f)
			if res.StatusCode != 200 {
				t.Fatalf("%s %s", res.Status, page)
			}
			lacks(t, page, "What we knew about you is erased")
		}
	}
	if n := strings.Count(strings.Join(w.made(), "\n"), erasedAda); n != mostErasures {
		t.Errorf("erased %d times, want %d", n, mostErasures)
	}
}

// That is so too for forms that come at the same time.
func TestErasuresAtTheSameTime(t *testing.T) {
	w := newWorld(t)
	path, code, rest := w.unfinished()
	w.site.Ledger = slow{w.site.Ledger}
	w.build()
	var all sync.WaitGroup
	for range 10 * mostErasures {
		all.Go(func() { w.submit(path, code) })
		all.Go(func() { w.submit(path, rest) })
	}
	all.Wait()
	if n := strings.Count(strings.Join(w.made(), "\n"), erasedAda); n == 0 || n > mostErasures {
		t.Errorf("erased %d times, want %d at most", n, mostErasures)
	}
}

// The form that does the rest of an erasure does nothing where none was begun.
func TestRestOfNoErasure(t *testing.T) {
	w := newWorld(t)
	path, _ := w.letter(confirmation.Erasure)
	h := w.handler.(*handler)
	v := visit{token: path[len("/c/"):], purpose: listunsub.ConfirmLink}
	if err := h.open(&v); err != nil {
		t.Fatal(err)
	}
	f := shown{target: "?"}.with(fieldSeal, h.seal(v, actErase, sealed{issued: start}), fieldAction, actErase)
	if res, _ := w.submit(path, f); res.StatusCode != 410 || len(w.made()) > 0 {
		t.Errorf("%s, %q", res.Status, w.made())
	}
}
