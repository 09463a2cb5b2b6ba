package trial

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// The model of what a person may rely on: for one person and one list, what was
// asked for takes effect at one moment between request and answer, and an
// attempt to deliver begins only while neither the list nor all lists are left
// (promise 2). Whether a history of requests and attempts can have happened so
// is for porcupine to say, which tries their orders.
//
// What the operator reads is held against the same model, but on its own: an
// opt-out is recorded first, and in force a moment later, when attempts that
// had their verdict before have sent MAIL. Both are before the answer. Who reads
// in between sees an opt-out that an attempt may still precede.

// pair is what the model is about: one person and one list.
type pair struct {
	person int
	list   string
}

// act is what an operation does.
type act string

const (
	leaves     act = "leaves"
	leavesAll  act = "leaves all"
	returns    act = "comes back"
	returnsAll act = "comes back to all"
	looks      act = "looks" // the operator reads what stands
	attempts   act = "MAIL"  // an attempt to deliver begins
)

// asked is the input of an operation; the output of looks is what was seen.
type asked struct {
	pair
	act act
	way string // how it was asked for
}

// left is what a person left.
type left struct{ list, all bool }

func (l left) String() string {
	return fmt.Sprintf("left list: %t, left all: %t", l.list, l.all)
}

// after returns what is left after an operation, and whether it may happen.
func (l left) after(a asked, seen any) (ok bool, now left) {
	switch a.act {
	case leaves:
		l.list = true
	case leavesAll:
		l.all = true
	case returns:
		l.list = false
	case returnsAll:
		l.all = false
	case looks:
		return l == seen, l
	case attempts:
		return l == left{}, l
	}
	return true, l
}

// promise is the model of one pair.
var promise = porcupine.Model{
	Init: func() any { return left{} },
	Step: func(state, input, output any) (bool, any) {
		ok, now := state.(left).after(input.(asked), output)
		return ok, now
	},
}

// checkHistory says which pairs' operations cannot have happened in any order
// that the promise allows; empty: all can.
func checkHistory(operations []porcupine.Operation) (wrong []string) {
	pairs := map[pair][]porcupine.Operation{}
	for _, o := range operations {
		of := o.Input.(asked).pair
		pairs[of] = append(pairs[of], o)
	}
	for of, all := range pairs {
		for what, other := range map[string]act{"in force": looks, "recorded": attempts} {
			its := slices.DeleteFunc(slices.Clone(all), func(o porcupine.Operation) bool { return o.Input.(asked).act == other })
			if r := porcupine.CheckOperationsTimeout(promise, its, time.Minute); r != porcupine.Ok {
				wrong = append(wrong, fmt.Sprintf("person %d, %s: %s as to what is %s\n%s", of.person, of.list, r, what, told(its)))
			}
		}
	}
	slices.Sort(wrong)
	return wrong
}

// told lists operations by the time they began.
func told(operations []porcupine.Operation) string {
	operations = slices.Clone(operations)
	slices.SortFunc(operations, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	var b strings.Builder
	for _, o := range operations {
		a := o.Input.(asked)
		until := "never answered"
		if o.Return < unanswered {
			until = time.Duration(o.Return).String()
		}
		fmt.Fprintf(&b, "  %v to %s: %s %s", time.Duration(o.Call), until, a.act, a.way)
		if o.Output != nil {
			fmt.Fprintf(&b, " %v", o.Output)
		}
		b.WriteString("\n")
	}
	return b.String()
}
