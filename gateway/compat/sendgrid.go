package compat

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"offramp/gateway/access"
	"offramp/gateway/envelope"
	"offramp/store"
)

// sendgrid is the part of its API v3 about suppressions. Its groups are lists.
var sendgrid = vendor{
	name:       "sendgrid",
	credential: func(r *http.Request) string { return access.ClientOf(r).Credential },
	refuse: func(w http.ResponseWriter, status int, detail string) {
		type failure struct {
			Message string  `json:"message"`
			Field   *string `json:"field"`
		}
		writeJSON(w, status, map[string][]failure{"errors": {{Message: detail}}})
	},
	routes: []route{
		{pattern: "GET /v3/suppression/{kind}", scope: access.Read, serve: (*call).sgList},
		{pattern: "DELETE /v3/suppression/{kind}", scope: access.Write, serve: (*call).sgDelete},
		{pattern: "GET /v3/suppression/{kind}/{email}", scope: access.Read, serve: (*call).sgGet},
		{pattern: "DELETE /v3/suppression/{kind}/{email}", scope: access.Write, serve: (*call).sgDeleteOne},
		{pattern: "POST /v3/asm/suppressions/global", scope: access.Write, serve: (*call).sgGlobalAdd},
		{pattern: "GET /v3/asm/suppressions/global/{email}", scope: access.Read, serve: (*call).sgGlobalGet},
		{pattern: "DELETE /v3/asm/suppressions/global/{email}", scope: access.Write, serve: (*call).sgGlobalDelete},
		{pattern: "GET /v3/asm/groups", scope: access.Read, lists: true, serve: (*call).sgGroups},
		{pattern: "POST /v3/asm/groups", scope: access.Write, serve: (*call).sgGroupAdd},
		{pattern: "GET /v3/asm/groups/{id}", scope: access.Read, lists: true, serve: (*call).sgGroup},
		{pattern: "PATCH /v3/asm/groups/{id}", scope: access.Write, lists: true, serve: (*call).sgGroupChange},
		{pattern: "DELETE /v3/asm/groups/{id}", scope: access.Write, lists: true, serve: (*call).sgGroupDelete},
		{pattern: "GET /v3/asm/groups/{id}/suppressions", scope: access.Read, lists: true, serve: (*call).sgMembers},
		{pattern: "POST /v3/asm/groups/{id}/suppressions", scope: access.Write, lists: true, serve: (*call).sgMemberAdd},
		{pattern: "POST /v3/asm/groups/{id}/suppressions/search", scope: access.Read, lists: true, serve: (*call).sgMemberSearch},
		{pattern: "DELETE /v3/asm/groups/{id}/suppressions/{email}", scope: access.Write, lists: true, serve: (*call).sgMemberDelete},
		{pattern: "GET /v3/asm/suppressions", scope: access.Read, lists: true, serve: (*call).sgAll},
		{pattern: "GET /v3/asm/suppressions/{email}", scope: access.Read, lists: true, serve: (*call).sgOfOne},
	},
}

// sgRecord is a record of /v3/suppression; the fields after Email depend on the
// kind.
type sgRecord struct {
	Created int64   `json:"created"`
	Email   string  `json:"email"`
	Reason  *string `json:"reason,omitempty"`
	Status  *string `json:"status,omitempty"`
	IP      *string `json:"ip,omitempty"`
}

// sgWant says which records a kind has. Blocks are temporary there, and invalid
// addresses are bounces here, so those two are empty.
func (c *call) sgWant() (w want, empty bool, err error) {
	switch c.r.PathValue("kind") {
	case "bounces":
		return forAll(store.ReasonBounced), false, nil
	case "spam_reports":
		return forAll(store.ReasonComplained), false, nil
	case "unsubscribes":
		all := store.AllLists
		return unsubscribed(&all), false, nil
	case "blocks", "invalid_emails":
		return want{}, true, nil
	}
	return want{}, false, errNoRoute
}

func (c *call) sgRecordOf(p person) sgRecord {
	one, empty := sgRecord{Created: p.first().Unix(), Email: p.address}, ""
	switch c.r.PathValue("kind") {
	case "bounces":
		note := p.entries[0].note
		status := enhanced.FindString(note)
		one.Reason, one.Status = &note, &status
	case "spam_reports":
		one.IP = &empty
	}
	return one
}

// enhanced is a status of RFC 3463.
var enhanced = regexp.MustCompile(`\b[245]\.[0-9]{1,3}\.[0-9]{1,3}\b`)

// sgMost is the most records of a page.
const sgMost = 500

// sgPage reads start_time, end_time, limit and offset.
func (c *call) sgPage(w *want) (limit, offset int, err error) {
	q, limit := c.r.URL.Query(), sgMost
	for name, to := range map[string]*time.Time{"start_time": &w.since, "end_time": &w.until} {
		if text := q.Get(name); text != "" {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return 0, 0, badRequest("%s must be a Unix time in seconds", name)
			}
			*to = time.Unix(n, 0)
		}
	}
	if !w.until.IsZero() {
		w.until = w.until.Add(time.Second - 1) // times are whole seconds there
	}
	for name, to := range map[string]*int{"limit": &limit, "offset": &offset} {
		if text := q.Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 {
				return 0, 0, badRequest("%s must be a positive number", name)
			}
			*to = n
		}
	}
	if limit == 0 || limit > sgMost {
		limit = sgMost
	}
	return limit, offset, nil
}

