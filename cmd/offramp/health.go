package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) healthCommand() *cobra.Command {
	var live bool
	cmd := &cobra.Command{
		Use: "health", Short: "Check whether the running server is ready; exits 1 if it is not", Args: exactly(),
		Long: "Check on the admin listener whether the running server is ready. For a\ncontainer's HEALTHCHECK and for monitoring.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.lenientSettings()
			if err != nil {
				return err
			}
			path := "/readyz"
			if live {
				path = "/livez"
			}
			return a.health(cmd.Context(), s, path)
		},
	}
	cmd.Flags().BoolVar(&live, "live", false, "only check that it runs")
	return cmd
}

func (a *app) health(ctx context.Context, s *settings, path string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	resp, err := s.adminGet(ctx, path)
	if err != nil {
		return fmt.Errorf("no server answers on %s (OFFRAMP_ADMIN_ADDR)", s.Gateway.AdminAddr)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return err
	}
	text := strings.TrimSpace(string(body))
	if a.asJSON {
		if err := a.printJSON(map[string]any{"ready": resp.StatusCode == http.StatusOK, "status": resp.StatusCode, "answer": text}); err != nil {
			return err
		}
	} else {
		a.print("%s", text)
	}
	if resp.StatusCode != http.StatusOK {
		return silent{exitFailed}
	}
	return nil
}

// adminURL is where commands reach the admin listener: an address that listens
// on everything is reached on loopback.
func (s *settings) adminURL() string {
	host, port, err := net.SplitHostPort(s.Gateway.AdminAddr)
	if err != nil {
		return "http://" + s.Gateway.AdminAddr
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// adminAnswers says whether something listens where the server should.
func (s *settings) adminAnswers(ctx context.Context) bool {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(s.adminURL(), "http://"))
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// adminClient talks to the server on this machine: never through a proxy.
func adminClient() *http.Client {
	return &http.Client{
		Timeout:   60 * time.Second,
		Transport: &http.Transport{DisableKeepAlives: true},
	}
}

// adminGet asks the running server.
func (s *settings) adminGet(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.adminURL()+path, nil)
	if err != nil {
		return nil, fault("OFFRAMP_ADMIN_ADDR: %v", err)
	}
	if s.Gateway.Admin.Token != "" {
		req.Header.Set("Authorization", "Bearer "+s.Gateway.Admin.Token)
	}
	return adminClient().Do(req)
}
