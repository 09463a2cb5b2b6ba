// Package render makes of a message and a recipient the bytes that leave.
//
// A [Renderer] prepares a [Message] once for all its recipients; rendering it
// for one of them adds the token, the List-Unsubscribe fields, what brings back
// bounces and complaints, the placeholders' values and the signatures. All of
// it depends on message, recipient, list, keys and [Signing] alone, so that a
// retry to the same next hop has the same bytes.
package render
