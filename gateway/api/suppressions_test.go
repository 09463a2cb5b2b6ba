package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/gateway/consent"
	"offramp/gateway/record"
	"offramp/listunsub"
	"offramp/store"
)

func TestSuppress(t *testing.T) {
	for body, want := range map[string]string{
		`{"recipient":"Ada@Example.com"}`: `suppress ada@example.com "" manual`,
		`{"recipient":"ada@example.com","reason":"complained","list":"NEWS.example.org","note":"n"}`: `suppress ada@example.com "news.example.org" complained n`,
		`{"recipient":"ada@example.com","reason":"bounced"}`:                                         `suppress ada@example.com "" bounced`,
		`{"recipient":"ada@example.com","reason":"unsubscribed","list":"news.example.org"}`:          `opt-out ada@example.com "news.example.org" operator`,
		`{"recipient":"ada@example.com","reason":"unsubscribed-all"}`:                                `opt-out ada@example.com "" operator`,
		`{"recipient":"ada@example.com","until":"2030-01-01T00:00:00Z"}`:                             `suppress ada@example.com "" manual  until 2030-01-01`,
		`{"recipient":"@Example.com"}`:                                                               `suppress@example.com  "" manual`,
		`{"recipient":"*@example.com"}`:                                                              `suppress@example.com  "" manual`,
		`{"recipient":"*.example.com","reason":"complained"}`:                                        `suppress@*.example.com  "" complained`,
	} {
		w := newWorld(t)
		got := call[record.Changed](w, "POST", "/api/v1/suppressions", body)
		if got.Changed != 1 || !slices.Equal(w.calls, []string{want}) {
			t.Errorf("%s: %+v %q, want %q", body, got, w.calls, want)
		}
		if want := (consent.Evidence{IP: "127.0.0.1", UserAgent: "offramp/1", Who: "admin"}); w.evidence[0] != want {
			t.Errorf("evidence %+v", w.evidence[0])
		}
		if strings.Contains(strings.ToLower(w.log.String()), "ada@") {
			t.Errorf("the log names the address: %s", &w.log)
		}
	}
}

func TestUnsuppress(t *testing.T) {
	const ada, all = "ada@example.com", store.AllLists
	for query, want := range map[string]struct {
		calls     []string
		remaining int
	}{
		"":                                {[]string{`unsuppress ada@example.com "" manual`, `unsuppress ada@example.com "" bounced`}, 5},
		"&reason=bounced":                 {[]string{`unsuppress ada@example.com "" bounced`}, 5},
		"&reason=complained":              {nil, 5},
		"&list=news":                      {[]string{`unsuppress ada@example.com "news" complained`}, 5},
		"&list=other":                     {nil, 5},
		"&reason=unsubscribed":            {[]string{`resubscribe ada@example.com "" operator`}, 5},
		"&reason=unsubscribed&list=news":  {[]string{`resubscribe ada@example.com "news" operator`}, 5},
		"&reason=unsubscribed&list=never": {nil, 5},
		"&reason=unsubscribed&list=back":  {nil, 5},
		"&reason=unsubscribed-all":        {[]string{`resubscribe ada@example.com "" operator`}, 5},
	} {
		w := newWorld(t)
		w.stops = []store.Suppression{
			{Recipient: ada, Reason: store.ReasonManual}, {Recipient: ada, Reason: store.ReasonBounced}, {Recipient: ada, List: "news", Reason: store.ReasonComplained},
			{Recipient: "bob@example.com", Reason: store.ReasonManual},
		}
		w.choices = []store.Choice{{Recipient: ada, List: all, State: store.Unsubscribed}, {Recipient: ada, List: "news", State: store.Unsubscribed},
			{Recipient: ada, List: "back", State: store.Subscribed}}
		got := call[record.Unsuppressed](w, "DELETE", "/api/v1/suppressions?recipient=Ada@example.com"+query, "")
		if !slices.Equal(w.calls, want.calls) || got.Changed != len(want.calls) || len(got.Remaining) != want.remaining {
			t.Errorf("%q: changed %d, remaining %d, calls %q, want %q", query, got.Changed, len(got.Remaining), w.calls, want.calls)
		}
	}
}

