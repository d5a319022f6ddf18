package metactf

import (
	"math/rand/v2"
	"testing"
	"time"
)

var paceStart = time.Date(2026, 3, 4, 15, 0, 0, 0, time.UTC)

// However late the senders wake, no second may hold more than the limit and one.
func TestAtMostLimitPlusOneSendsInAnySecond(t *testing.T) {
	for _, limit := range []int{1, 5, 50, 500} {
		for seed := range uint64(20) {
			random := rand.New(rand.NewPCG(seed, 1))
			p, now := newPace(float64(limit)), paceStart
			var sent []time.Time
			for range 20 * limit {
				now = now.Add(p.wait(now))
				switch random.IntN(20) {
				case 0: // the machine was busy
					now = now.Add(time.Duration(random.Int64N(int64(300 * time.Millisecond))))
				case 1: // nothing to send
					now = now.Add(time.Duration(random.Int64N(int64(3 * time.Second))))
				default: // the timer's grain
					now = now.Add(time.Duration(random.Int64N(int64(timerGrain))))
				}
				p.sent(now)
				sent = append(sent, now)
			}
			for i := limit + 1; i < len(sent); i++ {
				if window := sent[i].Sub(sent[i-limit-1]); window < time.Second {
					t.Fatalf("limit %d, seed %d: %d sends in %v", limit, seed, limit+2, window)
				}
			}
		}
	}
}

func TestLateTimersCostNoRate(t *testing.T) {
	p, now := newPace(50), paceStart
	for range 500 {
		now = now.Add(p.wait(now)).Add(time.Millisecond)
		p.sent(now)
	}
	if took := now.Sub(paceStart); took > 10*time.Second+50*time.Millisecond {
		t.Errorf("500 sends at 50 a second took %v", took)
	}
}

func TestQuietMinutesRaiseTheRateStepByStep(t *testing.T) {
	p, now := newPace(100), paceStart
	p.slower(now)
	for _, tc := range []struct {
		after time.Duration
		want  float64
	}{
		{59 * time.Second, 50}, {time.Minute, 60}, {119 * time.Second, 60}, {2 * time.Minute, 70}, {5 * time.Minute, 100}, {time.Hour, 100},
	} {
		p.raise(now.Add(tc.after))
		if p.rate != tc.want {
			t.Errorf("after %v: %v, want %v", tc.after, p.rate, tc.want)
		}
	}
}

func TestRateIsNeverBelowOnePercent(t *testing.T) {
	p := newPace(100)
	for range 20 {
		p.slower(paceStart)
	}
	if p.rate != 1 {
		t.Errorf("got %v, want 1", p.rate)
	}
}
