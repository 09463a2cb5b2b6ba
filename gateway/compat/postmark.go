package compat

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"offramp/gateway/access"
	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/listunsub"
	"offramp/store"
)

// postmark is its API of suppressions. A message stream is the list of that
// name; "outbound" and "broadcast" are all lists.
var postmark = vendor{
	name:       "postmark",
	credential: func(r *http.Request) string { return strings.TrimSpace(r.Header.Get("X-Postmark-Server-Token")) },
	refuse: func(w http.ResponseWriter, status int, detail string) {
		type failure struct {
			ErrorCode int
			Message   string
		}
		code := pmInvalid
		switch status {
		case http.StatusUnauthorized, http.StatusForbidden:
			code = pmToken
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
			status = http.StatusUnprocessableEntity
		case http.StatusInternalServerError, http.StatusServiceUnavailable:
			code = pmOffline
		}
		writeJSON(w, status, failure{code, detail})
	},
	routes: []route{
		{pattern: "GET /message-streams/{stream}/suppressions/dump", scope: access.Read, lists: true, serve: (*call).pmDump},
		{pattern: "POST /message-streams/{stream}/suppressions", scope: access.Write, lists: true, serve: (*call).pmAdd},
		{pattern: "POST /message-streams/{stream}/suppressions/delete", scope: access.Write, lists: true, serve: (*call).pmDelete},
	},
}

// Error codes of that API.
const (
	pmToken   = 10  // bad or missing API token
	pmOffline = 100 // maintenance
	pmInvalid = 403 // incompatible JSON
)

// pmMost is the most addresses of one call.
const pmMost = 50

// pmList returns the list of the stream in the path.
func (c *call) pmList() (string, error) {
	list := store.AllLists
	switch stream := c.r.PathValue("stream"); strings.ToLower(stream) {
	case "outbound", "broadcast":
	default:
		list = listunsub.CanonicalID(stream)
	}
	return list, c.within(list)
}

// pmWant are all causes of a list.
func pmWant(list string) want {
	return want{list: &list, choices: true, reasons: []store.Reason{store.ReasonManual, store.ReasonBounced, store.ReasonComplained}}
}

// Reasons and origins of that API.
const (
	pmHard, pmSpam, pmManual = "HardBounce", "SpamComplaint", "ManualSuppression"
	pmRecipient, pmCustomer  = "Recipient", "Customer"
)

// pmRecord is one line of a dump.
type pmRecord struct {
	EmailAddress, SuppressionReason, Origin, CreatedAt string
}

func pmRecordOf(p person, e entry) pmRecord {
	r := pmRecord{p.address, pmManual, pmCustomer, e.since.UTC().Format(time.RFC3339)}
	switch {
	case e.reason == store.ReasonBounced:
		r.SuppressionReason, r.Origin = pmHard, pmRecipient
	case e.reason == store.ReasonComplained:
		r.SuppressionReason, r.Origin = pmSpam, pmRecipient
	case e.own:
		r.Origin = pmRecipient
	}
	return r
}

// pmStronger says which cause of a person a dump has: there is one for each
// address, that which is hardest to remove.
func pmStronger(p person) entry {
	rank := func(e entry) int {
		switch {
		case e.reason == store.ReasonComplained:
			return 3
		case e.own:
			return 2
		case e.reason == store.ReasonBounced:
			return 1
		}
		return 0
	}
	best := p.entries[0]
	for _, e := range p.entries[1:] {
		if rank(e) > rank(best) {
			best = e
		}
	}
	return best
}

// pmFilter reads the parameters of a dump, whose names are taken in any case.
func (c *call) pmFilter(w *want) (fits func(pmRecord) bool, err error) {
	given := map[string]string{}
	for name, values := range c.r.URL.Query() {
		given[strings.ToLower(name)] = values[0]
	}
	for name, to := range map[string]*time.Time{"fromdate": &w.since, "todate": &w.until} {
		text := given[name]
		if text == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			if t, err = time.Parse(time.DateOnly, text); err != nil {
				return nil, badRequest("%s must be a date like 2020-02-01", name)
			}
			if name == "todate" { // inclusive
				t = t.Add(24*time.Hour - time.Microsecond)
			}
		}
		*to = t
	}
	if text := given["emailaddress"]; text != "" {
		a, err := parse(text)
		if err != nil {
			return nil, err
		}
		w.address = a.Key()
	}
	reason, origin := given["suppressionreason"], given["origin"]
	return func(r pmRecord) bool {
		return (reason == "" || strings.EqualFold(reason, r.SuppressionReason)) && (origin == "" || strings.EqualFold(origin, r.Origin))
	}, nil
}

