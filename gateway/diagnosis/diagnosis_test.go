package diagnosis_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/gateway/diagnosis"
)

var update = flag.Bool("update", false, "write golden files")

// Each file of testdata says in its first line why it is there.
func TestRead(t *testing.T) {
	files, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".eml"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(raw, []byte("X-Case: ")) {
				t.Error("the file does not say why it is there")
			}
			var got strings.Builder
			for _, f := range diagnosis.Read(raw, false).Findings {
				line, err := json.Marshal(f)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&got, "%s\n", line)
			}
			golden := strings.TrimSuffix(file, ".eml") + ".json"
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			// The same octets with the line ends of SMTP say the same.
			crlf := bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n"))
			if diff := cmp.Diff(diagnosis.Read(raw, false).Findings, diagnosis.Read(crlf, false).Findings); diff != "" {
				t.Errorf("with CRLF (-LF +CRLF):\n%s", diff)
			}
		})
	}
}

func TestClassify(t *testing.T) {
	for _, test := range []struct {
		status, reply, text string
		class               diagnosis.Class
		cause               diagnosis.Cause
	}{
		{"5.1.1", "550", "User unknown", diagnosis.Hard, diagnosis.CauseAddress},
		{"", "550", "No such user here", diagnosis.Hard, diagnosis.CauseAddress},
		{"5.1.1", "550", "", diagnosis.Hard, diagnosis.CauseAddress},
		{"5.1.2", "", "domain does not exist", diagnosis.Hard, diagnosis.CauseAddress},
		{"5.1.10", "", "domain accepts no mail", diagnosis.Hard, diagnosis.CauseAddress},
		{"", "550", "", diagnosis.Undecided, ""},
		{"5.2.2", "552", "Mailbox full", diagnosis.Soft, diagnosis.CauseMailbox},
		{"5.2.1", "550", "Mailbox disabled", diagnosis.Soft, diagnosis.CauseMailbox},
		{"5.7.1", "554", "Blocked by policy", diagnosis.Undecided, diagnosis.CauseSender},
		{"5.7.1", "550", "User unknown", diagnosis.Undecided, diagnosis.CauseAddress},
		{"5.1.1", "550", "Blocked: user unknown", diagnosis.Undecided, diagnosis.CauseSender},
		{"5.3.4", "552", "Message too large", diagnosis.Undecided, diagnosis.CauseMessage},
		{"4.4.7", "", "gave up after 5 days", diagnosis.Soft, diagnosis.CauseNetwork},
		{"5.1.8", "553", "Domain of sender address does not exist", diagnosis.Undecided, diagnosis.CauseSender},
		{"4.2.2", "452", "Over quota", diagnosis.Soft, diagnosis.CauseMailbox},
	} {
		class, cause, why := diagnosis.Classify(test.status, test.reply, test.text)
		if class != test.class || cause != test.cause || why == "" {
			t.Errorf("%s %s %s: %s, %s (%s), want %s, %s", test.reply, test.status, test.text, class, cause, why, test.class, test.cause)
		}
	}
}

// What a message returned and said is found for whoever looks for tokens.
func TestReturned(t *testing.T) {
	for file, want := range map[string]string{"arf-abuse": "<https://out.example.org/u/TOKEN>"} {
		raw, err := os.ReadFile("testdata/" + file + ".eml")
		if err != nil {
			t.Fatal(err)
		}
		r := diagnosis.Read(raw, false)
		if got := r.Returned.Get("List-Unsubscribe"); got != want {
			t.Errorf("%s: %q", file, got)
		}
		if !strings.Contains(r.ReturnedText, "Hello") || !strings.Contains(r.Text, "abuse report") || r.Header.Get("From") != "fbl@example.net" {
			t.Errorf("%s: %+v", file, r)
		}
	}
}

// However large and odd, a message is read in a moment and says little.
func TestOdd(t *testing.T) {
	var many strings.Builder
	many.WriteString("From: MAILER-DAEMON@x.example\nSubject: failure notice\n\n")
	for i := range 30_000 {
		fmt.Fprintf(&many, "<r%d@example.net>: user unknown\n", i)
	}
	for name, raw := range map[string]string{
		"one line":        "Subject: failure notice\n\n" + strings.Repeat("user@unknown ", 100_000),
		"many recipients": many.String(),
		"many parts":      "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\nx\n", 100_000),
		"many styles":     "Content-Type: text/html\n\n" + strings.Repeat("<style></style>", 70_000),
		"open styles":     "Content-Type: text/html\n\n" + strings.Repeat("<style>", 70_000),
		"many fields":     strings.Repeat("To: a@b.example\n", 70_000),
		"many codes":      "From: MAILER-DAEMON@x.example\nSubject: failure notice\n\n" + strings.Repeat("5.1.1 550 ", 100_000),
		"params":          "Content-Type: multipart/mixed" + strings.Repeat("; a=b", 200_000) + "\n\nx",
	} {
		start := time.Now()
		r := diagnosis.Read([]byte(raw), true)
		if len(r.Findings) == 0 || len(r.Findings) > 100 {
			t.Errorf("%s: %d findings", name, len(r.Findings))
		}
		t.Logf("%s: %v", name, time.Since(start))
	}
}

func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.eml")
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, false)
	}
	f.Fuzz(func(t *testing.T, raw []byte, null bool) {
		r := diagnosis.Read(raw, null)
		if len(r.Findings) == 0 || len(r.Findings) > 100 {
			t.Fatalf("%d findings", len(r.Findings))
		}
		for _, one := range r.Findings {
			if (one.Class != "") != (one.Kind == diagnosis.Bounce) {
				t.Errorf("class %q of a %s", one.Class, one.Kind)
			}
			if one.Why == "" || one.Class == diagnosis.Hard && one.Delayed {
				t.Errorf("%+v", one)
			}
		}
	})
}

func FuzzClassify(f *testing.F) {
	f.Add("5.1.1", "550", "User unknown")
	f.Add("4.2.2", "452", "Mailbox full")
	f.Add("", "", "host not found")
	f.Fuzz(func(t *testing.T, status, reply, text string) {
		class, _, why := diagnosis.Classify(status, reply, text)
		if why == "" || class == "" {
			t.Errorf("%q %q", class, why)
		}
		if class == diagnosis.Hard && (strings.HasPrefix(status, "4.") || strings.HasPrefix(reply, "4")) {
			t.Error("a temporary reply is hard")
		}
	})
}

func BenchmarkRead(b *testing.B) {
	for _, name := range []string{"dsn-unknown", "text-exim", "arf-abuse", "optout-en"} {
		raw, err := os.ReadFile("testdata/" + name + ".eml")
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				diagnosis.Read(raw, true)
			}
		})
	}
}
