package sqlite

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"offramp/store"
)

// acquire takes the lock of a data folder. It ends with the file, so also
// with the process, however it ends; the file itself stays.
func acquire(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock file: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = store.ErrInUse
	}
	return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
}
