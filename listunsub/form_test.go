package listunsub

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// formCase is a file under testdata/form: lines "Key: value", strings in Go
// syntax. Reason says who sends this.
type formCase struct {
	reason, contentType, body string
	oneClick                  bool
	values                    map[string]string
}

func readFormCase(t testing.TB, name string) formCase {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	c := formCase{values: make(map[string]string)}
	text := func(s string) string {
		u, err := strconv.Unquote(s)
		if err != nil {
			t.Fatalf("%s: %s: %v", name, s, err)
		}
		return u
	}
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "Reason":
			c.reason = value
		case "Content-Type":
			c.contentType = text(value)
		case "Body":
			c.body += text(value)
		case "One-Click":
			c.oneClick = value == "true"
		case "Value":
			field, v, _ := strings.Cut(value, " = ")
			c.values[text(field)] = text(v)
		default:
			t.Fatalf("%s: unknown key %q", name, key)
		}
	}
	if c.reason == "" {
		t.Fatalf("%s: no reason", name)
	}
	return c
}

func formCases(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/form/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	return files
}

func TestReadForm(t *testing.T) {
	for _, name := range formCases(t) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			c := readFormCase(t, name)
			want := Form{OneClick: c.oneClick, Values: c.values}
			got, err := ReadForm(c.contentType, iotest.OneByteReader(strings.NewReader(c.body)))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s\n%s", c.reason, d)
			}
		})
	}
}

// endless counts what is read of a body that never ends.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = "a=1&"[i%4]
	}
	e.read += len(p)
	return len(p), nil
}

func TestReadFormIsBounded(t *testing.T) {
	var body endless
	f, err := ReadForm("application/x-www-form-urlencoded", &body)
	if err != nil || body.read > maxForm {
		t.Errorf("read %d octets, %v", body.read, err)
	}
	if f.Values["a"] != "1" {
		t.Errorf("%+v", f)
	}

	var many strings.Builder
	for i := range 500 {
		many.WriteString("f" + strconv.Itoa(i) + "=1&")
	}
	f, err = ReadForm("", strings.NewReader(many.String()+PostValue))
	if err != nil || len(f.Values) != maxFormValues || !f.OneClick {
		t.Errorf("%d values, one-click %v, %v", len(f.Values), f.OneClick, err)
	}

	late := strings.Repeat("x", maxForm) + "&" + PostValue
	if f, _ = ReadForm("", strings.NewReader(late)); f.OneClick {
		t.Error("looked past the limit")
	}
}

func TestReadFormKeepsWhatCame(t *testing.T) {
	broken := errors.New("connection reset")
	f, err := ReadForm("", io.MultiReader(strings.NewReader(PostValue+"&"), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || !f.OneClick {
		t.Errorf("%+v, %v", f, err)
	}
}

func FuzzReadForm(f *testing.F) {
	for _, name := range formCases(f) {
		c := readFormCase(f, name)
		f.Add(c.contentType, c.body)
	}
	f.Fuzz(func(t *testing.T, contentType, body string) {
		form, err := ReadForm(contentType, strings.NewReader(body))
		if err != nil || form.Values == nil || len(form.Values) > maxFormValues {
			t.Fatalf("%+v, %v", form, err)
		}
		// The pair counts, whatever follows it.
		again, err := ReadForm("application/x-www-form-urlencoded", strings.NewReader(PostValue+"&"+body))
		if err != nil || !again.OneClick {
			t.Fatalf("%+v, %v", again, err)
		}
	})
}
