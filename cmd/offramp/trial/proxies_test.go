package trial

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"offramp/gateway/sink"
)

// behindProxy is Offramp with the settings of the page for a proxy in front,
// and the address that its page has.
func behindProxy(t *testing.T) *process {
	t.Helper()
	s, err := sink.Start(sink.Options{})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	p := setup(t, "smtp://"+s.Addr())
	env := here(t, snippets(t)["proxy-env"], "127.0.0.1:8080", p.http, "https://u.example.com", "https://u.trial.example")
	for line := range strings.Lines(env) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		p.env[strings.TrimPrefix(name, "OFFRAMP_")] = value
	}
	p.start()
	return p
}

// proxy runs a program in the foreground until the test ends.
func proxy(t *testing.T, addr, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	dir := t.TempDir()
	cmd.Env = []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	daemon(t, addr, cmd)
}

// TestSnippetOfNginx puts the server of the page into the least nginx.
func TestSnippetOfNginx(t *testing.T) {
	nginx := filepath.Join(cached(t, "nginx"), "usr/sbin/nginx")
	p, addr, dir := behindProxy(t), freeAddr(t), t.TempDir()
	cert, key := certFiles(t)
	server := here(t, snippets(t)["nginx"], "listen 443 ssl", "listen "+addr+" ssl", "u.example.com.pem;", "pem;", "http://127.0.0.1:8080", "http://"+p.http)
	server = strings.NewReplacer("/etc/ssl/pem", cert, "/etc/ssl/u.example.com.key", key, "u.example.com", "u.trial.example").Replace(server)
	conf := filepath.Join(dir, "nginx.conf")
	paths := ""
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		paths += kind + "_temp_path " + dir + "/" + kind + ";\n"
	}
	must(t, os.WriteFile(conf, []byte("daemon off;\nmaster_process off;\npid "+dir+"/pid;\nerror_log stderr;\nevents {}\nhttp {\n"+paths+server+"}\n"), 0o600))
	runSender(t, "", nginx, "-t", "-p", dir, "-c", conf)
	proxy(t, addr, nginx, "-p", dir, "-c", conf)
	optsOutThrough(t, p, addr, cert)
}

// TestSnippetOfCaddy gives the site of the page a port and a certificate.
func TestSnippetOfCaddy(t *testing.T) {
	caddy := filepath.Join(cached(t, "caddy"), "usr/bin/caddy")
	p, addr, dir := behindProxy(t), freeAddr(t), t.TempDir()
	cert, key := certFiles(t)
	site := here(t, snippets(t)["caddy"], "u.example.com {\n", "https://u.trial.example:"+portOf(addr)+" {\n\tbind 127.0.0.1\n\ttls "+cert+" "+key+"\n", "127.0.0.1:8080", p.http)
	conf := filepath.Join(dir, "Caddyfile")
	must(t, os.WriteFile(conf, []byte("{\n\tadmin off\n\tauto_https disable_redirects\n}\n"+site), 0o600))
	proxy(t, addr, caddy, "run", "--adapter", "caddyfile", "--config", conf)
	optsOutThrough(t, p, addr, cert)
}

// optsOutThrough posts as mail providers do and wants the answer at once, and
// the address of the client in the ledger.
func optsOutThrough(t *testing.T, p *process, addr, cert string) {
	t.Helper()
	pool := x509.NewCertPool()
	data, err := os.ReadFile(cert)
	must(t, err)
	pool.AppendCertsFromPEM(data)
	// Loopback has many addresses: the client's is not the proxy's.
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 7, 7)}}
	client := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "localhost"}, DialContext: from.DialContext}
	defer client.CloseIdleConnections()
	for _, form := range clientForms {
		url := strings.Replace(sealed(p, "trial.example", strings.ReplaceAll(form.name, " ", "")+"@dest.example"), "u.trial.example", addr, 1)
		r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(form.body))
		must(t, err)
		r.Host = "u.trial.example"
		r.Header.Set("Content-Type", form.contentType)
		r.Header.Set("X-Forwarded-For", "192.0.2.9") // what a client says is not believed
		answer, err := client.RoundTrip(r)
		must(t, err)
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", form.name, answer.Status)
		}
		if answer.Header.Get("Strict-Transport-Security") == "" {
			t.Errorf("%s: the page does not know that the client came by https", form.name)
		}
	}
	out, _ := p.run("events", "--json")
	optOuts := 0
	for line := range strings.Lines(out) {
		var e struct{ Kind, IP string }
		must(t, json.Unmarshal([]byte(line), &e))
		if e.IP == "" {
			continue
		}
		optOuts++
		if e.IP != "127.0.7.7" {
			t.Errorf("recorded client %s, want 127.0.7.7: %s", e.IP, line)
		}
	}
	if optOuts < len(clientForms) {
		t.Errorf("%d opt-outs with a client, want %d:\n%s", optOuts, len(clientForms), out)
	}
}

// Whoever takes Offramp out has every opt-out in a file, and links that were
// sent before still work.
func TestSnippetOfTheWayBack(t *testing.T) {
	s, err := sink.Start(sink.Options{})
	must(t, err)
	defer s.Close()
	p := start(t, "smtp://"+s.Addr())
	url := unsubscribeURL(sendAndWait(t, p, s, "ada@dest.example").Data)
	p.stop()
	p.start()
	p.oneClick(url)
	var env []string
	for name, value := range p.env {
		env = append(env, "OFFRAMP_"+name+"="+value)
	}
	dir := t.TempDir()
	shell(t, env, dir, snippets(t)["export"])
	people, err := os.ReadFile(filepath.Join(dir, "people.csv"))
	must(t, err)
	lines := strings.Split(strings.TrimSpace(string(people)), "\n")
	if len(lines) != 2 || !strings.Contains(lines[1], "ada@dest.example") || !strings.Contains(lines[1], "trial.example") {
		t.Errorf("the export is\n%s", people)
	}
}
