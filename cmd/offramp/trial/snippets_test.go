package trial

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// workshop is a folder in which snippets of the page are put together and run,
// as an application would be.
type workshop struct {
	t        *testing.T
	dir      string
	snippets map[string]string
	port     string // of Offramp
	cert     string // that Offramp has; empty: it takes mail on loopback without a login
}

// sendingSnippets are those that send a newsletter, with its Subject.
var sendingSnippets = []struct {
	subject  string
	snippets []string
	login    bool // they send from elsewhere: by TLS, with a login
	send     func(w *workshop)
}{
	{"Django news", []string{"django-settings", "django-newsletter"}, false, func(w *workshop) { w.django("django-settings") }},
	{"nodemailer news", []string{"nodemailer"}, false, func(w *workshop) {
		w.node(here(w.t, w.snippets["nodemailer"], "2525", w.port))
	}},
	{"listmonk news", []string{"listmonk-smtp", "listmonk-headers"}, false, func(w *workshop) {
		smtp := w.file("smtp.json", here(w.t, w.snippets["listmonk-smtp"], "2525", w.port))
		w.run("/usr/bin/python3", w.trial("listmonk_settings.py"), smtp, w.file("headers.json", w.snippets["listmonk-headers"]))
	}},
	{"msmtp news", []string{"msmtprc", "msmtp-newsletter"}, false, func(w *workshop) {
		w.file(".msmtprc", here(w.t, w.snippets["msmtprc"], "2525", w.port))
		w.run("sh", "-ec", w.snippets["msmtp-newsletter"])
	}},
	{"nullmailer news", []string{"nullmailer-remotes"}, false, func(w *workshop) {
		nullmailer(w.t, here(w.t, w.snippets["nullmailer-remotes"], "2525", w.port),
			"From: News <news@example.com>\nTo: ada@example.net\nSubject: nullmailer news\nList-Id: <weekly.example.com>\n\nHello\n")
	}},
	{"PHP news", []string{"php-ini", "php-mail"}, false, func(w *workshop) {
		w.file(".msmtprc", here(w.t, w.snippets["msmtprc"], "2525", w.port))
		w.run("php", "-c", w.file("php.ini", w.snippets["php-ini"]), w.file("mail.php", w.snippets["php-mail"]))
	}},
	{"PHPMailer news", []string{"phpmailer"}, false, func(w *workshop) {
		w.file("vendor/autoload.php", `<?php require "libphp-phpmailer/autoload.php";`)
		w.run("php", w.file("send.php", here(w.t, w.snippets["phpmailer"], "2525", w.port)))
	}},
	{"WordPress news", []string{"wordpress"}, false, func(w *workshop) {
		hook := w.file("functions.php", here(w.t, w.snippets["wordpress"], "2525", w.port))
		w.run("php", w.trial("wordpress.php"), hook)
	}},
	{"Symfony news", []string{"symfony-env", "symfony-newsletter"}, false, func(w *workshop) {
		w.symfony(here(w.t, w.snippets["symfony-env"], "2525", w.port))
	}},
	{"Rails news", []string{"rails-settings", "rails-mailer"}, false, func(w *workshop) {
		w.run("ruby", w.trial("rails.rb"), w.file("production.rb", here(w.t, w.snippets["rails-settings"], "2525", w.port)), w.file("mailer.rb", w.snippets["rails-mailer"]))
	}},
	{"Django news", []string{"django-login"}, true, func(w *workshop) { w.django("django-login") }},
	{"nodemailer news", []string{"nodemailer-login"}, true, func(w *workshop) {
		_, letter, _ := strings.Cut(w.snippets["nodemailer"], "\n\n")
		w.node(w.elsewhere("nodemailer-login") + letter)
	}},
	{"msmtp news", []string{"msmtp-login"}, true, func(w *workshop) {
		w.file(".msmtprc", here(w.t, w.elsewhere("msmtp-login"), "/etc/ssl/certs/ca-certificates.crt", w.cert))
		w.run("sh", "-ec", w.snippets["msmtp-newsletter"])
	}},
	{"Symfony news", []string{"symfony-login"}, true, func(w *workshop) { w.symfony(w.elsewhere("symfony-login")) }},
}

