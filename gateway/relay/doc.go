// Package relay takes one message at a time into the spool: it says who may
// send, settles which list the message belongs to, asks a verdict for each
// recipient, and keeps one body for all of them. Nothing about it is written
// for one recipient; delivery renders late.
//
// An answer without an error means that the message is on disk, or that every
// recipient was dropped for a recorded reason.
package relay
