package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/quotadb/quota-db/disk/vfs"
)

// progressEvery is how often a tool that takes long prints its progress.
const progressEvery = 2 * time.Second

// watched is a file system that counts the bytes of its reads, and whose reads fail when ctx has ended. It is for one
// goroutine.
type watched struct {
	vfs.FS
	ctx  context.Context
	out  io.Writer
	read int64 // bytes
	next time.Time
}

func newWatched(ctx context.Context, files vfs.FS, out io.Writer) *watched {
	return &watched{FS: files, ctx: ctx, out: out, next: time.Now().Add(progressEvery)}
}

// Open is FS.Open.
func (w *watched) Open(name string) (vfs.File, error) {
	f, err := w.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return watchedFile{f, w}, nil
}

type watchedFile struct {
	vfs.File
	w *watched
}

func (f watchedFile) ReadAt(b []byte, offset int64) (int, error) {
	if err := f.w.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := f.File.ReadAt(b, offset)
	f.w.count(n)
	return n, err
}

func (w *watched) count(n int) {
	w.read += int64(n)
	if now := time.Now(); now.After(w.next) {
		w.next = now.Add(progressEvery)
		_, _ = fmt.Fprintf(w.out, "%d MiB read\n", w.read>>20)
	}
}
