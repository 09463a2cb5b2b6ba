package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/listunsub"
	"offramp/store"
)

// restored is a data folder with a backup of it.
type restored struct {
	*way
	backup string
}

// newRestored makes data with one opt-out, backs it up, and restores it elsewhere.
func newRestored(t *testing.T) *restored {
	t.Helper()
	r := &restored{way: newWay(t)}
	a := r.app(new(bytes.Buffer), time.Now)
	s, err := a.servingSettings()
	succeeds(t, err)
	succeeds(t, a.firstData(t.Context(), s))
	r.must("suppress", "add", "early@dest.example", "--list", "news.shop.example", "--reason", "unsubscribed")
	r.must("suppress", "add", "erased@dest.example", "--list", "news.shop.example", "--reason", "unsubscribed")
	r.backup = filepath.Join(t.TempDir(), "backup")
	r.must("backup", r.backup)
	return r
}

func (r *restored) must(args ...string) string {
	r.t.Helper()
	var out bytes.Buffer
	if code := r.app(&out, time.Now).run(args); code != exitOK {
		r.t.Fatalf("%s: exit code %d\n%s", strings.Join(args, " "), code, out.String())
	}
	return out.String()
}

func (r *restored) fails(code int, want string, args ...string) {
	r.t.Helper()
	var out bytes.Buffer
	if got := r.app(&out, time.Now).run(args); got != code || !strings.Contains(out.String(), want) {
		r.t.Errorf("%s: exit code %d, want %d and %q in\n%s", strings.Join(args, " "), got, code, want, out.String())
	}
}

// elsewhere restores into a new folder.
func (r *restored) elsewhere() {
	r.t.Helper()
	r.env["OFFRAMP_DATA_DIR"] = filepath.Join(r.t.TempDir(), "data")
	r.must("restore", r.backup)
}

// apply applies lines as a file of events.
func (r *restored) apply(lines ...string) appliedView {
	r.t.Helper()
	path := filepath.Join(r.t.TempDir(), "events")
	succeeds(r.t, os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600))
	var v restoreView
	succeeds(r.t, json.Unmarshal([]byte(r.must("restore", "--events", path, "--json")), &v))
	if len(v.Applied) != 1 || v.Starts {
		r.t.Fatalf("%+v", v)
	}
	return v.Applied[0]
}

// The ledger of the folder that was lost has what the backup lacks: opt-outs,
// suppressions and erasures, of which only the hash is known there.
func TestRestoreFromALaterLedger(t *testing.T) {
	r := newRestored(t)
	r.must("suppress", "add", "late@dest.example", "--list", "news.shop.example", "--reason", "unsubscribed")
	r.must("suppress", "add", "@dead.example", "--reason", "bounced")
	r.must("recipient", "erase", "--yes", "erased@dest.example")
	// Who came back was there when they left: no file brings that back.
	r.must("recipient", "choose", "early@dest.example", "--list", "news.shop.example", "--state", "subscribed")
	later := strings.Split(strings.TrimSpace(r.must("events", "--json")), "\n")

	r.elsewhere()
	if text := r.must("suppress", "list"); strings.Contains(text, "late@") || !strings.Contains(text, "erased@dest.example") {
		t.Fatalf("before: %s", text)
	}
	done := r.apply(later...)
	if done.OptOuts != 1 || done.Stops != 1 || done.Erased != 1 || done.Refused != 1 || len(done.Faults) > 0 {
		t.Errorf("%+v", done)
	}
	text := r.must("suppress", "list")
	for _, want := range []string{"late@dest.example", "@dead.example", "early@dest.example"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not stopped:\n%s", want, text)
		}
	}
	if strings.Contains(text, "erased@") {
		t.Errorf("who was erased is there again:\n%s", text)
	}
	if again := r.apply(later...); again.OptOuts+again.Stops+again.Erased > 0 {
		t.Errorf("a second time: %+v", again)
	}
	r.must("events", "verify")
	r.must("restore", "--accept")
}

