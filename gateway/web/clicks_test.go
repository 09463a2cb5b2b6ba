package web

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offramp/gateway/confirmation"
	"offramp/gateway/language"
	"offramp/listunsub"
	"offramp/store"

	protocol "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const adverts = "adverts.example.net"

// walk is a person who goes through the page with nothing but a keyboard.
type walk struct {
	*tab
	t    *testing.T
	w    *world
	say  *language.Speaker
	base string
	path string
}

// Every choice of the page, with the keyboard alone, in three languages, with
// scripts off and on, on a telephone and a desk, light and dark.
func TestEveryChoiceByKeyboard(t *testing.T) {
	b := browser(t)
	phone, desk := screen{Name: "phone", Width: 320, Height: 640}, screen{Name: "desk", Width: 1280, Height: 900}
	for _, lang := range []string{"en", "de", "ar"} {
		for _, scripts := range []bool{false, true} {
			for _, s := range []screen{phone, desk} {
				// Each screen is seen in both schemes, and each scheme with scripts and without.
				s.ScriptsOff, s.Dark = !scripts, (s.Name == "phone") == scripts
				s.Name += map[bool]string{false: "-light", true: "-dark"}[s.Dark] + map[bool]string{false: "-scripts", true: "-plain"}[s.ScriptsOff]
				t.Run(lang+"-"+s.Name, func(t *testing.T) {
					b.use(t, s)
					walkThrough(t, b, lang)
					b.wantNoComplaints(t)
				})
			}
		}
	}
}

func walkThrough(t *testing.T, b *tab, lang string) {
	w := newWorld(t)
	w.lists[news] = store.List{ID: news, Name: "Example News", Description: "What happened at Example, once a week.", Sender: "The editors"}
	w.lists[adverts] = store.List{ID: adverts, Name: strings.Repeat("Donaudampfschifffahrt", 5), ThirdParty: true}
	w.lists[other] = store.List{ID: other, Name: "Other", Public: true}
	w.contacts = []store.Contact{{Recipient: ada, List: news, Last: start.Add(-time.Hour), Count: 3}, {Recipient: ada, List: adverts, Last: start.Add(-time.Hour), Count: 1000}}
	p := &walk{tab: b, t: t, w: w, base: "http://" + w.serve()}
	p.say = p.speaker(lang)
	p.path = w.link(listunsub.BodyLink)
	p.open(p.path)
	p.looks("standing")
	p.options()
	p.sharing()
	p.leaving()
	p.languages()
	p.held()
	p.erasing()
}

func (p *walk) speaker(tag string) *language.Speaker {
	p.t.Helper()
	s, ok := p.w.site.Texts.Speaker(tag)
	if !ok {
		p.t.Fatalf("nobody speaks %q", tag)
	}
	return s
}

func (p *walk) open(path string) {
	p.t.Helper()
	p.visit(p.t, p.base+path+"?lang="+p.say.Tag())
}

func (p *walk) press(key string, pairs ...any) {
	p.t.Helper()
	p.enter(p.t, p.say.Say(key, pairs...))
	p.fits()
}

// says wants the answer to what was done, where screen readers read it out.
func (p *walk) says(key string, pairs ...any) {
	p.t.Helper()
	if got, want := p.words(p.t, "[role=status]"), p.say.Say(key, pairs...); !strings.Contains(plain(got), plain(want)) {
		p.t.Fatalf("the page says %q, want %q", got, want)
	}
}

// plain removes the marks that keep names of the other direction apart.
func plain(s string) string { return strings.NewReplacer("\u2068", "", "\u2069", "").Replace(s) }

// fits fails where a page must be moved sideways or a button is too small for a
// thumb (WCAG 2.2 AA, 1.4.10 and 2.5.8).
func (p *walk) fits() {
	p.t.Helper()
	got := evaluate[struct{ Page, Screen, Button float64 }](p.t, p.tab, `({Page: document.documentElement.scrollWidth, Screen: innerWidth,
		Button: Math.min(99, ...Array.from(document.querySelectorAll("button"), e => e.getBoundingClientRect().height))})`)
	if got.Page > got.Screen || got.Button < 44 {
		p.t.Fatalf("%+v: %s", got, p.words(p.t, "h1"))
	}
}

