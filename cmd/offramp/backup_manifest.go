package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"offramp/gateway/record"
)

// The layout of a backup.
const (
	manifestFile   = "manifest.json"
	backupData     = "data"     // what goes into the data folder
	backupSettings = "settings" // files that settings name elsewhere, by their path, and the settings
	settingsFile   = backupSettings + "/offramp.env"
	backupFormat   = 1
	maxManifest    = 64 << 20
)

// manifest says what a backup holds.
type manifest struct {
	Format   int              `json:"format"`
	Release  string           `json:"release"`
	Time     time.Time        `json:"time"` // when it was begun
	Host     string           `json:"host"`
	URL      string           `json:"public_url,omitempty"`
	DataDir  string           `json:"data_dir"`
	Schemas  map[string]int64 `json:"schemas"` // version of each database
	Ledger   reach            `json:"ledger"`
	Messages int64            `json:"messages"` // in the queue
	Waiting  int64            `json:"recipients"`
	Files    []backupFile     `json:"files"`
}

// reach is how far a ledger reaches.
type reach struct {
	Event int64      `json:"event"` // ID of the last one; 0: it is empty
	Time  time.Time  `json:"time,omitzero"`
	Link  record.Sum `json:"link"`
}

// backupFile is one file of a backup.
type backupFile struct {
	Path   string `json:"path"` // in the backup, with slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	From   string `json:"from,omitempty"`   // where it was
	Secret string `json:"secret,omitempty"` // what can be done by whoever reads it; empty: nothing

	content []byte // what is not copied from a file
}

// write puts a file into the backup, on disk, and takes down its size and sum.
func (f *backupFile) write(dir string) error {
	path := filepath.Join(dir, filepath.FromSlash(f.Path))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	from := io.Reader(bytes.NewReader(f.content))
	if f.content == nil {
		source, err := os.Open(f.From)
		if err != nil {
			return err
		}
		defer source.Close()
		from = source
	}
	to, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	if err := errors.Join(err, to.Sync(), to.Close()); err != nil {
		return err
	}
	return f.sum(dir)
}

// errNoFile says that something else stands in the place of a file.
var errNoFile = errors.New("is not a regular file")

// open opens a file of the backup in dir. A link that leads out of the folder, a pipe
// or a device may be put into a backup where others can write: what it leads to is
// not read.
func (f *backupFile) open(dir string) (*os.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	name := filepath.FromSlash(f.Path)
	info, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNoFile
	}
	return root.Open(name)
}

// sum takes down the size and sum of a file that is there.
func (f *backupFile) sum(dir string) error {
	file, err := f.open(dir)
	if err != nil {
		return err
	}
	defer file.Close()
	h := sha256.New()
	f.Size, err = io.Copy(h, file)
	f.SHA256 = hex.EncodeToString(h.Sum(nil))
	return err
}

// readManifest reads what a backup holds.
func readManifest(dir string) (manifest, error) {
	var m manifest
	f, err := os.Open(filepath.Join(dir, manifestFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return m, fault("%s is not a backup: it has no %s", dir, manifestFile)
	case err != nil:
		return m, fault("%s: %s", dir, plainPathError(err))
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxManifest))
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(raw, &m); err != nil || m.Format == 0 {
		return m, damagedBackup{dir, []string{manifestFile + " cannot be read"}}
	}
	if m.Format > backupFormat {
		return m, fault("%s was written by a newer release of Offramp (%s): restore it with that release", dir, m.Release)
	}
	for _, f := range m.Files {
		if !fs.ValidPath(f.Path) || !filepath.IsLocal(filepath.FromSlash(f.Path)) {
			return m, damagedBackup{dir, []string{fmt.Sprintf("%s names a file outside of the backup: %q", manifestFile, f.Path)}}
		}
	}
	return m, nil
}

// verifyFiles compares every file with what the manifest says of it.
func (m manifest) verifyFiles(dir string, progress func(done, total int64)) error {
	var wrong []string
	total, done := int64(0), int64(0)
	for _, f := range m.Files {
		total += f.Size
	}
	for _, f := range m.Files {
		is := f
		switch err := is.sum(dir); {
		case errors.Is(err, fs.ErrNotExist):
			wrong = append(wrong, f.Path+" is missing")
		case err != nil:
			wrong = append(wrong, f.Path+": "+plainPathError(err))
		case is.Size != f.Size:
			wrong = append(wrong, fmt.Sprintf("%s has %d bytes, not %d", f.Path, is.Size, f.Size))
		case is.SHA256 != f.SHA256:
			wrong = append(wrong, f.Path+" is not what was written: its SHA-256 is another")
		}
		done += f.Size
		progress(done, total)
	}
	for _, name := range []string{backupData + "/offramp.db", backupData + "/spool.db", backupData + "/" + ledgerKeyFile, backupData + "/" + tokenKeysFile} {
		if !slices.ContainsFunc(m.Files, func(f backupFile) bool { return f.Path == name }) {
			wrong = append(wrong, name+" is not in the manifest")
		}
	}
	if len(wrong) > 0 {
		return damagedBackup{dir, wrong}
	}
	return nil
}

// secrets names what who reads the backup can do.
func (m manifest) secrets() []string {
	var all []string
	for _, f := range m.Files {
		if f.Secret != "" && !slices.Contains(all, f.Secret) {
			all = append(all, f.Secret)
		}
	}
	return all
}

func (m manifest) size() (n int64) {
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// elsewhere are the files that do not go into the data folder.
func (m manifest) elsewhere() (all []backupFile) {
	for _, f := range m.Files {
		if strings.HasPrefix(f.Path, backupSettings+"/") {
			all = append(all, f)
		}
	}
	return all
}

// damagedBackup says what is wrong with a backup.
type damagedBackup struct {
	dir   string
	wrong []string
}

func (e damagedBackup) Error() string {
	return e.dir + " is damaged: " + strings.Join(e.wrong, "; ")
}
