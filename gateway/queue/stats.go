package queue

import (
	"sync/atomic"

	"offramp/gateway/metric"
)

// Stats counts what deliveries did since the start. All are safe for use at
// any time; the zero value is ready.
type Stats struct {
	Delivered         atomic.Int64 // recipients the next hop took
	Deferred          atomic.Int64 // attempts that will be repeated
	Failed            atomic.Int64 // recipients that failed for good
	Dropped           atomic.Int64 // recipients a verdict stopped at the last moment
	DroppedUnmarked   atomic.Int64 // of dropped, by an opt-out, of messages without any mark of a list
	Parked            atomic.Int64 // recipients held for the operator
	Uncertain         atomic.Int64 // attempts put off since records that stop mail are damaged
	Unsigned          atomic.Int64 // list mail sent without a signature: no key, or a broken header
	BrokenSignatures  atomic.Int64 // messages whose earlier signature covers a field that was added or replaced, here or by the next hop
	DroppedSignatures atomic.Int64 // earlier signatures that were removed, since the next hop refuses several
	LinesEncoded      atomic.Int64 // messages sent with long lines of the body encoded
	LinesFolded       atomic.Int64 // messages sent with long header lines folded
	LinesPassed       atomic.Int64 // messages sent with long lines left
	LinesAdded        atomic.Int64 // list mail sent with the visible line added
	OwnLinks          atomic.Int64 // list mail sent as it is, since its body has a way out
	NoLine            atomic.Int64 // list mail with a part that could not take the line
	Bounces           atomic.Int64 // delivery status notifications written
	Octets            atomic.Int64 // of messages delivered
	Panics            atomic.Int64 // attempts that ended in a panic

	Deliveries metric.Durations // recipients, from acceptance until the next hop took them
	Attempts   metric.Durations // attempts for one or more recipients, until all is recorded
}
