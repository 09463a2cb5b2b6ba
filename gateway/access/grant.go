package access

import (
	"slices"

	"offramp/store"
)

// Scope is how much a key may do. Each takes in those before it.
type Scope int

// The scopes. The zero value allows nothing.
const (
	None  Scope = iota
	Read        // see what is recorded
	Write       // and change what people get
	Admin       // and what the server does: keys, webhooks, the clock
)

// scopes are the names, in their order.
var scopes = []string{None: "none", Read: "read", Write: "write", Admin: "admin"}

// String returns the name that commands and the API use.
func (s Scope) String() string {
	if s < None || s > Admin {
		s = None
	}
	return scopes[s]
}

// ScopeOf reads a name; None for what is not one of read, write and admin.
func ScopeOf(name string) Scope { return Scope(max(0, slices.Index(scopes, name))) }

// Grant is who sent a request, and what it may do. The zero Grant allows nothing.
type Grant struct {
	ID    string   // of the key; [TokenID] and [LocalID] for those who have none
	Name  string   // of the key, for the records and the log
	Scope Scope    // at most
	Lists []string // the key is for these lists alone; nil: for everything
	// Free is for programs on the same machine, which have no rate limit.
	Free bool

	secret [32]byte // only who has the key has it
}

// IDs of those without an API key of their own; no key has them.
const (
	TokenID = "admin-token"
	LocalID = "local"
)

// operator is who has OFFRAMP_ADMIN_TOKEN, or is on this machine without any key.
func operator(id, credential string, free bool) Grant {
	return Grant{ID: id, Name: "admin", Scope: Admin, Free: free, secret: secretOf(credential)}
}

// Allows says whether the grant covers a list; the scope of all lists, "", is
// covered by a grant for everything alone.
func (g Grant) Allows(list string) bool {
	return g.Lists == nil || list != store.AllLists && slices.Contains(g.Lists, list)
}

// Who is how a record names who made it: the operator, or a key.
func (g Grant) Who() string {
	if g.ID == TokenID || g.ID == LocalID {
		return g.Name
	}
	return "key " + g.Name
}
