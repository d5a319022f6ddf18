package domain

import (
	"math"
	"time"
)

// bucketsADoubling is how finely durations are counted.
const bucketsADoubling = 4

// LatencyBucket is the bucket that counts a duration d of whole microseconds: floor(4 · log2(d)), so that there are four a
// doubling and bucket b holds what is from 2^(b/4) up to 2^((b+1)/4) µs. What is shorter than a microsecond is in bucket 0.
// A duration is told as the geometric middle of its bucket, which is off by a factor of 2^(1/8) at most: 9.1 % too long or
// 8.3 % too short.
func LatencyBucket(d time.Duration) int {
	us := d.Microseconds()
	if us < 1 {
		return 0
	}
	return int(math.Floor(bucketsADoubling * math.Log2(float64(us))))
}

// bucketMiddle is the duration a bucket stands for.
func bucketMiddle(bucket int) time.Duration {
	return time.Duration(math.Exp2((float64(bucket)+.5)/bucketsADoubling) * float64(time.Microsecond))
}

// Latencies counts durations by LatencyBucket. The zero value is none; make one with a literal or Add to a made map.
type Latencies map[int]int64

// Count is how many durations there are.
func (l Latencies) Count() (n int64) {
	for _, some := range l {
		n += some
	}
	return n
}

// Percentile is the duration that share of them, 0 < share <= 1, do not exceed (the nearest rank: of n durations in order the
// one at place ⌈share · n⌉), within the bound of LatencyBucket. Of none it is 0.
func (l Latencies) Percentile(share float64) time.Duration {
	rank := int64(math.Ceil(share * float64(l.Count())))
	if rank < 1 {
		return 0
	}
	first, last := l.span()
	for bucket := first; bucket < last; bucket++ {
		if rank -= l[bucket]; rank <= 0 {
			return bucketMiddle(bucket)
		}
	}
	return bucketMiddle(last)
}

// span are the lowest and the highest bucket.
func (l Latencies) span() (first, last int) {
	first = math.MaxInt
	for bucket := range l {
		first, last = min(first, bucket), max(last, bucket)
	}
	return first, last
}
