package access

import (
	"errors"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"offramp/gateway/metric"
)

// counts of requests, since the start.
type counts struct {
	wrong, revoked, expired, guesses, rate, repeated atomic.Int64
}

// refused counts a key that was not accepted.
func (c *counts) refused(err error) {
	if err == nil {
		return
	}
	for why, n := range map[error]*atomic.Int64{ErrWrong: &c.wrong, ErrRevoked: &c.revoked, ErrExpired: &c.expired, ErrGuesses: &c.guesses} {
		if errors.Is(err, why) {
			n.Add(1)
		}
	}
}

// Collectors returns the metrics of the room.
func (a *Access) Collectors() []prometheus.Collector {
	set, c := new(metric.Set), &a.counts
	const refused = "Requests refused for their API key, by cause; rate: the key had no requests left."
	set.Count("offramp_api_keys_refused_total", refused, &c.wrong, "cause", "wrong")
	set.Count("offramp_api_keys_refused_total", refused, &c.revoked, "cause", "revoked")
	set.Count("offramp_api_keys_refused_total", refused, &c.expired, "cause", "expired")
	set.Count("offramp_api_keys_refused_total", refused, &c.guesses, "cause", "guesses")
	set.Count("offramp_api_keys_refused_total", refused, &c.rate, "cause", "rate")
	set.Count("offramp_api_requests_repeated_total", "Requests answered as before because of their Idempotency-Key.", &c.repeated)
	return *set
}
