// Package mime is the one room that reads and writes the format of messages:
// header fields, encoded-words, parts, transfer encodings, charsets, HTML (RFC
// 5322, RFC 2045 to 2047, RFC 2231). It works on bytes, survives what breaks the
// RFCs, and knows nothing of recipients, queues or bounces.
//
// There are two ways to read. A message that is relayed streams by, and what
// its readers may disagree about is left alone ([Reader], [Scanner], [Texts],
// [Survey], [Rewrite]). A message that came back is only read, so that a guess does no
// harm: [Split], [Leaves], [Leaf.Text], [HTMLText] take it as far as it goes.
// [Header] and the values of fields ([Param], [Keyword], [DecodeWords]) are the
// same for both.
//
// # What stays
//
// Everything leaves as it came, byte for byte, but for these changes:
//
//   - Line ends are normalised when a message arrives ([Reader]): a lone LF becomes
//     CRLF, CRs directly before CRLF go, any other CR is a space. Nothing downstream
//     can then take for a line end what was none (SMTP smuggling).
//   - A message whose last line has no CRLF gets one, because SMTP ends every
//     message in CRLF: without it a signature would not match what is sent.
//   - A message without any empty line gets one, see below.
//   - Lines between the messages of an mbox ("From ", ">From ") on top of a header
//     become fields X-Mailbox-Line: a server further on would end the header there.
//   - Fields are put in front, and named fields removed ([Header.Without]).
//   - Placeholders in the text parts of a body are replaced ([Rewrite]).
//   - Text is put into a text part, encoded as the part is ([Slot]).
//   - Lines over 998 bytes, and 8-bit content for 7-bit transport, are encoded as
//     far as a [Plan] says, and long header lines folded ([Header.Folded]).
//     Decoded and unfolded they are the same.
//
// A message that holds a NUL is refused: neither 7bit nor 8bit content may (RFC
// 2045 sections 2.7 and 2.8), and what the next server makes of it nobody knows.
//
// # Where the header ends
//
// At the first empty line, where the first line is a field, whatever stands
// between them; a message without any empty line is all header then, and the
// empty line is added behind it. A first line that is no field begins the body,
// and the empty line is added before it. A message that has no empty line within
// the size limit of a header counts as one without.
package mime
