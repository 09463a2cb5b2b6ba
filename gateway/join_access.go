package gateway

import (
	"net/http"

	"offramp/gateway/access"
	"offramp/gateway/compat"
)

// access knows who may use the API.
func (c Config) access(p Parts) *access.Access {
	return &access.Access{Config: c.Admin, Keys: p.APIKeys, Requests: p.Requests, Log: p.Log, Now: p.Now}
}

// joinCompat answers the vendors' APIs before next.
func (g *Gateway) joinCompat(p Parts, next http.Handler) http.Handler {
	c := &compat.Compat{
		Access: g.access, Choices: g.people, Suppressions: g.people, Records: p.Consent, Lists: p.Consent, Imports: g.jobs, Log: p.Log, Now: p.Now,
	}
	return c.In(next)
}
