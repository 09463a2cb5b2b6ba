package listunsub

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/url"
	"strings"
)

const (
	// maxForm is how much of a body is looked at: the pair has 26 bytes.
	maxForm = 8 << 10
	// maxFormValues bounds the fields kept.
	maxFormValues = 64
)

// Form is what the body of a POST to an unsubscribe URL says.
type Form struct {
	// OneClick is true when the pair of RFC 8058 is among the fields, in any
	// case. Its absence proves nothing: some clients send an empty body.
	OneClick bool
	// Values has the first value of each field, names as sent, UTF-8 with
	// U+FFFD for what is not. Never nil, at most 64 fields.
	Values map[string]string
}

// ReadForm reads the body of a POST to an unsubscribe URL. It takes urlencoded
// and multipart bodies (RFC 8058 section 3.2) and what clients really send: a
// multipart type without its boundary parameter, a multipart body that is never
// closed, a wrong or missing type, an empty body. It looks at 8 KiB and leaves
// the rest unread.
//
// No body is an error: what cannot be understood gives an empty Form, because
// the token in the URL decides and the body is a hint. The only error is one
// from reading; the Form then holds what came before it.
func ReadForm(contentType string, body io.Reader) (Form, error) {
	data, err := io.ReadAll(io.LimitReader(body, maxForm))
	if err != nil {
		err = fmt.Errorf("read form: %w", err)
	}
	f := Form{Values: make(map[string]string)}
	mediaType, boundary := formType(contentType)
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	switch {
	case strings.HasPrefix(mediaType, "multipart/") || looksMultipart(data):
		f.readMultipart(data, boundary)
	case mediaType == "text/plain":
		f.readPlain(string(data))
	default:
		f.readEncoded(string(data))
	}
	return f, err
}

// formType takes a media type apart, also a broken one.
func formType(s string) (mediaType, boundary string) {
	mediaType, params, err := mime.ParseMediaType(s)
	if err != nil {
		mediaType, _, _ = strings.Cut(s, ";")
		return strings.ToLower(strings.TrimSpace(mediaType)), ""
	}
	return mediaType, params["boundary"]
}

// looksMultipart recognises a multipart body that was sent as something else.
func looksMultipart(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(data, "\r\n"), []byte("--")) &&
		bytes.Contains(bytes.ToLower(data), []byte("content-disposition:"))
}

// add keeps a field unless it is there already.
func (f *Form) add(name, value string) {
	name = strings.ToValidUTF8(strings.TrimSpace(name), "\uFFFD")
	value = strings.ToValidUTF8(strings.Trim(value, "\r\n"), "\uFFFD")
	if name == "" {
		return
	}
	key, pair, _ := strings.Cut(PostValue, "=")
	if strings.EqualFold(name, key) && strings.EqualFold(strings.TrimSpace(value), pair) {
		f.OneClick = true
	}
	if _, ok := f.Values[name]; !ok && len(f.Values) < maxFormValues {
		f.Values[name] = value
	}
}

// readEncoded reads application/x-www-form-urlencoded. A piece with a broken
// escape is taken as it stands.
func (f *Form) readEncoded(body string) {
	for piece := range strings.SplitSeq(body, "&") {
		name, value, _ := strings.Cut(piece, "=")
		f.add(unescapeForm(name), unescapeForm(value))
	}
}

func unescapeForm(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// readPlain reads text/plain, a pair on each line.
func (f *Form) readPlain(body string) {
	for line := range strings.Lines(body) {
		name, value, _ := strings.Cut(line, "=")
		f.add(name, value)
	}
}

// readMultipart reads multipart/form-data (RFC 7578). Without a boundary that
// occurs in the body, its first line that begins with "--" is the delimiter.
func (f *Form) readMultipart(data []byte, boundary string) {
	delimiter := "--" + boundary
	if boundary == "" || !bytes.Contains(data, []byte(delimiter)) {
		if delimiter = firstDelimiter(data); delimiter == "" {
			f.readEncoded(string(data))
			return
		}
	}
	var part []string
	inside := false
	for line := range strings.Lines(string(data)) {
		if !strings.HasPrefix(line, delimiter) || !isDelimiterEnd(line[len(delimiter):]) {
			if inside {
				part = append(part, line)
			}
			continue
		}
		if inside {
			f.readPart(part)
		}
		part, inside = nil, !strings.HasPrefix(line[len(delimiter):], "--")
	}
	if inside {
		f.readPart(part)
	}
}

func firstDelimiter(data []byte) string {
	for line := range bytes.Lines(data) {
		line = bytes.TrimRight(line, " \t\r\n")
		if len(line) > 2 && bytes.HasPrefix(line, []byte("--")) {
			return string(line)
		}
	}
	return ""
}

// isDelimiterEnd says whether s may follow a delimiter on its line (RFC 2046
// section 5.1.1): closing hyphens, white space, nothing else.
func isDelimiterEnd(s string) bool {
	return strings.Trim(strings.TrimPrefix(s, "--"), " \t\r\n") == ""
}

// readPart reads the lines between two delimiters.
func (f *Form) readPart(lines []string) {
	name, encoding := "", ""
	for i, line := range lines {
		if strings.Trim(line, "\r\n") == "" {
			f.add(name, decodePart(encoding, strings.Join(lines[i+1:], "")))
			return
		}
		field, value, _ := strings.Cut(line, ":")
		switch strings.ToLower(strings.TrimSpace(field)) {
		case "content-disposition":
			name = dispositionName(value)
		case "content-transfer-encoding":
			encoding = strings.ToLower(strings.TrimSpace(value))
		}
	}
}

// decodePart undoes a transfer encoding. RFC 7578 section 4.7 deprecates them;
// clients built on a mail library use them. What does not decode stays.
func decodePart(encoding, text string) string {
	switch encoding {
	case "base64":
		if d, err := base64.StdEncoding.DecodeString(strings.Map(dropSpace, text)); err == nil {
			return string(d)
		}
	case "quoted-printable":
		if d, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(text))); err == nil {
			return string(d)
		}
	}
	return text
}

// dispositionName returns the name parameter, also of a value that package
// mime refuses.
func dispositionName(value string) string {
	if _, params, err := mime.ParseMediaType(strings.TrimSpace(value)); err == nil {
		return params["name"]
	}
	for param := range strings.SplitSeq(value, ";") {
		key, name, _ := strings.Cut(param, "=")
		if strings.EqualFold(strings.TrimSpace(key), "name") {
			return strings.Trim(strings.TrimSpace(name), `"`)
		}
	}
	return ""
}
