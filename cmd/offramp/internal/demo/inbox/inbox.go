// Package inbox is a mailbox provider in small, for the demo: it shows what
// arrived for a few people, with an Unsubscribe button beside the sender as
// large providers show it, and presses that button for a person the way they
// do: with the one-click request of RFC 8058, sent by the provider's server.
package inbox

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"time"
)

// Mailbox is one person.
type Mailbox struct {
	Name    string
	Address string
}

// Received is one message in a mailbox.
type Received struct {
	Raw    []byte // as it arrived
	At     time.Time
	Signed bool // a DKIM signature was verified that covers both List-Unsubscribe fields
}

// Inbox shows mailboxes. All fields must be set.
type Inbox struct {
	Mailboxes []Mailbox
	// Messages returns what arrived for an address, oldest first.
	Messages func(address string) []Received
	// Press sends the one-click request of a message ([Press] does it).
	Press func(ctx context.Context, uri string) (Answer, error)
	// Link turns an address in a message into the one to offer in the page.
	Link func(address string) string
	// Send hands the newsletter to Offramp once more.
	Send func(ctx context.Context) error
}

//go:embed page.html style.css
var files embed.FS

// Handler returns the pages. It refuses requests that other sites' pages make,
// so that only the person at the demo presses its buttons.
func (in *Inbox) Handler() http.Handler {
	pages := template.Must(template.ParseFS(files, "page.html"))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { in.show(w, r, pages, result{}) })
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, "style.css") })
	mux.HandleFunc("POST /unsubscribe", func(w http.ResponseWriter, r *http.Request) { in.show(w, r, pages, in.press(r)) })
	mux.HandleFunc("POST /send", func(w http.ResponseWriter, r *http.Request) { in.show(w, r, pages, in.send(r)) })
	return headers(http.NewCrossOriginProtection().Handler(mux))
}

func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// result is what a button did.
type result struct {
	Done   string // one sentence, empty: no button was pressed
	Failed bool
	Answer *Answer
}

// person is one mailbox as the page shows it.
type person struct {
	Mailbox
	Initial string
	Index   int
	Unread  int
	Current bool
}

type page struct {
	People  []person
	Current person
	Letters []letter // newest first
	Result  result
}

func (in *Inbox) show(w http.ResponseWriter, r *http.Request, pages *template.Template, done result) {
	current := in.person(r)
	p := page{Result: done}
	for i, m := range in.Mailboxes {
		one := person{Mailbox: m, Initial: initial(m.Name), Index: i, Unread: len(in.Messages(m.Address)), Current: i == current}
		if one.Current {
			p.Current = one
		}
		p.People = append(p.People, one)
	}
	for i, m := range in.Messages(in.Mailboxes[current].Address) {
		p.Letters = append([]letter{in.letter(i, m)}, p.Letters...)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if done.Failed {
		w.WriteHeader(http.StatusBadGateway)
	}
	// The client is gone when this fails, and nobody is left to notify.
	_ = pages.ExecuteTemplate(w, "page.html", p)
}

// person is the index of the mailbox a request is about; the first by default.
func (in *Inbox) person(r *http.Request) int {
	i, err := strconv.Atoi(r.FormValue("person"))
	if err != nil || i < 0 || i >= len(in.Mailboxes) {
		return 0
	}
	return i
}

func (in *Inbox) press(r *http.Request) result {
	mailbox := in.Mailboxes[in.person(r)]
	all := in.Messages(mailbox.Address)
	i, err := strconv.Atoi(r.FormValue("message"))
	if err != nil || i < 0 || i >= len(all) {
		return result{Done: "That message is not here any more.", Failed: true}
	}
	l := in.letter(i, all[i])
	if l.OneClick == "" {
		return result{Done: "This message has no one-click unsubscribe.", Failed: true}
	}
	answer, err := in.Press(r.Context(), l.OneClick)
	switch {
	case err != nil:
		return result{Done: "Offramp could not be reached: " + err.Error(), Failed: true}
	case answer.Status != http.StatusOK:
		return result{Done: "Offramp answered " + strconv.Itoa(answer.Status) + ".", Failed: true, Answer: &answer}
	}
	return result{Done: mailbox.Name + " is unsubscribed from “" + l.List + "”. Send the next issue and see who gets it.", Answer: &answer}
}

func (in *Inbox) send(r *http.Request) result {
	if err := in.Send(r.Context()); err != nil {
		if errors.Is(err, context.Canceled) {
			return result{}
		}
		return result{Done: "The newsletter was not accepted: " + err.Error(), Failed: true}
	}
	return result{Done: "The newsletter was sent again."}
}
