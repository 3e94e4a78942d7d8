package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// leastFiles is how many files the program has to be able to open before anything else: Go's runtime, which ends the process with stacks if it has too few,
// takes two of them. What the server needs for itself, package node knows.
const leastFiles = 3

// enoughFiles says whether the limit of open files is too low for Go's runtime. It opens the files, as some may be open already that a parent has left.
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