// Whatever the page has people write for their application sends, and the
// newsletter that it sends gets the recipient's button.
func TestSnippetsOfSenders(t *testing.T) {
	needs(t, "node", "php", "msmtp", "ruby")
	python(t, "django")
	s, err := sink.Start(sink.Options{})
	must(t, err)
	defer s.Close()
	cert, key := certFiles(t)
	blocks := snippets(t)
	local := setup(t, "smtp://"+s.Addr())
	elsewhere := setup(t, "smtp://"+s.Addr(), "SMTP_TLS_CERT_FILE="+cert, "SMTP_TLS_KEY_FILE="+key, "TRUSTED_NETWORKS=none")
	entry := shell(t, nil, t.TempDir(), blocks["login"])
	elsewhere.env["SMTP_USERS"] = strings.TrimSpace(entry)
	for _, p := range []*process{local, elsewhere} {
		delete(p.env, "DEFAULT_STREAM")
		p.env["DKIM_KEYS"] = "example.com:ed:" + p.edKey
		p.start()
	}
	for _, snippet := range sendingSnippets {
		name := strings.Join(snippet.snippets, " ")
		t.Run(name, func(t *testing.T) {
			w := &workshop{t: t, dir: t.TempDir(), snippets: blocks, port: portOf(local.smtp)}
			if snippet.login {
				w.port, w.cert = portOf(elsewhere.smtp), cert
			}
			before := len(s.Messages())
			snippet.send(w)
			if err := poll(20*time.Second, func() error {
				for _, m := range s.Messages()[before:] {
					if field(m.Data, "Subject") != snippet.subject {
						continue
					}
					if !marked(m.Data) || !strings.Contains(field(m.Data, "List-Id"), "weekly.example.com") || field(m.Data, "DKIM-Signature") == "" {
						t.Errorf("no button, list or signature:\n%s", m.Data)
					}
					if with := strings.Contains(string(m.Data), "with ESMTPSA"); with != snippet.login {
						t.Errorf("with TLS and a login: %v, want %v:\n%s", with, snippet.login, m.Data)
					}
					return nil
				}
				return fmt.Errorf("%q did not arrive", snippet.subject)
			}); err != nil {
				t.Error(err)
			}
		})
	}
}

// file writes a file of the application.
func (w *workshop) file(name, text string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	must(w.t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(w.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// trial is a file that takes the place of the rest of the application.
func (w *workshop) trial(name string) string {
	path, err := filepath.Abs(filepath.Join("testdata/senders", name))
	must(w.t, err)
	return path
}

// elsewhere is a snippet with a login, for the trial.
func (w *workshop) elsewhere(name string) string {
	return here(w.t, w.snippets[name], "offramp.example.com", "localhost", "2525", w.port)
}

func (w *workshop) run(name string, args ...string) {
	w.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "HOME="+w.dir, "PYTHONPATH="+w.dir, "DJANGO_SETTINGS_MODULE=settings",
		"NODE_PATH="+filepath.Dir(cached(w.t, "nodemailer/node_modules/nodemailer")),
		"NODE_EXTRA_CA_CERTS="+w.cert, "SSL_CERT_FILE="+w.cert)
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Errorf("%s: %v\n%s", name, err, out)
	}
}

func (w *workshop) django(settings string) {
	text := w.snippets[settings]
	if w.cert != "" {
		text = w.elsewhere(settings)
	} else {
		text = here(w.t, text, "2525", w.port)
	}
	w.file("settings.py", text+"SECRET_KEY = 'trial'\n")
	w.run("/usr/bin/python3", w.file("send.py", "import django\ndjango.setup()\n"+w.snippets["django-newsletter"]))
}

func (w *workshop) node(text string) { w.run("node", w.file("send.js", text)) }

func (w *workshop) symfony(env string) {
	w.run("php", w.trial("symfony.php"), w.file(".env", env), w.file("letter.php", w.snippets["symfony-newsletter"]))
}

func portOf(addr string) string { return addr[strings.LastIndex(addr, ":")+1:] }

// shell runs lines of the page with our program as offramp.
func shell(t *testing.T, env []string, dir, lines string) string {
	t.Helper()
	cmd := exec.Command("sh", "-ec", "offramp() { "+program+" \"$@\"; }\n"+lines)
	cmd.Dir, cmd.Env = dir, append(env, "PATH="+os.Getenv("PATH"), "HOME="+dir)
	var messages strings.Builder
	cmd.Stderr = &messages
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", lines, err, messages.String())
	}
	return string(out)
}
