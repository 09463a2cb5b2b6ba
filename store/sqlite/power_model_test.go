package sqlite

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"offramp/store"
)

// The model of what the store promises about one message or one person: a list
// of what was asked for, and what the store has to say after it. The workload
// (power_work_test.go) asks for one thing at a time of each; the check
// (power_check_test.go) compares what it says after a loss of power.

// powerOp is one thing that was asked for about a message or a person.
type powerOp struct {
	do    string // put, settle; choose, suppress, lift, note, code, erase
	size  int    // put: bytes of the body
	n     int    // put: how many recipients; settle: which
	kind  store.ResultKind
	list  string
	state store.State
}

// powerRecipients are the recipients of one message.
type powerRecipients map[int]store.Recipient

// modelMessage says what is left of a message after ops: nothing when it was
// never put, or all its recipients have left.
func modelMessage(ops []powerOp) string {
	left := powerRecipients{}
	for _, o := range ops {
		if o.do == "put" {
			for n := range o.n {
				left[n] = store.Recipient{State: store.Queued}
			}
			continue
		}
		r, there := left[o.n]
		if !there {
			continue
		}
		r.Attempts++
		switch o.kind {
		case store.Delivered, store.Dropped:
			delete(left, o.n)
			continue
		case store.Deferred:
			if r.State != store.Held {
				r.State = store.Queued
			}
		case store.Bounced:
			r.State = store.Failed
		case store.Parked:
			r.State = store.Held
		}
		left[o.n] = r
	}
	return left.String()
}

func (left powerRecipients) String() string {
	var b strings.Builder
	for _, n := range slices.Sorted(maps.Keys(left)) {
		fmt.Fprintf(&b, "recipient %d %s after %d attempts; ", n, left[n].State, left[n].Attempts)
	}
	return b.String()
}

// powerPerson is what is known of one person.
type powerPerson struct {
	choices    map[string]store.State
	suppressed bool
	erased     bool
	code       string            // in mail to the person: kept or emptied
	events     []store.EventKind // in their order, without emptied ones
}

// modelPerson says what is known of a person after ops.
func modelPerson(ops []powerOp) string {
	p := powerPerson{choices: map[string]store.State{}}
	for _, o := range ops {
		p.after(o)
	}
	return p.String()
}

func (p *powerPerson) after(o powerOp) {
	switch o.do {
	case "choose":
		if p.choices[o.list] == o.state {
			return
		}
		p.choices[o.list] = o.state
		p.events = append(p.events, recordOf[o.state])
	case "suppress":
		if !p.suppressed {
			p.suppressed = true
			p.events = append(p.events, store.EventSuppressed)
		}
	case "lift":
		if p.suppressed {
			p.suppressed = false
			p.events = append(p.events, store.EventUnsuppressed)
		}
	case "note":
		p.events = append(p.events, store.EventReason)
	case "code":
		if p.code == "" && !p.erased {
			p.code = "kept"
		}
	case "erase":
		if p.erased = true; p.code != "" {
			p.code = "emptied"
		}
		p.choices[store.AllLists] = store.Unsubscribed
		p.events = slices.DeleteFunc(p.events, func(k store.EventKind) bool { return k != store.EventErased })
		p.events = append(p.events, store.EventErased)
	}
}

// recordOf is the event of a choice.
var recordOf = map[store.State]store.EventKind{
	store.Unsubscribed: store.EventUnsubscribed, store.Subscribed: store.EventResubscribed,
}

func (p powerPerson) String() string {
	var b strings.Builder
	for _, list := range slices.Sorted(maps.Keys(p.choices)) {
		fmt.Fprintf(&b, "list %q %s; ", list, p.choices[list])
	}
	if p.suppressed {
		b.WriteString("suppressed; ")
	}
	if p.erased {
		b.WriteString("erased; ")
	}
	if p.code != "" {
		fmt.Fprintf(&b, "code %s; ", p.code)
	}
	fmt.Fprintf(&b, "events %v", p.events)
	return b.String()
}

// powerPromise is what was said about one message or person so far: what was
// answered, and what was asked for and not answered yet.
type powerPromise struct {
	answered []powerOp
	asked    *powerOp
}

// allowed returns what the store may say: what was answered is there and what
// was only asked for is there whole, or not at all.
func (p powerPromise) allowed(model func([]powerOp) string) []string {
	texts := []string{model(p.answered)}
	if p.asked != nil {
		texts = append(texts, model(append(slices.Clip(p.answered), *p.asked)))
	}
	return texts
}

// powerNote is what the workload says between the steps of the disk: that it
// asks for op, or, without one, that it was answered.
type powerNote struct {
	about string // "q..." is a queue id, "p..." a lookup key
	op    *powerOp
}

// powerPromises are those about all messages and people.
type powerPromises map[string]powerPromise

func (all powerPromises) take(n powerNote) {
	p := all[n.about]
	if n.op != nil {
		p.asked = n.op
	} else {
		p.answered, p.asked = append(p.answered, *p.asked), nil
	}
	all[n.about] = p
}

// clone is a copy that later notes do not change: lists only ever grow.
func (all powerPromises) clone() powerPromises { return maps.Clone(all) }
