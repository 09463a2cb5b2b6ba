// Package access says who may use the API, and for what.
package access

import (
	"errors"
	"slices"
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

// String returns the name that commands and the API use.
func (s Scope) String() string {
	switch s {
	case Read:
		return "read"
	case Write:
		return "write"
	case Admin:
		return "admin"
	}
	return "none"
}

// ErrKey is returned for a key that is unknown or revoked.
var ErrKey = errors.New("access: no such key")

// Grant is what a request may do.
type Grant struct {
	Name  string   // of the key, for the records and the log
	Scope Scope    // at most
	Lists []string // the key is for these lists alone; nil: for everything
}

// Allows says whether the grant covers a list; the scope of all lists, "", is
// covered by a grant for everything alone.
func (g Grant) Allows(list string) bool {
	return g.Lists == nil || list != "" && slices.Contains(g.Lists, list)
}
