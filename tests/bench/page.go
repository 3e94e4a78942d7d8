package main

import (
	"errors"
	"fmt"
	"runtime"
	"time"
)

// effort is how much is measured for the page.
type effort struct {
	rounds, slices int
	within         time.Duration // for everything: if it does not suffice there are fewer rounds and slices
	settle         time.Duration // after a start
	scale          float64       // factor on requests and keys
}

// Parts of effort.within, in percent. The rest is for starting and filling servers, and for what is short.
const (
	settingsShare = 55
	rowsShare     = 28
)

var (
	fullEffort  = effort{rounds: 9, slices: 60, within: 25 * time.Minute, settle: time.Second, scale: 1}
	quickEffort = effort{rounds: 1, slices: 1, scale: 0.01}
)

// page is everything that stands on docs/benchmarks.md between its marks.
type page struct {
	effort
	settings []comparison // redis-benchmark
	rounds   int          // of redis-benchmark
	rows     []comparison
	beside   besides
	limits   []limitCosts
	memory   [2]float64 // bytes for each counter: quota-db, Redis
	keys     int        // of memory
	took     time.Duration
}

// measurePage measures everything: first what runs unpinned, as on a user's machine. Then it pins this program.
func (b *bench) measurePage(e effort) (p page, err error) {
	begin := time.Now()
	p.effort = e
	if p.settings, p.rounds, err = b.runSettings(e.rounds, e.within*settingsShare/100, e.scale); err != nil {
		return p, err
	}
	if err := b.measureRows(&p, false); err != nil {
		return p, err
	}
	if p.beside, err = b.measureBeside(e.rounds, time.Duration(float64(30*time.Second)*e.scale)); err != nil {
		return p, err
	}
	if err := pin(); err != nil {
		return p, err
	}
	if err := b.measureRows(&p, true); err != nil {
		return p, err
	}
	if err := b.measureLimitsAndMemory(&p); err != nil {
		return p, err
	}
	p.took = time.Since(begin)
	return p, nil
}

func (b *bench) measureRows(p *page, pinned bool) error {
	for _, r := range rows {
		if r.pinned != pinned {
			continue
		}
		if r.fill {
			r.load.keys = max(1, int(float64(r.load.keys)*p.scale))
		}
		c, err := b.measureRow(r, p.effort)
		if err != nil {
			return err
		}
		p.rows = append(p.rows, c)
	}
	return nil
}

// measureLimitsAndMemory is for three rounds: each takes some 20 seconds.
func (b *bench) measureLimitsAndMemory(p *page) (err error) {
	servers, err := b.startThree(memory, serverProcessor)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopAll(servers)) }()
	p.keys = int(tableKeys * p.scale)
	perKey, err := fillAll(servers[:2], p.keys)
	if err != nil {
		return err
	}
	p.memory = [2]float64(perKey)
	p.limits, err = measureLimits(servers[0], servers[1], min(p.effort.rounds, 3), p.scale)
	return err
}

// writePage measures and writes the page, and the table of the README.
func (b *bench) writePage(file, readme string, e effort) error {
	for _, f := range []string{file, readme} { // before it measures for 25 minutes
		if _, _, err := cutMarked(f); err != nil {
			return err
		}
	}
	if runtime.NumCPU() < 2 {
		return errors.New("pinned servers and their client need two processors")
	}
	p, err := b.measurePage(e)
	if err != nil {
		return err
	}
	m := newMachine()
	if err := replaceMarked(file, p.markdown(m)); err != nil {
		return err
	}
	if err := replaceMarked(readme, p.readme(m)); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "wrote %s and %s after %v\n", file, readme, p.took.Round(time.Second))
	return nil
}
