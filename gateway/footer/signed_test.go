package footer

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"offramp/store"
)

// signedPart is what is signed: it ends in a page that could take the line.
const signedPart = "Content-Type: multipart/alternative; boundary=in\r\n\r\n--in\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
	"The market opens at n=C3=AFne.\r\n\r\n--in\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>The market opens at nine.</p></body></html>\r\n\r\n--in--\r\n"

// run gives a program its input and returns what it says.
func run(t *testing.T, input []byte, name string, args ...string) ([]byte, error) {
	t.Helper()
	command := exec.Command(name, args...)
	command.Stdin = bytes.NewReader(input)
	var out, said bytes.Buffer
	command.Stdout, command.Stderr = &out, &said
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %.500s", name, err, said.String())
	}
	return out.Bytes(), nil
}

func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// inList is a signed entity as list servers send it on: a part, and text behind.
func inList(entity []byte) []byte {
	return []byte("From: news@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=list\r\n\r\n--list\r\n" +
		string(entity) + "\r\n--list\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n____\r\nchoir list\r\n\r\n--list--\r\n")
}

// checkSigned has a signed message, and the same within the message of a list,
// verified before and after the line.
func checkSigned(t *testing.T, entity []byte, verify func(entity []byte) error) {
	t.Helper()
	if err := verify(entity); err != nil {
		t.Fatalf("the signature is not good to begin with: %v", err)
	}
	if err := verify(bytes.Replace(entity, []byte("market"), []byte("Market"), 1)); err == nil {
		t.Fatal("a changed message is taken for good")
	}
	f := newFooter(t, "")
	alone := letter{name: "alone", raw: append([]byte("From: news@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\n"), entity...), list: store.List{ID: "news"}}
	if plan, _ := alone.with(t, f, false); plan.Result != NoPlace {
		t.Errorf("a signed message: %s, want none", plan)
	}
	listed := letter{name: "listed", raw: inList(entity), list: store.List{ID: "news"}, result: "added", parts: "plain"}
	for _, j := range judge(t, []letter{listed}) {
		if j.Parts != "plain" {
			t.Errorf("the line is in %q", j.Parts)
		}
	}
	_, out := listed.with(t, f, true)
	_, rest, _ := bytes.Cut(out, []byte("\r\n--list\r\n"))
	after, _, ok := bytes.Cut(rest, []byte("\r\n--list\r\n"))
	if !ok || !bytes.Contains(rest, []byte(link)) {
		t.Fatalf("no line, or no part: %q", out)
	}
	if err := verify(after); err != nil {
		t.Errorf("after the line: %v", err)
	}
}

func TestSMIMESurvives(t *testing.T) {
	needs(t, "openssl")
	dir := t.TempDir()
	key, cert := filepath.Join(dir, "key.pem"), filepath.Join(dir, "cert.pem")
	if _, err := run(t, nil, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=news@example.org"); err != nil {
		t.Fatal(err)
	}
	verify := func(entity []byte) error {
		_, err := run(t, append([]byte("MIME-Version: 1.0\r\n"), entity...), "openssl", "cms", "-verify", "-noverify", "-certfile", cert)
		return err
	}
	for _, opaque := range []bool{false, true} {
		t.Run(map[bool]string{false: "detached", true: "opaque"}[opaque], func(t *testing.T) {
			args := []string{"cms", "-sign", "-signer", cert, "-inkey", key, "-crlfeol"}
			if opaque {
				args = append(args, "-nodetach")
			}
			signed, err := run(t, []byte(signedPart), "openssl", args...)
			if err != nil {
				t.Fatal(err)
			}
			signed = bytes.ReplaceAll(bytes.ReplaceAll(signed, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
			signed = bytes.TrimPrefix(signed, []byte("MIME-Version: 1.0\r\n"))
			if opaque {
				l := letter{name: "opaque", raw: append([]byte("From: news@example.org\r\nMIME-Version: 1.0\r\n"), signed...), list: store.List{ID: "news"}}
				if plan, _ := l.with(t, newFooter(t, ""), false); plan.Result != NoPlace {
					t.Errorf("%s, want none", plan)
				}
				return
			}
			checkSigned(t, signed, verify)
		})
	}
}

func TestOpenPGPSurvives(t *testing.T) {
	needs(t, "gpg")
	home, err := os.MkdirTemp("", "gpg") // its socket needs a short path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = run(t, nil, "gpgconf", "--homedir", home, "--kill", "all")
		os.RemoveAll(home)
	})
	gpg := func(input string, args ...string) ([]byte, error) {
		return run(t, []byte(input), "gpg", append([]string{"--homedir", home, "--batch", "--quiet", "--trust-model", "always", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)...)
	}
	if _, err := gpg("", "--quick-generate-key", "news@example.org", "ed25519", "sign", "never"); err != nil {
		t.Fatal(err)
	}
	signature, err := gpg(signedPart, "--armor", "--detach-sign")
	if err != nil {
		t.Fatal(err)
	}
	entity := "Content-Type: multipart/signed; micalg=pgp-sha512; protocol=\"application/pgp-signature\"; boundary=sig\r\n\r\n--sig\r\n" + signedPart +
		"\r\n--sig\r\nContent-Type: application/pgp-signature; name=signature.asc\r\n\r\n" + strings.ReplaceAll(string(signature), "\n", "\r\n") + "\r\n--sig--\r\n"
	file := filepath.Join(t.TempDir(), "signature")
	checkSigned(t, []byte(entity), func(entity []byte) error {
		_, rest, _ := bytes.Cut(entity, []byte("\r\n--sig\r\n"))
		text, rest, _ := bytes.Cut(rest, []byte("\r\n--sig\r\n"))
		_, armour, ok := bytes.Cut(rest, []byte("\r\n\r\n"))
		if !ok {
			return fmt.Errorf("no signature in %q", rest)
		}
		write(t, file, armour)
		_, err := gpg(string(text), "--verify", file, "-")
		return err
	})
}
