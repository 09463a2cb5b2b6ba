package compat

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"offramp/gateway/access"
	"offramp/listunsub"
	"offramp/store"
)

// mailgun is the part of its API v3 about suppressions. Its tags are lists; its
// domains say nothing here, since a suppression holds for all mail.
var mailgun = vendor{
	name: "mailgun",
	// The key is the password of the user "api" (RFC 7617).
	credential: func(r *http.Request) string {
		if _, password, ok := r.BasicAuth(); ok {
			return password
		}
		return access.ClientOf(r).Credential
	},
	refuse: func(w http.ResponseWriter, status int, detail string) {
		writeJSON(w, status, map[string]string{"message": detail})
	},
	routes: []route{
		{pattern: "GET /v3/{domain}/{kind}", scope: access.Read, lists: true, serve: (*call).mgList},
		{pattern: "POST /v3/{domain}/{kind}", scope: access.Write, lists: true, serve: (*call).mgAdd},
		{pattern: "DELETE /v3/{domain}/{kind}", scope: access.Write, lists: true, serve: (*call).mgDeleteAll},
		{pattern: "POST /v3/{domain}/{kind}/import", scope: access.Write, lists: true, file: true, serve: (*call).mgImport},
		{pattern: "GET /v3/{domain}/{kind}/{address}", scope: access.Read, lists: true, serve: (*call).mgGet},
		{pattern: "DELETE /v3/{domain}/{kind}/{address}", scope: access.Write, lists: true, serve: (*call).mgDelete},
	},
}

// mgWant says which records a kind has. Bounces and complaints hold for all
// lists, so a key for some does not see them.
func (c *call) mgWant() (w want, err error) {
	switch c.r.PathValue("kind") {
	case "bounces":
		w = forAll(store.ReasonBounced)
	case "complaints":
		w = forAll(store.ReasonComplained)
	case "unsubscribes":
		return unsubscribed(nil), nil
	default:
		return w, errNoRoute
	}
	return w, c.within(store.AllLists)
}

// mgItem is a record of any kind.
type mgItem struct {
	Address string   `json:"address"`
	Code    string   `json:"code,omitempty"`
	Error   *string  `json:"error,omitempty"`
	Count   int      `json:"count,omitempty"`
	Tags    []string `json:"tags,omitempty"`
	Created string   `json:"created_at"`
}

const mgTime = "Mon, 02 Jan 2006 15:04:05 UTC"

// replyCode is the code of an SMTP reply before its text.
var replyCode = regexp.MustCompile(`^([245][0-9][0-9])[ -]?`)

// mgItemOf makes a record of what the client's key may see; ok is false when that
// is nothing.
func (c *call) mgItemOf(p person) (one mgItem, ok bool) {
	p.entries = slices.DeleteFunc(slices.Clone(p.entries), func(e entry) bool { return c.within(e.list) != nil })
	if len(p.entries) == 0 {
		return one, false
	}
	one = mgItem{Address: p.address, Created: p.first().UTC().Format(mgTime)}
	switch c.r.PathValue("kind") {
	case "bounces":
		note := p.entries[0].note
		one.Code = "550"
		if m := replyCode.FindStringSubmatch(note); m != nil {
			one.Code, note = m[1], note[len(m[0]):]
		}
		one.Error = &note
	case "complaints":
		one.Count = 1
	default:
		for _, e := range p.entries {
			if tag := tagOf(e.list); !slices.Contains(one.Tags, tag) {
				one.Tags = append(one.Tags, tag)
			}
		}
	}
	return one, true
}

// allTags is the tag of an opt-out from everything.
const allTags = "*"

func tagOf(list string) string {
	if list == store.AllLists {
		return allTags
	}
	return list
}

func listOfTag(tag string) string {
	if tag == allTags || strings.TrimSpace(tag) == "" {
		return store.AllLists
	}
	return listunsub.CanonicalID(tag)
}

// mgPlace is a page: what moves to it, and from which address.
type mgPlace struct {
	move, pivot string
	limit       int
}

// Limits of a page.
const (
	mgLimit = 100
	mgMost  = 1000
)

func (c *call) mgPlace() (at mgPlace, err error) {
	q := c.r.URL.Query()
	at = mgPlace{move: q.Get("page"), pivot: q.Get("address"), limit: mgLimit}
	if text := q.Get("limit"); text != "" {
		if at.limit, err = strconv.Atoi(text); err != nil || at.limit < 1 || at.limit > mgMost {
			return at, badRequest("limit must be a number from 1 to %d", mgMost)
		}
	}
	return at, nil
}

