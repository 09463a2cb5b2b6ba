package record

import (
	"time"

	"offramp/store"
)

// APIKey is an API key without its secret, which is kept nowhere.
type APIKey struct {
	ID      string    `json:"id" example:"q5r2m7xw3hy6takz" doc:"Part of the key, after offramp_: what it is found by."`
	Name    string    `json:"name" example:"shop" doc:"What the operator calls it; it is in the records that the key made."`
	Scope   string    `json:"scope" enum:"read,write,admin" example:"write" doc:"What it may do; each scope includes those before it."`
	Lists   []string  `json:"lists,omitempty" doc:"The only lists it is for; left out: it is for everything."`
	State   string    `json:"state" enum:"active,expired,revoked" example:"active" doc:"Only an active key is accepted."`
	Created time.Time `json:"created" doc:"When it was created."`
	Expires time.Time `json:"expires,omitzero" doc:"When it ends; left out: it does not."`
	Revoked time.Time `json:"revoked,omitzero" doc:"When it was revoked."`
	Used    time.Time `json:"used,omitzero" doc:"When it was last used, up to a minute ago; left out: never."`
}

// States of an API key.
const (
	KeyActive  = "active"
	KeyExpired = "expired"
	KeyRevoked = "revoked"
)

// APIKeyOf is a key as it is at a time.
func APIKeyOf(k store.Key, now time.Time) APIKey {
	one := APIKey{
		ID: k.ID, Name: k.Name, Scope: k.Scope, Lists: k.Lists, State: KeyActive,
		Created: k.Created, Expires: k.Expires, Revoked: k.Revoked, Used: k.Used,
	}
	switch {
	case !k.Revoked.IsZero():
		one.State = KeyRevoked
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		one.State = KeyExpired
	}
	return one
}

// NewAPIKey is a key that is asked for.
type NewAPIKey struct {
	Name    string    `json:"name" minLength:"1" maxLength:"100" example:"shop" doc:"What to call it; it is in the records that the key makes."`
	Scope   string    `json:"scope" enum:"read,write,admin" example:"write" doc:"read: see what is recorded. write: and change what people get. admin: and what the server does, such as keys and webhooks."`
	Lists   []string  `json:"lists,omitempty" maxItems:"100" doc:"Only for these lists; with the scope read or write. Left out: for everything."`
	Expires time.Time `json:"expires,omitzero" doc:"When it ends; left out: it does not."`
}

// CreatedAPIKey is a new key, with its secret.
type CreatedAPIKey struct {
	APIKey
	Key string `json:"key" example:"offramp_q5r2m7xw3hy6takz_…" doc:"The key itself. It is shown this once."`
}

// APIKeyPage is all keys, oldest first.
type APIKeyPage struct {
	Items []APIKey `json:"items"`
}
