package record

import (
	"time"

	"offramp/store"
)

// Suppression is one cause for which a person gets no mail: the person's own
// choice, or what the operator or the recipient's server said.
type Suppression struct {
	Recipient string    `json:"recipient" example:"ada@example.net" doc:"The address in lookup form, or a pattern such as @example.net or @*.example.net; of an erased person, or where hashes are asked for, a keyed hash."`
	List      string    `json:"list" example:"news.example.org" doc:"Empty: all lists."`
	Reason    string    `json:"reason" enum:"unsubscribed,unsubscribed-all,paused,paused-all,manual,bounced,complained"`
	Since     time.Time `json:"since"`
	Way       string    `json:"way,omitempty" example:"one-click" doc:"Of a choice: how it came."`
	Note      string    `json:"note,omitempty"`

	Until time.Time `json:"until,omitzero" doc:"When it ends by itself; left out: it does not."`

	Event int64 `json:"event,omitempty" doc:"In a full listing alone: the event that recorded it; left out: not among the person's newest events."`
}

// SuppressionOf is a suppression as the store has it.
func SuppressionOf(o store.Suppression) Suppression {
	return Suppression{Recipient: o.Recipient, List: o.List, Reason: string(o.Reason), Since: o.Since, Note: o.Note, Until: o.Until}
}

// SuppressionPage is suppressions by recipient.
type SuppressionPage struct {
	Items  []Suppression `json:"items"`
	Cursor string        `json:"cursor,omitempty" doc:"The cursor of the next page; left out: that was all."`
	Next   string        `json:"next,omitempty" deprecated:"true" doc:"The value of after for the next page; use cursor."`
}

// Suppress is a cause to be recorded. Nothing in it ever ends what stops mail
// already.
type Suppress struct {
	Recipient string    `json:"recipient" example:"ada@example.net" doc:"An address, or where the reason is no choice of a person @example.org for every address of that domain, and *.example.org for those of every domain below it."`
	List      string    `json:"list,omitempty" example:"news.example.org" doc:"Empty: all lists."`
	Reason    string    `json:"reason,omitempty" enum:"unsubscribed,unsubscribed-all,paused,paused-all,manual,bounced,complained" doc:"Empty: manual. Unsubscribed and paused are recorded as the person's own choice, for example one made by telephone."`
	Note      string    `json:"note,omitempty" maxLength:"512" doc:"One line for the operator; not with a person's own choice."`
	Until     time.Time `json:"until,omitzero" doc:"When it ends by itself, unless more than that is recorded. A pause needs it; manual, bounced and complained may have it."`
	Since     time.Time `json:"since,omitzero" doc:"When it was recorded where it comes from, in the past; left out: now."`
}

// Unsuppressed is what a removal left.
type Unsuppressed struct {
	Changed   int           `json:"changed" doc:"How many records were removed."`
	Remaining []Suppression `json:"remaining" doc:"What still stops mail to that recipient."`
}

// Batch is causes to be recorded, each on its own.
type Batch struct {
	Items []Suppress `json:"items" minItems:"1" maxItems:"1000"`
}

// BatchResult is what became of each cause of a [Batch], in its order.
type BatchResult struct {
	Changed int          `json:"changed" doc:"How many records were added."`
	Failed  int          `json:"failed" doc:"How many items were refused."`
	Items   []ItemResult `json:"items" doc:"One for each item, in the order they came."`
}

// ItemResult is what became of one item of a [Batch].
type ItemResult struct {
	Changed int      `json:"changed" doc:"1: recorded; 0: it stood already, or was refused."`
	Problem *Problem `json:"problem,omitempty" doc:"Why the item was refused; left out: it was not."`
}

// Ask is who is to be looked up.
type Ask struct {
	Emails []string `json:"emails" minItems:"1" maxItems:"1000" example:"ada@example.net,bob@example.net"`
	List   string   `json:"list,omitempty" example:"news.example.org" doc:"Whether they get mail of this list; empty: mail that is for all lists."`
}

// Answers says of each address of an [Ask], in its order, whether it gets mail.
type Answers struct {
	Items []Standing `json:"items"`
}

// Standing is what stops list mail to one address.
type Standing struct {
	Email      string   `json:"email" doc:"As it was asked for."`
	Suppressed bool     `json:"suppressed" doc:"List mail to it is stopped at this moment."`
	Reasons    []string `json:"reasons" doc:"Why: as in reason of a suppression."`
	Problem    *Problem `json:"problem,omitempty" doc:"Why it cannot be said; treat it as suppressed."`
}
