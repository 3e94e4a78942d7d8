package params

import (
	"strconv"
	"strings"
)

// maxPercentiles is the largest number of percentiles that INFO latencystats can show.
const maxPercentiles = 64

// defaultPercentiles are Redis's.
func defaultPercentiles() *[]float64 { return &[]float64{50, 99, 99.9} }

// Percentiles are the percentiles that INFO latencystats shows. The caller must not change the slice.
func (v *Values) Percentiles() []float64 { return *v.percentiles.Load() }

// PercentilesParam is the parameter latency-tracking-info-percentiles: numbers from 0 to 100.
func (v *Values) PercentilesParam() Param {
	field := &v.percentiles
	const name = "latency-tracking-info-percentiles"
	get := func() string {
		var words []string
		for _, p := range *field.Load() {
			words = append(words, strconv.FormatFloat(p, 'g', 10, 64))
		}
		return strings.Join(words, " ")
	}
	return Param{name, get, func(value string) (func(), string) {
		words, percentiles := strings.Fields(value), []float64{}
		for _, word := range words {
			p, err := strconv.ParseFloat(word, 64)
			switch {
			case err != nil, p != p:
				return nil, "Invalid " + name + " parameters"
			case !(p >= 0 && p <= 100):
				return nil, name + " parameters should sit between [0.0,100.0]"
			case len(percentiles) == maxPercentiles:
				return nil, name + " has at most " + strconv.Itoa(maxPercentiles) + " parameters"
			}
			percentiles = append(percentiles, p)
		}
		return func() { field.Store(&percentiles) }, ""
	}}
}
