//go:build linux && !poll

package loop

import (
	"os"
	"syscall"
	"unsafe"
)

// maxEvents is how many sockets one round serves at most.
const maxEvents = 256

// poller waits for descriptors by epoll, level-triggered.
type poller struct {
	epoll, eventfd int
	buffer         [maxEvents]syscall.EpollEvent
}

func (p *poller) open() (err error) {
	if p.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	const nonblockAndCloexec = syscall.O_NONBLOCK | syscall.O_CLOEXEC
	fd, _, errno := syscall.RawSyscall(syscall.SYS_EVENTFD2, 0, nonblockAndCloexec, 0)
	if errno != 0 {
		_ = syscall.Close(p.epoll)
		return os.NewSyscallError("eventfd2", errno)
	}
	p.eventfd = int(fd)
	return p.add(p.eventfd)
}

func (p *poller) close() {
	_ = syscall.Close(p.eventfd)
	_ = syscall.Close(p.epoll)
}

// wake ends the wait of the loop. Any goroutine may call it.
func (p *poller) wake() {
	one := uint64(1)
	_, _, _ = syscall.RawSyscall(syscall.SYS_WRITE, uintptr(p.eventfd), uintptr(unsafe.Pointer(&one)), unsafe.Sizeof(one))
}

// add begins to look for input at a descriptor.
func (p *poller) add(fd int) error {
	e := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(p.epoll, syscall.EPOLL_CTL_ADD, fd, &e))
}

// change changes what is looked for. It cannot fail for a descriptor that was added.
func (p *poller) change(fd int, want interest) {
	e := syscall.EpollEvent{Fd: int32(fd)}
	if want.read {
		e.Events |= syscall.EPOLLIN
	}
	if want.write {
		e.Events |= syscall.EPOLLOUT
	}
	_ = syscall.EpollCtl(p.epoll, syscall.EPOLL_CTL_MOD, fd, &e)
}

func (p *poller) remove(fd int) {
	_ = syscall.EpollCtl(p.epoll, syscall.EPOLL_CTL_DEL, fd, nil)
}

// ready appends the events that are there now, and reports whether wake was called. The call cannot block, so the
// runtime need not know of it.
func (p *poller) ready(events []event) ([]event, bool) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(p.epoll), uintptr(unsafe.Pointer(&p.buffer[0])), maxEvents, 0, 0, 0)
	if errno != 0 {
		return events, false
	}
	return p.take(events, int(n))
}

// await waits until there are events, and appends them.
func (p *poller) await(events []event) ([]event, bool) {
	n, err := syscall.EpollWait(p.epoll, p.buffer[:], -1)
	if err != nil { // a signal
		return events, false
	}
	return p.take(events, n)
}

func (p *poller) take(events []event, n int) (_ []event, woken bool) {
	for _, e := range p.buffer[:n] {
		if int(e.Fd) == p.eventfd {
			var count [8]byte
			_, _ = read(p.eventfd, count[:])
			woken = true
			continue
		}
		events = append(events, event{
			fd:     int(e.Fd),
			read:   e.Events&syscall.EPOLLIN != 0,
			write:  e.Events&syscall.EPOLLOUT != 0,
			broken: e.Events&(syscall.EPOLLERR|syscall.EPOLLHUP) != 0,
		})
	}
	return events, woken
}

// read reads from a socket that does not block.
func read(fd int, b []byte) (int, error) {
	return transfer(syscall.SYS_READ, fd, b)
}

// write writes to a socket that does not block. For a broken socket it returns an error; Go ignores the signal.
func write(fd int, b []byte) (int, error) {
	return transfer(syscall.SYS_WRITE, fd, b)
}

// transfer makes a system call without telling the runtime: the call cannot block.
func transfer(call uintptr, fd int, b []byte) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EAGAIN:
			return 0, syscall.EAGAIN
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}

func duplicate(fd int) (int, error) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}
