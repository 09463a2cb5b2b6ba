package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// owner is who a file belongs to.
type owner struct{ uid, gid int }

func ownerOf(info fs.FileInfo) (owner, bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return owner{}, false
	}
	return owner{int(stat.Uid), int(stat.Gid)}, true
}

// giveToFolder gives what root has just made to the owner of the folder that it
// is in: the server may run as that user, and SQLite does the same with its
// files. Where the system refuses, it stays as it is, and check names it.
func giveToFolder(f *os.File) {
	if os.Geteuid() != 0 {
		return
	}
	info, err := os.Stat(filepath.Dir(f.Name()))
	if err != nil {
		return
	}
	if folder, ok := ownerOf(info); ok && folder.uid != 0 {
		_ = f.Chown(folder.uid, folder.gid)
	}
}

// makeDataDir makes the data folder.
func makeDataDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	giveToFolder(f)
	return f.Close()
}

// readable says whether a file can be read by its owner or its group.
func (o owner) readable(info fs.FileInfo) bool {
	file, ok := ownerOf(info)
	mode := info.Mode().Perm()
	switch {
	case !ok || o.uid == 0:
		return true
	case file.uid == o.uid:
		return mode&0o400 != 0
	case file.gid == o.gid:
		return mode&0o040 != 0
	}
	return mode&0o004 != 0
}

// owned looks for files that the owner of the data folder cannot read. Only root
// can see all of them, and only root makes such files.
func (c *checker) owned() {
	info, err := os.Stat(c.settings.DataDir)
	if err != nil || os.Geteuid() != 0 {
		return
	}
	folder, ok := ownerOf(info)
	if !ok {
		return
	}
	var paths, unreadable []string
	entries, _ := os.ReadDir(c.settings.DataDir) // that it is readable is another finding
	for _, e := range entries {
		paths = append(paths, filepath.Join(c.settings.DataDir, e.Name()))
	}
	keys, _ := c.settings.dkimEntries() // reported with the settings
	for _, k := range keys {
		paths = append(paths, k.path)
	}
	if rules := c.settings.Gateway.Relay.StreamRules; rules != "" {
		paths = append(paths, rules)
	}
	seen := map[string]bool{}
	for _, path := range paths {
		path = filepath.Clean(path)
		if info, err := os.Stat(path); err == nil && !seen[path] && !folder.readable(info) {
			unreadable = append(unreadable, shellQuote(path))
		}
		seen[path] = true // the keys are in the folder too
	}
	if len(unreadable) > 0 {
		c.add(findFail, "data", fmt.Sprintf("the data folder belongs to uid %d, who cannot read %s: serve fails as that user", folder.uid, strings.Join(unreadable, ", ")),
			fmt.Sprintf("chown %d:%d %s", folder.uid, folder.gid, strings.Join(unreadable, " ")))
	}
}
