package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"time"
)

// policyPatience is how long the policy service may take to answer.
const policyPatience = 5 * time.Second

// policy asks what answers Postfix, as Postfix does.
func (c *checker) policy(ctx context.Context) {
	p := c.settings.Gateway.Policy
	if p.Addr == "" {
		return
	}
	if !c.settings.Gateway.Consent.TransactionalDead {
		c.add(findWarn, "policy", "OFFRAMP_POLICY_ADDR is set, but with OFFRAMP_CHECK_TRANSACTIONAL=false nobody is stopped for all mail, so no recipient is refused", "")
	}
	if !c.running {
		return // ports says whether the address is free
	}
	network, addr := p.Listener() // of all addresses net.Dial takes this machine's
	action, err := askPolicy(ctx, network, addr)
	switch {
	case err != nil:
		c.add(findFail, "policy", fmt.Sprintf("the policy service does not answer on %s: %v. Postfix then puts mail off, or accepts it with smtpd_policy_service_default_action = DUNNO", p.Addr, err), "")
	case action != "DUNNO":
		c.add(findFail, "policy", fmt.Sprintf("what answers on %s is not Offramp's policy service, or it cannot read the data: %q", p.Addr, printable(action)), "")
	default:
		c.add(findOK, "policy", "answers Postfix on "+p.Addr, "")
	}
}

// askPolicy asks about an address that nobody has.
func askPolicy(ctx context.Context, network, addr string) (action string, err error) {
	ctx, cancel := context.WithTimeout(ctx, policyPatience)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	const request = "request=smtpd_access_policy\nprotocol_state=RCPT\nsender=check@offramp.invalid\nrecipient=check@offramp.invalid\n\n"
	if _, err := conn.Write([]byte(request)); err != nil {
		return "", err
	}
	line, err := bufio.NewReaderSize(conn, 4<<10).ReadSlice('\n')
	if err != nil {
		return "", err
	}
	action, ok := strings.CutPrefix(strings.TrimSpace(string(line)), "action=")
	if !ok {
		return "", fmt.Errorf("it says %q", printable(string(line)))
	}
	return action, nil
}
