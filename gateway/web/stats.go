package web

import "sync/atomic"

// Stats counts what the recipients' listener did since the start. Its fields
// are read at any time; the zero value counts from nothing.
type Stats struct {
	Refused          atomic.Int64 // connections over a limit, closed at once
	OneClick         atomic.Int64 // opt-outs recorded from one-click requests
	OneClickRepeated atomic.Int64 // one-click requests of people who were off already
	Page             atomic.Int64 // decisions recorded from the page
	Undone           atomic.Int64 // decisions taken back on the page
	Asked            atomic.Int64 // mails sent that ask for confirmation
	Confirmed        atomic.Int64 // decisions confirmed by such a mail
	Erased           atomic.Int64 // people who had everything erased
	Taken            atomic.Int64 // receipts and downloads of what is held
	Stale            atomic.Int64 // forms refused: too old, used before, or not ours
	Shown            atomic.Int64 // pages shown for a valid link
	Invalid          atomic.Int64 // requests with a wrong link, answered 404
	Throttled        atomic.Int64 // requests with a wrong link, answered 429
	Unavailable      atomic.Int64 // requests answered 503
}
