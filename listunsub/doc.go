// Package listunsub is what a sender of bulk mail needs to give every
// recipient a working way out (RFC 2369, RFC 8058, RFC 2919), and nothing
// else: no server, no storage, no clock.
//
//   - Header fields: [Compose] and [Parse] for List-Unsubscribe, [PostValue]
//     and [ParsePost] for List-Unsubscribe-Post, [ListID] for List-Id.
//     Composing is strict, parsing takes what is found in real mail.
//   - Tokens: a [KeyRing] seals who may leave which list into an https URL
//     ([KeyRing.Seal]) or into the local part of a mail address
//     ([KeyRing.SealAddress]). Opening one needs a key and no look-up. Only
//     the mail address of a recipient who does not fit into it has a [PersonCode],
//     of which the sender must have kept the recipient.
//   - Codes that a person types from a letter: [KeyRing.Digits].
//   - Requests: a POST to the URL of a token that a KeyRing opens is the opt-out,
//     whatever its body says. Real clients send the pair of RFC 8058 as multipart
//     without a boundary, with a wrong type, or not at all, so nothing reads it.
//   - Advice: [Lint] says what is wrong with the way out of a finished message
//     and what to do about it.
//
// A sender composes the two fields and signs them with DKIM; both must be in
// the h= of one signature or mail clients ignore them (RFC 8058 section 4):
//
//	token, err := ring.Seal(listunsub.Claims{List: "news.example.com", Recipient: "ada@example.net",
//		Issued: sent, Purpose: listunsub.HeaderLink})
//	value, err := listunsub.Compose("https://lists.example.com/u/" + token)
//	// List-Unsubscribe: <value>
//	// List-Unsubscribe-Post: listunsub.PostValue
//
// # What a token hides and what it proves
//
// Tokens are deterministic: the same claims under the same ring give the same
// text, so a repeated delivery has the same bytes. They are encrypted, so a
// URL shows neither address nor list. Nothing is padded: the length of a
// token reveals the sum of the lengths of list and address to whoever sees it.
// A mail address with a person code has one length for everybody.
// They are authenticated with 128 bits (72 bits in mail addresses, where 64
// bytes must do) and name a use, so that a link made to show a page cannot be
// used where a link that acts is asked for. They do not expire; a ring opens
// the tokens of all its keys.
//
// Values of all types may be used by several goroutines at once.
package listunsub
