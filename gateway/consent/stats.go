package consent

import (
	"sync/atomic"

	"offramp/gateway/metric"
)

// Stats counts since the start. All are safe for use at any time; the zero
// value is ready.
type Stats struct {
	TurnsRefused  atomic.Int64 // messages stopped at the last moment, by a limit
	TurnsReturned atomic.Int64 // turns given back, since nothing was sent
	Counted       atomic.Int64 // deliveries recorded with their person
	CountsLost    atomic.Int64 // deliveries not recorded, the store being away for long
	Unproven      atomic.Int64 // decisions without a record of when they were in force
	Retired       atomic.Int64 // events that left the ledger by age
	Panics        atomic.Int64 // panics in the background

	Verdicts metric.Durations // answers whether mail may be sent
	OneClick metric.Durations // opt-outs until they are in force, by [store.OneClick]
	Page     metric.Durations // by [store.Page] and [store.Confirmed]
	Mail     metric.Durations // by [store.Mail]
	Others   metric.Durations // by all others
}
