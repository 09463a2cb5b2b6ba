package dkim

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write golden files anew")

// accepted is the time of acceptance in all tests. dkimpy refuses the future.
var accepted = time.Unix(1700000000, 0)

// rfc8463Key is the private key of RFC 8463 appendix A.2.
func rfc8463Key(t testing.TB) Key {
	t.Helper()
	seed, err := base64.StdEncoding.DecodeString("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
	if err != nil {
		t.Fatal(err)
	}
	return Key{Domain: "football.example.com", Selector: "brisbane", Signer: ed25519.NewKeyFromSeed(seed)}
}

var newRSA = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, MinRSABits) })

func rsaKey(t testing.TB) Key {
	t.Helper()
	key, err := newRSA()
	if err != nil {
		t.Fatal(err)
	}
	return Key{Domain: "football.example.com", Selector: "test", Signer: key}
}

// readCase returns the message of a file in testdata, with CRLF line ends.
func readCase(t testing.TB, path string) (header [][]byte, body []byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	reason, text, _ := bytes.Cut(text, []byte("\n"))
	if !bytes.HasPrefix(reason, []byte("reason: ")) {
		t.Fatalf("%s does not start with its reason", path)
	}
	return split(bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")))
}

// split cuts a message into fields and body. A line without a colon is a
// field of its own, as gateway/mime has it.
func split(message []byte) (fields [][]byte, body []byte) {
	for len(message) > 0 {
		line, rest, _ := bytes.Cut(message, []byte("\r\n"))
		if len(line) == 0 {
			return fields, rest
		}
		line = message[:len(message)-len(rest)]
		if last := len(fields) - 1; last >= 0 && isBlank(line[0]) {
			fields[last] = append(fields[last], line...)
		} else {
			fields = append(fields, bytes.Clone(line))
		}
		message = rest
	}
	return fields, nil
}

// sign returns the message with a signature by each key in front.
func sign(t testing.TB, fields [][]byte, body []byte, keys ...Key) []byte {
	t.Helper()
	b := NewBodyHash()
	b.Write(body)
	var message []byte
	for _, key := range keys {
		field, err := key.Sign(fields, b.Sum(), accepted, 0)
		if err != nil {
			t.Fatal(err)
		}
		message = append(message, field...)
	}
	message = append(message, bytes.Join(fields, nil)...)
	message = append(message, "\r\n"...)
	return append(message, body...)
}

func TestRFC8463(t *testing.T) {
	fields, body := readCase(t, "testdata/rfc8463.txt")
	b := NewBodyHash()
	b.Write(body)
	if got := base64.StdEncoding.EncodeToString(b.Sum()); got != "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=" {
		t.Errorf("body hash %s", got)
	}

	// The RFC's own field with its own h=: from to subject date message-id, the
	// second from, subject and date being absent.
	field, want, _ := bytes.Cut(fields[0], []byte(" b="))
	var data []byte
	for _, i := range []int{2, 3, 4, 5, 6} {
		data = appendRelaxed(data, fields[i])
	}
	data = bytes.TrimSuffix(appendRelaxed(data, append(field, " b="...)), []byte("\r\n"))
	digest := sha256.Sum256(data)
	signature, err := rfc8463Key(t).Signer.Sign(nil, digest[:], crypto.Hash(0))
	if err != nil {
		t.Fatal(err)
	}
	if got := base64.StdEncoding.EncodeToString(signature); got != string(regexp.MustCompile(`\s`).ReplaceAll(want, nil)) {
		t.Errorf("signature %s, want %s", got, want)
	}

	// A.1 publishes this key.
	record, err := rfc8463Key(t).Record()
	if err != nil || record != "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" {
		t.Errorf("Record = %q, %v", record, err)
	}

	rsaPublic := "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
	der, err := base64.StdEncoding.DecodeString(rsaPublic)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		t.Fatal(err)
	}
	field, want, _ = bytes.Cut(fields[1], []byte(" b="))
	data = nil
	for _, i := range []int{2, 3, 4, 5, 6} {
		data = appendRelaxed(data, fields[i])
	}
	data = bytes.TrimSuffix(appendRelaxed(data, append(field, " b="...)), []byte("\r\n"))
	digest = sha256.Sum256(data)
	signature, err = base64.StdEncoding.DecodeString(string(regexp.MustCompile(`\s`).ReplaceAll(want, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := rsa.VerifyPKCS1v15(public.(*rsa.PublicKey), crypto.SHA256, digest[:], signature); err != nil {
		t.Errorf("the RFC's RSA signature does not verify: %v", err)
	}
}

func TestSignGolden(t *testing.T) {
	for _, name := range []string{"plain", "repeated", "resent", "no-body"} {
		t.Run(name, func(t *testing.T) {
			fields, body := readCase(t, filepath.Join("testdata", name+".txt"))
			got := sign(t, fields, body, rfc8463Key(t))
			got, _, _ = bytes.Cut(got, fields[0])
			golden := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(golden, bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n")), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(bytes.ReplaceAll(want, []byte("\n"), []byte("\r\n"))), string(got)); diff != "" {
				t.Errorf("signature (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSignShape(t *testing.T) {
	many := [][]byte{[]byte("From: a@example.org\r\n")}
	for range 500 {
		many = append(many, []byte("To: b@example.org\r\n"))
	}
	for name, key := range map[string]Key{
		"Ed25519":    rfc8463Key(t),
		"RSA":        rsaKey(t),
		"long names": {Domain: strings.Repeat("abcdefghi.", 7) + "example", Selector: strings.Repeat("s", 63), Signer: rfc8463Key(t).Signer},
	} {
		t.Run(name, func(t *testing.T) {
			field, err := key.Sign(many, make([]byte, sha256.Size), accepted, 0)
			if err != nil {
				t.Fatal(err)
			}
			again, err := key.Sign(many, make([]byte, sha256.Size), accepted, 0)
			if err != nil || !bytes.Equal(field, again) {
				t.Errorf("a second signature differs (%v)", err)
			}
			text := string(field)
			if !strings.HasPrefix(text, "DKIM-Signature: v=1; ") || !strings.HasSuffix(text, "\r\n") {
				t.Errorf("field is %q", text)
			}
			for i, line := range strings.Split(strings.TrimSuffix(text, "\r\n"), "\r\n") {
				if len(line) > maxColumns && !strings.Contains(line, key.Domain) {
					t.Errorf("line of %d columns: %s", len(line), line)
				}
				if i > 0 && (!strings.HasPrefix(line, " ") || strings.TrimSpace(line) == "") {
					t.Errorf("line %d is %q", i, line)
				}
			}
			if n := strings.Count(text, "To:"); n != 500+2 { // + Reply-To, In-Reply-To is absent
				t.Errorf("To is named %d times with Reply-To, want 502", n)
			}
			for _, tag := range []string{"l=", "i=", "q=", "x="} {
				if regexp.MustCompile(`[;\s]` + tag).MatchString(text) {
					t.Errorf("tag %s is there", tag)
				}
			}
		})
	}
}

func TestSignWithoutTime(t *testing.T) {
	field, err := rfc8463Key(t).Sign(nil, make([]byte, sha256.Size), time.Time{}, 0)
	if err != nil || bytes.Contains(field, []byte("t=")) {
		t.Errorf("Sign = %q, %v", field, err)
	}
}

type brokenSigner struct{ crypto.Signer }

var errToken = errors.New("token unplugged")

func (brokenSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return nil, errToken }

func TestSignRefuses(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	good := rfc8463Key(t)
	hash := make([]byte, sha256.Size)
	for name, test := range map[string]struct {
		key  Key
		hash []byte
		want error // nil: any
	}{
		"weak key":        {Key{Domain: "example.org", Selector: "s", Signer: weak}, hash, ErrWeakKey},
		"no signer":       {Key{Domain: "example.org", Selector: "s"}, hash, nil},
		"short body hash": {good, hash[:20], nil},
		"signer fails":    {Key{Domain: "example.org", Selector: "s", Signer: brokenSigner{good.Signer}}, hash, errToken},
	} {
		field, err := test.key.Sign(nil, test.hash, accepted, 0)
		if err == nil || field != nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: Sign = %q, %v", name, field, err)
		}
	}
}

func TestRelaxedHeader(t *testing.T) {
	for raw, want := range map[string]string{
		"Subject: a\r\n":                       "subject:a\r\n",
		"A: X \r\n":                            "a:X\r\n",   // RFC 6376 section 3.4.5
		"B : Y\t\r\n\tZ  \r\n":                 "b:Y Z\r\n", // same
		"Subject:\r\n":                         "subject:\r\n",
		"Subject: \t\r\n \r\n":                 "subject:\r\n",
		"Subject: a : b:\r\n":                  "subject:a : b:\r\n",
		"SUBJECT\r\n :a\r\n":                   "subject:a\r\n",
		"Subject: a":                           "subject:a\r\n",
		"Subject: \xe4 \xa0 \x00\x0b\f\r\n":    "subject:\xe4 \xa0 \x00\x0b\f\r\n",
		"Subject: a \r\n\r\n":                  "subject:a\r\n",
		"no colon\r\n":                         "",
		"List-Unsubscribe: <a>,\r\n\t<b> \r\n": "list-unsubscribe:<a>, <b>\r\n",
	} {
		if got := string(appendRelaxed(nil, []byte(raw))); got != want {
			t.Errorf("relaxed form of %q is %q, want %q", raw, got, want)
		}
	}
}

// Whatever the pieces, the signature is over what a verifier reads.
func TestSignReadsAsVerifiersDo(t *testing.T) {
	regular := [][]byte{[]byte("From: a@example.org\r\n"), []byte("Subject: one\r\n two\r\n"), []byte("To: b@example.org\r\n")}
	want, err := rfc8463Key(t).Sign(regular, make([]byte, sha256.Size), accepted, 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, pieces := range map[string][]string{
		"one piece":           {"From: a@example.org\r\nSubject: one\r\n two\r\nTo: b@example.org\r\n"},
		"fold is a piece":     {"From: a@example.org\r\n", "Subject: one\r\n", " two\r\n", "To: b@example.org\r\n"},
		"final empty line":    {"From: a@example.org\r\n", "Subject: one\r\n two\r\n", "To: b@example.org\r\n", "\r\n", "To: body\r\n"},
		"no final CRLF":       {"From: a@example.org\r\n", "Subject: one\r\n two\r\n", "To: b@example.org"},
		"empty piece":         {"", "From: a@example.org\r\n", "Subject: one\r\n two\r\n", "To: b@example.org\r\n"},
		"lines that are none": {"From a@example.org\r\n", "From: a@example.org\r\n", "no\r\n", "Subject: one\r\n two\r\n", ": x\r\n", "To: b@example.org\r\n"},
	} {
		var fields [][]byte
		for _, p := range pieces {
			fields = append(fields, []byte(p))
		}
		got, err := rfc8463Key(t).Sign(fields, make([]byte, sha256.Size), accepted, 0)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: signature differs (%v)", name, err)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	fields, body := readCase(b, "testdata/plain.txt")
	h := NewBodyHash()
	h.Write(body)
	sum := h.Sum()
	for name, key := range map[string]Key{"ed25519": rfc8463Key(b), "rsa2048": rsaKey(b)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := key.Sign(fields, sum, accepted, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("header-alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			signedData(fields, 0)
		}
	})
}
