package api

import (
	"context"
	"io"
	"time"

	"offramp/gateway/access"
	"offramp/gateway/clock"
	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/gateway/history"
	"offramp/gateway/jobs"
	"offramp/gateway/ledger"
	"offramp/gateway/record"
	"offramp/store"
)

// Choices changes what a person chose, with events.
type Choices interface {
	OptOut(ctx context.Context, s consent.Subject, way store.Way, ev consent.Evidence) (changed bool, err error)
	Resubscribe(ctx context.Context, s consent.Subject, way store.Way, ev consent.Evidence) (changed bool, err error)
	Decide(ctx context.Context, d consent.Decision, way store.Way, ev consent.Evidence) (events []int64, err error)
}

// Suppressions changes what else stops mail to a person, with an event.
type Suppressions interface {
	Suppress(ctx context.Context, s consent.Stop, ev consent.Evidence) (changed bool, err error)
	Unsuppress(ctx context.Context, s consent.Stop, ev consent.Evidence) (changed bool, err error)
}

// People shows and forgets all that is recorded about a person.
type People interface {
	Person(ctx context.Context, recipient envelope.Address) (store.Person, error)
	Erase(ctx context.Context, recipient envelope.Address, way store.Way, ev consent.Evidence) error
}

// Consent is all of it. *consent.Consent is the one that serves.
type Consent interface {
	Choices
	Suppressions
	People
}

// Wishes reads what is recorded about many people.
type Wishes interface {
	Choices(ctx context.Context, f store.RecordFilter) ([]store.Choice, error)
	Suppressions(ctx context.Context, f store.RecordFilter) ([]store.Suppression, error)
	Hash(recipient string) string
}

// Ledger reads what happened.
type Ledger interface {
	Events(ctx context.Context, f store.EventFilter) ([]store.Event, error)
	Entries(ctx context.Context, after int64, limit int) ([]store.Entry, error)
	Head(ctx context.Context) (store.Head, error)
}

// Followers records how far other systems came.
type Followers interface {
	Acknowledge(ctx context.Context, r store.Reader) error
	Dismiss(ctx context.Context, name string) error
}

// Records is what is recorded; a [store.Consent] has all of it.
type Records interface {
	Wishes
	Ledger
	Followers
	ledger.ReportSource
}

// Lists reads and describes lists; a [store.Consent] does.
type Lists interface {
	KnownLists
	NewLists
}

// KnownLists reads lists.
type KnownLists interface {
	Lists(ctx context.Context) ([]store.List, error)
	List(ctx context.Context, id string) (store.List, error)
}

// NewLists adds and describes lists.
type NewLists interface {
	EnsureList(ctx context.Context, l store.List) (store.List, error)
	UpdateList(ctx context.Context, l store.List) error
}

// Scrubber says how far what was erased is overwritten; see [store.Scrubber].
type Scrubber interface {
	Scrubbed(ctx context.Context) (store.Scrubbed, error)
}

// Queue shows and changes what waits for delivery; a [store.Spool] does.
type Queue interface {
	Queue(ctx context.Context, f store.QueueFilter) ([]store.QueueEntry, error)
	Act(ctx context.Context, a store.QueueAction, f store.QueueFilter) (int, error)
	Usage(ctx context.Context) (store.Usage, error)
}

// Messages says what became of mail; *history.History does.
type Messages interface {
	Find(ctx context.Context, q history.Query) (history.Answer, error)
}

// Clock is what is known about the machine's clock; *clock.Clock has it.
type Clock interface {
	State() clock.State
	Accept(ctx context.Context) (clock.State, error)
}

// Traffic reads what is counted of the mail that passed; a [store.Consent]
// does.
type Traffic interface {
	Traffic(ctx context.Context, limit int) ([]store.Traffic, error)
	EarlierStream(ctx context.Context) (string, error)
}

// Webhooks are the systems that are sent events; *webhook.Webhooks has them. Errors
// are those of package outbox.
type Webhooks interface {
	WebhookRecords
	WebhookState
	Test(ctx context.Context, name string) (record.WebhookTest, error)
}

// WebhookRecords shows and changes which there are.
type WebhookRecords interface {
	All(ctx context.Context) ([]record.Webhook, error)
	One(ctx context.Context, name string) (record.Webhook, error)
	Add(ctx context.Context, n record.NewWebhook) (record.CreatedWebhook, error)
	Change(ctx context.Context, name string, p record.WebhookPatch) (record.Webhook, error)
	Rotate(ctx context.Context, name string, q record.WebhookRotation) (record.CreatedWebhook, error)
	Remove(ctx context.Context, name string) error
}

// WebhookState changes what they are sent.
type WebhookState interface {
	Pause(ctx context.Context, name string) (record.Webhook, error)
	Resume(ctx context.Context, name string) (record.Webhook, error)
	Replay(ctx context.Context, name string, q record.WebhookReplay) (record.Webhook, error)
	Skip(ctx context.Context, name string, event int64) (record.Webhook, error)
}

// Keys makes and ends API keys; *access.Access does.
type Keys interface {
	Create(ctx context.Context, s access.Spec) (k store.Key, key string, err error)
	All(ctx context.Context) ([]store.Key, error)
	Revoke(ctx context.Context, key string) (changed bool, err error)
}

// Preview renders a message as its recipient would get it, and keeps nothing;
// *preview.Preview does.
type Preview interface {
	Render(ctx context.Context, m record.PreviewMail) (record.Preview, error)
}

// Imports takes files of suppressions and works on them; *jobs.Jobs does.
type Imports interface {
	Import(ctx context.Context, who string, spec jobs.Spec, file io.Reader) (jobs.Job, error)
	ImportChanges
	Job(ctx context.Context, id string) (jobs.Job, error)
	Jobs(ctx context.Context) ([]jobs.Job, error)
}

// ImportChanges has an import go on or stop.
type ImportChanges interface {
	Start(ctx context.Context, id string) (jobs.Job, error)
	Pause(ctx context.Context, id string) (jobs.Job, error)
	Cancel(ctx context.Context, id string) (jobs.Job, error)
}

// Counts counts events by day; see [store.Counts].
type Counts interface {
	CountEvents(ctx context.Context, since, until time.Time) ([]store.DayCount, error)
}
