package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// leastFiles is how many files the program must be able to open at its start. Go's runtime needs two of them, and ends
// the process with a stack trace if it cannot open them. Package node knows how many files the server needs.
const leastFiles = 3

// enoughFiles returns an error if the limit of open files is too low for Go's runtime. It opens that many files instead
// of reading the limit, because the parent process may have left files open.
func enoughFiles() error {
	var files []int
	defer func() {
		for _, fd := range files {
			_ = syscall.Close(fd)
		}
	}()
	for range leastFiles {
		fd, err := syscall.Open(os.DevNull, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
			return fmt.Errorf("no room for %d open files: %w: raise the limit (ulimit -n) to 1024 or more", leastFiles, err)
		}
		if err == nil {
			files = append(files, fd)
		}
	}
	return nil
}
