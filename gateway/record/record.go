// Package record holds the JSON shapes of what is recorded: those of the API,
// of the commands' --json, and of what a person downloads. Each exists once.
//
// The doc and example tags are the text of the API's documentation. Times are
// UTC, in the form of RFC 3339. A field that is left out has its zero value.
package record

// Problem is the body of every error (RFC 9457 section 3.1).
type Problem struct {
	Type   string `json:"type" example:"about:blank" doc:"Always about:blank: the status says it all."`
	Title  string `json:"title" example:"Bad Request" doc:"Name of the status."`
	Status int    `json:"status" example:"400" doc:"HTTP status code."`
	Detail string `json:"detail,omitempty" example:"This is not a valid mail address." doc:"What is wrong and what to do, for people."`
}

// Changed is the answer to a change.
type Changed struct {
	Changed int `json:"changed" example:"1" doc:"How many records it changed; 0: all of it stood already."`
}
