package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const namespace = "scimcms"

// Metrics is every metric of this program; its name table is below, nothing is counted elsewhere. The libraries know
// nothing of Prometheus: they report through the Observer that ForProject gives.
type Metrics struct {
	httpRequests *prometheus.CounterVec
	httpDuration *prometheus.HistogramVec
	httpPanics   *prometheus.CounterVec
	syncs        *prometheus.CounterVec
	agreed       *prometheus.HistogramVec
	cmsCalls     *prometheus.CounterVec
	cmsDuration  *prometheus.HistogramVec
	imports      *prometheus.CounterVec
	skipped      *prometheus.CounterVec
	reclaimed    *prometheus.CounterVec
	tripped      *prometheus.CounterVec
	redisErrors  *prometheus.CounterVec
	scrape       *scrape
}

// Buckets: a request takes milliseconds (and at most sync.wait), an agreement may take hours.
var (
	httpBuckets  = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	cmsBuckets   = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	agreeBuckets = []float64{.05, .1, .25, .5, 1, 2.5, 5, 15, 60, 300, 900, 3600, 14400, 86400}
)

// NewMetrics registers all metrics. The version becomes the label of build_info.
func NewMetrics(reg prometheus.Registerer, version string) (*Metrics, error) {
	m := &Metrics{
		httpRequests: counter("http_requests_total", "SCIM requests.", "project", "route", "method", "code"),
		httpDuration: histogram("http_request_duration_seconds", "Time to answer a SCIM request.", httpBuckets, "project", "route", "method"),
		httpPanics:   counter("http_panics_total", "SCIM requests that ended in a panic.", "project"),
		syncs:        counter("sync_total", "Attempts to make a key agree with the CMS, by how they ended.", "project", "kind", "outcome"),
		agreed:       histogram("accepted_to_agreed_seconds", "Time from accepting a change to the CMS agreeing with it.", agreeBuckets, "project", "kind"),
		cmsCalls:     counter("cms_calls_total", "HTTP attempts at the CMS; code 0 means that no answer came.", "project", "endpoint", "method", "code"),
		cmsDuration:  histogram("cms_call_duration_seconds", "Time of an HTTP attempt at the CMS.", cmsBuckets, "project", "endpoint", "method"),
		imports:      counter("import_total", "Imports of the CMS's people and roles.", "project", "outcome"),
		skipped:      counter("group_members_skipped_total", "Members of pushed groups that are no users and were left out.", "project"),
		reclaimed:    counter("queue_reclaimed_total", "Leases that ran out and were taken back.", "project"),
		tripped:      counter("circuit_trips_total", "Times that calls to the CMS were stopped, or stayed stopped after a probe.", "project"),
		redisErrors:  counter("redis_errors_total", "Redis operations that failed.", "op"),
		scrape:       newScrape(),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "Always 1; the label tells the version.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.scrape.failed = func() { m.redisErrors.WithLabelValues("scrape").Inc() }
	for _, op := range redisOps {
		m.redisErrors.WithLabelValues(op)
	}
	return m, register(reg, m.httpRequests, m.httpDuration, m.httpPanics, m.syncs, m.agreed, m.cmsCalls, m.cmsDuration,
		m.imports, m.skipped, m.reclaimed, m.tripped, m.redisErrors, m.scrape, build)
}

func register(reg prometheus.Registerer, all ...prometheus.Collector) error {
	var problems []error
	for _, c := range all {
		problems = append(problems, reg.Register(c))
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
}

// The label sets that exist from the start, so that a first error is an increase from zero.
var (
	syncKinds      = []string{"user", "group"}
	syncOutcomes   = []string{"done", "again", "retry", "wait", "parked", "held", "rejected", "lost"}
	importOutcomes = []string{"ok", "error", "refused"}
	redisOps       = []string{"scrape", "request"}
	failureCodes   = []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusNotFound, http.StatusConflict, http.StatusInternalServerError, http.StatusServiceUnavailable}
)

func (m *Metrics) initProject(project string) {
	if m == nil {
		return
	}
	for _, v := range []*prometheus.CounterVec{m.httpPanics, m.skipped, m.reclaimed, m.tripped} {
		v.WithLabelValues(project)
	}
	for _, kind := range syncKinds {
		m.agreed.WithLabelValues(project, kind)
		for _, o := range syncOutcomes {
			m.syncs.WithLabelValues(project, kind, o)
		}
	}
	for _, o := range importOutcomes {
		m.imports.WithLabelValues(project, o)
	}
	for _, r := range routes() {
		route := scimBase + r.path
		m.httpDuration.WithLabelValues(project, route, r.method)
		for _, code := range append([]int{r.success}, failureCodes...) {
			m.httpRequests.WithLabelValues(project, route, r.method, strconv.Itoa(code))
		}
	}
}

func (m *Metrics) request(project, route, method string, status int, took time.Duration) {
	if m == nil {
		return
	}
	m.httpRequests.WithLabelValues(project, route, method, strconv.Itoa(status)).Inc()
	m.httpDuration.WithLabelValues(project, route, method).Observe(took.Seconds())
}

// storeFailed counts a request that Redis did not answer.
func (m *Metrics) storeFailed() {
	if m != nil {
		m.redisErrors.WithLabelValues("request").Inc()
	}
}

func (m *Metrics) panicked(project string) {
	if m != nil {
		m.httpPanics.WithLabelValues(project).Inc()
	}
}
