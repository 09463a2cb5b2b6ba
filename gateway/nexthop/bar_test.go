package nexthop

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// held is a connection whose writes of MAIL wait, as those of a goroutine that
// gets no processor.
type held struct {
	net.Conn
	waits, goOn chan struct{}
}

func (h held) Write(p []byte) (int, error) {
	if strings.HasPrefix(string(p), "MAIL") {
		h.waits <- struct{}{}
		<-h.goOn
	}
	return h.Conn.Write(p)
}

// After it was barred no MAIL is written, also by who was about to; what was
// written before is not disturbed, nor is a later transaction.
func TestBar(t *testing.T) {
	var mails int
	s := startSink(t, sink.Options{Fault: func(at sink.Stage, _ sink.Transaction) sink.Fault {
		if at == sink.Mail {
			mails++
		}
		return sink.Fault{}
	}})
	waits, goOn := make(chan struct{}), make(chan struct{})
	h := newHops(t, Config{Servers: []string{"smtp://" + s.Addr()}}, Parts{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return held{c, waits, goOn}, err
	}})
	session, err := h.Open(t.Context(), h.Destination("b.example"))
	if err != nil {
		t.Fatal(err)
	}
	mail := func() chan error {
		done := make(chan error, 1)
		go func() { done <- session.Mail(Envelope{ReversePath: "news@example.com"}) }()
		<-waits
		return done
	}
	first := session.Bar()
	done := mail()
	goOn <- struct{}{}
	if err := <-done; err != nil || mails != 1 {
		t.Fatalf("not barred: %v, %d MAIL", err, mails)
	}
	first() // it is out
	session.Reset()
	if session.Broken() {
		t.Fatal("barred after MAIL was written")
	}
	second := session.Bar()
	done = mail()
	first() // of a transaction that is over
	goOn <- struct{}{}
	if err := <-done; err != nil {
		t.Fatalf("barred for another transaction: %v", err)
	}
	session.Reset()
	second()
	third := session.Bar()
	done = mail()
	third()
	goOn <- struct{}{}
	err = <-done
	if f := Explain(err); err == nil || f.Replied || f.Class != Temporary || !session.Broken() {
		t.Errorf("barred: %v, broken %v", err, session.Broken())
	}
	h.Drop(session)
	s.Close()
	if mails != 2 {
		t.Errorf("%d MAIL came", mails)
	}
}

// A connection under TLS is barred at once: Close of TLS would first send that it
// ends, behind the write that waits.
func TestBarUnderTLS(t *testing.T) {
	near, far := net.Pipe()
	t.Cleanup(func() { far.Close() })
	s := &Session{dialogue: dialogue{wire: newWire(blocked{near}, newPolled(near), time.Second)}}
	if err := far.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	s.Bar()()
	if _, err := far.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("not closed below TLS: %v", err)
	}
}

// blocked is a connection that does not end by Close.
type blocked struct{ net.Conn }

func (blocked) Close() error { return nil }
