package web

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
)

// What the page's own forms ask for.
const (
	actUnsubscribe = "unsubscribe" // leave the list of the link
	actLeave       = "leave"       // leave all lists
	actChoose      = "choose"      // what the form's fields say of each list, of all and of sharing
	actUndo        = "undo"        // back to what stood before the form that was answered
	actAgain       = "again"       // mail of the list of the link again, after a confirmation
	actAllAgain    = "all-again"   // the same of all lists
	actAllow       = "allow"       // sharing again, after a confirmation
	actReason      = "reason"      // why the person left
	actAskErase    = "ask-erase"   // a mail with the code that erases
	actAskData     = "ask-data"    // a mail with the code that shows what is held
	actCode        = "code"        // what a mail with a code was sent for
	actErase       = "erase"       // once the code was typed
	actDownload    = "download"    // what is held, once the code was typed
	actReceipt     = "receipt"     // of one opt-out, once the code was typed
	actConfirm     = "confirm"     // what a mail asked
)

// Names of the forms' fields. The seal comes first, so that the first bytes
// of a body tell our own form from what mail clients post.
const (
	fieldSeal    = "offramp-form"
	fieldAction  = "action"
	fieldList    = "list:" // and the list's identifier, empty for all lists
	fieldUntil   = "until"
	fieldSharing = "sharing"
	fieldReason  = "reason"
	fieldText    = "text"
	fieldEvent   = "event"
	fieldCode    = "code"
)

// form is a body of one of the page's own forms.
type form struct {
	action string
	seal   string
	values url.Values
}

// readForm reads the body of a POST. own is false for everything but the
// page's own forms, also for a body that cannot be read: what a mail client
// sends decides nothing.
func readForm(r *http.Request) (f form, own bool) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if !bytes.HasPrefix(body, []byte(fieldSeal+"=")) {
		return form{}, false
	}
	// A form that is not whole or does not parse is still ours, and then asks
	// for nothing.
	values, invalid := url.ParseQuery(string(body))
	if err != nil || invalid != nil || len(body) == maxBody {
		return form{}, true
	}
	return form{action: values.Get(fieldAction), seal: values.Get(fieldSeal), values: values}, true
}
