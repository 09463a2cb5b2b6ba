package gateway_test

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"offramp/gateway/sink"
	"offramp/store"
)

// asked is what a Postfix is answered about a recipient.
func asked(t *testing.T, network, addr, recipient string) string {
	t.Helper()
	c, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Write([]byte("request=smtpd_access_policy\nprotocol_state=RCPT\nsender=news@example.org\nrecipient=" + recipient + "\n\n")); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// Who is stopped for all mail is refused before queueing, over TCP and over a
// unix socket, also where a killed process left one.
func TestPolicyService(t *testing.T) {
	stale := filepath.Join(t.TempDir(), "policy")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	for network, addr := range map[string]string{"tcp": "127.0.0.1:0", "unix": "unix:" + stale} {
		h := newHouse(t, sink.Options{})
		h.config.Policy.Addr = addr
		h.config.Consent.TransactionalDead = true
		now := time.Now()
		for recipient, s := range map[string]store.Suppression{
			"dead@example.net": {Reason: store.ReasonBounced}, "stopped@example.net": {Reason: store.ReasonManual}, "fewer@example.net": {Reason: store.ReasonManual, List: "letter.example.org"},
		} {
			s.Recipient, s.Since = recipient, now
			if _, err := h.db.Consent().Suppress(t.Context(), s, store.Event{Time: now, Kind: store.EventSuppressed, Recipient: recipient, List: s.List, Reason: s.Reason, Way: store.Operator}); err != nil {
				t.Fatal(err)
			}
		}
		g, stop := h.run()
		for recipient, want := range map[string]string{
			"dead@example.net": "action=550 5.1.1", "stopped@example.net": "action=550 5.7.1", "fewer@example.net": "action=DUNNO", "ada@example.net": "action=DUNNO",
		} {
			if got := asked(t, network, g.Addrs().Policy, recipient); got[:min(len(got), len(want))] != want {
				t.Errorf("%s: %s: %q, want %q", network, recipient, got, want)
			}
		}
		if network == "unix" {
			if info, err := os.Stat(stale); err != nil || info.Mode().Perm() != 0o666 {
				t.Errorf("the socket: %v, %v", info, err)
			}
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
}
