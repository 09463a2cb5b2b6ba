package trial

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// startOpendkim runs the milter that signs for trial.example with the selector
// "milter", and returns its address as Postfix wants it.
func startOpendkim(t *testing.T, key string, settings ...string) string {
	t.Helper()
	program := filepath.Join(cached(t, "opendkim"), "usr/sbin/opendkim")
	dir, addr := t.TempDir(), freeAddr(t)
	conf := append([]string{"Domain trial.example", "Selector milter", "KeyFile " + key, "Socket inet:" + portOf(addr) + "@127.0.0.1",
		"Mode s", "Canonicalization relaxed/simple", "RequireSafeKeys no", "Background no", "Syslog no", "UMask 007"}, settings...)
	must(t, os.WriteFile(filepath.Join(dir, "opendkim.conf"), []byte(strings.Join(conf, "\n")+"\n"), 0o600))
	daemon(t, addr, exec.Command(program, "-f", "-x", filepath.Join(dir, "opendkim.conf")))
	return "inet:" + addr
}

// dkimRecords are the TXT records of both signers, in a file.
func dkimRecords(t *testing.T, keys map[string]string) string {
	t.Helper()
	records := make(map[string]string)
	for selector, file := range keys {
		text, err := os.ReadFile(file)
		must(t, err)
		block, _ := pem.Decode(text)
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		must(t, err)
		public, err := x509.MarshalPKIXPublicKey(key.(crypto.Signer).Public())
		must(t, err)
		records[selector+"._domainkey.trial.example"] = "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(public)
	}
	data, err := json.Marshal(records)
	must(t, err)
	file := filepath.Join(t.TempDir(), "records.json")
	must(t, os.WriteFile(file, data, 0o600))
	return file
}

var signedMail = map[string]string{
	"newsletter":       "List-Id: <news.trial.example>\r\n",
	"newsletter, link": "List-Id: <news.trial.example>\r\nList-Unsubscribe: <https://shop.trial.example/leave>\r\n",
	"reset":            "",
}

// beside is a milter beside Offramp, and what becomes of signedMail.
type beside struct {
	name       string
	keys       string // of Offramp
	oversign   string // of opendkim
	signatures map[string]string
	marked     map[string]bool
}

func besides() []beside {
	return []beside{
		{"both sign", "trial.example:own:", "From", map[string]string{
			"newsletter": "own ok, milter ok", "newsletter, link": "own ok, milter fails", "reset": "milter ok",
		}, map[string]bool{"newsletter": true, "newsletter, link": true}},
		{"the milter oversigns", "trial.example:own:", "From,List-Unsubscribe", map[string]string{
			"newsletter": "own ok, milter fails", "newsletter, link": "own ok, milter fails", "reset": "milter ok",
		}, map[string]bool{"newsletter": true, "newsletter, link": true}},
		{"no key here", "other.example:own:", "From", map[string]string{
			"newsletter": "milter ok", "newsletter, link": "milter ok", "reset": "milter ok",
		}, map[string]bool{"newsletter": true}},
	}
}

// What docs/senders.md says of a milter that signs in Postfix, before Offramp.
func TestBesideOpendkim(t *testing.T) {
	python(t, "dkim")
	s, err := sink.Start(sink.Options{})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	for _, c := range besides() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := setup(t, "smtp://"+s.Addr())
			delete(p.env, "DEFAULT_STREAM")
			p.env["DKIM_KEYS"] = c.keys + p.rsaKey
			p.start()
			milter := startOpendkim(t, p.rsaKey, "OversignHeaders "+c.oversign)
			front := startPostfix(t, bracketed(p.smtp), "smtpd_milters = "+milter, "milter_default_action = tempfail")
			records := dkimRecords(t, map[string]string{"own": p.rsaKey, "milter": p.rsaKey})
			for subject, header := range signedMail {
				subject += " " + c.name
				client, err := dial(front.addr)
				must(t, err)
				must(t, client.send("news@trial.example", []string{"ada@dest.example"}, []byte("From: News <news@trial.example>\r\nTo: ada@dest.example\r\nSubject: "+subject+"\r\n"+header+"\r\nHello\r\n")))
				client.close()
				data := bearing(t, p, s, subject, "ada@dest.example")
				file := filepath.Join(t.TempDir(), "message")
				must(t, os.WriteFile(file, data, 0o600))
				out, err := exec.Command("/usr/bin/python3", "testdata/signatures.py", records, file).CombinedOutput()
				kind := strings.TrimSuffix(subject, " "+c.name)
				if got := strings.ReplaceAll(strings.TrimSpace(string(out)), "\n", ", "); err != nil || got != c.signatures[kind] {
					t.Errorf("signatures of %q: %q (%v), want %q\n%s", subject, got, err, c.signatures[kind], data)
				}
				if marked(data) != c.marked[kind] {
					t.Errorf("button on %q: %v, want %v\n%s", subject, marked(data), c.marked[kind], data)
				}
			}
			if c.name != "no key here" {
				return
			}
			// Counts are written every ten seconds.
			if err := poll(30*time.Second, func() error {
				if out, _ := p.run("check", "--offline"); !strings.Contains(out, "there is no key for that domain here") {
					return fmt.Errorf("check does not name the domain:\n%s", out)
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
}
