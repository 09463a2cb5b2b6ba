package record

import "time"

// Webhook is another system that is sent the events, by HTTP or in another way, and
// how far it came. Its secrets are shown nowhere.
type Webhook struct {
	Name    string    `json:"name" example:"crm"`
	Kind    string    `json:"kind" example:"webhook" doc:"How it is reached: webhook, or chain, exec and sql, which the settings of the server turn on."`
	URL     string    `json:"url,omitempty" example:"https://crm.example.org/hooks/offramp" doc:"Of a webhook: without user name, password and the values of the query."`
	Format  string    `json:"format,omitempty" example:"standard" doc:"Of a webhook: the shape of what it is sent."`
	Act     string    `json:"act,omitempty" doc:"Of the format listmonk: what an opt-out becomes there."`
	Lists   []string  `json:"lists,omitempty" doc:"The only lists it is sent events of; left out: all."`
	Kinds   []string  `json:"kinds,omitempty" doc:"The only kinds of events it is sent; left out: those that its kind and format are for."`
	State   string    `json:"state" enum:"active,paused,failed" example:"active" doc:"paused: by the operator. failed: an event was not taken for as long as OFFRAMP_WEBHOOK_GIVE_UP says, or its settings cannot be used; nothing is sent until it is resumed."`
	Created time.Time `json:"created"`

	Cursor int64 `json:"cursor" doc:"Every event up to this id is acknowledged, or was not for it."`
	Head   int64 `json:"head" doc:"Id of the last event there is."`
	Ahead  int   `json:"ahead,omitempty" doc:"How many events after the cursor are acknowledged."`

	Failing  time.Time `json:"failing,omitzero" doc:"Since when the event that holds up the cursor is tried."`
	Stuck    int64     `json:"stuck,omitempty" doc:"Id of that event."`
	Attempts int       `json:"attempts,omitempty" doc:"How often it was tried."`
	Next     time.Time `json:"next,omitzero" doc:"When it is tried next."`
	Error    string    `json:"error,omitempty" doc:"What went wrong the last time."`
	Skip     int64     `json:"skip,omitempty" doc:"Id of the event that is passed over."`
	Missed   int64     `json:"missed,omitempty" doc:"How many events left the ledger by age before they were sent; counted again from 0 when it is changed, resumed or replayed."`

	PublicKeys []string `json:"public_keys,omitempty" doc:"Of the format sendgrid: the keys its signatures are verified with, newest first."`
}

// WebhookPage is all of them, by name.
type WebhookPage struct {
	Items []Webhook `json:"items"`
}

// NewWebhook is a webhook that is asked for.
type NewWebhook struct {
	Name   string    `json:"name" minLength:"1" maxLength:"64" pattern:"^[a-z0-9][a-z0-9._-]*$" example:"crm" doc:"Lower-case letters, digits, and . _ - after the first."`
	URL    string    `json:"url" maxLength:"2000" example:"https://crm.example.org/hooks/offramp" doc:"https to a public address, or an origin of OFFRAMP_CALLOUT_TARGETS. A user name and password are sent as basic authentication. Of the format listmonk: the address of the listmonk itself, with an API user and its token."`
	Format string    `json:"format,omitempty" enum:"standard,sendgrid,postmark,mailgun,listmonk" doc:"Left out: standard."`
	Act    string    `json:"act,omitempty" enum:"complaint,blocklist" doc:"Of the format listmonk; left out: complaint."`
	Lists  []string  `json:"lists,omitempty" maxItems:"100" doc:"Only events of these lists, and those of all lists."`
	Kinds  []string  `json:"kinds,omitempty" maxItems:"50" doc:"Only these kinds of events."`
	Secret string    `json:"secret,omitempty" maxLength:"200" doc:"Of the formats standard and mailgun: the secret to sign with; left out: a new one."`
	After  *int64    `json:"after,omitempty" doc:"Begin after the event with this id: 0 for all that are kept. Left out, with since: what comes from now on."`
	Since  time.Time `json:"since,omitzero" doc:"Begin with the events of this time."`
}

// CreatedWebhook is a webhook with its new secret.
type CreatedWebhook struct {
	Webhook
	Secret string `json:"secret,omitempty" doc:"What the receiver verifies signatures with: of the format sendgrid a public key. It is shown this once. Left out: the format has no signatures."`
}

// WebhookPatch is what is to be changed.
type WebhookPatch struct {
	URL   *string   `json:"url,omitempty" maxLength:"2000"`
	Act   *string   `json:"act,omitempty" enum:"complaint,blocklist"`
	Lists *[]string `json:"lists,omitempty" maxItems:"100" doc:"Empty: all."`
	Kinds *[]string `json:"kinds,omitempty" maxItems:"50" doc:"Empty: those that its format is for."`
}

// WebhookReplay says from where events are sent again.
type WebhookReplay struct {
	After *int64    `json:"after,omitempty" doc:"After the event with this id."`
	Since time.Time `json:"since,omitzero" doc:"From this time on."`
}

// WebhookSkip names an event that is not sent.
type WebhookSkip struct {
	Event int64 `json:"event" example:"57" doc:"Id of an event that is not acknowledged."`
}

// WebhookRotation asks for a new secret.
type WebhookRotation struct {
	Overlap *int64 `json:"overlap" nullable:"false" minimum:"0" maximum:"2592000" example:"86400" doc:"For how many seconds the secret before is used, too. standard: calls bear both signatures for so long. sendgrid, mailgun: the new one signs from then on."`
	Secret  string `json:"secret,omitempty" maxLength:"200" doc:"Of the formats standard and mailgun: the new secret; left out: one is made."`
}

// WebhookTest is what a receiver answered to a test event.
type WebhookTest struct {
	OK     bool   `json:"ok" doc:"It was answered 2xx."`
	Status int    `json:"status,omitempty" doc:"HTTP status of the answer; left out: there was none."`
	Body   string `json:"body,omitempty" doc:"The first 1,024 bytes of the answer."`
	Error  string `json:"error,omitempty" doc:"Why it does not count as taken."`
	Millis int64  `json:"duration_ms" doc:"How long it took."`
}
