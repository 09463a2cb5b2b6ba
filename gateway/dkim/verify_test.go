package dkim

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	msgauth "github.com/emersion/go-msgauth/dkim"
	"github.com/google/go-cmp/cmp"
)

// lookUpIn answers queries for the records of keys.
func lookUpIn(t testing.TB, keys ...Key) func(string) ([]string, error) {
	t.Helper()
	records := make(map[string]string)
	for _, key := range keys {
		record, err := key.Record()
		if err != nil {
			t.Fatal(err)
		}
		records[key.Selector+"._domainkey."+key.Domain] = record
	}
	return func(name string) ([]string, error) {
		if record, ok := records[name]; ok {
			return []string{record}, nil
		}
		return nil, fmt.Errorf("no record at %s", name)
	}
}

// verifyByMsgauth returns the first fault go-msgauth finds.
func verifyByMsgauth(message []byte, want int, lookUp func(string) ([]string, error)) error {
	found, err := msgauth.VerifyWithOptions(bytes.NewReader(message), &msgauth.VerifyOptions{LookupTXT: lookUp})
	if err != nil {
		return err
	}
	if len(found) != want {
		return fmt.Errorf("%d signatures, want %d", len(found), want)
	}
	for _, v := range found {
		if v.Err != nil {
			return fmt.Errorf("signature of %s: %w", v.Domain, v.Err)
		}
	}
	return nil
}

// signedCases returns every message of testdata with an RSA and an Ed25519
// signature.
func signedCases(t *testing.T) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases (%v)", err)
	}
	signed := make(map[string][]byte)
	for _, path := range paths {
		fields, body := readCase(t, path)
		if filepath.Base(path) == "rfc8463.txt" {
			fields = fields[2:] // without the signatures it brings
		}
		signed[filepath.Base(path)] = sign(t, fields, body, rsaKey(t), rfc8463Key(t))
	}
	return signed
}

func TestVerifiedByMsgauth(t *testing.T) {
	lookUp := lookUpIn(t, rsaKey(t), rfc8463Key(t))
	for name, message := range signedCases(t) {
		if err := verifyByMsgauth(message, 2, lookUp); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		listed := bytes.Contains(bytes.ToLower(message), []byte("\nlist-unsubscribe:")) || bytes.Contains(bytes.ToLower(message), []byte("\nlist-id:"))
		for what, changed := range map[string][]byte{
			"body":           append(bytes.Clone(message), "x\r\n"...),
			"second Subject": bytes.Replace(message, []byte("\r\n\r\n"), []byte("\r\nSubject: other\r\n\r\n"), 1),
			"second From":    bytes.Replace(message, []byte("\r\n\r\n"), []byte("\r\nFrom: other@example.org\r\n\r\n"), 1),
			"second opt-out": bytes.Replace(message, []byte("\r\n\r\n"), []byte("\r\nList-Unsubscribe: <https://evil.example>\r\n\r\n"), 1),
		} {
			// Mail that is no list mail may get the fields of a next hop.
			wanted := what == "second opt-out" && !listed
			if err := verifyByMsgauth(changed, 2, lookUp); (err == nil) != wanted {
				t.Errorf("%s: with %s: %v", name, what, err)
			}
		}
	}
}

// dkimpy prints one line per message: name, then the outcome of each signature.
const dkimpy = `
import dkim, os, sys
records = dict(line.split(b" ", 1) for line in open(os.path.join(sys.argv[1], "records"), "rb").read().splitlines())
def lookup(name, timeout=5):
    return records.get(name.rstrip(b"."))
for name in sorted(os.listdir(sys.argv[1])):
    if not name.endswith(".txt"):
        continue
    try:
        d = dkim.DKIM(open(os.path.join(sys.argv[1], name), "rb").read())
        results = [str(d.verify(idx=i, dnsfunc=lookup)) for i in range(2)]
    except dkim.MessageFormatError:
        results = ["refused"]
    print(name, *results)
`

// mailDKIM does the same. The release in Debian 12 does not know Ed25519.
const mailDKIM = `
use strict; use warnings;
use Mail::DKIM::Verifier; use Net::DNS;
my $dir = shift;
my %records;
open(my $r, "<", "$dir/records") or die; while (<$r>) { chomp; my ($n, $v) = split / /, $_, 2; $records{$n} = $v } close $r;
{ no warnings "redefine";
  *Mail::DKIM::DNS::query = sub {
    my ($name) = @_; my $v = $records{$name}; return unless defined $v;
    return Net::DNS::RR->new(owner => $name, type => "TXT", txtdata => [$v =~ /(.{1,255})/g]);
  };
}
for my $path (sort glob "$dir/*.txt") {
  my $d = Mail::DKIM::Verifier->new;
  open(my $f, "<:raw", $path) or die; local $/; $d->PRINT(<$f>); $d->CLOSE;
  my ($name) = $path =~ m{([^/]+)$};
  my @results;
  for my $s ($d->signatures) { push @results, $s->result if $s->algorithm =~ /^rsa/ }
  print join(" ", $name, @results), "\n";
}
`

