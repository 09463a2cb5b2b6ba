package diagnosis_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"offramp/gateway/diagnosis"
)

// difference is a row of the corpus that we class otherwise, knowingly.
type difference struct {
	file  string
	index int
}

// differences are rows of the corpus whose class is another one here, with the
// reason.
var differences = map[difference]string{
	{"lhost-exim-31.eml", 1}:     "the mail system only guesses: the account may not exist, or may be blacklisted",
	{"lhost-exim-37.eml", 1}:     "said after the end of the message, and not in words that only an address is told",
	{"lhost-fml-03.eml", 1}:      "a list manager's alert about a loop, no bounce",
	{"lhost-outlook-03.eml", 1}:  "a domain that is not reachable may be tomorrow",
	{"lhost-postfix-05.eml", 1}:  "450 4.1.1: a temporary code is never hard",
	{"lhost-sendmail-57.eml", 1}: "5.7.27 is about the sender's domain (RFC 7505 section 4.2)",
	{"lhost-verizon-01.eml", 1}:  "no valid recipients for this message: not that there is no such address",
	{"rfc3464-51.eml", 1}:        "5.1.0 with nothing but \"address rejected\" may be a rule of the receiver",
}

// row is one line of expected.tsv.
type row struct {
	file, status, reply, reason string
	index                       int
	hard                        bool
}

// corpus returns the folder of real mail, or skips; under CI it must be there.
func corpus(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("MAIL_CORPUS")
	if dir == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("MAIL_CORPUS is not set: CI reads real bounces")
		}
		t.Skip("left out: MAIL_CORPUS is not set, so there are no real bounces to read")
	}
	return filepath.Join(dir, "sisimai")
}

func expected(t *testing.T, dir string) (rows []row) {
	t.Helper()
	file, err := os.Open(filepath.Join(dir, "expected.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := csv.NewReader(file)
	lines.Comma = '\t'
	all, err := lines.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all[1:] {
		index, err := strconv.Atoi(l[1])
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row{file: l[0], index: index, status: l[2], reply: l[3], reason: l[4], hard: l[5] == "true"})
	}
	return rows
}

// Real bounces, complaints and answers: what is hard here is hard there, and
// nearly all that is hard there is hard here.
func TestRealMail(t *testing.T) {
	dir := corpus(t)
	rows := expected(t, dir)
	right, wrongHard := 0, 0
	for _, want := range rows {
		raw, err := os.ReadFile(filepath.Join(dir, want.file))
		if err != nil {
			t.Fatal(err)
		}
		r := diagnosis.Read(raw, false)
		got := diagnosis.Finding{}
		if want.index <= len(r.Findings) {
			got = r.Findings[want.index-1]
		}
		for _, f := range r.Findings { // two rows of a file may have one index
			if f.Status == want.status && got.Status != want.status {
				got = f
			}
		}
		ok := got.Kind == kindOf(want.reason) && (got.Class == diagnosis.Hard) == want.hard
		if got.Class == diagnosis.Hard && !want.hard {
			wrongHard++
			t.Errorf("%s %d (%s %s) is no hard bounce: %+v", want.file, want.index, want.reason, want.status, got)
			continue
		}
		_, known := differences[difference{want.file, want.index}]
		switch {
		case ok && known:
			t.Errorf("%s %d is listed as a difference and is none", want.file, want.index)
		case ok:
			right++
		case !known:
			t.Errorf("%s %d (%s %s): %d findings, %+v", want.file, want.index, want.reason, want.status, len(r.Findings), got)
		}
	}
	t.Logf("%d of %d rows right, %.1f %%; %d wrong hard", right, len(rows), 100*float64(right)/float64(len(rows)), wrongHard)
	if right*100 < 95*len(rows) {
		t.Errorf("%d of %d rows right: less than 95 of 100", right, len(rows))
	}
}

func kindOf(reason string) diagnosis.Kind {
	switch reason {
	case "feedback":
		return diagnosis.Complaint
	case "vacation":
		return diagnosis.AutoReply
	case "delivered":
		return diagnosis.Other
	}
	return diagnosis.Bounce
}
