package web

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/listunsub"
	"offramp/store"
)

const erasedAda = "erased " + ada

// The page asks first, in full; only its button erases; then the page says so,
// whoever opens it, and offers no way back but by a mail.
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
			lacks(t, page, "Erase everything about you?", "for good", "keeps you off the lists", "Receipts cannot be made any more", "Other systems of Example Ltd are informed")
			if forms := formsOf(t, page); len(forms) != 1 || slices.Contains(w.made(), erasedAda) {
				t.Fatalf("forms %v, changes %q", forms, w.made())
			}
			res, page := w.submit(path, formsOf(t, page)[actErase])
			if res.StatusCode != 200 {
				t.Fatalf("%s %s", res.Status, page)
			}
			_, later := w.get(path)
			for _, page := range []string{page, later} {
				lacks(t, page, "What we knew about you is erased", "no list sends you mail any more")
				forms := formsOf(t, page)
				if _, again := forms[actAllAgain]; !again || len(forms) != 1 {
					t.Errorf("forms %v", forms)
				}
			}
			if got := w.made(); !slices.Equal(got, []string{outPage, erasedAda}) || w.site.Stats.Erased.Load() != 1 {
				t.Errorf("changes %q", got)
			}
			if e := w.events[len(w.events)-1]; e.Kind != store.EventErased || e.IP+e.UserAgent+e.Who+e.Detail != "" {
				t.Errorf("the event has evidence: %+v", e)
			}
			_, line, _ := strings.Cut(w.log.String(), "recipient erased")
			if line == "" || strings.Contains(line, "e•••") {
				t.Errorf("log after the erasure: %q", line)
			}
		})
	}
}

// The form of somebody who changed their mind meanwhile does not erase; that of
// somebody who pressed twice says again that it is done.
func TestEraseFormSentAgain(t *testing.T) {
	w := newWorld(t)
	path := w.link(listunsub.BodyLink)
	w.pass(time.Second)
	early := w.form(path+"?view=erase", actErase)
	w.press(path, actChoose, fieldList+news, "week")
	res, page := w.submit(path, early)
	if res.StatusCode != 409 || !strings.Contains(page, "Nothing was changed") || slices.Contains(w.made(), erasedAda) {
		t.Errorf("form of before: %s, changes %q", res.Status, w.made())
	}
	f := w.form(path+"?view=erase", actErase)
	for range 2 {
		res, page := w.submit(path, f)
		if res.StatusCode != 200 || !strings.Contains(page, "What we knew about you is erased") {
			t.Errorf("%s %s", res.Status, page)
		}
	}
	w.pass(formLife + time.Second)
	if res, _ := w.submit(path, f); res.StatusCode != 409 {
		t.Errorf("after half an hour: %s", res.Status)
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
// back; the same button then does the rest.
func TestEraseWhileMailIsBeingSent(t *testing.T) {
	w := newWorld(t)
	attempts := 1
	w.site.Consent = underWay{w.site.Consent, &attempts}
	w.build()
	path := w.link(listunsub.HeaderLink)
	f := w.form(path+"?view=erase", actErase)
	res, page := w.submit(path, f)
	if res.StatusCode != 503 || res.Header.Get("Retry-After") != "300" || w.site.Stats.Erased.Load() != 0 {
		t.Errorf("%s, Retry-After %q", res.Status, res.Header.Get("Retry-After"))
	}
	lacks(t, page, "Nearly everything is erased", "press the button again in a few minutes", "What we knew about you is erased")
	// The button is on the page, or behind the link of it.
	if _, ok := formsOf(t, page)[actErase]; !ok {
		t.Errorf("no button to press again: %s", page)
	}
	if !w.choices[ada+" "].Same(store.Choice{Recipient: ada, State: store.Unsubscribed}) || !w.erased[ada] {
		t.Errorf("choices %v", w.choices)
	}
	for name, again := range map[string]shown{"the same form": f, "the form of the page": w.form(path+"?view=erase", actErase)} {
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
	if forms[actReason].fields == nil || forms[actUndo].fields == nil || forms[actReceipt].fields == nil {
		t.Fatalf("forms %v", forms)
	}
	forms[actReason] = forms[actReason].with(fieldReason, "not-mine", fieldText, "I am Ada, of "+ada)
	w.press(path+"?view=erase", actErase)
	made, events := w.made(), len(w.events)
	for action, f := range forms {
		res, page := w.submit(path, f)
		want, says := 409, "Nothing was changed"
		switch action {
		case actReceipt:
			want = 422
		case actLeave: // is what stands
			want, says = 200, "You are unsubscribed from all lists"
		}
		if res.StatusCode != want {
			t.Errorf("%s: %s", action, res.Status)
		}
		lacks(t, page, says, "What we knew about you is erased")
	}
	if got := w.made(); !slices.Equal(got, made) || len(w.events) != events || len(w.asked) != 0 {
		t.Errorf("changes %q, events %+v", got, w.events[events:])
	}
}

// The erasure is durable: the answer says so even if what stands cannot be read.
func TestErasureIsToldWhenTheStoreFailsAfterIt(t *testing.T) {
	w := newWorld(t)
	path := w.link(listunsub.HeaderLink)
	f := w.form(path+"?view=erase", actErase)
	w.site.Consent = failAfter{w.site.Consent, w}
	w.build()
	res, page := w.submit(path, f)
	if res.StatusCode != 200 {
		t.Errorf("%s", res.Status)
	}
	lacks(t, page, "What we knew about you is erased")
}
