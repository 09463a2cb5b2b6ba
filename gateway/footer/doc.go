// Package footer puts a visible line with the recipient's link at the end of list
// mail that has no way out in its body. Gmail, Yahoo and Microsoft ask bulk
// senders for one beside the header fields of RFC 8058.
//
// It reads a message once, whoever gets it: whether a way out is there already,
// and where in the last text/plain and the last text/html part a line is seen.
// What differs from one recipient to the next is the link alone. No octet but
// the line changes. Nothing is put into signed or encrypted parts, attachments,
// calendars, AMP, nor into text in a charset that has no ASCII.
package footer
