package store

import "time"

// Traffic is how much mail passed of one sender, with one login, to one list
// and for one cause. It tells an operator which mail is taken for what; nothing
// else rests on it, and a crash may lose the last seconds of it.
type Traffic struct {
	Sender   string // lookup key of the From address, or "@" and its domain
	Login    string // name the client authenticated with; empty: none
	List     string // list the mail belongs to; empty: transactional
	Mark     string // what decided, see [Message.Mark]
	Unmarked bool   // a default decided

	Messages   int64
	Recipients int64 // of these messages
	Dropped    int64 // recipients that an opt-out stopped, at acceptance or later
	Repeated   int64 // messages with a Subject that was seen within the hour before
	Peak       int64 // most recipients of one Subject within an hour
	Precedence int64 // messages with Precedence bulk, list or junk
	FeedbackID int64 // messages with Feedback-ID

	First, Last time.Time
}

// TrafficKept is how long a row of traffic is kept after its last message.
const TrafficKept = 30 * 24 * time.Hour
