package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"offramp/cmd/offramp/internal/demo/inbox"
	"offramp/cmd/offramp/internal/terminal"
	"offramp/listunsub"
	"offramp/store"
	"offramp/testdata"
)

// step is one scene of the story: what must hold, and how it is tried.
type step struct {
	claim string
	try   func(ctx context.Context) error
}

// play runs the story and stops at the first step that fails.
func (d *Demo) play(ctx context.Context) error {
	a := d.Screen
	ada, ben, chloe := people[0], people[1], people[2]
	for _, s := range []step{
		{"a newsletter for three people is accepted and arrives at each of them", d.tryIssue(ada, ben, chloe)},
		{"each copy has List-Unsubscribe and List-Unsubscribe-Post, with its own token", d.tryHeaders},
		{"the linter finds no problems", d.tryLint},
		{"every DKIM signature is valid and covers both fields (RSA and Ed25519)", d.trySignatures},
		{"links in the text are filled in for each person", d.tryBody},
		{"looking at a link (GET, HEAD, OPTIONS) opts nobody out", d.tryLooking(ada)},
		{"a forged link is refused with 404", d.tryForged},
		{"Ada's provider posts one-click: 200, no redirect, no cookie", d.tryOneClick(ada)},
		{"posting it again succeeds too", d.tryOneClick(ada)},
		{"the next issue reaches Ben and Chloe, and not Ada", d.tryIssue(ben, chloe)},
		{"a password reset still reaches Ada, untouched", d.tryReset(ada)},
		{"Ben opts out by mail to the address in his header", d.tryMail(ben)},
		{"mail to a made-up opt-out address is refused at RCPT", d.tryForgedMail},
		{"Chloe unsubscribes on the page, and undoes it", d.tryPage(chloe)},
		{"the next issue reaches Chloe alone", d.tryIssue(chloe)},
		{"Chloe's mailbox is gone: the bounce is read, and goes on to the sender", d.tryBounce(chloe)},
		{"the next issue reaches nobody", d.tryIssue()},
		{"the queue is empty and every opt-out is on record", d.tryRecords},
	} {
		if err := s.try(ctx); err != nil {
			if ctx.Err() != nil {
				return errors.New("demo: ended before the last step")
			}
			a.Print("%s %s: %v", a.Paint("FAIL", terminal.Red), s.claim, err)
			return ErrFailed
		}
		a.Print("%s   %s", a.Paint("ok", terminal.Green), s.claim)
	}
	return nil
}

// tryIssue sends an issue and checks that exactly these people get it.
func (d *Demo) tryIssue(want ...inbox.Mailbox) func(context.Context) error {
	return func(ctx context.Context) error {
		before := len(d.sink.Messages())
		if err := d.sendIssue(ctx); err != nil {
			return err
		}
		if err := d.settled(ctx); err != nil {
			return err
		}
		if _, err := d.await(ctx, before+len(want)); err != nil {
			return err
		}
		var got, names []string
		for _, m := range d.sink.Messages()[before:] {
			got = append(got, m.Recipients...)
		}
		for _, p := range want {
			names = append(names, p.Address)
		}
		slices.Sort(got)
		if !slices.Equal(got, names) {
			return fmt.Errorf("it went to %s", strings.Join(got, ", "))
		}
		return nil
	}
}

func (d *Demo) tryHeaders(context.Context) error {
	seen := map[string]bool{}
	for _, p := range people {
		raw := d.lettersOf(p)[0].Data
		uri := oneClickURI(raw)
		if uri == "" {
			return fmt.Errorf("%s has no one-click address", p.Name)
		}
		if seen[uri] {
			return fmt.Errorf("%s has another person's address", p.Name)
		}
		seen[uri] = true
		c, err := d.server.Tokens.Open(uri[strings.LastIndexByte(uri, '/')+1:], listunsub.HeaderLink)
		if err != nil || c.Recipient != p.Address || c.List != list {
			return fmt.Errorf("%s's token is for %q and the list %q", p.Name, c.Recipient, c.List)
		}
	}
	return nil
}

