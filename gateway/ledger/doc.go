// Package ledger is what the ledger of events is good for: it verifies the
// chain from end to end ([Verifier]), makes signed receipts of what people chose,
// which prove themselves without Offramp ([Signer]), and reports how soon opt-outs
// are in force and how far other systems have followed, against the deadlines
// that mailbox providers and laws set ([MakeReport], [Deadlines]).
//
// A receipt is text in the signed note format that transparency logs use
// (golang.org/x/mod/sumdb/note), under an Ed25519 key:
//
//	offramp receipt v1
//	recipient: ada@example.org
//	scope: list letter.example.org
//	what: unsubscribed
//	way: one-click
//	received: 2026-11-23T12:00:00.000000Z
//	in force: 2026-11-23T12:00:00.002100Z
//	event: 17
//	ledger link: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//
//	— offramp.example.org x08go/ZJ...
//
// The scope of an opt-out from everything is "all lists"; the time of what is
// not known to be in force is "not recorded". Times are UTC.
//
// To check one without Offramp, get the gateway's public key, one line such as
// "offramp.example.org+c74f20a3+ARpc2QcU...", from its operator by a way you
// trust, and hand text and key to any reader of signed notes; in Go:
//
//	v, err := note.NewVerifier(key)
//	n, err := note.Open(text, note.VerifierList(v)) // no error: n.Text is attested
//
// By hand: the part of the key after the second "+" is, in base64, the byte 1
// and the 32 bytes of the public key. The last word of the receipt is, in
// base64, four bytes that name the key and the 64 bytes of an Ed25519
// signature (RFC 8032) over all lines above the empty one, line ends included.
//
// The ledger link fixes the ledger up to the event: whoever holds a receipt
// finds out when an event up to that one is changed or gone, by
// [Verifier].
package ledger
