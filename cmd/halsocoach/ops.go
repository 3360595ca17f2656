package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are counted by route pattern, never by what is in the address.
type metrics struct {
	registry *prometheus.Registry
	took     *prometheus.HistogramVec
}

// open makes the counters.
func (m *metrics) open() {
	m.registry = prometheus.NewRegistry()
	m.took = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "halsocoach_request_seconds", Help: "Time from request to answer, by route.",
		Buckets: []float64{.001, .005, .02, .1, .5, 2},
	}, []string{"method", "route", "status"})
	m.registry.MustRegister(m.took, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
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