func (c *call) sgList() error {
	w, empty, err := c.sgWant()
	if err != nil {
		return err
	}
	limit, offset, err := c.sgPage(&w)
	if err != nil {
		return err
	}
	page := []sgRecord{}
	if empty {
		return c.answer(http.StatusOK, page)
	}
	for p, err := range c.people(c.ctx, w, "") {
		if err != nil {
			return err
		}
		if offset > 0 {
			offset--
			continue
		}
		if page = append(page, c.sgRecordOf(p)); len(page) == limit {
			break
		}
	}
	return c.answer(http.StatusOK, page)
}

func (c *call) sgGet() error {
	w, empty, err := c.sgWant()
	if err != nil {
		return err
	}
	page := []sgRecord{}
	a, err := parse(c.r.PathValue("email"))
	if err != nil || empty {
		return c.result(page, err)
	}
	p, err := c.one(c.ctx, w, a)
	if err == nil && len(p.entries) > 0 {
		page = append(page, c.sgRecordOf(p))
	}
	return c.result(page, err)
}

// result answers with v unless there was an error.
func (c *call) result(v any, err error) error {
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, v)
}

// sgDelete removes records of all or of some. A person's own choice is none of
// them: of unsubscribes that API only has removal of one address.
func (c *call) sgDelete() error {
	var q struct {
		DeleteAll bool     `json:"delete_all"`
		Emails    []string `json:"emails"`
	}
	if err := c.body(&q); err != nil {
		return err
	}
	w, empty, err := c.sgWant()
	switch {
	case err != nil:
		return err
	case c.r.PathValue("kind") == "unsubscribes":
		return errGlobal
	case q.DeleteAll == (len(q.Emails) > 0):
		return badRequest("give either delete_all or emails")
	case empty:
	case q.DeleteAll:
		_, err = c.liftAll(w)
	default:
		err = c.liftSome(w, q.Emails)
	}
	if err == nil {
		c.w.WriteHeader(http.StatusNoContent)
	}
	return err
}

var errGlobal = refusal{http.StatusMethodNotAllowed, "Remove a global unsubscribe with DELETE /v3/asm/suppressions/global/{email}."}

// sgDeleteOne removes the records of one address; that API answers 404 when there
// is none.
func (c *call) sgDeleteOne() error {
	w, empty, err := c.sgWant()
	switch {
	case err != nil:
		return err
	case c.r.PathValue("kind") == "unsubscribes":
		return errGlobal
	case empty:
		return store.ErrNotFound
	}
	found, err := c.liftOne(w, c.r.PathValue("email"))
	if err == nil && !found {
		err = store.ErrNotFound
	}
	if err == nil {
		c.w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// sgEmails is the body of what adds people or looks for them.
type sgEmails struct {
	Emails []string `json:"recipient_emails"`
}

// mostEmails is how many addresses one call takes.
const mostEmails = 1000

// emails reads and checks the addresses of a body: one that is invalid refuses
// all of them, so that none is lost.
func (c *call) emails() (q sgEmails, all []envelope.Address, err error) {
	if err := c.body(&q); err != nil {
		return q, nil, err
	}
	if len(q.Emails) == 0 || len(q.Emails) > mostEmails {
		return q, nil, badRequest("the number of recipient_emails must be from 1 to %d", mostEmails)
	}
	all, err = addresses(q.Emails)
	return q, all, err
}

func addresses(texts []string) (all []envelope.Address, err error) {
	for i, text := range texts {
		a, err := parse(text)
		if err != nil {
			return nil, badRequest("address %d is not a valid mail address", i+1)
		}
		all = append(all, a)
	}
	return all, nil
}

func (c *call) sgGlobalAdd() error {
	q, all, err := c.emails()
	if err != nil {
		return err
	}
	if err := c.optOutAll(all, store.AllLists); err != nil {
		return err
	}
	return c.answer(http.StatusCreated, q)
}

func (c *call) sgGlobalGet() error {
	list := store.AllLists
	a, err := parse(c.r.PathValue("email"))
	if err != nil {
		return err
	}
	p, err := c.one(c.ctx, unsubscribed(&list), a)
	found := map[string]string{}
	if len(p.entries) > 0 {
		found["recipient_email"] = c.r.PathValue("email")
	}
	return c.result(found, err)
}

// sgGlobalDelete takes the opt-out of one person from all lists back, also the
// person's own: that is what the call means.
func (c *call) sgGlobalDelete() error {
	list := store.AllLists
	return c.sgRemove(unsubscribed(&list))
}

func (c *call) sgRemove(w want) error {
	if _, err := c.liftOne(w, c.r.PathValue("email")); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// body reads a JSON body. Fields that are not known are no error: clients send
// what the vendor knows.
func (c *call) body(v any) error {
	raw, err := c.read()
	if err != nil {
		return err
	}
	if json.Unmarshal(raw, v) != nil {
		return badRequest("the body is not the JSON that this call takes")
	}
	return nil
}

// read reads the whole body.
func (c *call) read() ([]byte, error) {
	raw, err := io.ReadAll(c.r.Body)
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLarge) {
		err = badRequest("the body ends early")
	}
	return raw, err
}

// origin is the URL of this server as the client wrote it.
func (c *call) origin() *url.URL {
	u := &url.URL{Scheme: "http", Host: c.r.Host}
	if c.r.TLS != nil || c.r.Header.Get("X-Forwarded-Proto") == "https" {
		u.Scheme = "https"
	}
	return u
}
