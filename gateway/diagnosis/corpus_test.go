package diagnosis

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// row is what the corpus expects of the n-th recipient of a file.
type row struct {
	file, key           string
	nth                 int
	place               string
	repeated            bool
	status, reply, kind string
	hard                bool
	feedback            string
}

// differences are the rows where this package answers otherwise on purpose. A
// row is named by its file and place; anything else that differs fails.
var differences = map[string]string{
	"lhost-exim-31#1":     "stricter: the text itself gives three possible reasons, a block list among them",
	"lhost-exim-37#1":     "stricter: the reply came after the end of data and names the sender's host, not the recipient's",
	"lhost-fml-03#1":      "a list manager's alert about a loop, with no recipient: no bounce to us",
	"lhost-outlook-03#1":  "stricter: a domain that cannot be reached may exist",
	"lhost-postfix-05#1":  "stricter: the code is 4.1.1, temporary",
	"lhost-qmail-11#1":    "stricter: the domain exists and only has no mail host now; that is no null MX",
	"lhost-sendmail-03#1": "stricter: the reply is about another address, to which this one is forwarded",
	"lhost-sendmail-57#1": "stricter: 5.7.27 is the code for a sender's domain (RFC 7505 section 4.2), and the text does not tell whose host it means",
	"lhost-verizon-01#1":  "stricter: no valid recipient was found, which does not say that there is none",
}

// TestCorpus: at least 95 of 100 rows are right in class and recipient, and not
// one address that lives is called dead.
func TestCorpus(t *testing.T) {
	dir := os.Getenv("MAIL_CORPUS")
	if dir == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("MAIL_CORPUS is not set, and CI demands the corpus")
		}
		t.Skip("MAIL_CORPUS is not set")
	}
	rows := corpusRows(t, filepath.Join(dir, "sisimai"))
	right, wrongHard := 0, 0
	for _, r := range rows {
		raw, err := os.ReadFile(filepath.Join(dir, "sisimai", r.file))
		if err != nil {
			t.Fatal(err)
		}
		report := Read(raw, false)
		fault := r.fault(report, string(raw))
		reason, listed := differences[r.key]
		if strings.HasPrefix(fault, "wrong hard") {
			wrongHard++
		}
		switch {
		case fault == "" && listed:
			t.Errorf("%s: is right now, take it off the list", r.key)
		case fault != "" && !listed:
			t.Errorf("%s: %s", r.key, fault)
		case fault != "" && testing.Verbose():
			t.Logf("%s: %s (%s)", r.key, fault, reason)
		}
		if fault == "" {
			right++
		}
	}
	t.Logf("%d rows, %d right (%.1f %%), %d wrong hard, %d listed differences", len(rows), right, 100*float64(right)/float64(len(rows)), wrongHard, len(differences))
	if right*100 < len(rows)*95 || wrongHard > 0 {
		t.Errorf("want 95 %% right and no wrong hard")
	}
}

// fault says what is wrong about the findings, or "". The corpus gives some
// recipients of a file the same place: then any of the findings may be meant.
func (r row) fault(report Report, raw string) string {
	if r.repeated {
		fault := ""
		for _, f := range report.Findings {
			if fault = r.judge(f, raw); fault == "" {
				break
			}
		}
		return fault
	}
	if len(report.Findings) < r.nth {
		return fmt.Sprintf("%d findings, want one more: %+v", len(report.Findings), report.Findings)
	}
	return r.judge(report.Findings[r.nth-1], raw)
}

func (r row) judge(f Finding, raw string) string {
	want := Bounce
	switch r.kind {
	case "feedback":
		want = Complaint
	case "vacation":
		want = AutoReply
	case "delivered":
		want = Other
	}
	told := fmt.Sprintf(" (%s %s %s, reply %q status %q cause %q to %q: %s; %.200q)", r.status, r.reply, r.kind, f.Reply, f.Status, f.Cause, f.Recipient, f.Why, f.Diagnostic)
	switch {
	case f.Class == Hard && !r.hard:
		return "wrong hard" + told
	case f.Kind != want:
		return "kind " + string(f.Kind) + told
	case f.Class != Hard && r.hard:
		return "missed hard: " + string(f.Class) + told
	case f.FeedbackType != r.feedback:
		return "feedback type " + f.FeedbackType + told
	case want == Bounce && (f.Recipient == "" || !strings.Contains(strings.ToLower(raw), strings.ToLower(f.Recipient))):
		return "recipient" + told
	}
	return ""
}

func corpusRows(t *testing.T, dir string) []row {
	t.Helper()
	table, err := os.ReadFile(filepath.Join(dir, "expected.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	seen, places := map[string]int{}, map[string]int{}
	var rows []row
	for line := range strings.Lines(string(table)) {
		c := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(c) < 7 || c[0] == "file" {
			continue
		}
		seen[c[0]]++
		places[c[0]+c[1]]++
		rows = append(rows, row{file: c[0], key: fmt.Sprintf("%s#%d", strings.TrimSuffix(c[0], ".eml"), seen[c[0]]), nth: seen[c[0]], place: c[1],
			status: c[2], reply: c[3], kind: c[4], hard: c[5] == "true", feedback: c[6]})
	}
	for i, r := range rows {
		rows[i].repeated = places[r.file+r.place] > 1
	}
	if len(rows) < 200 {
		t.Fatalf("%d rows", len(rows))
	}
	return rows
}
