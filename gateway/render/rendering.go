package render

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"offramp/gateway/dkim"
	"offramp/gateway/mime"
	"offramp/listunsub"
)

// Rendering is a message as one recipient gets it.
type Rendering struct {
	Header []byte // with the empty line
	Size   int64  // bytes of header and body; an estimate when the body is substituted and nothing is signed
	Signed bool
	Lines  Lines
	// ReversePath is what the message leaves with: ours (VERP), or the sender's.
	// It is set beside ErrEightBit too.
	ReversePath string
	// Code is in addresses of the message, since the recipient is too long for
	// them: it must be kept before the message leaves. Zero: there is none.
	Code listunsub.PersonCode

	edits  []mime.Edit
	values map[string]string
	pieces [][]byte // of the body, where edits stand between them; nil: it is read
}

// Target is whom a message is rendered for.
type Target struct {
	Recipient string // wire form
	SevenBit  bool   // the next hop takes no 8-bit content
	First     bool   // it is the first message of the list to them
	// NoCode leaves out every address that would bear the code of a recipient
	// who does not fit, since the code finds nobody: there is no mailto URI, and
	// the reverse-path is the sender's.
	NoCode bool
}

// Render renders for a target into buf, which the result holds on to. Body opens
// the body as stored; it is read here only when it is different for each
// recipient and signed, or encoded anew. Errors of body are passed on. Where 7-bit
// content is wanted and cannot be made the error is [ErrEightBit].
//
// Both List-Unsubscribe fields are added also where no key is at hand for the
// From domain: a smarthost may sign later, and must find the whole set (RFC 8058
// section 4). Such mail is counted.
func (m *Message) Render(buf []byte, to Target, body func() (io.ReadCloser, error)) (Rendering, error) {
	var out Rendering
	if err := m.returnTo(&out, to); err != nil {
		return Rendering{}, err
	}
	f, err := m.form(to.SevenBit, body)
	if err != nil {
		return out, err
	}
	out.Size, out.Lines, out.edits = f.size, f.lines, f.edits
	ours, err := m.ours(&out, to)
	if err != nil {
		return out, err
	}
	if len(m.parts) > 0 || f.line != nil {
		link, err := m.bodyLink(to.Recipient)
		if err != nil {
			return out, err
		}
		if f.line != nil {
			out.insert(f, f.line.Edits(link, to.First))
		} else {
			out.values = map[string]string{mime.UnsubscribeURL: link, mime.PreferencesURL: link}
		}
	}
	buf = buf[:0]
	if len(m.keys) > 0 {
		hash, err := m.bodyHash(&out, f, body)
		if err != nil {
			return out, err
		}
		fields := append(append(make([][]byte, 0, len(ours)+len(f.fields)), ours...), f.fields...)
		for _, k := range m.keys {
			signature, err := k.Sign(fields, hash, m.stored.Received, m.omitted)
			if err != nil {
				return out, fmt.Errorf("sign for %s: %w", k.Domain, err)
			}
			buf = append(buf, signature...)
		}
		out.Signed = true
	}
	for _, f := range ours {
		buf = append(buf, f...)
	}
	out.Header = append(buf, f.rest...)
	out.Size += int64(len(out.Header))
	return out, nil
}

// ours returns the fields that are put in front for a target.
func (m *Message) ours(out *Rendering, to Target) ([][]byte, error) {
	var ours [][]byte
	if !m.exempt && !m.kept {
		unsubscribe, err := m.unsubscribe(out, to)
		if err != nil {
			return nil, err
		}
		ours = append(ours, unsubscribe, m.post)
		if m.listID != nil {
			ours = append(ours, m.listID)
		}
	}
	ours = append(ours, m.returns.fields...)
	if m.returns.complaints {
		token, err := m.complaintToken(to.Recipient)
		if err != nil {
			return nil, err
		}
		ours = append(ours, token)
	}
	if m.returns.variable {
		variable, err := m.variable(out, to)
		if err != nil {
			return nil, err
		}
		if variable != nil {
			ours = append(ours, variable)
		}
	}
	if len(m.stored.Trace) > 0 {
		ours = append(ours, m.stored.Trace)
	}
	return ours, nil
}

