package inbox_test

import (
	"strings"
	"testing"

	"offramp/cmd/offramp/internal/demo/inbox"
)

// Whatever arrived, the page comes out whole and nothing in it runs.
func FuzzPage(f *testing.F) {
	for _, seed := range []string{offered, plain, "", "\r\n\r\n", "From: <script>x</script>\r\n\r\nhttp://\"onclick=x", "Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--", "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		body := newBench(inbox.Received{Raw: raw, Signed: true}).ask("GET", "/", nil).Body.String()
		if !strings.HasSuffix(strings.TrimSpace(body), "</html>") || strings.Contains(body, "<script") || strings.Contains(body, "onclick=x\"") {
			t.Errorf("the page:\n%s", body)
		}
	})
}
