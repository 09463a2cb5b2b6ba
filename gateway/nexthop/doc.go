// Package nexthop hands messages to other mail servers by SMTP and LMTP.
//
// [Hops] knows the servers, or finds the mail exchangers of a domain, and keeps
// connections for the next message. A [Session] runs transactions, one after
// the other. What a hop answers, and what goes wrong on the way to it, is read
// in one place: [Explain].
//
// The room knows no storage and no schedule: what becomes of a message is
// decided by those who send it.
package nexthop
