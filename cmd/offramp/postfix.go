package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// postfixConfig is what one Postfix runs with, as postconf prints it.
type postfixConfig struct {
	main     map[string]string // every parameter with its value in force
	services []postfixService
}

// postfixService is one line of master.cf.
type postfixService struct {
	name, kind, command string
	options             map[string]string // its -o NAME=VALUE
}

// postfixTables looks into the lookup tables that a configuration names.
type postfixTables interface {
	get(ctx context.Context, table, key string) (string, error) // empty: no entry
	values(ctx context.Context, table string) ([]string, error) // of all entries
}

// service returns a service by name, and whether there is one.
func (p *postfixConfig) service(name, kind string) (postfixService, bool) {
	i := slices.IndexFunc(p.services, func(s postfixService) bool { return s.name == name && s.kind == kind })
	if i < 0 {
		return postfixService{}, false
	}
	return p.services[i], true
}

// value is a parameter as a service has it: its own, or that of main.cf.
func (p *postfixConfig) value(s postfixService, name string) string {
	if v, own := s.options[name]; own {
		return v
	}
	return p.main[name]
}

// parsePostfix reads the output of postconf -x, -M and -Px.
func parsePostfix(main, master, options string) *postfixConfig {
	p := &postfixConfig{main: map[string]string{}}
	for line := range strings.Lines(main) {
		if name, value, ok := strings.Cut(line, "="); ok {
			p.main[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	for line := range strings.Lines(master) {
		if f := strings.Fields(line); len(f) >= 8 && !strings.HasPrefix(f[0], "#") {
			p.services = append(p.services, postfixService{name: f[0], kind: f[1], command: f[7], options: map[string]string{}})
		}
	}
	for line := range strings.Lines(options) {
		left, value, ok := strings.Cut(line, "=")
		where := strings.SplitN(strings.TrimSpace(left), "/", 3)
		if !ok || len(where) < 3 {
			continue
		}
		if s, known := p.service(where[0], where[1]); known {
			s.options[where[2]] = strings.TrimSpace(value)
		}
	}
	return p
}

// postfixList splits a list at commas and white space, and keeps what stands
// in braces together.
func postfixList(value string) []string {
	var items []string
	depth, begin := 0, 0
	end := func(i int) {
		if begin < i {
			items = append(items, value[begin:i])
		}
		begin = i + 1
	}
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '{':
			depth++
		case c == '}' && depth > 0:
			depth--
		case depth == 0 && strings.IndexByte(", \t\r\n", c) >= 0:
			end(i)
		}
	}
	end(len(value))
	return items
}

// isTable says whether an item of a list is a lookup table, and not a name.
func isTable(item string) bool {
	kind, _, ok := strings.Cut(item, ":")
	return ok && kind != "" && !strings.ContainsAny(kind, "[]./")
}

// splitHop splits a destination of a transport, "[host]:port" or "host:port".
func splitHop(hop string) (host, port string) {
	hop = strings.TrimPrefix(strings.TrimSpace(hop), "inet:")
	host, port = hop, "25"
	if i := strings.LastIndexByte(hop, ':'); i > strings.LastIndexByte(hop, ']') {
		host, port = hop[:i], hop[i+1:]
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimPrefix(strings.ToLower(host), "ipv6:")), portNumber(port)
}

// portNumber turns the names that master.cf has for ports into numbers.
func portNumber(port string) string {
	if n, ok := map[string]string{"smtp": "25", "submission": "587", "smtps": "465", "submissions": "465"}[port]; ok {
		return n
	}
	return port
}

// postfixListener is where a Postfix takes mail. The host of addr is empty
// where it listens on all addresses.
type postfixListener struct {
	addr    string
	service postfixService
}

func (p *postfixConfig) listeners() []postfixListener {
	var found []postfixListener
	for _, s := range p.services {
		if s.kind != "inet" || s.command != "smtpd" && s.command != "postscreen" {
			continue
		}
		if i := strings.LastIndexByte(s.name, ':'); i >= 0 {
			host, port := splitHop(s.name)
			found = append(found, postfixListener{net.JoinHostPort(host, port), s})
			continue
		}
		for _, host := range postfixList(p.main["inet_interfaces"]) {
			switch host {
			case "all":
				host = ""
			case "loopback-only":
				host = "127.0.0.1"
			}
			found = append(found, postfixListener{net.JoinHostPort(strings.Trim(host, "[]"), portNumber(s.name)), s})
		}
	}
	return found
}

// postfixTools runs Postfix's own commands on one configuration.
type postfixTools struct {
	dir string // empty: the usual one
}

// run returns what a command prints.
func (t postfixTools) run(ctx context.Context, name string, args ...string) (string, error) {
	path, err := postfixTool(name)
	if err != nil {
		return "", err
	}
	if t.dir != "" {
		args = append([]string{"-c", t.dir}, args...)
	}
	var out, messages bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdout, cmd.Stderr = &out, &messages
	err = cmd.Run()
	if err != nil && messages.Len() > 0 {
		return "", fmt.Errorf("%s", lastOf(messages.String()))
	}
	return out.String(), err
}

func lastOf(text string) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return all[len(all)-1]
}

// postfixTool finds a command of Postfix also where only root has it in PATH.
func postfixTool(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/opt/postfix/sbin"} {
		path := filepath.Join(dir, name)
		if info, statErr := os.Stat(path); statErr == nil && !info.IsDir() {
			return path, nil
		}
	}
	return "", err
}

// read asks postconf for the whole configuration.
func (t postfixTools) read(ctx context.Context) (*postfixConfig, error) {
	var out [3]string
	for i, flag := range []string{"-x", "-M", "-Px"} {
		var err error
		if out[i], err = t.run(ctx, "postconf", flag); err != nil {
			return nil, err
		}
	}
	return parsePostfix(out[0], out[1], out[2]), nil
}

func (t postfixTools) get(ctx context.Context, table, key string) (string, error) {
	out, err := t.run(ctx, "postmap", "-q", key, table)
	var none *exec.ExitError
	if errors.As(err, &none) {
		return "", nil // exits 1, and says nothing
	}
	return strings.TrimSpace(out), err
}

func (t postfixTools) values(ctx context.Context, table string) ([]string, error) {
	out, err := t.run(ctx, "postmap", "-s", table)
	if err != nil {
		return nil, err
	}
	var all []string
	for line := range strings.Lines(out) {
		if _, value, ok := strings.Cut(line, "\t"); ok {
			all = append(all, strings.TrimSpace(value))
		}
	}
	return all, nil
}
