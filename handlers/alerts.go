package handlers

import (
	"flagpole/internal/alert"
	"flagpole/internal/domain"
	"time"
)

// Alerting is what the page of alerts shows of the configuration.
type Alerting struct {
	Thresholds alert.Thresholds
	Remind     time.Duration   // between reminders; 0: none
	Targets    []domain.Target // whom messages go to
}

// Platform is what the page of the connection shows of the configuration.
type Platform struct {
	BaseURL     string
	Concurrency int           // calls at a time
	Timeout     time.Duration // for one call
	Retries     int           // of one call
	HasToken    bool          // one is set
}
