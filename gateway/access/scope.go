package access

import (
	"slices"

	"offramp/store"
)

// Scope is what a caller may do. Each includes those before it.
type Scope string

const (
	Read  Scope = "read"  // look
	Write Scope = "write" // change choices, suppressions, lists and the queue
	Admin Scope = "admin" // all, also keys, webhooks and erasures
)

var scopes = []Scope{Read, Write, Admin}

// Valid says whether s is a scope.
func (s Scope) Valid() bool { return slices.Contains(scopes, s) }

// Includes says whether who has s may do what takes o.
func (s Scope) Includes(o Scope) bool {
	return s.Valid() && o.Valid() && slices.Index(scopes, s) >= slices.Index(scopes, o)
}

// Caller is who sent a request. The zero Caller may nothing.
type Caller struct {
	ID    string // of the key; [TokenID] and [LocalID] for those who have none
	Name  string
	Scope Scope
	Lists []string // the only lists it is for; empty: it is for everything
	// Free callers have no rate limit: programs on the same machine.
	Free bool

	secret [32]byte // only who has the key has it
}

// IDs of callers without an API key of their own; no key has them.
const (
	TokenID = "admin-token"
	LocalID = "local"
)

// Bound says whether c is for some lists only.
func (c Caller) Bound() bool { return len(c.Lists) > 0 }

// Sees says whether c may see and change what is recorded about a list; for
// [store.AllLists] it must not be bound.
func (c Caller) Sees(list string) bool {
	return !c.Bound() || list != store.AllLists && slices.Contains(c.Lists, list)
}
