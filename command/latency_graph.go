package command

import (
	"fmt"
	"strings"

	"github.com/quotadb/quota-db/stats"
)

const (
	graphRows    = 4
	graphColumns = 80
)

// latencyGraph draws the samples of an event, the oldest on the left, with the age of each below it.
func latencyGraph(c *call) {
	s := c.series(c.args[2])
	if len(s.Samples) == 0 {
		c.failf("ERR No samples available for event '%s'", clip(c.args[2], len(c.args[2])))
		return
	}
	s.Samples = s.Samples[max(0, len(s.Samples)-graphColumns):]
	low, high := s.Lowest(), s.Highest()
	var b strings.Builder
	fmt.Fprintf(&b, "%s - high %d ms, low %d ms (all time high %d ms)\n%s\n", c.args[2], high, low, s.Max, strings.Repeat("-", graphColumns))
	for height := graphRows - 1; height >= 0; height-- {
		for _, one := range s.Samples {
			b.WriteByte(bar(one.Took-low, high-low, height))
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	b.WriteString(ages(s.Samples, c.now.Wall/1000))
	c.text(b.String())
}

// bar is the character of a sample at a height of the graph: its top, # if it is the largest, or the column below.
func bar(above, span int64, height int) byte {
	switch top := int(above * graphRows / (span + 1)); {
	case height > top:
		return ' '
	case height < top:
		return '|'
	case above == span:
		return '#'
	}
	return '_'
}

// ages writes the age of each sample, from top to bottom.
func ages(samples []stats.Sample, now int64) string {
	var words []string
	longest := 0
	for _, one := range samples {
		words = append(words, age(max(0, now-one.At)))
		longest = max(longest, len(words[len(words)-1]))
	}
	var b strings.Builder
	for line := range longest {
		for _, word := range words {
			if line < len(word) {
				b.WriteByte(word[line])
			} else {
				b.WriteByte(' ')
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// age is a number of seconds in its largest unit.
func age(seconds int64) string {
	switch {
	case seconds < 60:
		return fmt.Sprintf("%ds", seconds)
	case seconds < 60*60:
		return fmt.Sprintf("%dm", seconds/60)
	case seconds < 24*60*60:
		return fmt.Sprintf("%dh", seconds/(60*60))
	}
	return fmt.Sprintf("%dd", seconds/(24*60*60))
}
