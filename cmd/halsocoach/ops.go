package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"halsocoach/internal/event"
)

// metrics are counted by route pattern, never by what is in the address.
type metrics struct {
	registry *prometheus.Registry
	took     *prometheus.HistogramVec
}

// open makes the counters. bus tells of its events when it is asked.
func (m *metrics) open(bus *event.Bus) {
	m.registry = prometheus.NewRegistry()
	m.took = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "halsocoach_request_seconds", Help: "Time from request to answer, by route.",
		Buckets: []float64{.001, .005, .02, .1, .5, 2},
	}, []string{"method", "route", "status"})
	m.registry.MustRegister(m.took, events{bus}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
}

// events tells how many events the consumers have not yet taken, and how many are
// parked since a consumer could not take them.
type events struct{ bus *event.Bus }

var (
	eventsWaiting = prometheus.NewDesc("halsocoach_events_waiting", "Events that the consumers have not taken yet.", nil, nil)
	eventsParked  = prometheus.NewDesc("halsocoach_events_parked", "Events that a consumer could not take, tried again ever more seldom.", nil, nil)
)

// Describe satisfies prometheus.Collector.
func (e events) Describe(to chan<- *prometheus.Desc) { to <- eventsWaiting; to <- eventsParked }

// Collect satisfies prometheus.Collector. Without contact with NATS there is
// nothing to tell; /readyz says so.
func (e events) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	waiting, parked, err := e.bus.Waiting(ctx)
	if err != nil {
		return
	}
	to <- prometheus.MustNewConstMetric(eventsWaiting, prometheus.GaugeValue, float64(waiting))
	to <- prometheus.MustNewConstMetric(eventsParked, prometheus.GaugeValue, float64(parked))
}

// count counts an answer.
func (m *metrics) count(method, route string, status int, took time.Duration) {
	m.took.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}

// serve answers /metrics and pprof on an address of their own; "" = off.
func (m *metrics) serve(addr string) (*http.Server, error) {
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	if addr == "" {
		return s, nil
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, errSetting("HALSOCOACH_OPS_ADDR", addr, fmt.Sprintf("it can not be listened on: %v", err))
	}
	go func() { _ = s.Serve(ln) }()
	return s, nil
}