// Bodies of webhooks, and logs of requests, are applied too; what is neither is
// named.
func TestRestoreFromReceiversAndLogs(t *testing.T) {
	r := newRestored(t)
	r.elsewhere()
	raw, err := os.ReadFile(filepath.Join(r.backup, backupData, tokenKeysFile))
	succeeds(t, err)
	ring, err := listunsub.ParseKeyRing(strings.TrimSpace(string(raw)))
	succeeds(t, err)
	link := func(who string) string {
		token, err := ring.Seal(listunsub.Claims{List: "news.shop.example", Recipient: who, Issued: time.Now(), Purpose: listunsub.HeaderLink})
		succeeds(t, err)
		return "/u/" + token
	}
	at := time.Now().Add(time.Minute).UTC()
	event := `{"id":900,"time":"` + at.Format(time.RFC3339) + `","kind":"unsubscribed","recipient":"WHO","list":"news.shop.example"}`
	entry := func(method, path, code string, at time.Time) string {
		return `192.0.2.1 - - [` + at.Format("02/Jan/2006:15:04:05 -0700") + `] "` + method + " " + path + ` HTTP/1.1" ` + code + ` 512 "-" "Mail"`
	}
	done := r.apply(
		`{"type":"unsubscribed","timestamp":"2026-11-29T00:00:00Z","data":`+strings.Replace(event, "WHO", "hook@dest.example", 1)+`}`,
		`[`+strings.Replace(event, "WHO", "batch@dest.example", 1)+`]`,
		entry("POST", link("log@dest.example"), "200", at),
		entry("POST", link("proxied@dest.example")+"?x=1", "200", at),
		entry("GET", link("looked@dest.example"), "200", at),
		entry("POST", link("refused@dest.example"), "503", at),
		entry("POST", link("before@dest.example"), "200", at.Add(-time.Hour)),
		`{"email":"x@dest.example","event":"opened"}`,
		`{"kind":"unsubscribed","recipient":"nobody","time":"2027-01-01T00:00:00Z"}`,
		`{"kind":"unsubscribed","recipient":"@dest.example","time":"2027-01-01T00:00:00Z"}`,
		`{`,
	)
	if done.OptOuts != 4 || len(done.Faults) != 4 {
		t.Errorf("%+v", done)
	}
	text := r.must("suppress", "list")
	for _, who := range []string{"hook", "batch", "log", "proxied"} {
		if !strings.Contains(text, who+"@dest.example") {
			t.Errorf("%s did not opt out:\n%s", who, text)
		}
	}
	for _, who := range []string{"looked", "refused", "before"} {
		if strings.Contains(text, who+"@dest.example") {
			t.Errorf("%s opted out:\n%s", who, text)
		}
	}
}

// A backup is never written over anything, and is restored over nothing.
func TestBackupRefuses(t *testing.T) {
	r := newRestored(t)
	r.fails(exitUsage, "a backup is never overwritten", "backup", r.backup)
	r.fails(exitUsage, "is inside the data folder", "backup", filepath.Join(r.env["OFFRAMP_DATA_DIR"], "backup"))
	r.fails(exitUsage, "is not empty", "restore", r.backup)
	data := r.env["OFFRAMP_DATA_DIR"]
	r.env["OFFRAMP_DATA_DIR"] = t.TempDir()
	r.fails(exitUsage, "there is no data", "backup", r.backup+"2")
	r.fails(exitUsage, "is not a backup", "restore", t.TempDir())
	r.env["OFFRAMP_LEDGER_KEY"] = newLedgerKey()
	r.fails(exitUsage, "OFFRAMP_LEDGER_KEY: is another key", "restore", r.backup)
	delete(r.env, "OFFRAMP_LEDGER_KEY")
	if entries, err := os.ReadDir(r.env["OFFRAMP_DATA_DIR"]); err != nil || len(entries) > 0 {
		t.Errorf("something is left: %v, %v", entries, err)
	}
	parent, err := os.ReadDir(filepath.Dir(r.backup))
	if err != nil || len(parent) != 1 {
		t.Errorf("something is left beside the backup: %v, %v", parent, err)
	}
	r.env["OFFRAMP_DATA_DIR"] = data
}