func (p *walk) looks(name string) {
	p.t.Helper()
	p.fits()
	p.shot(p.t, name)
}

// stands wants the choice recorded, and shown as the one that is selected.
func (p *walk) stands(list string, want store.Choice) {
	p.t.Helper()
	p.w.mu.Lock()
	got := p.w.choices[ada+" "+list]
	p.w.mu.Unlock()
	want.Recipient, want.List = ada, list
	if !got.Same(want) {
		p.t.Fatalf("recorded %+v, want %+v", got, want)
	}
}

// options picks every option there is for a list and for everything.
func (p *walk) options() {
	day := 24 * time.Hour
	for _, list := range []string{news, store.AllLists} {
		for _, o := range []struct {
			value string
			want  store.Choice
		}{
			{"day", store.Choice{State: store.Limited, Every: store.Daily}},
			{"week", store.Choice{State: store.Limited, Every: store.Weekly}},
			{"month", store.Choice{State: store.Limited, Every: store.Monthly}},
			{"all", store.Choice{State: store.Subscribed}},
			{"pause-30", store.Choice{State: store.Paused, Until: start.Add(30 * day)}},
			{"pause-60", store.Choice{State: store.Paused, Until: start.Add(60 * day)}},
			{"pause-90", store.Choice{State: store.Paused, Until: start.Add(90 * day)}},
			{optPauseUntil, store.Choice{State: store.Paused, Until: time.Date(2027, 1, 16, 0, 0, 0, 0, time.UTC)}},
			{"all", store.Choice{State: store.Subscribed}},
		} {
			p.open(p.path)
			p.pick(p.t, fieldList+list, o.value)
			if o.value == optPauseUntil {
				p.unfold(p.t, p.say.Say("page.date.summary"))
				p.tabToField(p.t, fieldUntil)
				p.do(p.t, chromedp.KeyEvent("01152027"))
			}
			p.press("page.choose.save")
			p.stands(list, o.want)
			p.saysChosen(list, o.want)
		}
	}
}

// saysChosen wants what was chosen said in words.
func (p *walk) saysChosen(list string, c store.Choice) {
	p.t.Helper()
	key, suffix := map[store.State]string{store.Subscribed: "on", store.Limited: string(c.Every), store.Paused: "paused"}[c.State], "-all"
	if list != store.AllLists {
		suffix = ""
	}
	p.says("page.done."+key+suffix, "List", "Example News", "Date", p.say.Date(lastDay(c.Until)))
}

// sharing refuses it, and asks to allow it again.
func (p *walk) sharing() {
	p.open(p.path)
	p.tabToField(p.t, fieldSharing)
	p.do(p.t, chromedp.KeyEvent(" "))
	p.press("page.choose.save")
	p.says("page.done.sharing")
	p.press("page.sharing.allow")
	p.confirms(confirmation.Sharing)
	p.says("page.done.sharing-allowed")
}

// confirms opens the link of the mail that was just asked for.
func (p *walk) confirms(list string) {
	p.t.Helper()
	p.says("page.asked", "Address", "a•••@example.com")
	p.w.pass(time.Minute)
	p.open(p.w.linkTo(listunsub.Claims{List: list, Recipient: ada, Issued: p.w.site.Now(), Purpose: listunsub.ConfirmLink}))
	p.looks("confirm")
	p.w.pass(time.Minute)
	p.press("page.confirm.button")
}

