package database

import (
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/store"
)

func TestParseStatement(t *testing.T) {
	for name, c := range map[string]struct {
		text     string
		dialect  Dialect
		want     string // empty: refused
		args     []string
		complain string
	}{
		"PostgreSQL":             {"INSERT INTO o (who, at, again) VALUES (:recipient, :time, :recipient)", PostgreSQL, "INSERT INTO o (who, at, again) VALUES ($1, $2, $1)", []string{"recipient", "time"}, ""},
		"MySQL":                  {"INSERT INTO o (who, at, again) VALUES (:recipient, :time, :recipient)", MySQL, "INSERT INTO o (who, at, again) VALUES (?, ?, ?)", []string{"recipient", "time", "recipient"}, ""},
		"casts":                  {"SELECT f(:time::text, (:event_id)::bigint)", PostgreSQL, "SELECT f($1::text, ($2)::bigint)", []string{"time", "event_id"}, ""},
		"quotes":                 {`SELECT ':kind', "a:kind", 'it''s :kind' || :kind`, PostgreSQL, `SELECT ':kind', "a:kind", 'it''s :kind' || $1`, []string{"kind"}, ""},
		"escapes of MySQL":       {`SELECT '\':kind', :kind`, MySQL, `SELECT '\':kind', ?`, []string{"kind"}, ""},
		"no escapes":             {`SELECT '\', :kind, ''`, PostgreSQL, `SELECT '\', $1, ''`, []string{"kind"}, ""},
		"escapes of PostgreSQL":  {`SELECT E'\':kind', :kind`, PostgreSQL, `SELECT E'\':kind', $1`, []string{"kind"}, ""},
		"comments":               {"SELECT :kind -- :nothing\n /* :nothing /* :nor */ this */ , 1", PostgreSQL, "SELECT $1 -- :nothing\n /* :nothing /* :nor */ this */ , 1", []string{"kind"}, ""},
		"comments of MySQL":      {"SELECT 1--:ref # :nothing\n, :kind", MySQL, "SELECT 1--? # :nothing\n, ?", []string{"ref", "kind"}, ""},
		"dollar quotes":          {"SELECT $$:kind$$, $x$ $$ :kind $x$, :kind", PostgreSQL, "SELECT $$:kind$$, $x$ $$ :kind $x$, $1", []string{"kind"}, ""},
		"slices and assignments": {"SELECT a[1:2], f(b := :kind)", PostgreSQL, "SELECT a[1:2], f(b := $1)", []string{"kind"}, ""},
		"end":                    {"DELETE FROM s WHERE mail = :recipient ; \n", PostgreSQL, "DELETE FROM s WHERE mail = $1", []string{"recipient"}, ""},
		"unknown":                {"SELECT :email", PostgreSQL, "", nil, "unknown parameter :email: use some of :event_id, :time, :kind, :recipient, :list,"},
		"longer name":            {"SELECT :recipients", PostgreSQL, "", nil, "unknown parameter :recipients"},
		"none":                   {"DELETE FROM s", PostgreSQL, "", nil, "has no parameter"},
		"only in quotes":         {"DELETE FROM s WHERE a = ':recipient'", PostgreSQL, "", nil, "has no parameter"},
		"two statements":         {"DELETE FROM s WHERE a = :recipient; DROP TABLE s", PostgreSQL, "", nil, "more than one statement"},
		"positions":              {"DELETE FROM s WHERE a = $1 AND b = :kind", PostgreSQL, "", nil, "holds $1"},
		"question mark":          {"DELETE FROM s WHERE a = ? AND b = :kind", MySQL, "", nil, "holds a ?"},
		"open quote":             {"SELECT ':kind", PostgreSQL, "", nil, "not closed"},
		"open comment":           {"SELECT :kind /* x", PostgreSQL, "", nil, "not closed"},
		"open dollar":            {"SELECT :kind, $a$ x", PostgreSQL, "", nil, "not closed"},
		"empty":                  {"", PostgreSQL, "", nil, "has no parameter"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := ParseStatement(c.text, c.dialect)
			if (err == nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.complain) {
				t.Fatalf("%q, %v", s.Text, err)
			}
			var args []string
			for _, a := range s.args {
				args = append(args, parameters[a].name)
			}
			if s.Text != c.want || !slices.Equal(args, c.args) {
				t.Errorf("%q %q, want %q %q", s.Text, args, c.want, c.args)
			}
		})
	}
}