// Each file of a backup that is missing or changed is found, and named.
func TestBackupVerify(t *testing.T) {
	r := newRestored(t)
	r.must("backup", "--verify", r.backup)
	m, err := readManifest(r.backup)
	succeeds(t, err)
	if len(m.Files) < 5 || m.Ledger.Event == 0 {
		t.Fatalf("%+v", m)
	}
	for _, f := range m.Files {
		path := filepath.Join(r.backup, f.Path)
		raw, err := os.ReadFile(path)
		succeeds(t, err)
		info, err := os.Stat(path)
		succeeds(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v", f.Path, info.Mode())
		}
		changed := bytes.Clone(raw)
		changed[len(changed)/2] ^= 1
		succeeds(t, os.WriteFile(path, changed, 0o600))
		r.fails(exitFailed, f.Path+" is not what was written", "backup", "--verify", r.backup)
		succeeds(t, os.Remove(path))
		r.fails(exitFailed, f.Path+" is missing", "backup", "--verify", r.backup)
		succeeds(t, os.WriteFile(path, raw, 0o600))
	}
	manifest := filepath.Join(r.backup, manifestFile)
	raw, err := os.ReadFile(manifest)
	succeeds(t, err)
	succeeds(t, os.WriteFile(manifest, bytes.Replace(raw, []byte(`"path": "data/`), []byte(`"path": "../data/`), 1), 0o600))
	r.fails(exitFailed, "a file outside of the backup", "backup", "--verify", r.backup)
	succeeds(t, os.WriteFile(manifest, raw, 0o600))
	r.must("backup", "--verify", r.backup)
}

