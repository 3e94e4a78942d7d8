//go:build !linux || poll

package loop

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// poller waits for descriptors by poll(2), on systems without epoll. It costs some time for each connection in each
// round. With the build tag poll Linux uses it too, for tests.
type poller struct {
	pipe  [2]int
	all   []unix.PollFd // the pipe's reading end first
	index map[int]int   // by descriptor: its index in all
}

func (p *poller) open() error {
	if err := syscall.Pipe(p.pipe[:]); err != nil {
		return os.NewSyscallError("pipe", err)
	}
	for _, fd := range p.pipe {
		syscall.CloseOnExec(fd)
		if err := syscall.SetNonblock(fd, true); err != nil {
			p.close()
			return os.NewSyscallError("fcntl", err)
		}
	}
	p.index = map[int]int{}
	return p.add(p.pipe[0])
}

func (p *poller) close() {
	_ = syscall.Close(p.pipe[0])
	_ = syscall.Close(p.pipe[1])
}

// wake ends the wait of the loop. Any goroutine may call it.
func (p *poller) wake() { _, _ = syscall.Write(p.pipe[1], []byte{0}) }

// add begins to look for input at a descriptor.
func (p *poller) add(fd int) error {
	p.index[fd] = len(p.all)
	p.all = append(p.all, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	return nil
}

// change changes what is looked for.
func (p *poller) change(fd int, want interest) {
	e := &p.all[p.index[fd]]
	e.Events = 0
	if want.read {
		e.Events |= unix.POLLIN
	}
	if want.write {
		e.Events |= unix.POLLOUT
	}
}

func (p *poller) remove(fd int) {
	i, last := p.index[fd], len(p.all)-1
	p.all[i] = p.all[last]
	p.index[int(p.all[i].Fd)] = i
	p.all = p.all[:last]
	delete(p.index, fd)
}

// ready appends the events that are there now, and reports whether wake was called.
func (p *poller) ready(events []event) ([]event, bool) { return p.poll(events, 0) }

// await waits until there are events, and appends them.
func (p *poller) await(events []event) ([]event, bool) { return p.poll(events, -1) }

func (p *poller) poll(events []event, timeout int) (_ []event, woken bool) {
	if n, err := unix.Poll(p.all, timeout); err != nil || n == 0 {
		return events, false
	}
	for _, e := range p.all {
		switch {
		case e.Revents == 0:
		case int(e.Fd) == p.pipe[0]:
			var bytes [64]byte
			_, _ = read(p.pipe[0], bytes[:])
			woken = true
		default:
			events = append(events, event{
				fd:     int(e.Fd),
				read:   e.Revents&unix.POLLIN != 0,
				write:  e.Revents&unix.POLLOUT != 0,
				broken: e.Revents&(unix.POLLERR|unix.POLLHUP|unix.POLLNVAL) != 0,
			})
		}
	}
	return events, woken
}

// read reads from a socket that does not block.
func read(fd int, b []byte) (int, error) { return transfer(syscall.Read, fd, b) }

// write writes to a socket that does not block.
func write(fd int, b []byte) (int, error) { return transfer(syscall.Write, fd, b) }

func transfer(call func(int, []byte) (int, error), fd int, b []byte) (int, error) {
	for {
		n, err := call(fd, b)
		if err == syscall.EINTR {
			continue
		}
		return max(n, 0), err
	}
}

func duplicate(fd int) (int, error) { return unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0) }
