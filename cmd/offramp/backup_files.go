package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// What who reads a file of a backup can do.
const (
	secretDatabase = "the addresses and choices of everybody"
	secretMail     = "queued mail"
	secretTokens   = "the token keys: who has them can make anybody's unsubscribe link"
	secretLedger   = "the ledger key: who has it can make receipts and find erased people again"
	secretDKIM     = "DKIM keys: who has them can sign mail in the name of their domains"
	secretTLS      = "private keys of certificates"
	secretSettings = "the settings, with passwords and keys among them"
	secretFile     = "files with secrets that settings name"
)

// backupFiles lists what the data needs beside the databases: keys, and the files
// that settings name. Mail that came back and was kept for the operator is left
// out: it is copies, and may name people who are erased later.
func (a *app) backupFiles(s *settings) ([]backupFile, error) {
	c := &collector{settings: s, seen: map[string]bool{}}
	env, err := a.environment()
	if err != nil {
		return nil, err
	}
	c.key(tokenKeysFile, strings.ReplaceAll(s.TokenKeys, ",", "\n"), secretTokens)
	c.key(ledgerKeyFile, s.LedgerKey, secretLedger)
	entries, err := s.dkimEntries()
	c.fail(err)
	for _, e := range entries {
		c.file(e.path, secretDKIM)
	}
	g := s.Gateway
	for _, path := range []string{g.Relay.StreamRules, g.NextHop.TLSCAFile, g.Web.PageLogo, s.TLSCertFile, s.SMTPTLSCertFile} {
		c.file(path, "")
	}
	for _, path := range []string{s.TLSKeyFile, s.SMTPTLSKeyFile} {
		c.file(path, secretTLS)
	}
	c.tree(g.Web.PageDir, "")
	c.tree(filepath.Join(s.DataDir, "acme"), secretTLS)
	for _, f := range fieldsOf(s) {
		if !f.Secret {
			continue
		}
		c.file(env[f.Name+"_FILE"], secretFile)
		if dir := env["CREDENTIALS_DIRECTORY"]; dir != "" { // of systemd
			if path := filepath.Join(dir, strings.ToLower(f.Name)); exists(path) {
				c.file(path, secretFile)
			}
		}
	}
	c.files = append(c.files, backupFile{Path: settingsFile, Secret: secretSettings, content: envFile(env), From: a.envFile})
	return c.files, errors.Join(c.faults...)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// environment is what the settings are read from.
func (a *app) environment() (map[string]string, error) {
	env := maps.Clone(a.env)
	if a.envFile == "" {
		return env, nil
	}
	return env, readEnvFile(a.envFile, env)
}

// envFile writes settings so that they can be read again. A value has one line there;
// in what can have several, a statement of SQL, a space is as good as a line end.
func envFile(env map[string]string) []byte {
	var b strings.Builder
	b.WriteString("# The settings at the time of the backup, from the environment and --env-file.\n")
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if strings.HasPrefix(name, prefix) {
			fmt.Fprintf(&b, "%s=\"%s\"\n", name, strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "\n", " ").Replace(env[name]))
		}
	}
	return []byte(b.String())
}

// collector lists files, each once.
type collector struct {
	settings *settings
	files    []backupFile
	faults   []error
	seen     map[string]bool
}

func (c *collector) fail(err error) {
	if err != nil {
		c.faults = append(c.faults, err)
	}
}

// key adds a key that is in a setting or in the data folder.
func (c *collector) key(name, value, secret string) {
	path := filepath.Join(c.settings.DataDir, name)
	if value == "" {
		c.file(path, secret)
		return
	}
	c.files = append(c.files, backupFile{Path: backupData + "/" + name, Secret: secret, content: []byte(strings.TrimSpace(value) + "\n")})
	c.seen[c.absolute(path)] = true
}

func (c *collector) absolute(path string) string {
	full, err := filepath.Abs(path)
	c.fail(err)
	return full
}

// file adds a file; an empty path adds nothing.
func (c *collector) file(path, secret string) {
	if path == "" {
		return
	}
	full := c.absolute(path)
	if c.seen[full] {
		return
	}
	c.seen[full] = true
	info, err := os.Stat(full)
	switch {
	case err != nil:
		c.fail(fault("%s", plainPathError(err)))
		return
	case !info.Mode().IsRegular():
		c.fail(fault("%s is not a file", full))
		return
	}
	c.files = append(c.files, backupFile{Path: c.place(full), Secret: secret, From: full})
}

// place is where a file is in the backup.
func (c *collector) place(full string) string {
	if within, err := filepath.Rel(c.absolute(c.settings.DataDir), full); err == nil && filepath.IsLocal(within) {
		return backupData + "/" + filepath.ToSlash(within)
	}
	return backupSettings + "/files" + filepath.ToSlash(full)
}

// tree adds the files of a folder; an empty path, or one without a folder, adds nothing.
func (c *collector) tree(dir, secret string) {
	if dir == "" {
		return
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && path == dir:
			return nil
		case err != nil:
			return err
		case d.Type().IsRegular():
			c.file(path, secret)
		}
		return nil
	})
	if err != nil {
		c.fail(fault("%s", plainPathError(err)))
	}
}
