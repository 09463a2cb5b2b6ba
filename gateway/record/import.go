package record

import "time"

// Import is a file of suppressions that is taken over, or was.
type Import struct {
	ID      string    `json:"id" example:"mfrggzdfmztwq2lk"`
	State   string    `json:"state" enum:"checking,ready,running,paused,done,failed,cancelled" doc:"Checking: the file is read and nothing is recorded. Ready: it waits to be started."`
	Created time.Time `json:"created"`
	Changed time.Time `json:"changed"`
	Who     string    `json:"who,omitempty" doc:"The key that sent the file."`
	Name    string    `json:"name,omitempty" example:"suppression_bounces.csv" doc:"Of the file."`
	Format  string    `json:"format,omitempty" example:"sendgrid-bounces" doc:"What the file was recognised as."`
	List    string    `json:"list,omitempty" example:"news.example.org" doc:"List of records whose row names none; left out: all lists."`
	Error   string    `json:"error,omitempty" doc:"Why it failed or was paused, for people."`

	Rows    int64            `json:"rows" doc:"Rows of the file."`
	Records int64            `json:"records" doc:"Records in it, to be recorded; what is there twice counts once."`
	Reasons map[string]int64 `json:"reasons" doc:"Records by reason."`
	Lists   []string         `json:"lists" doc:"Lists that the records are about, beside all lists."`
	Skipped map[string]int64 `json:"skipped" doc:"Rows rightly left out: soft (soft bounces and blocks), active (people who get mail), ended."`
	Invalid int64            `json:"invalid" doc:"Rows that cannot be taken."`
	Errors  []RowError       `json:"errors" doc:"What is wrong with the first of them."`

	Total int64 `json:"total" doc:"Bytes to go through in this state."`
	Done  int64 `json:"done" doc:"Bytes of total that are through."`

	Added int64 `json:"added" doc:"Records that were added, or prolong what stood."`
	Dated int64 `json:"dated" doc:"Records that stood with a later date: the earlier one is kept."`
	Same  int64 `json:"same" doc:"Records that stood, or more than they say."`
	Kept  int64 `json:"kept" doc:"Records left out, since the person chose otherwise after their date."`
}

// RowError is what is wrong with a row of a file. It names no person.
type RowError struct {
	Line int64  `json:"line" example:"12"`
	Text string `json:"text" example:"invalid mail address"`
}

// ImportPage is imports, newest first.
type ImportPage struct {
	Items []Import `json:"items"`
}

// ImportChange has an import go on or stop.
type ImportChange struct {
	State string `json:"state" enum:"running,paused,cancelled" doc:"Running starts or resumes it. Cancelled ends it and removes the file; what it recorded stays."`
}

// LeftOut counts what an export has no place for.
type LeftOut struct {
	Erased int64 `json:"erased" doc:"Of erased people, whose address is gone."`
	Wide   int64 `json:"wide" doc:"Of whole domains."`
	Other  int64 `json:"other" doc:"Of reasons that the format has no word for."`
	Weaker int64 `json:"weaker" doc:"Of addresses that are written with a stronger reason, or once."`
	Lists  int64 `json:"lists" doc:"Of single lists, where no list was named."`
}
