package trial

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"offramp/gateway/mime"
	"offramp/gateway/sink"
)

// corpusFiles returns the messages of the corpora, with CRLF line ends, by path.
func corpusFiles(t *testing.T) map[string][]byte {
	t.Helper()
	corpus := os.Getenv("MAIL_CORPUS")
	if corpus == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("MAIL_CORPUS is not set")
		}
		t.Skip("left out: MAIL_CORPUS names no folder of real mail")
	}
	all := map[string][]byte{}
	must(t, filepath.WalkDir(corpus, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".md") || strings.HasSuffix(path, ".tsv") || d.Name() == "LICENSE" {
			return err
		}
		raw, err := os.ReadFile(path)
		all[path] = crlf(raw)
		return err
	}))
	if len(all) < 300 {
		t.Fatalf("only %d messages: is that the whole corpus?", len(all))
	}
	return all
}

// Every signature that Offramp makes on the corpora verifies behind a Postfix with its
// default settings, which adds what is missing and folds what is long.
func TestSignaturesSurvivePostfix(t *testing.T) {
	s, err := sink.Start(sink.Options{Extensions: []string{"8BITMIME", "SMTPUTF8"}})
	must(t, err)
	defer s.Close()
	behind := startPostfix(t, bracketed(s.Addr()))
	files := corpusFiles(t)
	p := setup(t, "smtp://"+behind.addr)
	domains := map[string]bool{}
	for _, raw := range files {
		h, _, err := mime.Reader{}.Read(strings.NewReader(string(raw)))
		must(t, err)
		if d := mime.FromDomain(h.Get("From")); strings.Contains(d, ".") {
			domains[d] = true
		}
	}
	var keys []string
	for _, d := range slices.Sorted(maps.Keys(domains)) {
		keys = append(keys, d+":rsa:"+p.rsaKey, d+":ed:"+p.edKey)
	}
	keys = append(keys, "trial.example:rsa:"+p.rsaKey, "trial.example:ed:"+p.edKey)
	p.env["DKIM_KEYS"] = strings.Join(keys, ",")
	p.start()
	c, err := dial(p.smtp)
	must(t, err)
	defer c.close()
	paths := slices.Sorted(maps.Keys(files))
	for i, path := range paths {
		must(t, c.send("news@trial.example", []string{"m" + itoa(i) + "@dest.example"}, files[path]))
	}
	s.Wait(len(files), time.Now().Add(2*time.Minute))
	var signed []sink.Message
	for _, m := range s.Messages() {
		if strings.Contains(string(m.Data), "s=rsa;") {
			n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(m.Recipients[0], "m"), "@dest.example"))
			must(t, err)
			t.Logf("%06d.eml is %s", len(signed), filepath.Base(paths[n]))
			signed = append(signed, m)
		}
	}
	t.Logf("%d messages, %d came, %d signed", len(files), len(s.Messages()), len(signed))
	if len(signed) < 150 {
		t.Errorf("only %d are signed", len(signed))
	}
	verifySignatures(t, p, signed, slices.Collect(maps.Keys(domains))...)
}
