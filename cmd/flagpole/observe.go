package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"flagpole/internal/config"
	"flagpole/internal/domain"
	"flagpole/internal/metactf"
	"flagpole/internal/metrics"
)

// observer logs and counts what a process does.
type observer struct {
	metrics *metrics.Metrics // nil: nobody counts
	log     *slog.Logger
}

// call tells of one call of the platform: at level debug, and one that failed at level info. Neither the address nor the answer
// is in it.
func (o observer) call(ctx context.Context, e metactf.Exchange) {
	if o.metrics != nil {
		o.metrics.Call(e)
	}
	level := slog.LevelDebug
	if e.Class != "" {
		level = slog.LevelInfo
	}
	o.log.Log(ctx, level, "platform call", "run", domain.RunOf(ctx), "endpoint", e.Endpoint, "status", e.Status, "class", e.Class, "ms", e.Took.Milliseconds())
}

// serveMetrics serves /metrics alone on an address of its own until ctx ends. The function it returns waits for the end.
func serveMetrics(ctx context.Context, conf config.Config, m *metrics.Metrics, log *slog.Logger) (wait func(), err error) {
	if conf.MetricsAddr == "" {
		return func() {}, nil
	}
	listener, err := net.Listen("tcp", conf.MetricsAddr)
	if err != nil {
		return nil, usage(errors.New("FLAGPOLE_METRICS_ADDR: cannot listen there"))
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.Handler())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	log.Info("metrics are served", "address", listener.Addr().String())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("metrics are not served any more", "error", err)
		}
	}()
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	return func() {
		if stop() {
			_ = server.Close()
		}
		<-done
	}, nil
}
