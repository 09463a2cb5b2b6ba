package sink_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"offramp/gateway/sink"
)

func talk(t *testing.T, addr string, lines ...string) []string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	in := bufio.NewReader(c)
	var replies []string
	read := func() {
		for {
			l, err := in.ReadString('\n')
			if err != nil {
				replies = append(replies, "closed")
				return
			}
			if len(l) > 3 && l[3] == ' ' {
				replies = append(replies, l[:3])
				return
			}
		}
	}
	read()
	for _, l := range lines {
		fmt.Fprintf(c, "%s\r\n", l)
		read()
	}
	return replies
}

func TestMessageIsKeptAsSent(t *testing.T) {
	s, err := sink.Start(sink.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got := talk(t, s.Addr(), "EHLO me", `MAIL FROM:<"a>b"@x.example> SIZE=5`, "RCPT TO:<c@d.example> NOTIFY=NEVER", "DATA",
		"Subject: x\r\n\r\n..dot\r\nlone\n.\nstill\r\n.", "QUIT")
	if want := "220 250 250 250 354 250 221"; strings.Join(got, " ") != want {
		t.Fatalf("replies %v, want %s", got, want)
	}
	m := s.Wait(1, time.Now().Add(5*time.Second))[0]
	if m.ReversePath != `"a>b"@x.example` || m.Recipients[0] != "c@d.example" || m.Parameters[1] != "NOTIFY=NEVER" {
		t.Errorf("envelope %+v", m)
	}
	if want := "Subject: x\r\n\r\n.dot\r\nlone\n.\nstill\r\n"; string(m.Data) != want {
		t.Errorf("data %q, want %q", m.Data, want)
	}
}

func TestFaultAtEveryStage(t *testing.T) {
	for _, stage := range []sink.Stage{sink.Connect, sink.Banner, sink.EHLO, sink.Mail, sink.Rcpt, sink.Data, sink.Body, sink.Dot} {
		s, err := sink.Start(sink.Options{Fault: func(st sink.Stage, _ sink.Transaction) sink.Fault {
			if st == stage {
				return sink.Fault{Drop: true}
			}
			return sink.Fault{}
		}})
		if err != nil {
			t.Fatal(err)
		}
		got := talk(t, s.Addr(), "EHLO me", "MAIL FROM:<>", "RCPT TO:<a@b>", "DATA", "x\r\n.")
		if got[len(got)-1] != "closed" || len(s.Messages()) != 0 {
			t.Errorf("%s: replies %v, %d messages kept", stage, got, len(s.Messages()))
		}
		s.Close()
	}
}

func TestKeptButNotAnswered(t *testing.T) {
	s, err := sink.Start(sink.Options{Fault: func(st sink.Stage, _ sink.Transaction) sink.Fault {
		return sink.Fault{Drop: st == sink.Dot, Keep: st == sink.Dot}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got := talk(t, s.Addr(), "EHLO me", "MAIL FROM:<>", "RCPT TO:<a@b>", "DATA", "x\r\n.")
	if got[len(got)-1] != "closed" || len(s.Messages()) != 1 {
		t.Errorf("replies %v, %d messages kept", got, len(s.Messages()))
	}
}