// What is put into a backup in the place of a file is not followed out of it, and has
// nobody wait. What its manifest names is where it says.
func TestBackupHoldsFilesAlone(t *testing.T) {
	r := newRestored(t)
	keys := filepath.Join(r.backup, backupData, tokenKeysFile)
	raw, err := os.ReadFile(keys)
	succeeds(t, err)
	outside := filepath.Join(t.TempDir(), "outside")
	succeeds(t, os.WriteFile(outside, raw, 0o600))
	for name, put := range map[string]func() error{
		"link": func() error { return os.Symlink(outside, keys) },
		"pipe": func() error { return syscall.Mkfifo(keys, 0o600) },
	} {
		succeeds(t, os.Remove(keys))
		succeeds(t, put())
		r.fails(exitFailed, backupData+"/"+tokenKeysFile+": is not a regular file", "backup", "--verify", r.backup)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	succeeds(t, os.Remove(keys))
	succeeds(t, os.WriteFile(keys, raw, 0o600))
	manifest := filepath.Join(r.backup, manifestFile)
	whole, err := os.ReadFile(manifest)
	succeeds(t, err)
	from, to := []byte(`"path": "data/`), []byte(`"path": "data/../data/`)
	succeeds(t, os.WriteFile(manifest, bytes.Replace(whole, from, to, 1), 0o600))
	r.fails(exitFailed, "a file outside of the backup", "backup", "--verify", r.backup)
}

// A start refuses an older offramp.db, and says what to do.
func TestOlderChoicesByHand(t *testing.T) {
	r := newRestored(t)
	r.must("suppress", "add", "late@dest.example", "--reason", "unsubscribed")
	dir := r.env["OFFRAMP_DATA_DIR"]
	raw, err := os.ReadFile(filepath.Join(r.backup, backupData, "offramp.db"))
	succeeds(t, err)
	succeeds(t, os.WriteFile(filepath.Join(dir, "offramp.db"), raw, 0o600))
	r.fails(exitFailed, "opt-outs may be missing", "serve")
	r.fails(exitFailed, "opt-outs may be missing", "suppress", "list")
	r.apply(`{"id":3,"time":"2030-01-01T00:00:00Z","kind":"unsubscribed","recipient":"late@dest.example"}`)
	r.fails(exitUsage, "offramp restore --accept", "serve")
	r.must("restore", "--accept")
	if text := r.must("suppress", "list"); !strings.Contains(text, "late@dest.example") {
		t.Error(text)
	}
}

// What is read from a file of events is what a person could have written there: no
// line is a crash, and what is read has a kind.
func FuzzEventsIn(f *testing.F) {
	for _, seed := range []string{
		`{"id":1,"time":"2026-11-29T00:00:00Z","kind":"unsubscribed","recipient":"a@b.example","list":"news"}`,
		`{"type":"recipient.unsubscribed","timestamp":"2026-11-29T00:00:00Z","data":{"kind":"erased","recipient":"~abc"}}`,
		`[{"kind":"suppressed"},{}]`, `{"kind":1}`, `[`, `{"data":[]}`, `[null]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) == 0 || text[0] != '{' && text[0] != '[' {
			return
		}
		events, wrong := eventsIn(text)
		for _, e := range events {
			if e.Kind == "" {
				t.Errorf("%q is an event without a kind", text)
			}
		}
		if len(events) == 0 && wrong == "" && text[0] == '{' {
			t.Errorf("%q is neither an event nor wrong", text)
		}
	})
}

// Of a log only what could be a token of a request that was answered 200 is read.
func FuzzPressIn(f *testing.F) {
	f.Add(`192.0.2.1 - - [29/Nov/2026:02:00:00 +0000] "POST /u/AAAAAAAAAAAAAAAAAAAAAAAA HTTP/1.1" 200 5 "-" "x"`)
	f.Add(`POST /u/AAAAAAAAAAAAAAAAAAAAAAAA 200`)
	f.Add(`"GET /u/AAAAAAAAAAAAAAAAAAAAAAAA HTTP/1.1" 200`)
	f.Fuzz(func(t *testing.T, text string) {
		token, _, ok := pressIn(text)
		if ok != (token != "") || ok && (!strings.Contains(text, "POST") || !strings.Contains(text, "200") || strings.ContainsAny(token, " /?")) {
			t.Errorf("%q: token %q, %v", text, token, ok)
		}
	})
}

// A manifest is data of others: it is refused or usable, and names no file elsewhere.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"format":1,"files":[{"path":"data/offramp.db","size":1,"sha256":"00"}]}`))
	f.Add([]byte(`{"format":1,"files":[{"path":"../x"}]}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		dir := t.TempDir()
		succeeds(t, os.WriteFile(filepath.Join(dir, manifestFile), raw, 0o600))
		m, err := readManifest(dir)
		if err != nil {
			return
		}
		for _, file := range m.Files {
			if !filepath.IsLocal(file.Path) {
				t.Errorf("%q", file.Path)
			}
		}
	})
}

// The formats of vendors, as the webhooks here write them, are read too.
func TestVendorBodies(t *testing.T) {
	at := time.Date(2026, 11, 29, 2, 0, 0, 0, time.UTC)
	for text, want := range map[string]since{
		`[{"email":"a@b.example","timestamp":1795917600,"event":"group_unsubscribe","sg_event_id":"evt_7_ab","category":["news"],"asm_group_id":5}]`: {
			Kind: store.EventUnsubscribed, Recipient: "a@b.example", List: "news", Time: at},
		`[{"email":"a@b.example","timestamp":1795917600,"event":"bounce","type":"bounce","status":"5.1.1"}]`: {
			Kind: store.EventSuppressed, Recipient: "a@b.example", Reason: store.ReasonBounced, Time: at},
		`{"RecordType":"SubscriptionChange","ChangedAt":"2026-11-29T02:00:00Z","Recipient":"a@b.example","SuppressSending":true,"SuppressionReason":"ManualSuppression","Tag":"news","Metadata":{}}`: {
			Kind: store.EventUnsubscribed, Recipient: "a@b.example", List: "news", Time: at},
		`{"RecordType":"SubscriptionChange","ChangedAt":"2026-11-29T02:00:00Z","Recipient":"a@b.example","SuppressSending":false,"Tag":"news"}`: {
			Kind: store.EventResubscribed, Recipient: "a@b.example", List: "news", Time: at},
		`{"RecordType":"SpamComplaint","ID":9,"Email":"a@b.example","BouncedAt":"2026-11-29T02:00:00Z","Tag":""}`: {
			Kind: store.EventSuppressed, Recipient: "a@b.example", Reason: store.ReasonComplained, Time: at},
		`{"signature":{"timestamp":"1","token":"x","signature":"y"},"event-data":{"event":"unsubscribed","id":"evt_7_ab","timestamp":1795917600.5,"recipient":"a@b.example","tags":["news"]}}`: {
			Kind: store.EventUnsubscribed, Recipient: "a@b.example", List: "news", Time: at},
		`{"email":"a@b.example","source":"offramp","type":"complaint","meta":{"event":"evt_7_ab","kind":"unsubscribed","list":"news"}}`: {
			Kind: store.EventUnsubscribed, Recipient: "a@b.example", List: "news", Reason: store.ReasonManual},
		`{"type":"recipient.unsubscribed","timestamp":"2026-11-29T02:00:00Z","data":{"id":7,"kind":"unsubscribed","recipient":"a@b.example","list":"news","time":"2026-11-29T02:00:00Z"}}`: {
			ID: 7, Kind: store.EventUnsubscribed, Recipient: "a@b.example", List: "news", Time: at},
	} {
		events, wrong := eventsIn([]byte(text))
		if len(events) != 1 || wrong != "" {
			t.Errorf("%s: %v %q", text, events, wrong)
			continue
		}
		events[0].Time = events[0].Time.UTC()
		if d := cmp.Diff(want, events[0]); d != "" {
			t.Errorf("%s: %s", text, d)
		}
	}
}

// A restore that ends in the middle leaves nothing that a server starts from: it wants
// the databases, or the operator's decision.
func TestRestoreThatEndsInTheMiddle(t *testing.T) {
	r := newRestored(t)
	r.elsewhere()
	whole := r.env["OFFRAMP_DATA_DIR"]
	entries, err := os.ReadDir(whole)
	succeeds(t, err)
	part := filepath.Join(t.TempDir(), "part")
	succeeds(t, os.Mkdir(part, 0o700))
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(whole, e.Name()))
		succeeds(t, err)
		succeeds(t, os.WriteFile(filepath.Join(part, e.Name()), raw, 0o600))
	}
	s := &settings{DataDir: filepath.Join(t.TempDir(), "data")}
	succeeds(t, os.Mkdir(s.DataDir, 0o700))
	names := moves(entries)
	if len(names) < 4 || names[len(names)-1] != "offramp.db" {
		t.Fatalf("%q", names)
	}
	for _, name := range names {
		if s.needData() == nil {
			t.Errorf("before %s is there, a server starts", name)
		}
		succeeds(t, os.Rename(filepath.Join(part, name), filepath.Join(s.DataDir, name)))
	}
	if s.needData() != nil || s.refuseUndecided() == nil {
		t.Error("at the end a server starts before the operator has decided")
	}
}

// A setting of several lines is read again from the backup as what it means.
func TestSettingsOfSeveralLinesAreKept(t *testing.T) {
	const statement = "UPDATE people\n  SET mail = false, note = \"$1\"\n WHERE id = $1"
	got := map[string]string{}
	in := bytes.NewReader(envFile(map[string]string{"OFFRAMP_SQL_STATEMENT": statement, "PATH": "/bin"}))
	succeeds(t, parseEnvFile(in, "offramp.env", got))
	if len(got) != 1 || strings.Join(strings.Fields(got["OFFRAMP_SQL_STATEMENT"]), " ") != strings.Join(strings.Fields(statement), " ") {
		t.Errorf("%q", got)
	}
}

// A file whose lines are neither events nor requests is not passed over in silence; one
// with events from which nothing follows is in order.
func TestRestoreNamesAFileWithoutEvents(t *testing.T) {
	r := newRestored(t)
	r.elsewhere()
	for text, named := range map[string]bool{
		"10:00 POST /hook {\"kind\": \"unsubscribed\"}\n": true,
		"": false,
		`{"id":99,"time":"2036-01-01T00:00:00Z","kind":"dropped","recipient":"new@dest.example","list":"a.example"}`: false,
	} {
		path := filepath.Join(t.TempDir(), "since")
		succeeds(t, os.WriteFile(path, []byte(text), 0o600))
		if out := r.must("restore", "--events", path); strings.Contains(out, "no event and no link") != named {
			t.Errorf("%q:\n%s", text, out)
		}
	}
}

// A backup without the server's settings would lack them and the DKIM keys, and look
// whole.
func TestBackupNeedsTheSettings(t *testing.T) {
	r := newRestored(t)
	delete(r.env, "OFFRAMP_PUBLIC_URL")
	dir := filepath.Join(t.TempDir(), "backup")
	r.fails(exitUsage, "OFFRAMP_PUBLIC_URL is not set", "backup", dir)
	if exists(dir) {
		t.Error("made all the same")
	}
}
