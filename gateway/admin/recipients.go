package admin

import (
	"net/http"
	"time"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/store"
)

// Recipient is all that is recorded about one person but the events.
type Recipient struct {
	Recipient    string        `json:"recipient"` // lookup key; of an erased person the keyed hash
	Erased       bool          `json:"erased"`
	Damaged      bool          `json:"damaged,omitempty"` // records are damaged or lost; what follows is what is legible, and mail waits
	Choices      []Choice      `json:"choices"`
	Suppressions []Suppression `json:"suppressions"` // for other causes than the person's choice
	Contacts     []Contact     `json:"contacts"`
	Sharing      *Sharing      `json:"sharing,omitempty"` // nil: the person never said
	Bounces      *Bounces      `json:"bounces,omitempty"` // nil: none since mail last arrived
}

// Bounces is soft bounces that came without mail between that arrived.
type Bounces struct {
	Count int64     `json:"count"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
}

// Choice is what a person chose for one list.
type Choice struct {
	List  string    `json:"list"`            // empty: all lists
	State string    `json:"state"`           // subscribed, unsubscribed, paused or limited
	Until time.Time `json:"until,omitzero"`  // of paused
	Every string    `json:"every,omitempty"` // of limited, and of paused what holds afterwards: day, week or month
	Since time.Time `json:"since"`
	Way   string    `json:"way,omitempty"`
}

// Contact is what mail of one list a person was sent.
type Contact struct {
	List  string    `json:"list"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	Count int64     `json:"count"`
}

// Sharing is whether a person lets their data be shared.
type Sharing struct {
	Refused bool      `json:"refused"`
	Since   time.Time `json:"since"`
	Way     string    `json:"way,omitempty"`
}

// Choose is the body of POST /api/v1/recipients/{address}/choices: what a
// person asked the operator for. All of it is recorded or nothing; what is
// left out stays.
type Choose struct {
	Choices       []Wish `json:"choices,omitempty"`
	RefuseSharing *bool  `json:"refuse_sharing,omitempty"`
}

// Wish is one part of a [Choose], with the fields of [Choice].
type Wish struct {
	List  string    `json:"list"`
	State string    `json:"state"`
	Until time.Time `json:"until,omitzero"`
	Every string    `json:"every,omitempty"`
}

// Chosen is the answer: the events that were added, none when all of it stood
// already.
type Chosen struct {
	Events []int64 `json:"events"`
}

// Erased is the answer of DELETE /api/v1/recipients/{address}.
type Erased struct {
	Recipient string `json:"recipient"` // the keyed hash, all that is left of the address
	// Scrub is what done of GET /api/v1/scrub reaches once the last copies on the
	// disk are overwritten; 0: they are.
	Scrub int64 `json:"scrub"`
}

// maxWishes is more than any person gets lists.
const maxWishes = 500

// recipientOf returns the recipient in the path of a request without a query.
func recipientOf(r *http.Request) (envelope.Address, error) {
	if _, err := readQuery(r); err != nil {
		return envelope.Address{}, err
	}
	return address(r.PathValue("address"))
}

func (s *server) recipient(w http.ResponseWriter, r *http.Request) error {
	to, err := recipientOf(r)
	if err != nil {
		return err
	}
	p, err := s.Consent.Person(r.Context(), to)
	if err != nil {
		return err
	}
	out := Recipient{
		Recipient: to.Key(), Erased: p.Erased, Damaged: p.Damaged, Choices: make([]Choice, 0, len(p.Choices)),
		Suppressions: make([]Suppression, 0, len(p.Suppressions)), Contacts: make([]Contact, 0, len(p.Contacts)),
	}
	if p.Erased {
		out.Recipient = s.Records.Hash(to.Key())
	}
	for _, c := range p.Choices {
		out.Choices = append(out.Choices, Choice{
			List: c.List, State: string(c.State), Until: c.Until, Every: string(c.Every), Since: c.Since, Way: string(c.Way),
		})
	}
	for _, o := range p.Suppressions {
		out.Suppressions = append(out.Suppressions, suppressionOf(o))
	}
	for _, c := range p.Contacts {
		out.Contacts = append(out.Contacts, Contact{List: c.List, First: c.First, Last: c.Last, Count: c.Count})
	}
	if !p.Sharing.Since.IsZero() {
		out.Sharing = &Sharing{Refused: p.Sharing.Refused, Since: p.Sharing.Since, Way: string(p.Sharing.Way)}
	}
	if b := p.Bounces; b.Count > 0 {
		out.Bounces = &Bounces{Count: b.Count, First: b.First, Last: b.Last}
	}
	return answer(w, out)
}

func (s *server) choose(w http.ResponseWriter, r *http.Request) error {
	to, err := recipientOf(r)
	if err != nil {
		return err
	}
	var q Choose
	if err := readJSON(r, &q); err != nil {
		return err
	}
	if len(q.Choices) == 0 && q.RefuseSharing == nil {
		return badRequest("Give choices or refuse_sharing.")
	}
	if len(q.Choices) > maxWishes {
		return badRequest("At most %d choices are allowed.", maxWishes)
	}
	d := consent.Decision{Recipient: to, RefuseSharing: q.RefuseSharing}
	for _, c := range q.Choices {
		wish, err := wishOf(c)
		if err != nil {
			return err
		}
		d.Wishes = append(d.Wishes, wish)
	}
	for _, wish := range d.Wishes {
		if err := s.ensure(r.Context(), wish.List); err != nil {
			return err
		}
	}
	events, err := s.Consent.Decide(r.Context(), d, store.Operator, evidence(r))
	if err != nil {
		return err
	}
	return s.changed(w, r, "choices recorded", consent.Stop{Subject: consent.Subject{Recipient: to}}, Chosen{Events: append([]int64{}, events...)})
}

// wishOf refuses what does not belong to a state: whoever gave it meant
// something else.
func wishOf(c Wish) (consent.Wish, error) {
	wish := consent.Wish{List: canonicalList(c.List), State: store.State(c.State), Until: c.Until, Every: store.Frequency(c.Every)}
	switch {
	case wish.State != store.Paused && !c.Until.IsZero():
		return wish, badRequest("until is allowed with the state paused only.")
	case wish.State != store.Paused && wish.State != store.Limited && c.Every != "":
		return wish, badRequest("every is allowed with the states limited and paused only.")
	case wish.State == store.Limited && c.Every == "":
		return wish, badRequest("every is missing: day, week or month.")
	}
	return wish, nil
}

// erase forgets who a person is; the choices stay under a keyed hash.
func (s *server) erase(w http.ResponseWriter, r *http.Request) error {
	to, err := recipientOf(r)
	if err != nil {
		return err
	}
	if err := s.Consent.Erase(r.Context(), to, store.Operator, evidence(r)); err != nil {
		return err
	}
	// Not even masked: the log would outlive what was erased.
	hash := s.Records.Hash(to.Key())
	s.log().InfoContext(r.Context(), "recipient erased", "hash", hash, "ip", peer(r).String())
	out := Erased{Recipient: hash}
	if s.Scrubber != nil {
		scrubbed, err := s.Scrubber.Scrubbed(r.Context())
		if err != nil {
			return err
		}
		if scrubbed.Due() {
			out.Scrub = scrubbed.Asked
		}
	}
	return answer(w, out)
}
