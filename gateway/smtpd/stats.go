package smtpd

import "sync/atomic"

// Stats counts what the listeners did since the start. All are safe for use at
// any time; the zero value is ready.
type Stats struct {
	Connections  atomic.Int64 // accepted
	Open         atomic.Int64 // open at this moment
	Strangers    atomic.Int64 // open at this moment, of clients nothing is known of
	TooMany      atomic.Int64 // connections refused by a limit
	Sessions     atomic.Int64 // that greeted us
	TLS          atomic.Int64 // sessions under TLS
	Logins       atomic.Int64 // successful
	LoginFailed  atomic.Int64
	Throttled    atomic.Int64 // logins not looked at, after too many failures
	Denied       atomic.Int64 // recipients refused
	Messages     atomic.Int64 // answered with 250
	Refused      atomic.Int64 // messages answered with 5yz
	Deferred     atomic.Int64 // messages answered with 4yz
	Incomplete   atomic.Int64 // messages whose end never came
	Timeouts     atomic.Int64 // connections ended for silence or slowness
	Misbehaved   atomic.Int64 // connections ended for breaking the protocol or idle commands
	Internal     atomic.Int64 // replies that hide an internal error
	Panics       atomic.Int64 // panics that ended a connection
	DrainedForce atomic.Int64 // connections cut when a stop could wait no longer
}
