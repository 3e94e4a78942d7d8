package command

import (
	"bytes"
	"strconv"
	"time"

	"github.com/quotadb/quota-db/quota"
	"github.com/quotadb/quota-db/resp"
)

// maxWindowSeconds is the longest window of a quota.
const maxWindowSeconds = int64(quota.MaxPeriod / time.Second)

// windowUnits are the units that a window may have. A unit stands before the units that are a part of its name. The
// last one, without a name, is the unit of a plain number.
var windowUnits = [...]struct {
	name string
	unit time.Duration
}{{"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}, {"", time.Second}}

// parseWindow reads a window: a number of seconds, or a number with the unit ms, s, m or h behind it. It returns false
// if that is no window, or one that no quota can have.
func parseWindow(arg []byte) (time.Duration, bool) {
	for _, u := range windowUnits {
		cut := len(arg) - len(u.name)
		if cut < 0 || !bytes.EqualFold(arg[cut:], []byte(u.name)) {
			continue
		}
		n, ok := resp.ParseInt(arg[:cut])
		if !ok || n < 1 || n > int64(quota.MaxPeriod/u.unit) {
			return 0, false
		}
		return time.Duration(n) * u.unit, true
	}
	return 0, false // not reached: every argument ends with the empty name
}

// window answers the window of a quota: its seconds as a number, or else its milliseconds as QUOTASET takes them, such
// as 1500ms. CL.THROTTLE knows rates that fill a bucket in a part of a second; their window is rounded up to seconds.
func (c *call) window(r quota.Rate) {
	w := r.Window()
	if w%time.Second == 0 || r.Count != r.Capacity {
		c.integer(ceil(w, time.Second))
		return
	}
	c.bulk(strconv.FormatInt(ceil(w, time.Millisecond), 10) + "ms")
}
