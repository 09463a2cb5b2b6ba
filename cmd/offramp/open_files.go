package main

import (
	"fmt"
	"log/slog"
	"syscall"

	"offramp/gateway/queue"
)

// Open files that no connection may take: without them the store fails, and
// nobody can see why.
const (
	storeFiles   = 32  // databases, journals and locks
	reserveFiles = 128 // listeners, 64 admin connections, DNS look-ups, certificates
	hopFiles     = 2   // of each connection to a next hop, while it tries IPv6 and IPv4
	// fewestFiles is what SMTP and HTTP have each, however few there are.
	fewestFiles = 8
)

// openFiles are the connections that the settings allow, and the open files kept
// for everything else.
type openFiles struct {
	smtp, http, kept int
}

func (s *settings) openFiles() openFiles {
	g := s.Gateway
	hops := g.NextHop.WithDefaults().Connections
	if g.NextHop.Direct() {
		hops *= 1 + queue.LanesEach
	}
	return openFiles{
		smtp: g.SMTP.WithDefaults().MaxConnections, http: g.Web.WithDefaults().MaxConnections,
		kept: hopFiles*hops + storeFiles + reserveFiles,
	}
}

func (o openFiles) all() int { return o.smtp + o.http + o.kept }

// within returns the connections that fit into a number of open files, in the
// same proportion.
func (o openFiles) within(limit int) openFiles {
	if o.all() <= limit {
		return o
	}
	left := limit - o.kept
	smtp := max(int(int64(left)*int64(o.smtp)/int64(o.smtp+o.http)), fewestFiles)
	return openFiles{smtp: min(smtp, o.smtp), http: min(max(left-smtp, fewestFiles), o.http), kept: o.kept}
}

// tooFew says what is wrong with a limit that is too low, and what to do.
func (o openFiles) tooFew(limit int) string {
	fit := o.within(limit)
	return fmt.Sprintf("%d open files are allowed, and the settings need %d: %d for SMTP connections, %d for HTTP connections, %d kept for the store, deliveries and the API. "+
		"Until more are allowed, %d SMTP and %d HTTP connections are taken: set LimitNOFILE=%d in the systemd unit, ulimit -n %d, or --ulimit nofile=%d for a container",
		limit, o.all(), o.smtp, o.http, o.kept, fit.smtp, fit.http, o.enough(), o.enough(), o.enough())
}

// enough is a limit to set: a round number.
func (o openFiles) enough() int { return (o.all() + 1023) / 1024 * 1024 }

// fitOpenFiles lowers the limits of connections to what the process may open, so
// that clients cannot take the files of the store and of deliveries.
func (s *settings) fitOpenFiles(limit int, log *slog.Logger) {
	o := s.openFiles()
	if o.all() <= limit {
		return
	}
	fit := o.within(limit)
	log.Warn("too few open files are allowed, so fewer connections are taken: set LimitNOFILE in the systemd unit, ulimit -n, or --ulimit nofile for a container",
		"allowed", limit, "needed", o.all(), "set", o.enough(), "smtp_connections", fit.smtp, "http_connections", fit.http)
	smtp, http := s.Gateway.SMTP.WithDefaults(), s.Gateway.Web.WithDefaults()
	smtp.MaxConnections, smtp.ConnectionsPerIP = fit.smtp, fairShare(smtp.ConnectionsPerIP, fit.smtp)
	http.MaxConnections, http.ConnectionsPerIP = fit.http, fairShare(http.ConnectionsPerIP, fit.http)
	s.Gateway.SMTP, s.Gateway.Web = smtp, http
}

// fairShare is what one address may have: never more than half of all.
func fairShare(each, all int) int { return min(each, all/2) }

// maxOpenFiles is how many files the process may open. Package syscall has raised
// the soft limit to the hard one before main runs.
func maxOpenFiles() (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("limit of open files: %w", err)
	}
	return int(min(uint64(limit.Cur), 1<<30)), nil // RLIM_INFINITY is beyond int
}

// openFiles looks at the limit that a server started here has.
func (c *checker) openFiles() {
	limit, err := maxOpenFiles()
	if err != nil {
		c.add(findWarn, "open files", err.Error(), "")
		return
	}
	if o := c.settings.openFiles(); o.all() > limit {
		c.add(findWarn, "open files", "for a server started from here: "+o.tooFew(limit), "")
		return
	}
	c.add(findOK, "open files", fmt.Sprintf("%d are allowed for a server started from here, and the settings need %d", limit, c.settings.openFiles().all()), "")
}
