package record

import (
	"time"

	"offramp/store"
)

// Streams is which mail is taken for what.
type Streams struct {
	Default string     `json:"default" doc:"OFFRAMP_DEFAULT_STREAM; empty: not chosen."`
	Earlier string     `json:"earlier" doc:"The default of the releases that served this data before there was a choice; it holds while default is empty. Empty: there were none."`
	Senders []Sender   `json:"senders" doc:"Counted for 30 days after their last message, 1000 at most: first those whose unmarked mail opt-outs stopped, then those with the most messages."`
	Kept    []KeptList `json:"kept" doc:"Lists with opt-outs to which mail without any mark of a list belongs, as far as that is known. With another default it would be transactional. Only given where that default is list."`
}

// Sender is what one sender sent to one list, or as transactional mail, for one
// cause.
type Sender struct {
	From       string    `json:"from" doc:"Address, or @ and a domain."`
	Login      string    `json:"login"`
	List       string    `json:"list" doc:"Empty: transactional."`
	Mark       string    `json:"mark" doc:"What decided."`
	Unmarked   bool      `json:"unmarked" doc:"A default decided."`
	Messages   int64     `json:"messages"`
	Recipients int64     `json:"recipients"`
	Dropped    int64     `json:"dropped" doc:"Recipients that an opt-out stopped."`
	Repeated   int64     `json:"repeated" doc:"Messages with a Subject seen within the hour before."`
	Peak       int64     `json:"peak" doc:"Most recipients of one Subject within an hour."`
	Precedence int64     `json:"precedence" doc:"Messages with Precedence bulk, list or junk."`
	FeedbackID int64     `json:"feedback_id" doc:"Messages with Feedback-ID."`
	First      time.Time `json:"first"`
	Last       time.Time `json:"last"`
}

// SenderOf is a sender as the store counts it.
func SenderOf(t store.Traffic) Sender {
	return Sender{
		From: t.Sender, Login: t.Login, List: t.List, Mark: t.Mark, Unmarked: t.Unmarked,
		Messages: t.Messages, Recipients: t.Recipients, Dropped: t.Dropped, Repeated: t.Repeated, Peak: t.Peak,
		Precedence: t.Precedence, FeedbackID: t.FeedbackID, First: t.First, Last: t.Last,
	}
}

// KeptList is a list that a change of the default would take mail from.
type KeptList struct {
	ID      string `json:"id"`
	OptOuts int    `json:"opt_outs" doc:"1000 at most are counted."`
}