// What is no address and no pattern is refused, and so is what no pattern and no
// opt-out can have.
func TestSuppressRefuses(t *testing.T) {
	for body, want := range map[string]string{
		`{"recipient":"a*@example.com"}`:                       "not a pattern",
		`{"recipient":"ada@*.example.com"}`:                    "not a pattern",
		`{"recipient":"@"}`:                                    "not a pattern",
		`{"recipient":"@com"}`:                                 "public suffix",
		`{"recipient":"*.co.uk."}`:                             "public suffix",
		`{"recipient":"*"}`:                                    "not a pattern",
		`{"recipient":"example.com"}`:                          "not a valid mail address",
		`{"recipient":"ada@example.com ,x"}`:                   "not a valid mail address",
		`{"recipient":"@example.com","reason":"unsubscribed"}`: "only a person unsubscribes",
		`{"recipient":"@example.com","reason":"paused","until":"2030-01-01T00:00:00Z"}`:          "only a person unsubscribes",
		`{"recipient":"ada@example.com","reason":"unsubscribed","until":"2030-01-01T00:00:00Z"}`: "stays so",
		`{"recipient":"ada@example.com","until":"2020-01-01T00:00:00Z"}`:                         "in the future",
		`{"recipient":"ada@example.com","reason":"paused"}`:                                      "required",
	} {
		w := newWorld(t)
		res, got := w.send(request("POST", "/api/v1/suppressions", body))
		if res.StatusCode != 400 || !strings.Contains(got, want) || len(w.calls) > 0 {
			t.Errorf("%s: %s %s, calls %q", body, res.Status, got, w.calls)
		}
	}
}

