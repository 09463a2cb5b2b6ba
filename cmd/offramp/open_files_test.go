package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestOpenFiles(t *testing.T) {
	for _, tt := range []struct {
		limit int
		want  openFiles
	}{
		{1 << 20, openFiles{1000, 4096, 200}},
		{5296, openFiles{1000, 4096, 200}},
		{5295, openFiles{999, 4096, 200}},
		{1024, openFiles{161, 663, 200}},
		{256, openFiles{10, 46, 200}},
		{64, openFiles{8, 8, 200}},
	} {
		got := (&settings{}).openFiles().within(tt.limit)
		if got != tt.want {
			t.Errorf("%d: %+v, want %+v", tt.limit, got, tt.want)
		}
		if got.all() > tt.limit && tt.limit > 256 {
			t.Errorf("%d: %d may be open", tt.limit, got.all())
		}
	}
}

// Few connections of one kind are never made more by the lack of files.
func TestOpenFilesNeverMore(t *testing.T) {
	s := &settings{}
	s.Gateway.SMTP.MaxConnections, s.Gateway.Web.MaxConnections = 2, 5000
	if got := s.openFiles().within(1024); got.smtp != 2 {
		t.Errorf("%+v", got)
	}
}

// Direct delivery tries more destinations at once than answer.
func TestOpenFilesOfDirectDelivery(t *testing.T) {
	s := &settings{}
	s.Gateway.NextHop.Servers = []string{"mx"}
	if got := s.openFiles().kept; got != 320 {
		t.Errorf("%d are kept, want 320", got)
	}
}

// What is left is valid, and no address has all of it.
func TestFitOpenFiles(t *testing.T) {
	for _, limit := range []int{1 << 20, 1024, 300, 10} {
		s := &settings{}
		var log bytes.Buffer
		s.fitOpenFiles(limit, slog.New(slog.NewTextHandler(&log, nil)))
		if warned := strings.Contains(log.String(), "level=WARN"); warned != (limit < 5296) {
			t.Errorf("%d: log %q", limit, &log)
		}
		g := s.Gateway
		if limit == 1024 && (g.SMTP.MaxConnections != 161 || g.Web.MaxConnections != 663) {
			t.Errorf("%d: SMTP %d, HTTP %d", limit, g.SMTP.MaxConnections, g.Web.MaxConnections)
		}
		if err := g.SMTP.Validate(); err != nil {
			t.Errorf("%d: %v", limit, err)
		}
		if err := g.Web.Validate(); err != nil {
			t.Errorf("%d: %v", limit, err)
		}
		if limit < 1024 && (g.SMTP.ConnectionsPerIP > g.SMTP.MaxConnections/2 || g.Web.ConnectionsPerIP > g.Web.MaxConnections/2) {
			t.Errorf("%d: SMTP %d of %d, HTTP %d of %d", limit, g.SMTP.ConnectionsPerIP, g.SMTP.MaxConnections, g.Web.ConnectionsPerIP, g.Web.MaxConnections)
		}
	}
}
