package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"offramp/gateway/record"
)

func (c *checker) dataDir() {
	dir := c.settings.DataDir
	missing := c.settings.needData()
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		c.add(findFail, "data", missing.Error(), "")
		return
	}
	if err == nil {
		err = prepareDataDir(dir)
	}
	if err != nil {
		fix := ""
		if errors.Is(err, fs.ErrPermission) {
			fix = fmt.Sprintf("chown -R %d %s", os.Getuid(), shellQuote(dir))
		}
		c.add(findFail, "data", err.Error(), fix)
		return
	}
	if missing != nil {
		c.add(findFail, "data", missing.Error(), "")
	}
	if err := c.settings.refuseUndecided(); err != nil {
		c.add(findFail, "data", err.Error(), c.app.command("restore --accept"))
	}
	if info.Mode().Perm()&0o077 != 0 {
		c.add(findWarn, "data", fmt.Sprintf("other users can access the data folder %s (mode %04o)", dir, info.Mode().Perm()), "chmod 700 "+shellQuote(dir))
	}
	var volume syscall.Statfs_t
	if err := syscall.Statfs(dir, &volume); err == nil {
		free, all := volume.Bavail*uint64(volume.Bsize), volume.Blocks*uint64(volume.Bsize)
		if free < all/20 {
			c.add(findFail, "data", fmt.Sprintf("%d MiB are free in %s, less than a twentieth: no mail is accepted (452 4.3.1): free some space", free>>20, dir), "")
			return
		}
		c.add(findOK, "data", fmt.Sprintf("%s is writable, %d MiB are free", dir, free>>20), "")
	}
}

func (c *checker) ports() {
	if c.running {
		c.add(findOK, "server", "answers on "+c.settings.Gateway.AdminAddr, "")
		return
	}
	g := c.settings.Gateway
	free := true
	if c.other != "" {
		free = false
		c.add(findFail, "server", fmt.Sprintf("another server answers on %s: %s. Stop it, or set OFFRAMP_ADMIN_ADDR to another address", g.AdminAddr, c.other), showPort(g.AdminAddr))
	}
	all := slices.Concat(g.SMTPAddr, g.SMTPSAddr, []string{g.HTTPAddr, g.AdminAddr})
	if network, addr := g.Policy.Listener(); network == "tcp" && addr != "" {
		all = append(all, addr)
	}
	for _, addr := range all {
		if c.other != "" && addr == g.AdminAddr {
			continue
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			free = false
			text, fix := cannotListen(addr, err)
			c.add(findFail, "ports", text, fix)
			continue
		}
		l.Close()
	}
	if free {
		c.add(findOK, "ports", "are free; the server does not run", "")
	}
}

// cannotListen says why not, and what helps.
func cannotListen(addr string, err error) (text, fix string) {
	text = fmt.Sprintf("cannot listen on %s: %v", addr, errors.Unwrap(err))
	if errors.Is(err, fs.ErrPermission) {
		return text + ". A port below 1024 needs root, the systemd unit (contrib/systemd), or this capability", `setcap cap_net_bind_service+ep "$(command -v offramp)"`
	}
	return text, showPort(addr)
}

func showPort(addr string) string { return "ss -ltnp 'sport = :" + portOf(addr) + "'" }

// portOf is the port of a listen address.
func portOf(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

func (c *checker) tokenKeys() {
	c.secret(secret{
		name: "token keys", variable: "OFFRAMP_TOKEN_KEYS", set: c.settings.TokenKeys != "", file: tokenKeysFile,
		readable: "make links that opt people out", need: "every link sent needs them",
	})
}

func (c *checker) ledgerKey() {
	c.secret(secret{
		name: "ledger key", variable: "OFFRAMP_LEDGER_KEY", set: c.settings.LedgerKey != "", file: ledgerKeyFile,
		readable: "sign receipts and recognise erased people", need: "erased people are recognised by it",
	})
}

// secret is a key that a setting or a file of the data folder holds.
type secret struct {
	name, variable string
	set            bool // by the variable
	file           string
	readable       string // what other users could do with it
	need           string // why it must not be lost
}

func (c *checker) secret(k secret) {
	if k.set {
		c.add(findOK, k.name, "from "+k.variable, "")
		return
	}
	path := filepath.Join(c.settings.DataDir, k.file)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.add(findWarn, k.name, "not in "+path+": it was made with the data, or is made with it (see data); keep a copy of it", "")
	case err != nil:
		c.add(findFail, k.name, plainPathError(err), "")
	case info.Mode().Perm()&0o077 != 0:
		c.add(findWarn, k.name, "other users can read "+path+", and so "+k.readable, "chmod 600 "+shellQuote(path))
	default:
		c.add(findOK, k.name, "in "+path+"; keep a copy, "+k.need, "")
	}
}

func (c *checker) dkim() {
	keys, err := c.settings.dkimKeys()
	if err != nil {
		return // already reported with the settings
	}
	if len(keys.All()) == 0 {
		text, fix := "there are no keys: mail goes out unsigned and mailbox providers ignore its one-click header", ""
		if domain := c.likelyDomain(); domain != "" {
			fix = c.app.command("init " + domain)
		} else {
			text += ". Make them with init and the domain you send from"
		}
		c.add(findWarn, "DKIM", text, fix)
	}
	for _, k := range keys.All() {
		c.add(findOK, "DKIM", k.Selector+"._domainkey."+k.Domain, "")
	}
}

// likelyDomain is the domain above the host of the links, or empty.
func (c *checker) likelyDomain() string {
	u, err := url.Parse(c.settings.Gateway.PublicURL)
	if err != nil {
		return ""
	}
	_, domain, _ := strings.Cut(u.Hostname(), ".")
	if _, err := parseDomain(domain); err != nil || isNumber(domain) {
		return ""
	}
	return domain
}

// isNumber says whether a name is the rest of an IP address.
func isNumber(name string) bool { return strings.Trim(name, "0123456789.:") == "" }

// unsigned looks for senders whose mail no key signs, among the lists: their
// names are the From domain or usually end in it.
func (c *checker) unsigned(ctx context.Context) {
	keys, err := c.settings.dkimKeys()
	if err != nil || len(keys.All()) == 0 {
		return
	}
	seen := map[string]string{}
	err = c.operate(ctx, func(api *client) error {
		var lists record.ListPage
		if err := api.call(ctx, "GET", "lists", nil, &lists); err != nil {
			return err
		}
		for _, l := range lists.Items {
			if plain := strings.Contains(l.ID, ".") && !strings.Contains(l.ID, "~"); plain && !l.Transactional && len(keys.For(l.ID)) == 0 {
				seen[l.ID] = "no DKIM key fits the name of the list " + l.ID + ": its mail goes out unsigned, unless its From domain has one"
			}
		}
		return nil
	})
	if err != nil {
		return // no data yet, or reported by other findings
	}
	for _, domain := range sortedKeys(seen) {
		c.add(findWarn, "unsigned", seen[domain], c.app.command("init "+domain))
	}
}