func (d *Demo) tryLint(context.Context) error {
	for _, p := range people {
		if found := listunsub.Lint(d.lettersOf(p)[0].Data); len(found) > 0 {
			return fmt.Errorf("%s: %s", p.Name, found[0])
		}
	}
	return nil
}

func (d *Demo) trySignatures(context.Context) error {
	for _, p := range people {
		if err := d.verify(d.lettersOf(p)[0].Data); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	return nil
}

func (d *Demo) tryBody(context.Context) error {
	for _, p := range people {
		_, body, _ := strings.Cut(string(d.lettersOf(p)[0].Data), "\r\n\r\n")
		// Undo the soft line breaks of quoted-printable (RFC 2045 section 6.7).
		body = strings.ReplaceAll(body, "=\r\n", "")
		if strings.Contains(body, "{{offramp") || !strings.Contains(body, d.server.PublicURL+"/p/") {
			return fmt.Errorf("%s's text has no personal link", p.Name)
		}
	}
	return nil
}

// request asks as a browser or scanner would, and follows nothing.
func (d *Demo) request(ctx context.Context, method, uri string, form url.Values) (status int, header http.Header, body string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, uri, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, "", err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := d.transport().RoundTrip(req)
	if err != nil {
		return 0, nil, "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, resp.Header, string(raw), err
}

// chosen returns what is on record for a person and the list.
func (d *Demo) chosen(ctx context.Context, p inbox.Mailbox) ([]store.Choice, error) {
	standing, err := d.server.Consent.Standing(ctx, p.Address, list)
	return standing.Choices, err
}

func (d *Demo) tryLooking(p inbox.Mailbox) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
			status, _, body, err := d.request(ctx, method, oneClickURI(d.lettersOf(p)[0].Data), nil)
			if err != nil {
				return err
			}
			if status >= 300 {
				return fmt.Errorf("%s answers %d", method, status)
			}
			if strings.Contains(body, "<script") {
				return errors.New("the page has a script")
			}
		}
		choices, err := d.chosen(ctx, p)
		if err == nil && len(choices) > 0 {
			err = errors.New("it did")
		}
		return err
	}
}

func (d *Demo) tryForged(ctx context.Context) error {
	uri := oneClickURI(d.lettersOf(people[0])[0].Data)
	at := len(uri) - 8
	other := byte('A')
	if uri[at] == other {
		other = 'B'
	}
	status, _, _, err := d.request(ctx, http.MethodPost, uri[:at]+string(other)+uri[at+1:], url.Values{"List-Unsubscribe": {"One-Click"}})
	if err == nil && status != http.StatusNotFound {
		err = fmt.Errorf("it was answered %d", status)
	}
	return err
}

func (d *Demo) tryOneClick(p inbox.Mailbox) func(context.Context) error {
	return func(ctx context.Context) error {
		status, header, _, err := d.request(ctx, http.MethodPost, oneClickURI(d.lettersOf(p)[0].Data), url.Values{"List-Unsubscribe": {"One-Click"}})
		switch {
		case err != nil:
			return err
		case status != http.StatusOK:
			return fmt.Errorf("it was answered %d", status)
		case header.Get("Set-Cookie") != "" || header.Get("Location") != "":
			return errors.New("the answer carries a cookie or a redirect")
		}
		return d.mustBeOff(ctx, p)
	}
}

func (d *Demo) mustBeOff(ctx context.Context, p inbox.Mailbox) error {
	choices, err := d.chosen(ctx, p)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(choices, func(c store.Choice) bool { return c.State == store.Unsubscribed }) {
		return fmt.Errorf("%s is still on the list", p.Name)
	}
	return nil
}

