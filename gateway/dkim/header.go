package dkim

import "bytes"

// signedField is a field name that a signature covers.
type signedField struct {
	name string
	// oversign names the field once more than it is there, so that nobody can
	// add another one (RFC 6376 section 5.4.2).
	oversign oversigning
}

// oversigning is when a field is oversigned.
type oversigning int

const (
	never oversigning = iota
	always
	// withAny is in the company of another such field: a next hop may add the
	// three to mail that is not list mail, and must not break it by that.
	withAny
)

// signedFields are the fields a signature names, in the order of tag h=.
//
// Oversigned is what people see, what decides how the rest is read, and what
// RFC 8058 section 4 wants covered. The others are signed where present: their
// absence promises nothing, and a later hop may have reason to add one. The
// CFBL fields must be covered (RFC 9477 section 3.1), so must Feedback-ID for
// those who read it. Trace fields, Return-Path, Bcc and Resent-* are changed or
// added on the way and stay out (RFC 6376 section 5.4.1).
var signedFields = [...]signedField{
	{"From", always},
	{"Subject", always},
	{"Date", always},
	{"To", always},
	{"Cc", always},
	{"Reply-To", always},
	{"Message-ID", always},
	{"MIME-Version", always},
	{"Content-Type", always},
	{"List-Id", withAny},
	{"List-Unsubscribe", withAny},
	{"List-Unsubscribe-Post", withAny},
	{"Content-Transfer-Encoding", never},
	{"Sender", never},
	{"In-Reply-To", never},
	{"References", never},
	{"Auto-Submitted", never},
	{"Feedback-ID", never},
	{"List-Help", never},
	{"List-Owner", never},
	{"List-Subscribe", never},
	{"List-Archive", never},
	{"List-Post", never},
	{"CFBL-Address", never},
	{"CFBL-Feedback-ID", never},
}

// Fields is a set of the fields that signatures name.
type Fields uint32

// FieldSet returns the set of those of the named fields, in any case, that a
// signature may leave out. From it may not (RFC 6376 section 5.4).
func FieldSet(names ...string) Fields {
	var set Fields
	for _, name := range names {
		if i, ok := lookUp([]byte(name)); ok && i > 0 {
			set |= 1 << i
		}
	}
	return set
}

// has says whether the field with this index in signedFields is in the set.
func (f Fields) has(i int) bool { return f&(1<<i) != 0 }

// instance is a field of the message that is signed.
type instance struct {
	name int // index in signedFields
	raw  []byte
}

// signedData returns the canonical form of all fields to be signed, and the
// names for tag h= in the same order. Of several fields with one name the
// lowest comes first (RFC 6376 section 5.4.2). What is in without is neither
// signed nor oversigned.
func signedData(fields [][]byte, without Fields) (data []byte, names []string) {
	found := make([]instance, 0, 2*len(signedFields))
	listed := false
	size := 1024 // our own field
	for _, raw := range asVerifiersSplit(fields) {
		if i, ok := lookUp(fieldName(raw)); ok && !without.has(i) {
			found = append(found, instance{i, raw})
			listed = listed || signedFields[i].oversign == withAny
			size += len(raw) + 2
		}
	}
	data = make([]byte, 0, size)
	names = make([]string, 0, len(found)+len(signedFields))
	for i, f := range signedFields {
		if without.has(i) {
			continue
		}
		for j := len(found) - 1; j >= 0; j-- {
			if found[j].name == i {
				data = appendRelaxed(data, found[j].raw)
				names = append(names, f.name)
			}
		}
		if f.oversign == always || f.oversign == withAny && listed {
			names = append(names, f.name)
		}
	}
	return data, names
}

// lookUp finds a name among signedFields, in any case.
func lookUp(name []byte) (int, bool) {
	for i, f := range &signedFields {
		// Equal length keeps EqualFold to US-ASCII: every other letter that
		// folds to an ASCII one takes more bytes.
		if len(f.name) == len(name) && bytes.EqualFold(name, []byte(f.name)) {
			return i, true
		}
	}
	return 0, false
}

// fieldName returns what stands before the colon, without white space; nil
// for a line that is not a field.
func fieldName(raw []byte) []byte {
	colon := bytes.IndexByte(raw, ':')
	if colon < 0 {
		return nil
	}
	// Blanks before the colon are obsolete but seen (RFC 5322 section 4.5.8),
	// and verifiers take them off (RFC 6376 section 3.4.2).
	return bytes.TrimRight(raw[:colon], " \t\r\n")
}

// asVerifiersSplit returns fields as somebody splits them who reads the header
// line by line: a piece that holds several fields is cut up, one that starts
// with white space belongs to the field before it, an empty line ends it all.
// In nearly every message the result is fields itself.
func asVerifiersSplit(fields [][]byte) [][]byte {
	regular := true
	for _, raw := range fields {
		if len(raw) == 0 || isBlank(raw[0]) || raw[0] == '\r' || raw[0] == '\n' || fieldEnd(raw) != len(raw) {
			regular = false
			break
		}
	}
	if regular {
		return fields
	}
	var split [][]byte
	for rest := bytes.Join(fields, nil); len(rest) > 0 && rest[0] != '\r' && rest[0] != '\n'; {
		n := fieldEnd(rest)
		split = append(split, rest[:n])
		rest = rest[n:]
	}
	return split
}

// fieldEnd returns the length of the field raw starts with, its line end and
// folded lines included.
func fieldEnd(raw []byte) int {
	for end := 0; ; {
		n := bytes.IndexByte(raw[end:], '\n')
		if n < 0 {
			return len(raw)
		}
		if end += n + 1; end == len(raw) || !isBlank(raw[end]) {
			return end
		}
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// appendRelaxed appends the relaxed form of a field, CRLF included (RFC 6376
// section 3.4.2).
func appendRelaxed(dst, raw []byte) []byte {
	colon := bytes.IndexByte(raw, ':')
	if colon < 0 {
		return dst
	}
	for _, c := range bytes.TrimRight(raw[:colon], " \t\r\n") {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	dst = append(dst, ':')
	start := len(dst)
	for value := raw[colon+1:]; len(value) > 0; {
		n := 0
		for n < len(value) && value[n] > ' ' {
			n++
		}
		if n == 0 {
			switch c := value[0]; c {
			case ' ', '\t', '\r', '\n':
				// A blank is added only in front of what follows, which leaves
				// none at either end.
				if end := len(dst); end > start && dst[end-1] != ' ' {
					dst = append(dst, ' ')
				}
			default:
				dst = append(dst, c)
			}
			value = value[1:]
			continue
		}
		dst = append(dst, value[:n]...)
		value = value[n:]
	}
	if end := len(dst); end > start && dst[end-1] == ' ' {
		dst = dst[:end-1]
	}
	return append(dst, '\r', '\n')
}
