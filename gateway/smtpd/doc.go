// Package smtpd speaks SMTP with the world: submissions of clients that may
// relay, and mail to our own opt-out, bounce and postmaster addresses from
// anybody.
//
// The protocol is go-smtp's, as released. What it gets wrong is worked around
// here: by the net.Conn that it gets, a [dialogue] between the client and go-smtp
// (lines of commands, the end of a message, STARTTLS), by the connection below
// that (deadlines, limits, the end of a connection), and above go-smtp by our
// session (addresses, order of commands, replies). go-smtp knows nothing of TLS.
// Each dialogue has a go-smtp server of its own: one before STARTTLS and one after
// it.
package smtpd
