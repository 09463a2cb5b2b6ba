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

	"golang.org/x/net/html"
)

// scanner follows every link and sends every form of every page twice, as it
// stands: it presses and does not type. It keeps what it got.
type scanner struct {
	t       *testing.T
	w       *world
	seen    map[string]int // pages and forms, by what they are
	pages   int
	forms   map[string]bool // actions that were sent
	undo    shown           // the last way back that was offered
	at      string          // and the path it is on
	letters int             // that were asked for and are read
	header  []string
}

func (s *scanner) open(path string) {
	if s.seen["GET "+path]++; s.seen["GET "+path] > 2 {
		return
	}
	r := request("GET", path, "", nil)
	for i := 0; i < len(s.header); i += 2 {
		r.Header.Set(s.header[i], s.header[i+1])
	}
	res := s.w.send(r)
	s.read(path, res, text(s.t, res))
}

// read goes through an answer, and through the mail that came of it.
func (s *scanner) read(path string, res *http.Response, page string) {
	s.pages++
	if res.Header.Get("Content-Disposition") != "" || strings.HasPrefix(page, "{") || strings.HasPrefix(page, "offramp receipt") {
		s.t.Errorf("%s: something was downloaded: %.300s", path, page)
	}
	bare, _, _ := strings.Cut(path, "?")
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		s.t.Fatal(err)
	}
	if undo, ok := formsOf(s.t, page)[actUndo]; ok {
		s.undo, s.at = undo, bare // the newest: what is pressed next has one of its own
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch href := attr(n, "href"); {
		case n.Data == "form":
			s.send(bare, readShown(n))
		case n.Data == "a" && strings.HasPrefix(href, "?") && !strings.Contains(href, "lang="):
			s.open(bare + href)
		}
	}
	s.mail()
}

func (s *scanner) send(path string, f shown) {
	action := f.fields.Get(fieldAction)
	if action == actUndo {
		return
	}
	s.forms[action] = true
	for range 2 {
		key := "POST " + path + " " + action
		if s.seen[key]++; s.seen[key] > 4 {
			return
		}
		res, page := s.w.submit(path, f, s.header...)
		s.read(path, res, page)
	}
}

// mail reads the mails with a code that were asked for meanwhile.
func (s *scanner) mail() {
	for ; s.letters < len(s.w.asked); s.letters++ {
		list := map[confirmation.What]string{confirmation.EraseAll: confirmation.Erasure, confirmation.ShowAll: confirmation.Access}[s.w.asked[s.letters].What]
		if list == "" {
			continue
		}
		path, _ := s.w.letter(list)
		s.letters++
		s.open(path)
		s.letters--
	}
}

// A scanner that has the newsletter and every mail with a code leaves lists at
// most. It erases nobody, gets no file, and the undo of what it did works.
func TestScannerThatPressesEverything(t *testing.T) {
	for name, header := range map[string][]string{
		"plain":                         nil,
		"a browser that asks by signal": {"Sec-GPC", "1", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.lists[adverts] = store.List{ID: adverts, Public: true, ThirdParty: true}
			w.contacts = []store.Contact{{Recipient: ada, List: news, First: start, Last: start, Count: 3}}
			w.happened(store.Event{Kind: store.EventReason, Recipient: ada, List: news, Way: store.Page, Detail: "what ada wrote"})
			s := &scanner{t: t, w: w, seen: map[string]int{}, forms: map[string]bool{}, header: header}
			erase, _ := w.letter(confirmation.Erasure)
			data, _ := w.letter(confirmation.Access)
			for _, path := range []string{erase, data, w.link(listunsub.BodyLink), w.link(listunsub.HeaderLink), erase, data} {
				w.pass(time.Second)
				s.open(path)
				w.send(request("POST", path, "", nil))
			}
			for _, action := range []string{actUnsubscribe, actLeave, actChoose, actAskErase, actAskData, actCode, actReason} {
				if !s.forms[action] {
					t.Errorf("the scanner found no form %q on %d pages", action, s.pages)
				}
			}
			for _, forbidden := range []string{actErase, actDownload, actReceipt, actConfirm} {
				if s.forms[forbidden] {
					t.Errorf("the scanner found a form %q", forbidden)
				}
			}
			for _, made := range w.made() {
				if !strings.HasPrefix(made, "unsubscribed ") && !(made == refusedAda && header != nil) {
					t.Errorf("the scanner changed %q", made)
				}
			}
			if len(w.erased) != 0 || w.site.Stats.Erased.Load()+w.site.Stats.Taken.Load() != 0 || w.events[0].Detail != "what ada wrote" || len(w.contacts) != 1 {
				t.Errorf("erased %v, taken %d", w.erased, w.site.Stats.Taken.Load())
			}
			if slices.ContainsFunc(w.events, func(e store.Event) bool { return e.Kind == store.EventTyped }) {
				t.Error("a try was counted though nothing was typed")
			}
			if s.undo.fields == nil {
				t.Fatal("no undo was offered")
			}
			if res, page := w.submit(s.at, s.undo); res.StatusCode != 200 || !strings.Contains(page, "The change was undone") {
				t.Errorf("undo: %s %s", res.Status, page)
			}
			// The person's own mail is as good as it was.
			w.press(erase, actCode, fieldCode, w.ring.Digits("offramp mailed code", []byte(erase[len("/c/"):])))
		})
	}
}
