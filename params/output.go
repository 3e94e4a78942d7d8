package params

import (
	"fmt"
	"math"
	"strings"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/resp"
)

// OutputLimit bounds the bytes of replies that wait for one client, as Redis's client-output-buffer-limit does. With 0
// only the server's own bounds hold.
type OutputLimit struct {
	Hard        int64 // with this many bytes the client is disconnected at once
	Soft        int64 // with this many bytes, for SoftSeconds without a break, the client is disconnected
	SoftSeconds int64
}

// outputLimits are the limits by class. All clients of this server have the first class. The other classes have no
// effect, but CONFIG GET and SET know them.
type outputLimits [3]OutputLimit

// outputClasses are the names of the classes; Redis knows the second as replica too.
func outputClasses() []string { return []string{"normal", "slave", "pubsub"} }

func defaultOutputLimits() *outputLimits {
	return &outputLimits{{}, {256 << 20, 64 << 20, 60}, {32 << 20, 8 << 20, 60}}
}

// freeOutput is how many bytes of replies may wait for a client and do not count against its limits, as in Redis.
// Without them a very small limit would disconnect every client, also one that wants to set the limit back.
const freeOutput = 16 << 10

// OutputLimit is the limit in force for all clients, with freeOutput added.
func (v *Values) OutputLimit() OutputLimit {
	limit := v.output.Load()[0]
	for _, bytes := range []*int64{&limit.Hard, &limit.Soft} {
		if *bytes > 0 {
			*bytes = min(*bytes, math.MaxInt64-freeOutput) + freeOutput
		}
	}
	return limit
}

func (l *outputLimits) String() string {
	var words []string
	for i, class := range outputClasses() {
		words = append(words, fmt.Sprintf("%s %d %d %d", class, l[i].Hard, l[i].Soft, l[i].SoftSeconds))
	}
	return strings.Join(words, " ")
}

// OutputParam is the parameter client-output-buffer-limit. A value is one or more times: class, hard limit, soft limit,
// seconds.
func (v *Values) OutputParam() Param {
	field := &v.output
	get := func() string { return field.Load().String() }
	return Param{"client-output-buffer-limit", get, func(value string) (func(), string) {
		limits := *field.Load()
		words := strings.Fields(value)
		if len(words)%4 != 0 {
			return nil, "Wrong number of arguments in buffer limit configuration."
		}
		for ; len(words) > 0; words = words[4:] {
			class := outputClass(words[0])
			if class < 0 {
				return nil, "Invalid client class specified in buffer limit configuration."
			}
			hard, errHard := config.ParseBytes(words[1])
			soft, errSoft := config.ParseBytes(words[2])
			seconds, ok := resp.ParseInt([]byte(words[3]))
			if errHard != nil || errSoft != nil || !ok || seconds < 0 {
				return nil, "Error in hard, soft or soft_seconds setting in buffer limit configuration."
			}
			limits[class] = OutputLimit{hard, soft, seconds}
		}
		return func() { field.Store(&limits) }, ""
	}}
}

// outputClass is the index of the class with this name; -1 if there is none.
func outputClass(name string) int {
	if same(name, "replica") {
		name = "slave"
	}
	for i, class := range outputClasses() {
		if same(name, class) {
			return i
		}
	}
	return -1
}
