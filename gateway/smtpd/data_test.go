package smtpd

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// What is read does not depend on how much is asked for: a buffer that is full
// but for one byte asks for that byte.
func TestBodyInPieces(t *testing.T) {
	for in, want := range map[string]string{
		"Subject: x\r\n\r\nHi\r\n":       "Subject: x\r\n\r\nHi\r\n",
		"a\r\r\n..b\r\r\n.c\r\n":         "a\r\r\n.b\r\r\nc\r\n",
		"a\r\r\n.\r":                     "a\r\r\n\r",
		strings.Repeat("long\r\n", 2000): strings.Repeat("long\r\n", 2000),
	} {
		for size := 1; size < 6; size++ {
			for name, r := range map[string]io.Reader{"whole": strings.NewReader(in), "bytewise": iotest.OneByteReader(strings.NewReader(in)), "with the end": iotest.DataErrReader(strings.NewReader(in))} {
				b := &body{r: r, d: &dialogue{crcr: crcr{twice: true}}}
				var got strings.Builder
				p := make([]byte, size)
				for {
					n, err := b.Read(p)
					got.Write(p[:n])
					if err == io.EOF {
						break
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				if got.String() != want {
					t.Errorf("%.20q read %s with %d bytes: %.40q, want %.40q", in, name, size, got.String(), want)
				}
			}
		}
	}
}
