package feedback

import (
	"context"
	"errors"
	"strings"

	"offramp/gateway/consent"
	"offramp/gateway/diagnosis"
	"offramp/gateway/envelope"
	"offramp/listunsub"
)

// proof is the recipient that the tokens in a returned message name.
type proof struct {
	subject consent.Subject
	header  bool // by a token that only the recipient's own copy has
	body    bool // by a link that everybody has who was shown the message
}

func (p proof) any() bool { return p.header || p.body }

// maxCandidates bounds the tokens that are tried in one message.
const maxCandidates = 60

// What address tokens have after their separator, in bytes: with less there is
// no recipient in them. Other texts do not count as candidates.
const (
	shortestText = 29
	longestText  = 62
)

// claim is what one token says.
type claim struct {
	recipient string
	list      string
	address   *listunsub.AddressClaims // recipient and list are in it
	body      bool
}

// prove finds our tokens in what a message returns or quotes. Tokens of several
// people prove nothing.
func (f *Feedback) prove(ctx context.Context, r *diagnosis.Report) (proof, error) {
	s := search{f: f, left: maxCandidates}
	s.token(r.Returned.Get("CFBL-Feedback-ID"), listunsub.FeedbackID)
	s.text(string(r.Returned.Raw()))
	s.text(r.Feedback) // Original-Mail-From is often all that was not redacted (RFC 6590)
	s.text(r.ReturnedText)
	s.text(r.Text)
	var p proof
	for _, c := range s.found {
		recipient, err := f.named(ctx, c)
		if errors.Is(err, ErrUnknown) || errors.Is(err, errErased) {
			continue
		}
		if err != nil {
			return proof{}, err
		}
		if p.any() && recipient.Key() != p.subject.Recipient.Key() {
			return proof{}, nil
		}
		if p.any() && (p.header || c.body) {
			continue // the first one says which list
		}
		subject := consent.Subject{Recipient: recipient, List: c.list}
		if c.address != nil {
			if subject, err = f.subject(ctx, recipient, *c.address); errors.Is(err, ErrUnknown) {
				continue
			}
			if err != nil {
				return proof{}, err
			}
		}
		p.subject, p.header, p.body = subject, p.header || !c.body, p.body || c.body
	}
	return p, nil
}

// named is the recipient of a claim.
func (f *Feedback) named(ctx context.Context, c claim) (envelope.Address, error) {
	if c.address != nil {
		return f.recipient(ctx, *c.address)
	}
	return f.recipient(ctx, listunsub.AddressClaims{Recipient: c.recipient})
}

// search collects the claims of tokens.
type search struct {
	f     *Feedback
	left  int
	found []claim
}

func (s *search) token(token string, purpose listunsub.Purpose) bool {
	if token == "" || s.left <= 0 {
		return false
	}
	s.left--
	c, err := s.f.Tokens.Open(token, purpose)
	if err != nil {
		return false
	}
	s.found = append(s.found, claim{recipient: c.Recipient, list: c.List, body: purpose == listunsub.BodyLink})
	return true
}

// beforeText are the characters that the separators of an address token begin
// with (listunsub.CutAddress).
const beforeText = "+-.%="

// text looks for links and addresses. A long link may be cut at line ends, with
// the marks of a quotation in between.
func (s *search) text(text string) {
	for rest := text; s.left > 0; {
		i := strings.IndexAny(rest, "/"+beforeText)
		if i < 0 {
			return
		}
		switch {
		case rest[i] == '/' && i+3 < len(rest) && rest[i+2] == '/' && (rest[i+1] == 'u' || rest[i+1] == 'p'):
			purpose := listunsub.HeaderLink
			if rest[i+1] == 'p' {
				purpose = listunsub.BodyLink
			}
			one, joined := run(rest[i+3:], isTokenChar)
			if !s.token(one, purpose) && joined != one {
				s.token(joined, purpose)
			}
			i += 2
		case i > 0 && (i < 2 || !isLocalChar(rest[i-2])):
			kind, text, ok := listunsub.CutAddress(rest[i-1:])
			if !ok {
				break
			}
			local, joined := run(text, isLocalChar)
			if !s.address(kind, local) && joined != local {
				s.address(kind, joined)
			}
		}
		rest = rest[i+1:]
	}
}

func (s *search) address(kind listunsub.AddressKind, text string) bool {
	if len(text) < shortestText || len(text) > longestText || s.left <= 0 {
		return false
	}
	s.left--
	c, err := s.f.Tokens.OpenAddress(string(kind) + "+" + text)
	if err != nil {
		return false
	}
	s.found = append(s.found, claim{address: &c})
	return true
}

// run returns the characters at the start of s, and those joined with the ones
// that follow a line end.
func run(s string, is func(byte) bool) (one, joined string) {
	end := 0
	for end < len(s) && end < 1000 && is(s[end]) {
		end++
	}
	one, joined = s[:end], s[:end]
	for lines := 0; lines < 10; lines++ {
		next := strings.TrimLeft(strings.TrimPrefix(strings.TrimPrefix(s[end:], "="), "\r"), " ")
		if !strings.HasPrefix(next, "\n") {
			break
		}
		next = strings.TrimLeft(next[1:], "> \t|")
		more := 0
		for more < len(next) && more < 1000 && is(next[more]) {
			more++
		}
		if more == 0 {
			break
		}
		joined += next[:more]
		s, end = next, more
	}
	return one, joined
}

func isTokenChar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

func isLocalChar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
