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

// windowUnits are the units of a window. "ms" stands before "s", which is its end. The last unit, without a name, is
// for a plain number.
var windowUnits = [...]struct {
	name string
	unit time.Duration
}{{"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}, {"", time.Second}}

// parseWindow reads a window: a number of seconds, or a number followed by the unit ms, s, m or h. It returns false if
// the argument is no window, or if no quota can have that window.
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

// window replies with the window of a quota: the number of its seconds; if they are not whole, its milliseconds in the
// form of QUOTASET, such as 1500ms. CL.THROTTLE allows rates that fill a bucket in less than a second; such a window is
// rounded up to seconds.
func (c *call) window(r quota.Rate) {
	w := r.Window()
	if w%time.Second == 0 || r.Count != r.Capacity {
		c.integer(ceil(w, time.Second))
		return
	}
	c.bulk(strconv.FormatInt(ceil(w, time.Millisecond), 10) + "ms")
}