// What stops mail to an address is shown with the patterns that fit it; what has
// ended is not; and removing an address leaves the patterns.
func TestPatternsAreShown(t *testing.T) {
	w := newWorld(t)
	w.stops = []store.Suppression{
		{Recipient: "ada@a.example.com", Reason: store.ReasonManual},
		{Recipient: "ada@a.example.com", Reason: store.ReasonBounced, Until: start.Add(-1)},
		{Recipient: "@a.example.com", Reason: store.ReasonManual, Until: start.Add(time.Hour)},
		{Recipient: "@*.example.com", Reason: store.ReasonBounced},
		{Recipient: "@example.com", Reason: store.ReasonBounced},
	}
	shown := func(query string) (all []string) {
		for _, s := range call[record.SuppressionPage](w, "GET", "/api/v1/suppressions"+query, "").Items {
			all = append(all, s.Recipient+" "+s.Reason)
		}
		return all
	}
	for query, want := range map[string][]string{
		"?recipient=ada@a.example.com": {"ada@a.example.com manual", "@a.example.com manual", "@*.example.com bounced"},
		"?recipient=*.example.com":     {"@*.example.com bounced"},
		"?hash=keyed":                  {w.Hash("ada@a.example.com") + " manual"},
		"?reason=bounced":              {"@*.example.com bounced", "@example.com bounced"},
	} {
		if got := shown(query); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	got := call[record.Unsuppressed](w, "DELETE", "/api/v1/suppressions?recipient=ada@a.example.com&reason=manual", "")
	if got.Changed != 1 || len(got.Remaining) != 3 || !slices.Equal(w.calls, []string{`unsuppress ada@a.example.com "" manual`}) {
		t.Errorf("%+v, calls %q", got, w.calls)
	}
	w.calls = nil
	if got = call[record.Unsuppressed](w, "DELETE", "/api/v1/suppressions?recipient=*.example.com", ""); got.Changed != 1 || !slices.Equal(w.calls, []string{`unsuppress@*.example.com  "" bounced`}) {
		t.Errorf("%+v, calls %q", got, w.calls)
	}
}

// All pages together hold every record once, by recipient, and no recipient
// is split, whatever the limit.
func TestSuppressionPages(t *testing.T) {
	w := newWorld(t)
	total := 0
	for i := range 60 {
		to := fmt.Sprintf("p%02d@example.com", i)
		for j := range i % 4 {
			w.choices = append(w.choices, store.Choice{Recipient: to, List: fmt.Sprintf("l%d", j), State: store.Unsubscribed, Since: start, Way: store.Page})
			total++
		}
		for j := range (i / 2) % 3 {
			w.stops = append(w.stops, store.Suppression{Recipient: to, List: fmt.Sprintf("l%d", j), Reason: store.ReasonManual, Since: start})
			total++
		}
		w.choices = append(w.choices, store.Choice{Recipient: to, List: "stays", State: store.Subscribed})
	}
	for _, limit := range []int{1, 2, 3, 7, 50, 1000} {
		seen := map[string]int{}
		var order []string
		after := ""
		for pages := 0; ; pages++ {
			page := call[record.SuppressionPage](w, "GET", fmt.Sprintf("/api/v1/suppressions?limit=%d&after=%s", limit, after), "")
			for _, e := range page.Items {
				seen[e.Recipient+" "+e.List+" "+e.Reason]++
				order = append(order, e.Recipient)
				if e.Recipient <= after {
					t.Fatalf("limit %d: %s after %s", limit, e.Recipient, after)
				}
			}
			if page.Next == "" {
				break
			}
			if page.Next <= after || pages > 200 {
				t.Fatalf("limit %d: page after %q leads to %q", limit, after, page.Next)
			}
			after = page.Next
		}
		if len(seen) != total || len(order) != total || !slices.IsSorted(order) {
			t.Errorf("limit %d: %d different of %d records, want %d, sorted %v", limit, len(seen), len(order), total, slices.IsSorted(order))
		}
	}
	page := call[record.SuppressionPage](w, "GET", "/api/v1/suppressions?recipient=P03@example.com&reason=unsubscribed&list=L1", "")
	want := []record.Suppression{{Recipient: "p03@example.com", List: "l1", Reason: "unsubscribed", Since: start, Way: "page"}}
	if d := cmp.Diff(want, page.Items); d != "" {
		t.Error(d)
	}
}

// A full listing is what an export needs: pauses with their end, and the newest
// event of each record.
func TestFullSuppressions(t *testing.T) {
	const ada = "ada@example.com"
	w := newWorld(t)
	until := start.Add(time.Hour)
	w.choices = []store.Choice{
		{Recipient: ada, List: store.AllLists, State: store.Paused, Until: until, Since: start, Way: store.Page},
		{Recipient: ada, List: "left", State: store.Unsubscribed, Since: start, Way: store.Mail},
		{Recipient: ada, List: "limited", State: store.Limited, Every: store.Weekly},
		{Recipient: ada, List: "over", State: store.Paused, Until: start},
		{Recipient: "hash-of-eve", List: store.AllLists, State: store.Unsubscribed, Since: start},
	}
	w.stops = []store.Suppression{{Recipient: ada, List: "news", Reason: store.ReasonBounced, Since: start, Note: "550"}}
	w.all = []store.Event{ // newest first
		{ID: 8, Kind: store.EventSuppressed, List: "news", Reason: store.ReasonBounced},
		{ID: 7, Kind: store.EventUnsubscribed, List: "left", Reason: store.ReasonUnsubscribed},
		{ID: 6, Kind: store.EventUnsubscribed, List: "left", Reason: store.ReasonUnsubscribed},
		{ID: 5, Kind: store.EventPaused, Reason: store.ReasonPausedAll},
	}
	want := []record.Suppression{
		{Recipient: ada, Reason: "paused-all", Since: start, Way: "page", Until: until, Event: 5},
		{Recipient: ada, List: "left", Reason: "unsubscribed", Since: start, Way: "mail", Event: 7},
		{Recipient: ada, List: "news", Reason: "bounced", Since: start, Note: "550", Event: 8},
		{Recipient: "hash-of-eve", Reason: "unsubscribed-all", Since: start},
	}
	page := call[record.SuppressionPage](w, "GET", "/api/v1/suppressions?full=true", "")
	if d := cmp.Diff(want, page.Items); d != "" {
		t.Error(d)
	}
	page = call[record.SuppressionPage](w, "GET", "/api/v1/suppressions?full=true&reason=paused-all&hash=keyed", "")
	if len(page.Items) != 1 || page.Items[0].Recipient != "hash-of-ada.example.com" {
		t.Errorf("keyed: %+v", page.Items)
	}
	page = call[record.SuppressionPage](w, "GET", "/api/v1/suppressions?hash=keyed", "")
	if len(page.Items) != 3 || page.Items[2].Recipient != "hash-of-eve" {
		t.Errorf("an erased person's hash: %+v", page.Items)
	}
	for _, e := range call[record.SuppressionPage](w, "GET", "/api/v1/suppressions", "").Items {
		if !e.Until.IsZero() || e.Event != 0 {
			t.Errorf("a plain listing has %+v", e)
		}
	}
}

// What is recorded for a list that no mail was seen of holds for the posts that
// come later, so the list is known from then on; nothing invalid makes one.
func TestSuppressingAddsTheList(t *testing.T) {
	w := newWorld(t)
	call[record.Changed](w, "POST", "/api/v1/suppressions", `{"recipient":"ada@example.com","list":"Talk.example.org"}`)
	call[record.Chosen](w, "POST", "/api/v1/recipients/ada@example.com/choices", `{"choices":[{"list":"club.example.org","state":"unsubscribed"}]}`)
	call[record.Changed](w, "POST", "/api/v1/suppressions", `{"recipient":"ada@example.com"}`)
	w.send(request("POST", "/api/v1/suppressions", `{"recipient":"ada@example.com","list":"x.example.org","reason":"mood"}`))
	if w.known["talk.example.org"].Key != listunsub.ListKey("talk.example.org") || w.known["club.example.org"].ID == "" {
		t.Errorf("lists %+v", w.known)
	}
	if _, made := w.known["x.example.org"]; made || len(w.known) != 3 {
		t.Errorf("lists %+v", w.known)
	}
}

// A pause that is taken over never shortens what stops mail already, and keeps
// a limit for afterwards.
func TestPauseNeverEndsMore(t *testing.T) {
	until := start.Add(30 * 24 * time.Hour)
	for name, c := range map[string]struct {
		stands store.Choice
		want   int
		every  store.Frequency
	}{
		"nothing":      {store.Choice{List: "other", State: store.Unsubscribed}, 1, ""},
		"subscribed":   {store.Choice{List: "news", State: store.Subscribed}, 1, ""},
		"limited":      {store.Choice{List: "news", State: store.Limited, Every: store.Weekly}, 1, store.Weekly},
		"shorter":      {store.Choice{List: "news", State: store.Paused, Until: start, Every: store.Daily}, 1, store.Daily},
		"same":         {store.Choice{List: "news", State: store.Paused, Until: until}, 0, ""},
		"longer":       {store.Choice{List: "news", State: store.Paused, Until: until.Add(time.Hour)}, 0, ""},
		"unsubscribed": {store.Choice{List: "news", State: store.Unsubscribed}, 0, ""},
	} {
		w := newWorld(t)
		w.known["news"] = store.List{ID: "news"}
		w.person = store.Person{Choices: []store.Choice{c.stands}}
		got := call[record.Changed](w, "POST", "/api/v1/suppressions",
			`{"recipient":"ada@example.com","list":"news","reason":"paused","until":"2026-12-23T12:00:00Z","since":"2026-10-01T00:00:00Z"}`)
		if got.Changed != c.want || len(w.calls) != c.want {
			t.Errorf("%s: changed %d, %q", name, got.Changed, w.calls)
		}
		if c.want == 0 {
			continue
		}
		want := []consent.Wish{{List: "news", State: store.Paused, Until: until, Every: c.every}}
		if d := cmp.Diff(want, w.decision.Wishes); d != "" || !cmp.Equal(*w.decision.If, w.person) {
			t.Errorf("%s: %s, if %+v", name, d, w.decision.If)
		}
		if since := w.evidence[0].Since; !since.Equal(time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%s: since %s", name, since)
		}
	}
}

// "Nothing" would be wrong of who left and whose record is lost.
func TestDamagedPersonIsNotCalledFree(t *testing.T) {
	w := newWorld(t)
	w.person = store.Person{Damaged: true}
	if p := w.refused(request("GET", "/api/v1/suppressions?recipient=ada@example.com", ""), 503); !strings.Contains(p.Detail, "offramp repair") {
		t.Errorf("%q", p.Detail)
	}
}