// leaving leaves the list in both ways and all lists, undoes it, says why, and
// comes back.
func (p *walk) leaving() {
	off := store.Choice{State: store.Unsubscribed}
	p.open(p.path)
	p.press("page.unsubscribe")
	p.stands(news, off)
	p.looks("left")
	p.press("page.undo.button")
	p.stands(news, store.Choice{State: store.Subscribed})

	p.open(p.path)
	p.pick(p.t, fieldList+news, optOff)
	p.press("page.choose.save")
	p.stands(news, off)
	p.looks("left-and-chosen")
	p.unfold(p.t, p.say.Say("page.reason.heading"))
	p.tabToField(p.t, fieldReason)
	p.do(p.t, chromedp.KeyEvent(" "))
	p.tabToField(p.t, fieldText)
	p.do(p.t, chromedp.KeyEvent("enough"))
	p.press("page.reason.button")
	p.says("page.reason.thanks")
	p.unfold(p.t, p.say.Say("page.again.heading"))
	p.press("page.again.button", "List", "\u2068Example News\u2069")
	p.confirms(news)
	p.stands(news, store.Choice{State: store.Subscribed})

	p.open(p.path)
	p.press("page.all.button")
	p.stands(store.AllLists, off)
	p.looks("left-all")
	p.unfold(p.t, p.say.Say("page.again.heading"))
	p.press("page.again.all-button")
	p.confirms(store.AllLists)
	p.stands(store.AllLists, store.Choice{State: store.Subscribed})
}

// languages switches to another language and back by the links at the foot.
func (p *walk) languages() {
	p.open(p.path)
	for _, to := range []string{"ja", p.say.Tag()} {
		p.enter(p.t, p.speaker(to).Name())
		if got := evaluate[string](p.t, p.tab, `document.documentElement.lang`); got != to {
			p.t.Fatalf("the page is in %q, want %q", got, to)
		}
		p.fits()
	}
}

// held looks at what is held, takes it and a receipt along, and goes back.
func (p *walk) held() {
	p.open(p.path)
	p.press("page.data.history")
	p.looks("history")
	p.press("page.history.download")
	p.typesCode(confirmation.Access, "page.code.continue")
	p.looks("opened")
	folder := p.t.TempDir()
	on := true
	call(p.t, p.tab, protocol.SetDownloadBehavior, protocol.SetDownloadBehaviorParams{
		Behavior: protocol.SetDownloadBehaviorBehaviorAllowAndName, DownloadPath: folder, EventsEnabled: &on})
	for button, holds := range map[string]string{"page.history.download": `"choices"`, "page.history.receipt": "unsubscribed"} {
		p.tabToText(p.t, p.say.Say(button))
		p.do(p.t, chromedp.KeyEvent(kb.Enter))
		select {
		case name := <-p.files:
			text, err := os.ReadFile(filepath.Join(folder, name))
			if err != nil || !strings.Contains(string(text), holds) {
				p.t.Fatalf("%s: %v %s", button, err, text)
			}
		case <-time.After(patience):
			p.t.Fatalf("%s: nothing was downloaded", button)
		}
	}
}

// typesCode opens the link of the mail that was just asked for, and types its
// code.
func (p *walk) typesCode(list, button string) {
	p.t.Helper()
	p.says("page.code.asked", "Address", "a•••@example.com")
	p.w.pass(time.Minute)
	path, code := p.w.letter(list)
	p.open(path)
	p.tabToField(p.t, fieldCode)
	p.do(p.t, chromedp.KeyEvent(code[:4]+" "+code[4:]))
	p.looks("code-" + button)
	p.press(button)
}

// erasing looks at the question, goes back, asks for the code, and erases.
func (p *walk) erasing() {
	p.open(p.path)
	p.press("page.data.erase")
	p.looks("erase")
	p.press("page.back")
	p.press("page.data.erase")
	p.press("page.erase.button")
	p.looks("erase-asked")
	p.typesCode(confirmation.Erasure, "page.erase.button")
	p.looks("erased")
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	if !p.w.erased[ada] || len(p.w.contacts) > 0 {
		p.t.Fatal("nothing was erased")
	}
}

// A scanner that opens links and runs scripts changes nothing.
func TestAVisitChangesNothing(t *testing.T) {
	w := newWorld(t)
	b := browser(t)
	base := "http://" + w.serve()
	for _, path := range []string{w.link(listunsub.HeaderLink), w.link(listunsub.BodyLink), w.link(listunsub.ConfirmLink)} {
		for range 2 {
			b.visit(t, base+path)
			b.settle(t)
		}
	}
	if got := w.made(); len(got) != 0 {
		t.Errorf("changes %q", got)
	}
	if n := w.site.Stats.Shown.Load(); n < 6 {
		t.Errorf("page shown %d times", n)
	}
	b.wantNoComplaints(t)
}
