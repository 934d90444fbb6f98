package proxy

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/queue"
)

// NewRegistry is a registry with the metrics of the Go runtime and of the process.
func NewRegistry() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return reg
}

// MetricsHandler serves a registry to Prometheus.
func MetricsHandler(g prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(g, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// Observer counts what the parts of one project report: its queue, its CMS client and its engine.
type Observer struct {
	metrics *Metrics
	project string
}

// It is all three observers.
var (
	_ queue.Observer     = (*Observer)(nil)
	_ cmsclient.Observer = (*Observer)(nil)
	_ reconcile.Observer = (*Observer)(nil)
)

// ForProject gives the observer of one project.
func (m *Metrics) ForProject(project string) *Observer {
	return &Observer{metrics: m, project: project}
}

// Call implements cmsclient.Observer.
func (o *Observer) Call(method, endpoint string, status int, took time.Duration) {
	o.metrics.cmsCalls.WithLabelValues(o.project, endpoint, method, strconv.Itoa(status)).Inc()
	o.metrics.cmsDuration.WithLabelValues(o.project, endpoint, method).Observe(took.Seconds())
}

// Synced implements reconcile.Observer.
func (o *Observer) Synced(kind, outcome string) {
	o.metrics.syncs.WithLabelValues(o.project, kind, outcome).Inc()
}

// Agreed implements reconcile.Observer.
func (o *Observer) Agreed(kind string, after time.Duration) {
	o.metrics.agreed.WithLabelValues(o.project, kind).Observe(after.Seconds())
}

// Imported implements reconcile.Observer.
func (o *Observer) Imported(outcome string) {
	o.metrics.imports.WithLabelValues(o.project, outcome).Inc()
}

// Skipped implements reconcile.Observer.
func (o *Observer) Skipped(members int) {
	o.metrics.skipped.WithLabelValues(o.project).Add(float64(members))
}

// Taken implements queue.Observer. Waiting is told by the age of the oldest key, and by accepted_to_agreed_seconds.
func (o *Observer) Taken(queue.Lane, time.Duration) {}

// Finished implements queue.Observer. The outcomes of syncs are counted by Synced, which knows their kind.
func (o *Observer) Finished(queue.Lane, string) {}

// Reclaimed implements queue.Observer.
func (o *Observer) Reclaimed(n int) { o.metrics.reclaimed.WithLabelValues(o.project).Add(float64(n)) }

// Tripped implements queue.Observer.
func (o *Observer) Tripped(string) { o.metrics.tripped.WithLabelValues(o.project).Inc() }
