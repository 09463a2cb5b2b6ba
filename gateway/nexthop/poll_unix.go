//go:build unix

package nexthop

import (
	"errors"
	"io"
	"os"
	"syscall"
)

const canPoll = true

// readNow reads what has come. Sockets do not block below the Go runtime.
func readNow(raw syscall.RawConn, b []byte) (int, error) {
	var n int
	var failed error
	err := raw.Read(func(fd uintptr) bool {
		n, failed = syscall.Read(int(fd), b)
		return true
	})
	switch {
	case err != nil:
		return 0, err
	case errors.Is(failed, syscall.EAGAIN), errors.Is(failed, syscall.EINTR):
		return 0, os.ErrDeadlineExceeded
	case failed != nil:
		return 0, os.NewSyscallError("read", failed)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}
