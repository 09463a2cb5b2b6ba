package demo

import (
	"errors"
	"net"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// serveDNS answers as the DNS would if the records of the demo were published, so
// that the programs that ask it can be tried. It ends with its socket.
func (d *Demo) serveDNS() error {
	query := make([]byte, 1232) // what fits a packet everywhere (RFC 9715)
	for {
		n, from, err := d.dns.ReadFrom(query)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		answer, err := d.answer(query[:n])
		if err != nil {
			continue // not a question
		}
		// A client that is gone asks again.
		_, _ = d.dns.WriteTo(answer, from)
	}
}

// answer answers one question.
func (d *Demo) answer(query []byte) ([]byte, error) {
	var p dnsmessage.Parser
	header, err := p.Start(query)
	if err != nil {
		return nil, err
	}
	question, err := p.Question()
	if err != nil {
		return nil, err
	}
	bodies, known := d.records(question)
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: header.ID, Response: true, Authoritative: true, RecursionDesired: header.RecursionDesired},
		Questions: []dnsmessage.Question{question},
	}
	if !known {
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, body := range bodies {
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: question.Class, TTL: 60}, Body: body,
		})
	}
	return m.Pack()
}

// records are those of a name; known says that there is the name.
func (d *Demo) records(q dnsmessage.Question) (bodies []dnsmessage.ResourceBody, known bool) {
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	if name == Feedback {
		if q.Type == dnsmessage.TypeMX {
			bodies = append(bodies, &dnsmessage.MXResource{Pref: 10, MX: dnsmessage.MustNewName(Feedback + ".")})
		}
		return bodies, true
	}
	text, err := d.lookupTXT(name)
	if err != nil {
		return nil, false
	}
	if q.Type == dnsmessage.TypeTXT {
		var strs []string // of at most 255 bytes each (RFC 1035 section 3.3)
		for rest := text[0]; rest != ""; {
			n := min(len(rest), 255)
			strs = append(strs, rest[:n])
			rest = rest[n:]
		}
		bodies = append(bodies, &dnsmessage.TXTResource{TXT: strs})
	}
	return bodies, true
}
