package metactf

import (
	"strconv"
	"testing"
	"time"
)

func TestBreakerCountsPeople(t *testing.T) {
	for _, tc := range []struct {
		name                string
		well, failed, calls int // people of each kind, and how often each is asked about
		want                bool
	}{
		{"nine people, all failing, often", 0, 9, 50, false},
		{"ten people, half failing", 5, 5, 1, true},
		{"ten people, fewer than half failing", 6, 4, 1, false},
		{"one who fails a hundred times among ten", 9, 1, 100, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var b breaker
			trips := false
			for range tc.calls {
				for i := range tc.well {
					b.note(paceStart, "w"+strconv.Itoa(i), false)
				}
				for i := range tc.failed {
					trips = b.note(paceStart, "f"+strconv.Itoa(i), true)
				}
			}
			if trips != tc.want {
				t.Errorf("trips: %v, want %v", trips, tc.want)
			}
		})
	}
}

func TestBreakerTakesTheLastOutcomeOfTheLastMinute(t *testing.T) {
	var b breaker
	for i := range 9 {
		b.note(paceStart, strconv.Itoa(i), true)
	}
	for i := range 9 {
		b.note(paceStart, strconv.Itoa(i), i < 3)
	}
	if b.note(paceStart, "9", true) {
		t.Error("it tripped at 4 of 10, counting failures that were made good")
	}
	if b.note(paceStart.Add(61*time.Second), "10", true) {
		t.Error("it tripped on what is older than a minute")
	}
	if b.note(paceStart, "", true) || len(b.users) != 1 || len(b.order) != 1 || b.failed != 1 {
		t.Errorf("%d people in %d calls are held, %d of them failed, want 1", len(b.users), len(b.order), b.failed)
	}
}
