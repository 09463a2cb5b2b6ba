package main

import (
	"errors"
	"net"
	"testing"
)

// A passed socket serves the address with its port, once.
func TestActivated(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	opened := errors.New("opened")
	sockets := activated{port: l}
	listen := sockets.listen(func(string, string) (net.Listener, error) { return nil, opened })
	if _, err := listen("tcp", ":1"); !errors.Is(err, opened) {
		t.Errorf("another port was not opened: %v", err)
	}
	if got := sockets.unused(); len(got) != 1 || got[0] != l.Addr().String() {
		t.Errorf("unused sockets: %v", got)
	}
	if got, err := listen("tcp", ":"+port); err != nil || got != l {
		t.Errorf("listen = %v, %v, want the passed socket", got, err)
	}
	if _, err := listen("tcp", ":"+port); !errors.Is(err, opened) {
		t.Errorf("the passed socket was handed out twice: %v", err)
	}
	if got := sockets.unused(); len(got) != 0 {
		t.Errorf("unused sockets: %v", got)
	}
}
