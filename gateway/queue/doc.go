// Package queue is the order of work on accepted mail, and what becomes of it.
//
// The runner leases recipients that are due and hands them to workers as tasks.
// An attempt on a task goes, from top to bottom of attempt.go: prepare the
// message, take or open a session, render for the recipient, make the recipient's
// code durable where the message bears one (code.go), pass the gate, ask for the
// verdict, and only then send MAIL. transaction.go goes on with RCPT and
// DATA, outcome.go decides what each reply means for its recipient, and record.go
// writes it to the spool before the lease ends: delivered, dropped, deferred with
// a time, failed, or held. A recipient that failed is reported to the sender by a
// delivery status notification.
//
// A person may have set a limit. Then the verdict to deliver reserves the slot of
// the period for this message; before the lease ends the slot is released if the
// message was certainly not sent, and kept if that cannot be known.
//
// It relies on two things: what the spool holds was normalised on acceptance
// (line ends, addresses), and an opt-out that is on disk is answered only when
// all attempts that passed the gate before it have sent MAIL.
package queue
