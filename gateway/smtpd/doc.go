// Package smtpd speaks SMTP with the world: submissions of clients that may
// relay, and mail to our own opt-out, bounce and postmaster addresses from
// anybody.
//
// The protocol is go-smtp's, as released. What it gets wrong is worked around
// here: below it by our net.Conn (deadlines, limits, the end of a
// connection), above it by our session (addresses, order of commands,
// replies). Each connection has a go-smtp server of its own, because its Debug
// writer is the only place where the bytes of one connection can be seen in
// clear, and that is needed to distinguish a whole message from one that was cut off.
package smtpd
