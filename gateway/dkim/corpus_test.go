package dkim

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestCorpus signs real mail, odd and broken, as the gateway sends it: our own
// fields in front, line ends settled, one empty line, a final CRLF.
func TestCorpus(t *testing.T) {
	dir := os.Getenv("MAIL_CORPUS")
	if dir == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("MAIL_CORPUS is not set")
		}
		t.Skip("MAIL_CORPUS is not set")
	}
	lookUp := lookUpIn(t, rfc8463Key(t))
	signed := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.IndexByte(raw, 0) >= 0 {
			return nil // refused on arrival
		}
		header, body := split(append([]byte("List-Unsubscribe: <https://out.example.org/u/x>\r\n"), settle(raw)...))
		if len(body) > 0 && !bytes.HasSuffix(body, []byte("\r\n")) {
			body = append(body, "\r\n"...)
		}
		if last := len(header) - 1; !bytes.HasSuffix(header[last], []byte("\r\n")) {
			header[last] = append(header[last], "\r\n"...)
		}
		signed++
		if err := verifyByMsgauth(withoutSignatures(t, header, body), 1, lookUp); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		return nil
	})
	if err != nil || signed < 100 {
		t.Errorf("%d messages signed, %v", signed, err)
	}
}

// withoutSignatures signs a message whose own signatures, which cannot verify
// here, were taken out.
func withoutSignatures(t *testing.T, header [][]byte, body []byte) []byte {
	t.Helper()
	kept := header[:0:0]
	for _, raw := range header {
		if !bytes.EqualFold(fieldName(raw), []byte("DKIM-Signature")) {
			kept = append(kept, raw)
		}
	}
	return sign(t, kept, body, rfc8463Key(t))
}