// Whatever is in a statement, its text has no value of an event in it, and as many
// variables as values.
func FuzzParseStatement(f *testing.F) {
	f.Add("INSERT INTO o VALUES (:recipient, ':kind', $$:list$$, E'\\'') -- :x", 0)
	f.Add("SELECT `:kind`, :kind /* ' */ # x", 1)
	f.Fuzz(func(t *testing.T, text string, d int) {
		dialect := Dialect(d & 1)
		s, err := ParseStatement(text, dialect)
		if err != nil {
			return
		}
		values := s.values(store.Event{ID: 7, Time: time.Unix(1, 0), Recipient: "r"})
		if len(values) == 0 || len(values) != len(s.args) {
			t.Errorf("%d values of %q", len(values), s.Text)
		}
		if dialect == MySQL && strings.Count(s.Text, "?") < len(values) {
			t.Errorf("%d values, %q", len(values), s.Text)
		}
	})
}

func TestConfig(t *testing.T) {
	statement := "INSERT INTO o VALUES (:recipient)"
	for name, c := range map[string]struct {
		config Config
		want   string // of the error; empty: none
	}{
		"nothing":       {Config{}, ""},
		"PostgreSQL":    {Config{URL: "postgres://u:p@db.internal/crm?sslmode=require", Statement: statement}, ""},
		"MySQL":         {Config{URL: "mysql://u:p%40@db.internal/crm?tls=skip-verify", Statement: statement}, ""},
		"socket":        {Config{URL: "mysql://u@/crm?socket=/run/mysqld/mysqld.sock", Statement: statement}, ""},
		"no statement":  {Config{URL: "postgres://u:p@h/d"}, "OFFRAMP_SQL_URL"},
		"no URL":        {Config{Statement: statement}, "OFFRAMP_SQL_STATEMENT"},
		"another":       {Config{URL: "oracle://u:secret@h/d", Statement: statement}, "OFFRAMP_SQL_URL"},
		"broken":        {Config{URL: "postgres://u:secret@h:port/d", Statement: statement}, "OFFRAMP_SQL_URL"},
		"no database":   {Config{URL: "mysql://u:secret@h", Statement: statement}, "OFFRAMP_SQL_URL"},
		"local files":   {Config{URL: "mysql://u:secret@h/d?allowAllFiles=true", Statement: statement}, "OFFRAMP_SQL_URL"},
		"interpolation": {Config{URL: "mysql://u:secret@h/d?interpolateParams=true", Statement: statement}, "OFFRAMP_SQL_URL"},
		"unknown TLS":   {Config{URL: "mysql://u:secret@h/d?tls=maybe", Statement: statement}, "OFFRAMP_SQL_URL"},
		"no kind":       {Config{URL: "postgres://u:secret@h/d", Statement: statement, Kinds: []string{"left"}}, "OFFRAMP_SQL_KINDS"},
		"unknown name":  {Config{URL: "postgres://u:secret@h/d", Statement: "SELECT :mail"}, "OFFRAMP_SQL_STATEMENT"},
	} {
		err := c.config.Validate()
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a sender wrote as Message-ID cannot have the server refuse the row.
func TestValuesCanBeStored(t *testing.T) {
	s, err := ParseStatement("INSERT INTO o VALUES (:message_id, :detail)", PostgreSQL)
	if err != nil {
		t.Fatal(err)
	}
	got := s.values(store.Event{MessageID: "<a\x00b\xff@x.example>", Detail: "\xe4"})
	if want := []any{"<a b\uFFFD@x.example>", "\uFFFD"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
