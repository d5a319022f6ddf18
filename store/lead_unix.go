//go:build unix

package store

import (
	"errors"
	"os"
	"syscall"
)

// leadByFile locks a file beside the database. The kernel lets go of it with the process.
func leadByFile(path string) (*Lead, bool, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, false, f.Close()
	}
	if err != nil {
		return nil, false, errors.Join(err, f.Close())
	}
	return &Lead{lost: make(chan struct{}), release: f.Close}, true, nil
}