// pmDump writes all records at once, as that API does; they are not collected
// first.
func (c *call) pmDump() error {
	list, err := c.pmList()
	if err != nil {
		return err
	}
	w := pmWant(list)
	fits, err := c.pmFilter(&w)
	if err != nil {
		return err
	}
	started := false
	write := func(text string) {
		if !started {
			c.w.Header().Set("Content-Type", "application/json")
			c.w.WriteHeader(http.StatusOK)
			_, _ = c.w.Write([]byte(`{"Suppressions":[`))
		}
		_, _ = c.w.Write([]byte(text))
		started = true
	}
	comma := ""
	for p, err := range c.people(c.ctx, w, "") {
		if err != nil && !started {
			return err
		}
		if err != nil {
			// Part of it is out: the client must not take it for the whole.
			c.log().ErrorContext(c.ctx, "a dump of suppressions ended early", "error", err)
			panic(http.ErrAbortHandler)
		}
		if r := pmRecordOf(p, pmStronger(p)); fits(r) {
			raw, err := json.Marshal(r)
			if err != nil {
				return err
			}
			write(comma + string(raw))
			comma = ","
		}
	}
	write("]}\n")
	return nil
}

// pmAnswer is what became of one address.
type pmAnswer struct {
	EmailAddress, Status string
	Message              *string
}

// Texts of that API.
const (
	pmBadAddress  = "An invalid email address was provided."
	pmNoAuthority = "You do not have the required authority to change this suppression."
)

// pmEach changes addresses one by one: one that is invalid does not refuse the
// others.
func (c *call) pmEach(done string, change func(ctx context.Context, a envelope.Address) (refused string, err error)) error {
	var q struct {
		Suppressions []struct{ EmailAddress string }
	}
	if err := c.body(&q); err != nil {
		return err
	}
	if len(q.Suppressions) == 0 || len(q.Suppressions) > pmMost {
		return badRequest("the number of addresses must be from 1 to %d", pmMost)
	}
	all := make([]pmAnswer, len(q.Suppressions))
	err := c.each(len(all), func(ctx context.Context, i int) error {
		all[i] = pmAnswer{EmailAddress: q.Suppressions[i].EmailAddress, Status: done}
		refused := pmBadAddress
		if a, err := parse(all[i].EmailAddress); err == nil {
			if refused, err = change(ctx, a); err != nil {
				return err
			}
		}
		if refused != "" {
			all[i].Status, all[i].Message = "Failed", &refused
		}
		return nil
	})
	return c.result(map[string][]pmAnswer{"Suppressions": all}, err)
}

func (c *call) pmAdd() error {
	list, err := c.pmList()
	if err == nil {
		err = c.ensure(list)
	}
	if err != nil {
		return err
	}
	now := c.now()
	return c.pmEach("Suppressed", func(ctx context.Context, a envelope.Address) (string, error) {
		return "", c.suppress(ctx, consent.Stop{Subject: consent.Subject{Recipient: a, List: list}, Reason: store.ReasonManual}, now)
	})
}

// pmDelete removes what the operator set and bounces. That API refuses to remove a
// spam complaint, and what a person chose stays too.
func (c *call) pmDelete() error {
	list, err := c.pmList()
	if err != nil {
		return err
	}
	return c.pmEach("Deleted", func(ctx context.Context, a envelope.Address) (string, error) {
		p, err := c.one(ctx, pmWant(list), a)
		if err != nil || len(p.entries) == 0 {
			return "", err
		}
		if e := pmStronger(p); e.own || e.reason == store.ReasonComplained {
			return pmNoAuthority, nil
		}
		return "", c.lift(ctx, a, p.entries)
	})
}
