package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/quotadb/quota-db/tests/internal/wire"
)

// info is what a server says of itself: the lines "name:value" of INFO.
type info map[string]string

func parseInfo(text string) info {
	fields := info{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		if ok && !strings.HasPrefix(name, "#") {
			fields[name] = value
		}
	}
	return fields
}

// number is a field's value, NaN if there is no such field or it is not a number.
func (f info) number(name string) float64 {
	n, err := strconv.ParseFloat(f[name], 64)
	if err != nil {
		return math.NaN()
	}
	return n
}

// record is the fields of a value "name=value,name=value".
func (f info) record(name string) info {
	fields := info{}
	for field := range strings.SplitSeq(f[name], ",") {
		if name, value, ok := strings.Cut(field, "="); ok {
			fields[name] = value
		}
	}
	return fields
}

// busyFields are not "0" while a server works on its files in the background.
var busyFields = []string{"loading", "rdb_bgsave_in_progress", "aof_rewrite_in_progress", "aof_rewrite_scheduled", "aof_pending_bio_fsync"}

func (f info) busy() bool {
	for _, name := range busyFields {
		if v, ok := f[name]; ok && v != "0" {
			return true
		}
	}
	return false
}

// info asks for a section of INFO.
func (s *server) info(section string) (info, error) {
	c, err := wire.Dial(s.addr())
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	return askInfo(c, section)
}

func askInfo(c *wire.Conn, section string) (info, error) {
	v, err := c.Do("INFO", section)
	if err == nil && v.IsError() {
		err = fmt.Errorf("INFO %s: %s", section, v)
	}
	return parseInfo(v.Text), err
}

const (
	// settleTime is longer than the second in which both servers write, or sync, what a load has left.
	settleTime = 1500 * time.Millisecond
	settlePoll = 100 * time.Millisecond
	// settleLimit is for rewrites and snapshots of 10M counters on a machine that does other things.
	settleLimit = 5 * time.Minute
)

// settle waits until the server has nothing left to write: some time, and then for what it does in the background.
func (s *server) settle() error {
	time.Sleep(settleTime)
	written := math.NaN()
	for deadline := time.Now().Add(settleLimit); time.Now().Before(deadline); time.Sleep(settlePoll) {
		f, err := s.info("persistence")
		if err != nil {
			return err
		}
		now := f.number("log_records_written")
		if !f.busy() && (math.IsNaN(now) || now == written) {
			return nil
		}
		written = now
	}
	return fmt.Errorf("port %s: still busy with its files after %v", s.port, settleLimit)
}

// meter notes after each load how much a counter of the server has grown.
type meter struct {
	*server
	read  func() (float64, error)
	last  float64
	grown []float64 // by round
}

// newMeter is a meter of a field of INFO persistence; what it has grown by is NaN if the server has no such field.
func newMeter(s *server, field string) (*meter, error) {
	return newMeterOf(s, func() (float64, error) {
		f, err := s.info("persistence")
		return f.number(field), err
	})
}

func newMeterOf(s *server, read func() (float64, error)) (*meter, error) {
	last, err := read()
	return &meter{server: s, read: read, last: last}, err
}

// rest lets the server settle, then reads: it is a side's rest.
func (m *meter) rest() error {
	if err := m.settle(); err != nil {
		return err
	}
	now, err := m.read()
	m.grown = append(m.grown, now-m.last)
	m.last = now
	return err
}
