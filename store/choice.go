package store

import "time"

// State is what a person chose for a scope.
type State string

// The states of a choice. No record means that the person chose nothing.
const (
	Subscribed   State = "subscribed"
	Unsubscribed State = "unsubscribed"
	Paused       State = "paused"  // nothing until Choice.Until, then as Choice.Every says
	Limited      State = "limited" // at most one message per Choice.Every
)

// Frequency is the most mail a person wants: one message per period.
type Frequency string

// The frequencies. The empty one means no limit.
const (
	Daily   Frequency = "day"
	Weekly  Frequency = "week"
	Monthly Frequency = "month"
)

// Period is how long after one message the next one may go out. Each is a
// little shorter than its name says, so that a letter that is sent each Monday
// is not lost in a week in which it is early. Zero means no limit.
func (f Frequency) Period() time.Duration {
	const day = 24 * time.Hour
	switch f {
	case Daily:
		return 23 * time.Hour
	case Weekly:
		return 6*day + 12*time.Hour
	case Monthly:
		return 27*day + 12*time.Hour
	}
	return 0
}

// Choice is a person's own wish for one list or for [AllLists].
type Choice struct {
	Recipient string
	List      string
	State     State
	Until     time.Time // of Paused: mail goes out again from then on
	Every     Frequency // of Limited, and of Paused what holds afterwards
	Since     time.Time
	Way       Way
}

// At is the state of c at a moment: a pause ends by itself.
func (c Choice) At(now time.Time) State {
	if c.State != Paused || now.Before(c.Until) {
		return c.State
	}
	if c.Every != "" {
		return Limited
	}
	return Subscribed
}

// Same says whether c asks for what other asks for, whenever and however.
func (c Choice) Same(other Choice) bool {
	return c.Recipient == other.Recipient && c.List == other.List && c.State == other.State &&
		c.Until.Equal(other.Until) && c.Every == other.Every
}

// Sharing is whether a person lets their data be shared: Refused closes the
// lists marked third-party to them.
type Sharing struct {
	Recipient string
	Refused   bool
	Since     time.Time
	Way       Way
}

// Reason is why mail is not sent to a recipient.
type Reason string

// The reasons of suppressions and of dropped recipients.
const (
	ReasonUnsubscribed    Reason = "unsubscribed"     // by choice, from the list
	ReasonUnsubscribedAll Reason = "unsubscribed-all" // by choice, from all lists
	ReasonErased          Reason = "erased"           // the person had everything erased
	ReasonPaused          Reason = "paused"           // by choice, for the list
	ReasonPausedAll       Reason = "paused-all"       // by choice, for all lists
	ReasonLimited         Reason = "limited"          // over the frequency chosen for the list
	ReasonLimitedAll      Reason = "limited-all"      // over the frequency chosen for all lists
	ReasonSharing         Reason = "sharing-refused"  // a third-party list, and the person opted out of sharing
	ReasonManual          Reason = "manual"           // by the operator
	ReasonBounced         Reason = "bounced"          // the address is dead
	ReasonComplained      Reason = "complained"       // reported as spam
)

// OptOut says whether the reason is a person's wish, however it was made known.
// The others are about the address, and hold for transactional mail too.
func (r Reason) OptOut() bool { return r != ReasonBounced && r != ReasonManual && r != "" }

// Suppression stops mail to a recipient for a cause that is not the person's
// own choice. A recipient can have several, one for each scope and reason. In
// place of a lookup key Recipient may be a pattern, see [IsPattern].
type Suppression struct {
	Recipient string
	List      string
	Reason    Reason // ReasonManual, ReasonBounced or ReasonComplained
	Since     time.Time
	Note      string
	Until     time.Time // it stops mail before then; zero: until it is removed
}

// Over says whether s has ended.
func (s Suppression) Over(now time.Time) bool { return !s.Until.IsZero() && !now.Before(s.Until) }

// Standing is all that is recorded about one recipient for one list.
type Standing struct {
	Choices      []Choice      // for the list and for AllLists, at most one each
	Suppressions []Suppression // for the list and for AllLists
	Sharing      Sharing       // the zero Sharing: never said
	Erased       bool          // the person is known by a keyed hash only
	// Unverified says that the engine has not verified its records yet, see
	// [Consent.Verified]: enough to accept mail, not to send it.
	Unverified bool
}

// Person is all that is recorded about one recipient but the events, and the
// codes, which say nothing but the address.
type Person struct {
	Choices      []Choice
	Suppressions []Suppression
	Contacts     []Contact
	Targets      []Target // where the senders themselves take an opt-out
	Sharing      Sharing
	Bounces      BounceRun // Count 0: none
	Erased       bool
	// Damaged says that records which stop mail are damaged or lost: what is here is
	// what is legible, and nothing is sent until they are repaired.
	Damaged bool
}

// Contact is what mail of one list a person was sent.
type Contact struct {
	Recipient string
	List      string
	First     time.Time
	Last      time.Time
	Count     int64
}

// Turn asks whether a message may use up a person's frequency.
type Turn struct {
	Recipient string
	List      string
	Holder    string // names message and recipient, the same at every attempt
	At        time.Time
	Sure      time.Time     // by which a period is over, at most At; zero: At
	Each      time.Duration // period of the limit on the list; 0: none
	All       time.Duration // period of the limit over all lists; 0: none
}

// Verdict says whether a message may be sent to a recipient.
type Verdict struct {
	Drop   bool
	Reason Reason // set when Drop
	Erased bool   // the person is known by a keyed hash only: nothing may be kept that names them
}

// Outcome is what is known of one message to one person when an attempt ends.
type Outcome int

// The outcomes of an attempt.
const (
	MaybeSent Outcome = iota // the end of the message went out and the reply was lost
	Sent                     // the next hop took it
	NotSent                  // it was certainly not taken
)
