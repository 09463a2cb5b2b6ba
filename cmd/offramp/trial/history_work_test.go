package trial

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"offramp/listunsub"
)

// The load of a history. Few people, so that much happens to each at once.
const (
	historyPeople  = 60
	historyClients = 12 // that ask
	historySenders = 4  // of mail
	sinkClient     = historyClients
)

var historyLists = []string{weekly, offers}

// historyWork asks for things and sends mail while the process lives.
type historyWork struct {
	*process
	h      *history
	up     atomic.Bool // the process takes requests
	wanted int         // operations
}

// more waits while the process is down, and says whether there is more to do.
func (w *historyWork) more() bool {
	for !w.up.Load() && w.h.length() < w.wanted {
		pause(nil, 5*time.Millisecond)
	}
	return w.h.length() < w.wanted
}

// send sends mail of both lists to some people at a time.
func (w *historyWork) send() {
	var c *client
	for w.more() {
		if c == nil {
			var err error
			if c, err = dial(w.smtp); err != nil {
				c = nil
				continue
			}
		}
		var to []string
		for _, person := range rand.Perm(historyPeople)[:8] {
			to = append(to, address(person))
		}
		if err := c.send("news@trial.example", to, letter(historyLists[rand.IntN(len(historyLists))])); err != nil {
			c.close()
			c = nil
		}
		pause(nil, 5*time.Millisecond) // nobody needs a queue that grows
	}
	if c != nil {
		c.close()
	}
}

// ask has one client ask for one thing after the other.
func (w *historyWork) ask(client int) {
	for w.more() {
		of := pair{rand.IntN(historyPeople), historyLists[rand.IntN(len(historyLists))]}
		one, all := []pair{of}, []pair{}
		for _, list := range historyLists {
			all = append(all, pair{of.person, list})
		}
		do := func(a act, way string, about []pair, request func(pair) result) {
			w.h.do(client, a, way, about, func() (result, any) { return request(of), nil })
		}
		switch n := rand.IntN(100); {
		case n < 10:
			do(leaves, "one-click", one, w.oneClicks)
		case n < 16:
			do(leaves, "mailto", one, w.mails)
		case n < 22:
			do(leaves, "page", one, w.presses("Unsubscribe"))
		case n < 28:
			do(leaves, "import", one, w.imports)
		case n < 33:
			do(leavesAll, "page for all", all, w.presses("Unsubscribe from all lists"))
		case n < 34:
			do(leavesAll, "erase", all, w.erases)
		case n < 64:
			do(returns, "confirmed", one, w.confirms)
		case n < 80:
			do(returnsAll, "confirmed for all", all, func(of pair) result { return w.confirms(pair{person: of.person}) })
		default:
			w.h.do(client, looks, "look", one, func() (result, any) { return w.looks(of) })
		}
	}
}

// resultOf reads the status of an answer: what is not done is refused, or is
// to be tried again.
func resultOf(status int, err error) result {
	switch {
	case err == nil && status == http.StatusOK:
		return didIt
	case err == nil && status < http.StatusInternalServerError:
		return refusedIt
	}
	return unknown
}

func (w *historyWork) oneClicks(of pair) result {
	g, err := w.tryFetch(http.MethodPost, sealed(w.process, of.list, address(of.person)), listunsub.PostValue)
	if err != nil {
		return unknown
	}
	if resultOf(g.status, nil) == refusedIt {
		w.t.Errorf("one-click: %d", g.status)
	}
	return resultOf(g.status, nil)
}

// mails is an opt-out by mail to the address of the mailto URI.
func (w *historyWork) mails(of pair) result {
	local, _, err := w.keys.SealAddress(listunsub.AddressClaims{
		Kind: listunsub.OptOutAddress, ListKey: listunsub.ListKey(of.list), Recipient: address(of.person),
	})
	if err != nil {
		w.t.Error(err)
		return refusedIt
	}
	c, err := dial(w.smtp)
	if err != nil {
		return refusedIt // nothing was asked
	}
	defer c.close()
	err = c.send(address(of.person), []string{local + "@u.trial.example"}, []byte("From: <"+address(of.person)+">\r\nSubject: unsubscribe\r\n\r\n\r\n"))
	var r *refused
	switch {
	case err == nil:
		return didIt
	case errors.As(err, &r) && strings.HasPrefix(r.reply, "5"):
		// Without a list that is known the address means nothing.
		if !strings.HasPrefix(r.reply, "550") {
			w.t.Errorf("opt-out by mail: %v", err)
		}
		return refusedIt
	}
	return unknown
}

// presses is a button on the page of the header's link.
func (w *historyWork) presses(button string) func(pair) result {
	return func(of pair) result {
		return w.press(sealed(w.process, of.list, address(of.person)), button)
	}
}

// press opens a page and presses a button, where there is one.
func (w *historyWork) press(at, button string) result {
	g, err := w.tryFetch(http.MethodGet, at, "")
	if err != nil {
		return refusedIt // nothing was asked
	}
	form := g.form(button)
	if form == nil {
		return refusedIt
	}
	target, err := g.target(form)
	if err != nil {
		w.t.Error(err)
		return refusedIt
	}
	if g, err = w.tryFetch(http.MethodPost, target, values(form).encode()); err != nil {
		return unknown
	}
	return resultOf(g.status, nil)
}

// confirms opens the link of a mail that asks whether mail is wanted again.
func (w *historyWork) confirms(of pair) result {
	token, err := w.keys.Seal(listunsub.Claims{
		List: of.list, Recipient: address(of.person), Issued: time.Now(), Purpose: listunsub.ConfirmLink,
	})
	if err != nil {
		w.t.Error(err)
		return refusedIt
	}
	return w.press("https://u.trial.example/c/"+token, "Yes, I want this")
}

// imports records an opt-out as an import does.
func (w *historyWork) imports(of pair) result {
	status, _, err := w.call(http.MethodPost, "suppressions", fmt.Sprintf(`{"recipient":%q,"list":%q,"reason":"unsubscribed"}`, address(of.person), of.list))
	return resultOf(status, err)
}

func (w *historyWork) erases(of pair) result {
	status, _, err := w.call(http.MethodDelete, "recipients/"+address(of.person), "")
	if status == http.StatusConflict {
		return unknown // erased, but for mail that is being sent
	}
	return resultOf(status, err)
}

// looks reads what the person left.
func (w *historyWork) looks(of pair) (result, any) {
	status, body, err := w.call(http.MethodGet, "recipients/"+address(of.person), "")
	var person struct {
		Choices []struct{ List, State string }
	}
	if err != nil || status != http.StatusOK || json.Unmarshal(body, &person) != nil {
		return unknown, nil
	}
	var seen left
	for _, c := range person.Choices {
		switch out := c.State == "unsubscribed"; c.List {
		case "":
			seen.all = out
		case of.list:
			seen.list = out
		}
	}
	return didIt, seen
}

// call uses the operator's API.
func (w *historyWork) call(method, path, body string) (status int, answer []byte, err error) {
	r, err := http.NewRequest(method, "http://"+w.admin+"/api/v1/"+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	got, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return 0, nil, err
	}
	defer got.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(got.Body, 1<<20))
	return got.StatusCode, answer, err
}