// mgItems reads a page. Those before an address are found by reading all that are
// before them.
func (c *call) mgItems(w want, at mgPlace) ([]mgItem, error) {
	items, back := []mgItem{}, at.move == "previous" || at.move == "last"
	after := at.pivot
	if back || at.move == "first" {
		after = ""
	}
	for p, err := range c.people(c.ctx, w, after) {
		if err != nil {
			return nil, err
		}
		if at.move == "previous" && p.address >= at.pivot {
			break
		}
		one, ok := c.mgItemOf(p)
		if !ok {
			continue
		}
		items = append(items, one)
		switch {
		case back && len(items) == 2*at.limit:
			items = append(items[:0], items[at.limit:]...)
		case !back && len(items) == at.limit:
			return items, nil
		}
	}
	return items[max(0, len(items)-at.limit):], nil
}

func (c *call) mgList() error {
	w, err := c.mgWant()
	if err != nil {
		return err
	}
	at, err := c.mgPlace()
	if err != nil {
		return err
	}
	items, err := c.mgItems(w, at)
	if err != nil {
		return err
	}
	first, last := at.pivot, at.pivot
	if len(items) > 0 {
		first, last = items[0].Address, items[len(items)-1].Address
	}
	link := func(move, pivot string) string {
		u := c.origin()
		u.Path, u.RawPath = c.r.URL.Path, c.r.URL.RawPath
		q := url.Values{"limit": {strconv.Itoa(at.limit)}, "page": {move}}
		if pivot != "" {
			q.Set("address", pivot)
		}
		u.RawQuery = q.Encode()
		return u.String()
	}
	return c.answer(http.StatusOK, map[string]any{"items": items, "paging": map[string]string{
		"first": link("first", ""), "next": link("next", last), "previous": link("previous", first), "last": link("last", ""),
	}})
}

func (c *call) mgGet() error {
	w, err := c.mgWant()
	if err != nil {
		return err
	}
	a, err := parse(c.r.PathValue("address"))
	if err != nil {
		return err
	}
	p, err := c.one(c.ctx, w, a)
	if err != nil {
		return err
	}
	one, ok := c.mgItemOf(p)
	if !ok {
		return c.mgNone()
	}
	return c.answer(http.StatusOK, one)
}

func (c *call) mgNone() error {
	return refusal{http.StatusNotFound, "Address not found in " + c.r.PathValue("kind") + " table"}
}

// mgDelete removes one address, from one list where a tag says which. It takes a
// person's own opt-out back too: that is what the call means.
func (c *call) mgDelete() error {
	w, err := c.mgWant()
	if err != nil {
		return err
	}
	if tag := c.r.URL.Query().Get("tag"); tag != "" && w.choices {
		list := listOfTag(tag)
		if err := c.within(list); err != nil {
			return err
		}
		w.list = &list
	}
	a, err := parse(c.r.PathValue("address"))
	if err != nil {
		return err
	}
	p, err := c.one(c.ctx, w, a)
	if err != nil {
		return err
	}
	p.entries = slices.DeleteFunc(p.entries, func(e entry) bool { return c.within(e.list) != nil })
	if len(p.entries) == 0 {
		return c.mgNone()
	}
	if err := c.lift(c.ctx, a, p.entries); err != nil {
		return err
	}
	what := map[string]string{"bounces": "Bounced address has been removed", "complaints": "Spam complaint has been removed"}[c.r.PathValue("kind")]
	if what == "" {
		what = "Unsubscribe event has been removed"
	}
	return c.answer(http.StatusOK, map[string]string{"message": what, "address": c.r.PathValue("address")})
}

// mgDeleteAll removes all but people's own choices.
func (c *call) mgDeleteAll() error {
	w, err := c.mgWant()
	if err == nil {
		err = c.within(store.AllLists)
	}
	if err != nil {
		return err
	}
	kept, err := c.liftAll(w)
	if err != nil {
		return err
	}
	what := map[string]string{
		"bounces": "Bounced addresses for this domain have been removed", "complaints": "Spam complaints for this domain have been removed",
		"unsubscribes": "Unsubscribe addresses for this domain have been removed",
	}[c.r.PathValue("kind")]
	if kept > 0 {
		what += "; " + strconv.Itoa(kept) + " stay: people's own choices are removed by address only"
	}
	return c.answer(http.StatusOK, map[string]string{"message": what})
}

// mgParseTime reads a date as that API writes and takes it. The zero date of its
// Go client means that there is none.
func mgParseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC1123, time.RFC1123Z, "Mon, 2 Jan 2006 15:04:05 MST", "Mon, 2 Jan 2006 15:04:05 -0700", time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			if t.Unix() <= 0 {
				return time.Time{}, nil
			}
			return t, nil
		}
	}
	return time.Time{}, badRequest("created_at must be a date like Tue, 07 Jan 2025 19:25:45 UTC")
}
