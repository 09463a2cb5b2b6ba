package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// ownPages are the pages whose commands stop the server and move its data: each is
// run by itself, from its first line to its last.
var ownPages = []string{"backup.md", "moving.md", "upgrade.md"}

func ownPage(at string) bool {
	return slices.ContainsFunc(ownPages, func(page string) bool { return strings.HasPrefix(at, page+":") })
}

// Every command of these pages works, in the order of the page, on the way from one
// data folder to the next.
func TestPagesRunFromEndToEnd(t *testing.T) {
	for _, page := range ownPages {
		t.Run(page, func(t *testing.T) {
			m := newMover(t)
			ran := 0
			for _, block := range shellBlocks(t) {
				for _, p := range block.lines {
					if strings.HasPrefix(p.at, page+":") {
						m.run(p)
						ran++
					}
				}
			}
			if ran < 6 {
				t.Errorf("only %d lines were run", ran)
			}
			if text := m.must("offramp suppress list"); !strings.Contains(text, "ada@example.net") {
				t.Errorf("at the end the opt-out is gone:\n%s", text)
			}
		})
	}
}

// mover is a sandbox whose server is stopped and started.
type mover struct {
	*sandbox
	admin string
}

func newMover(t *testing.T) *mover {
	t.Helper()
	m := &mover{sandbox: newSandbox(t)}
	for _, pair := range m.env {
		if value, ok := strings.CutPrefix(pair, "OFFRAMP_ADMIN_ADDR="); ok {
			m.admin = value
		}
	}
	// The pages are about a server whose settings are in its environment.
	file := map[string]string{}
	if err := readEnvFile(filepath.Join(m.dir, ".env"), file); err != nil {
		t.Fatal(err)
	}
	given := environ(m.env)
	for name, value := range file {
		if _, ok := given[name]; !ok {
			m.env = append(m.env, name+"="+value)
		}
	}
	m.write("access.log", "")
	m.write("bin/rsync", "#!/bin/sh\nexit 0\n")
	m.write("bin/install", "#!/bin/sh\nexit 0\n")
	m.env = append(m.env, "PATH="+filepath.Join(m.dir, "bin")+":"+given["PATH"])
	if err := os.Mkdir(filepath.Join(m.dir, "backup"), 0o700); err != nil {
		t.Fatal(err)
	}
	m.must("offramp events --json > since.jsonl")
	return m
}

func (m *mover) write(name, text string) {
	m.t.Helper()
	path := filepath.Join(m.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		m.t.Fatal(err)
	}
}

// run runs a line of a page, in the places that this machine has.
func (m *mover) run(p printed) {
	m.t.Helper()
	line := strings.NewReplacer("/backup/", m.dir+"/backup/", "/var/lib/offramp/data", m.dir+"/data").Replace(p.line)
	switch {
	case strings.HasPrefix(line, "systemctl stop"):
		m.stop()
		return
	case strings.HasPrefix(line, "systemctl start"):
		m.serve(m.admin)
		return
	case strings.HasPrefix(line, "offramp restore "+m.dir):
		m.stop()
		data := filepath.Join(m.dir, "data")
		if _, err := os.Stat(data); err == nil { // it is another machine's
			if err := os.Rename(data, data+time.Now().Format("-150405.000000")); err != nil {
				m.t.Fatal(err)
			}
		}
	}
	want := []int{exitOK}
	if strings.Contains(line, "send-test") || strings.HasPrefix(line, "offramp check") {
		want = append(want, exitFailed) // nothing is published for the domain of the documents
	}
	if out, code := m.sh(line); !slices.Contains(want, code) {
		m.t.Errorf("%s: %s: exit code %d\n%s", p.at, p.line, code, out)
	}
}
