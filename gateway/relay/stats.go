package relay

import "sync/atomic"

// Stats counts what acceptance did since the start. All are safe for use at
// any time; the zero value is ready.
type Stats struct {
	Messages         atomic.Int64 // accepted, also when every recipient was dropped
	Recipients       atomic.Int64 // kept in the spool
	Dropped          atomic.Int64 // recipients dropped by a verdict
	Exempt           atomic.Int64 // accepted messages that belong to no list
	DroppedUnmarked  atomic.Int64 // of dropped, by an opt-out, of messages without any mark of a list
	PlaceholdersLeft atomic.Int64 // accepted messages with a placeholder that stays
	Octets           atomic.Int64 // of accepted messages
	Refused          atomic.Int64 // messages refused for good
	Failed           atomic.Int64 // messages not taken for a temporary error
	Full             atomic.Int64 // of these, for want of space
}
