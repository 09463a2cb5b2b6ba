package delivery

import (
	"fmt"
	"io"
	"slices"
	"strconv"

	"offramp/gateway/message"
	"offramp/store"
)

// suits decides before MAIL what the client would decide wrongly or not at
// all. ok is false when the hop can never take the message as it is; st then
// says why.
func (s *session) suits(m *store.Message, eightBitHeader bool, size int64, jobs []store.Job, body func() (io.ReadCloser, error)) (st store.Status, ok bool, err error) {
	refuse := func(enhanced, text string) (store.Status, bool, error) {
		return store.Status{Enhanced: enhanced, Text: text, Host: s.name}, false, nil
	}
	// RFC 8689 section 4.2.1; a bounce is sent all the same (section 5).
	if m.RequireTLS && m.ReversePath != "" && !(s.verified && s.offers("REQUIRETLS")) {
		return refuse("5.7.30", "the sender requires TLS (REQUIRETLS), and the next hop does not offer it")
	}
	if limit, err := strconv.ParseInt(s.ext["SIZE"], 10, 64); err == nil && limit > 0 && size > limit {
		return refuse("5.3.4", fmt.Sprintf("the message has %d bytes, and the next hop accepts %d at most", size, limit))
	}
	if needsUTF8(m, eightBitHeader, jobs) && !s.offers("SMTPUTF8") {
		return refuse("5.6.7", "the message has non-ASCII addresses or header fields, and the next hop does not offer SMTPUTF8")
	}
	// What was never declared is passed on as it came; RFC 6152 section 3
	// speaks of declared content only. Many clients declare it for all they
	// send, so the content is looked at.
	if m.EightBit && !s.offers("8BITMIME") {
		plain, err := sevenBit(eightBitHeader, body)
		if err != nil {
			return st, false, err
		}
		if !plain {
			return refuse("5.6.3", "the message has 8-bit content, and the next hop does not offer 8BITMIME")
		}
	}
	return st, true, nil
}

// needsUTF8 says whether the transaction needs SMTPUTF8. A client may have
// asked for it without need (RFC 6531 section 3.1).
func needsUTF8(m *store.Message, eightBitHeader bool, jobs []store.Job) bool {
	if !m.UTF8 {
		return false
	}
	return eightBitHeader || !message.ASCII([]byte(m.ReversePath)) ||
		slices.ContainsFunc(jobs, func(j store.Job) bool { return !message.ASCII([]byte(j.Recipient.Address)) })
}

// sevenBit says whether the whole message is ASCII.
func sevenBit(eightBitHeader bool, body func() (io.ReadCloser, error)) (bool, error) {
	if eightBitHeader {
		return false, nil
	}
	in, err := body()
	if err != nil {
		return false, err
	}
	defer in.Close()
	buf := make([]byte, block)
	for {
		n, err := in.Read(buf)
		if !message.ASCII(buf[:n]) {
			return false, nil
		}
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
}