func (d *Demo) tryReset(p inbox.Mailbox) func(context.Context) error {
	return func(ctx context.Context) error {
		raw, err := testdata.Message(testdata.Reset)
		if err != nil {
			return err
		}
		before := len(d.sink.Messages())
		if err := d.submit(ctx, "shop@"+Domain, []string{p.Address}, raw); err != nil {
			return err
		}
		all, err := d.await(ctx, before+1)
		if err != nil {
			return err
		}
		got := all[before].Data
		if fieldOf(got, "List-Unsubscribe") != "" || fieldOf(got, "X-Offramp-List") != "" {
			return errors.New("it carries a field it must not")
		}
		return nil
	}
}

func (d *Demo) tryMail(p inbox.Mailbox) func(context.Context) error {
	return func(ctx context.Context) error {
		uris, err := listunsub.Parse(fieldOf(d.lettersOf(p)[0].Data, "List-Unsubscribe"))
		if err != nil {
			return err
		}
		to := ""
		for _, u := range uris {
			if parsed, err := url.Parse(u); err == nil && parsed.Scheme == "mailto" {
				if to, err = url.PathUnescape(parsed.Opaque); err != nil {
					return err
				}
			}
		}
		if to == "" {
			return errors.New("there is no mail address in the header")
		}
		note := "From: " + p.Address + "\r\nTo: " + to + "\r\nSubject: unsubscribe\r\nMessage-ID: <leave." + p.Address + ">\r\n\r\n"
		if err := d.submit(ctx, p.Address, []string{to}, []byte(note)); err != nil {
			return err
		}
		return d.mustBeOff(ctx, p)
	}
}

func (d *Demo) tryForgedMail(ctx context.Context) error {
	err := d.submit(ctx, people[2].Address, []string{"u+" + strings.Repeat("a", 50) + "@" + Feedback}, []byte("Subject: unsubscribe\r\n\r\n"))
	if err == nil {
		return errors.New("it was accepted")
	}
	if !strings.Contains(err.Error(), "5.1.1") && !strings.Contains(err.Error(), "550") {
		return err
	}
	return nil
}

// formField finds the hidden fields of the page's form.
var formField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

func (d *Demo) tryPage(p inbox.Mailbox) func(context.Context) error {
	return func(ctx context.Context) error {
		uri := oneClickURI(d.lettersOf(p)[0].Data)
		_, _, body, err := d.request(ctx, http.MethodGet, uri, nil)
		if err != nil {
			return err
		}
		if body, err = d.pressForm(ctx, uri, body); err != nil {
			return err
		}
		if err := d.mustBeOff(ctx, p); err != nil {
			return err
		}
		if _, err = d.pressForm(ctx, uri, body); err != nil {
			return fmt.Errorf("undo: %w", err)
		}
		if d.mustBeOff(ctx, p) == nil {
			return errors.New("the undo changed nothing")
		}
		return nil
	}
}

// pressForm presses the one button of a page and returns the page after it.
func (d *Demo) pressForm(ctx context.Context, uri, body string) (string, error) {
	// The body begins with the seal, as a browser sends the fields in order.
	var pairs []string
	for _, f := range formField.FindAllStringSubmatch(body, -1) {
		pairs = append(pairs, url.QueryEscape(f[1])+"="+url.QueryEscape(f[2]))
	}
	if len(pairs) == 0 {
		return "", errors.New("the page has no button")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, uri, strings.NewReader(strings.Join(pairs, "&")))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := d.transport().RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("the button's request is answered %d", resp.StatusCode)
	}
	return string(raw), err
}

func (d *Demo) tryRecords(ctx context.Context) error {
	if err := d.settled(ctx); err != nil {
		return err
	}
	events, err := d.server.Consent.Events(ctx, store.EventFilter{Kinds: []store.EventKind{store.EventUnsubscribed}})
	if err != nil {
		return err
	}
	var ways []string
	for _, e := range events {
		ways = append(ways, e.Recipient+" "+string(e.Way))
	}
	want := []string{people[0].Address + " one-click", people[1].Address + " mail", people[2].Address + " page"}
	if !slices.Equal(ways, want) {
		return fmt.Errorf("on record: %s", strings.Join(ways, ", "))
	}
	return nil
}
