package domain

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestABucketHoldsAQuarterOfADoubling(t *testing.T) {
	for _, c := range []struct {
		d    time.Duration
		want int
	}{
		{-time.Second, 0}, {0, 0}, {999 * time.Nanosecond, 0}, {time.Microsecond, 0}, {2 * time.Microsecond, 4}, {1023 * time.Microsecond, 39},
		{1024 * time.Microsecond, 40}, {1218 * time.Microsecond, 41}, {20 * time.Second, 97},
	} {
		if got := LatencyBucket(c.d); got != c.want {
			t.Errorf("%s: %d, want %d", c.d, got, c.want)
		}
	}
}

func TestAPercentileIsWithinItsBound(t *testing.T) {
	bound := math.Exp2(1.0/8) + 1e-6
	random := rand.New(rand.NewPCG(7, 7))
	for range 300 {
		list := make([]time.Duration, 1+random.IntN(400))
		counted := Latencies{}
		for i := range list {
			list[i] = time.Duration(math.Exp(random.Float64()*17)) * time.Microsecond
			counted[LatencyBucket(list[i])]++
		}
		slices.Sort(list)
		for _, share := range []float64{.001, .5, .95, .99, 1} {
			exact := list[int(math.Ceil(share*float64(len(list))))-1]
			if off := float64(counted.Percentile(share)) / float64(exact); off > bound || off < 1/bound {
				t.Fatalf("p%v of %d is %s, exactly %s", share*100, len(list), counted.Percentile(share), exact)
			}
		}
	}
	if got := (Latencies{}).Percentile(.5); got != 0 {
		t.Errorf("of none: %s", got)
	}
}
