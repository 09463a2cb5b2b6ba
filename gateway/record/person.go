package record

import (
	"time"

	"offramp/store"
)

// Person is all that is recorded about one person but the events. The API
// answers with it, and [Held] has it.
type Person struct {
	Recipient    string        `json:"recipient" example:"ada@example.net" doc:"The address in lookup form; of an erased person a keyed hash."`
	Erased       bool          `json:"erased" doc:"The person had everything erased: nothing before that was kept but the choices."`
	Damaged      bool          `json:"damaged,omitempty" doc:"Records are damaged or lost; the rest is what is legible, and mail waits."`
	Choices      []Choice      `json:"choices"`
	Suppressions []Suppression `json:"suppressions" doc:"What stops mail for other causes than the person's choice."`
	Contacts     []Contact     `json:"contacts" doc:"What mail the person was sent, by list."`
	Targets      []Target      `json:"targets,omitempty" doc:"Where the senders themselves take an opt-out, which is sent there."`
	Sharing      *Sharing      `json:"sharing,omitempty" doc:"Left out: the person never said."`
	Bounces      *Bounces      `json:"bounces,omitempty" doc:"Left out: none since mail last arrived."`
}

// Choice is what a person chose for one list.
type Choice struct {
	List  string    `json:"list" example:"news.example.org" doc:"Empty: all lists."`
	State string    `json:"state" enum:"subscribed,unsubscribed,paused,limited"`
	Until time.Time `json:"until,omitzero" doc:"End of a pause."`
	Every string    `json:"every,omitempty" enum:"day,week,month" doc:"Of limited: one message in that time. Of paused: what holds afterwards."`
	Since time.Time `json:"since" doc:"When it was chosen."`
	Way   string    `json:"way,omitempty" example:"one-click" doc:"How it came: one-click, page, mail, operator, ..."`
}

// Target is where the sender of a list takes a person's opt-out itself.
type Target struct {
	List  string    `json:"list"`
	URI   string    `json:"uri" doc:"A one-click URL (RFC 8058), or a mailto URI."`
	Since time.Time `json:"since" doc:"Of the message that it stood in."`
}

// Contact is what mail of one list a person was sent.
type Contact struct {
	List  string    `json:"list"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	Count int64     `json:"count" doc:"Messages delivered."`
}

// Sharing is whether a person lets their data be shared.
type Sharing struct {
	Refused bool      `json:"refused"`
	Since   time.Time `json:"since"`
	Way     string    `json:"way,omitempty"`
}

// Bounces is soft bounces that came without mail between that arrived.
type Bounces struct {
	Count int64     `json:"count"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
}

// Held is what a person downloads: all that is recorded about them.
type Held struct {
	Made     time.Time `json:"made"`
	Operator string    `json:"operator"`
	Person
	Events []Event `json:"events"` // oldest first
}

// Wish is one choice to be made, with the fields of [Choice].
type Wish struct {
	List  string    `json:"list" required:"false" example:"news.example.org" doc:"Empty: all lists."`
	State string    `json:"state" enum:"subscribed,unsubscribed,paused,limited"`
	Until time.Time `json:"until,omitzero" doc:"End of a pause, within two years; with the state paused only."`
	Every string    `json:"every,omitempty" enum:"day,week,month" doc:"With the state limited: one message in that time. With paused: what holds afterwards."`
}

// Choose is what a person asked the operator for. All of it is recorded or
// nothing; what is left out stays.
type Choose struct {
	Choices       []Wish `json:"choices,omitempty" maxItems:"500"`
	RefuseSharing *bool  `json:"refuse_sharing,omitempty" doc:"Whether the person refuses that their data is shared."`
}

// Chosen is the events that a choice added.
type Chosen struct {
	Events []int64 `json:"events" doc:"Ids of the events that were added; none when all of it stood already."`
}

// Erased is what is left of a person.
type Erased struct {
	Recipient string `json:"recipient" doc:"The keyed hash, all that is left of the address."`
	Scrub     int64  `json:"scrub" doc:"What done of GET /api/v1/scrub reaches once the last copies on the disk are overwritten; 0: they are."`
}

// PersonOf is a person as the store has them. The key is that of the address,
// or the keyed hash of an erased person.
func PersonOf(key string, p store.Person) Person {
	out := Person{
		Recipient: key, Erased: p.Erased, Damaged: p.Damaged, Choices: make([]Choice, 0, len(p.Choices)),
		Suppressions: make([]Suppression, 0, len(p.Suppressions)), Contacts: make([]Contact, 0, len(p.Contacts)),
	}
	for _, c := range p.Choices {
		out.Choices = append(out.Choices, Choice{
			List: c.List, State: string(c.State), Until: c.Until, Every: string(c.Every), Since: c.Since, Way: string(c.Way),
		})
	}
	for _, o := range p.Suppressions {
		out.Suppressions = append(out.Suppressions, SuppressionOf(o))
	}
	for _, t := range p.Targets {
		out.Targets = append(out.Targets, Target{List: t.List, URI: t.URI, Since: t.Since})
	}
	for _, c := range p.Contacts {
		out.Contacts = append(out.Contacts, Contact{List: c.List, First: c.First, Last: c.Last, Count: c.Count})
	}
	if s := p.Sharing; !s.Since.IsZero() {
		out.Sharing = &Sharing{Refused: s.Refused, Since: s.Since, Way: string(s.Way)}
	}
	if b := p.Bounces; b.Count > 0 {
		out.Bounces = &Bounces{Count: b.Count, First: b.First, Last: b.Last}
	}
	return out
}
