//go:build !linux

package main

import (
	"errors"
	"time"
)

// errNotLinux says why slices do not work elsewhere: besides epoll they need the scheduler's account in /proc.
var errNotLinux = errors.New("this needs Linux")

type poller struct{}

func (p *poller) open() error                       { return errNotLinux }
func (p *poller) close() error                      { return nil }
func (p *poller) add(int, int) error                { return errNotLinux }
func (p *poller) wait(time.Duration) ([]int, error) { return nil, errNotLinux }

func read(int, []byte) (int, error)  { return 0, errNotLinux }
func write(int, []byte) (int, error) { return 0, errNotLinux }
