package main

import (
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// poller waits for input at descriptors.
type poller struct {
	fd     int
	events [256]unix.EpollEvent
	ready  [256]int
}

func (p *poller) open() (err error) {
	p.fd, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	return os.NewSyscallError("epoll_create1", err)
}

func (p *poller) close() error { return unix.Close(p.fd) }

// add adds a descriptor, which wait names by a number.
func (p *poller) add(fd, number int) error {
	e := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(number)}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &e))
}

// wait returns the numbers of descriptors that have input.
func (p *poller) wait(patience time.Duration) ([]int, error) {
	timeout := unix.NsecToTimespec(patience.Nanoseconds())
	n, errno := uintptr(0), unix.EINTR
	for errno == unix.EINTR { // a signal of the runtime
		n, _, errno = syscall.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(p.fd), uintptr(unsafe.Pointer(&p.events[0])),
			uintptr(len(p.events)), uintptr(unsafe.Pointer(&timeout)), 0, 0)
	}
	if errno != 0 {
		return nil, os.NewSyscallError("epoll_pwait2", errno)
	}
	for i, e := range p.events[:n] {
		p.ready[i] = int(e.Fd)
	}
	return p.ready[:n], nil
}

// read and write are for descriptors that do not block, so the runtime need not know of the calls.
func read(fd int, b []byte) (int, error)  { return transfer(unix.SYS_READ, fd, b) }
func write(fd int, b []byte) (int, error) { return transfer(unix.SYS_WRITE, fd, b) }

func transfer(call uintptr, fd int, b []byte) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}