// runVerifier runs a script over all cases and returns its lines by case.
// What is not installed is left out here and a failure under CI.
func runVerifier(t *testing.T, check []string, run []string) map[string]string {
	t.Helper()
	if out, err := exec.Command(check[0], check[1:]...).CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s: %v: %s", strings.Join(check, " "), err, out)
		}
		t.Skipf("%s is not installed", strings.Join(check, " "))
	}
	dir := t.TempDir()
	write := func(name string, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, message := range signedCases(t) {
		write(name, message)
	}
	var records bytes.Buffer
	for _, key := range []Key{rsaKey(t), rfc8463Key(t)} {
		record, err := key.Record()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&records, "%s._domainkey.%s %s\n", key.Selector, key.Domain, record)
	}
	write("records", records.Bytes())
	out, err := exec.Command(run[0], append(run[1:], dir)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	results := make(map[string]string)
	for line := range strings.Lines(string(out)) {
		name, result, _ := strings.Cut(strings.TrimSpace(line), " ")
		results[name] = result
	}
	return results
}

func TestVerifiedByDkimpy(t *testing.T) {
	want := make(map[string]string)
	for name := range signedCases(t) {
		want[name] = "True True"
	}
	// dkimpy refuses to read these at all, whoever signed them.
	want["broken-no-colon.txt"] = "refused"
	want["broken-name.txt"] = "refused"
	const python = "/usr/bin/python3" // where Debian puts its packages
	got := runVerifier(t, []string{python, "-c", "import dkim, nacl.signing"}, []string{python, "-c", dkimpy})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

func TestVerifiedByMailDKIM(t *testing.T) {
	want := make(map[string]string)
	for name := range signedCases(t) {
		want[name] = "pass"
	}
	got := runVerifier(t, []string{"perl", "-MMail::DKIM::Verifier", "-e1"}, []string{"perl", "-e", mailDKIM})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

// TestRandomMessages signs made-up messages and has go-msgauth check them.
func TestRandomMessages(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	lookUp := lookUpIn(t, rfc8463Key(t))
	names := []string{"X-Other", "Received", "from", "SUBJECT", "DKIM-Filter", "content-type"}
	for _, f := range &signedFields {
		names = append(names, f.name)
	}
	words := []string{"a", "word", " ", "  ", "\t", "\r\n ", "\r\n\t ", ":", ";", "=", "\xe4", "ü", "<>", "b=x", "."}
	lines := []string{"", " ", "\t", "text", " text", "text ", "two  words", "a\tb", "\xff\xfe", ".", strings.Repeat("long ", 300)}
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	for i := range 200 {
		message := "From: a@example.org\r\n"
		for range random.IntN(20) {
			message += pick(names) + ":"
			for range random.IntN(12) {
				message += pick(words)
			}
			message += "\r\n"
		}
		var body strings.Builder
		for range random.IntN(30) {
			body.WriteString(pick(lines) + "\r\n")
		}
		fields, _ := split([]byte(message + "\r\n"))
		signed := sign(t, fields, []byte(body.String()), rfc8463Key(t))
		if err := verifyByMsgauth(signed, 1, lookUp); err != nil {
			t.Fatalf("message %d of seed %d: %v\n%q", i, seed, err, signed)
		}
	}
}

func FuzzSign(f *testing.F) {
	f.Add([]byte("Subject: a\r\n b\r\nTo : c\r\nno colon\r\n"), []byte("text \r\n\r\n"))
	f.Add([]byte("From x\r\nSubject:\r\n \r\nSubject: \t\r\n"), []byte(""))
	f.Add([]byte("To:a\r\nto:b\r\nTO: c"), []byte("\r\n\t\r\nx"))
	lookUp := lookUpIn(f, rfc8463Key(f))
	f.Fuzz(func(t *testing.T, header, body []byte) {
		// What reaches the signer has its line ends settled, and our own fields
		// in front of what came.
		fields, rest := split(append([]byte("From: a@example.org\r\n"), settle(header)...))
		if rest != nil {
			t.Skip("the header ends early")
		}
		for _, raw := range fields {
			if bytes.ContainsFunc(fieldName(raw), func(r rune) bool { return r <= ' ' || r > '~' }) {
				t.Skip("verifiers disagree on names with odd octets")
			}
		}
		if last := len(fields) - 1; !bytes.HasSuffix(fields[last], []byte("\r\n")) {
			fields[last] = append(fields[last], "\r\n"...)
		}
		signed := sign(t, fields, settle(body), rfc8463Key(t))
		if err := verifyByMsgauth(signed, 1, lookUp); err != nil {
			t.Errorf("%v\n%q", err, signed)
		}
	})
}

// settle makes every CR and LF part of a CRLF.
func settle(text []byte) []byte {
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	text = bytes.ReplaceAll(text, []byte("\r"), []byte(" "))
	return bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
}
