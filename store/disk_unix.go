//go:build unix

package store

import (
	"path/filepath"
	"syscall"

	"flagpole/internal/alert"
)

// disk is the file system that the database lies on; not known where that is on a server of its own.
func (d *database) disk() alert.Disk {
	if d.kind != "sqlite" {
		return alert.Disk{}
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(d.path), &fs); err != nil {
		return alert.Disk{}
	}
	block := uint64(fs.Bsize)
	free := uint64(fs.Bavail) * block
	return alert.Disk{Known: true, Free: free, Size: (uint64(fs.Blocks)-uint64(fs.Bfree))*block + free}
}
