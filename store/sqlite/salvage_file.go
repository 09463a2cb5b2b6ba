package sqlite

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
)

// readFirst reads the first page of a file.
func readFirst(path string, page []byte) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	_, err = io.ReadFull(f, page)
	return errors.Join(err, f.Close())
}

// putFirst writes the first page of a file, made for its size and without a
// list of free pages.
func putFirst(path string, page []byte) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	binary.BigEndian.PutUint32(page[28:], uint32(info.Size()/int64(len(page))))
	copy(page[92:96], page[24:28]) // the size is that of this change
	clear(page[atFirstTrunk : atFreeCount+4])
	_, err = f.WriteAt(page, 0)
	return errors.Join(err, f.Close())
}

// copyFile copies a file. What the disk does not give is zeros in the copy.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	info, err := in.Stat()
	buf := make([]byte, pageSize(spoolFile))
	for at := int64(0); err == nil && at < info.Size(); at += int64(len(buf)) {
		clear(buf)
		_, _ = in.ReadAt(buf, at)
		_, err = out.WriteAt(buf, at)
	}
	return errors.Join(err, out.Close())
}
