// Package render makes of a message and a recipient the bytes that leave.
//
// A [Renderer] prepares a [Message] once for all its recipients; rendering it
// for one of them adds the token, the List-Unsubscribe fields, what brings back
// bounces and complaints, the placeholders' values and the signatures. Lines that
// are too long, and 8-bit content for a hop that takes none, are encoded. All of
// it depends on message, recipient, list, keys, [Signing] and the extensions of
// the hop alone, so that a retry to the same next hop has the same bytes.
package render
