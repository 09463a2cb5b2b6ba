// Package queue moves accepted mail from the spool to the next hop.
//
// A [Queue] leases recipients that are due, and for each of them, at every
// attempt: takes a connection, renders the message for that recipient
// ([Renderer]), takes the gate, asks for the verdict, and only then starts the
// SMTP transaction. Whatever happens is recorded in the spool before the lease
// ends: delivered, dropped, deferred with a time, or failed. A recipient that
// failed is reported to the sender by a delivery status notification.
//
// A person may have set a limit. Then the verdict to deliver is the turn of
// this message, and before the lease ends the turn is given back if the message
// was certainly not sent, or kept if that cannot be known.
//
// Duties of the other rooms it rests on: what the spool holds was settled on
// acceptance (line ends, addresses), and an opt-out that is on disk is answered
// only when all who passed the gate before it are through.
package queue