// insert adds the visible line.
func (c *Rendering) insert(f *form, line []mime.Edit) {
	for _, e := range line {
		c.Size += int64(len(e.Text)) - e.Length
	}
	if len(f.edits) == 0 {
		c.edits, c.pieces = line, f.pieces
		return
	}
	c.edits = append(slices.Clone(f.edits), line...)
}

// bodyHash is the hash of the form, or for a body that is different
// for each recipient the hash of what this one gets. It then sets out.Size too.
func (m *Message) bodyHash(out *Rendering, f *form, body func() (io.ReadCloser, error)) ([]byte, error) {
	if len(m.parts) == 0 && f.line == nil {
		return f.hash, nil
	}
	if f.head != nil {
		return f.lineHash(out.edits), nil
	}
	in, err := body()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	hash := dkim.NewBodyHash()
	var size counter
	if err := out.WriteBody(io.MultiWriter(hash, &size), in); err != nil {
		return nil, err
	}
	out.Size = int64(size)
	return hash.Sum(), nil
}

// WriteBody streams the body for this recipient from body as stored.
func (c Rendering) WriteBody(dst io.Writer, body io.Reader) error {
	if c.pieces != nil {
		return c.writePieces(dst)
	}
	if len(c.edits) > 0 {
		return mime.Rewrite(dst, body, c.edits, c.values)
	}
	_, err := io.Copy(dst, body)
	return err
}

func (c Rendering) writePieces(dst io.Writer) error {
	for i, piece := range c.pieces {
		if i > 0 {
			if _, err := dst.Write(c.edits[i-1].Text); err != nil {
				return err
			}
		}
		if _, err := dst.Write(piece); err != nil {
			return err
		}
	}
	return nil
}

// unsubscribe composes List-Unsubscribe: https first, since several clients
// act on the first URI only (RFC 8058 section 3.1).
func (m *Message) unsubscribe(out *Rendering, to Target) ([]byte, error) {
	token, err := m.token(to.Recipient, listunsub.HeaderLink)
	if err != nil {
		return nil, err
	}
	uris := []string{m.r.url("/u/", token)}
	if m.r.FeedbackDomain != "" {
		address, ok, err := m.address(out, listunsub.OptOutAddress, to)
		if err != nil {
			return nil, err
		}
		if ok {
			uri, err := listunsub.Mailto(address, "unsubscribe")
			if err != nil {
				return nil, err
			}
			uris = append(uris, uri)
		}
	}
	value, err := listunsub.Compose(uris...)
	if err != nil {
		return nil, err
	}
	return mime.NewField(fieldUnsubscribe, value)
}

// address returns an address of the feedback domain that names the target. ok is
// false for one that would need a code and may have none.
func (m *Message) address(out *Rendering, kind listunsub.AddressKind, to Target) (address string, ok bool, err error) {
	local, code, err := m.r.Tokens.SealAddress(listunsub.AddressClaims{
		Kind: kind, ListKey: listunsub.ListKey(m.stored.List), Recipient: to.Recipient})
	if err != nil {
		return "", false, fmt.Errorf("seal address: %w", err)
	}
	if code != (listunsub.PersonCode{}) {
		if to.NoCode {
			return "", false, nil
		}
		out.Code = code
	}
	return local + "@" + m.r.FeedbackDomain, true, nil
}

func (m *Message) bodyLink(recipient string) (string, error) {
	token, err := m.token(recipient, listunsub.BodyLink)
	return m.r.url("/p/", token), err
}

func (m *Message) token(recipient string, p listunsub.Purpose) (string, error) {
	token, err := m.r.Tokens.Seal(listunsub.Claims{List: m.stored.List, Recipient: recipient, Issued: m.stored.Received, Purpose: p})
	if err != nil {
		return "", fmt.Errorf("seal token: %w", err)
	}
	return token, nil
}

func (r *Renderer) url(path, token string) string {
	return strings.TrimRight(r.PublicURL, "/") + path + token
}

// counter counts bytes.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
