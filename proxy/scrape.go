package proxy

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/queue"
)

// scrapeTimeout bounds what a scrape waits for Redis.
const scrapeTimeout = 3 * time.Second

// Source is what is asked about a project when Prometheus scrapes. A part that is nil, or that fails, is left out: a gap in
// a graph is honest, a zero is not.
type Source struct {
	Queue interface {
		Stats(context.Context) (queue.Stats, error)
	}
	// Pacer gives the factor by which calls to the CMS are spaced wider than their limit asks for.
	Pacer func(context.Context) (float64, error)
	// ETA is how long the CMS's pace takes for a backlog.
	ETA    func(backlog int64) time.Duration
	Engine interface {
		Stats(context.Context) (reconcile.Stats, error)
	}
	// Quota is how many calls to the CMS a month may have; 0: not known.
	Quota int
}

// Watch has the project's numbers read at every scrape.
func (m *Metrics) Watch(project string, s Source) {
	m.scrape.mu.Lock()
	defer m.scrape.mu.Unlock()
	m.scrape.sources[project] = s
}

// scrape is the collector of what Redis knows.
type scrape struct {
	failed func()

	mu      sync.Mutex
	sources map[string]Source

	depth, oldest, eta, leased, parked, codes, held, paused, circuit, dryRun, pacer, importAge, importWait, users, groups, drift, calls, quota *prometheus.Desc
}

func newScrape() *scrape {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(namespace+"_"+name, help, append([]string{"project"}, labels...), nil)
	}
	return &scrape{
		sources:    map[string]Source{},
		depth:      desc("queue_depth", "Keys that wait, due or not, by lane.", "lane"),
		oldest:     desc("queue_oldest_age_seconds", "Age of the oldest change that the CMS does not agree with yet and that is neither parked nor held."),
		eta:        desc("queue_eta_seconds", "About how long the CMS's pace takes for what is queued, at a call for each key."),
		leased:     desc("queue_leased", "Keys that are being worked on."),
		parked:     desc("queue_parked", "Keys that wait for an operator."),
		codes:      desc("queue_parked_by_code", "Keys that wait for an operator, by the code of the reason.", "code"),
		held:       desc("queue_held", "Keys that the brake holds until an operator releases or discards them."),
		paused:     desc("queue_paused", "1 while an operator has paused the project."),
		circuit:    desc("circuit_open", "1 while calls to the CMS are stopped."),
		dryRun:     desc("dry_run", "1 while changes are accepted and planned and nothing is sent to the CMS."),
		pacer:      desc("pacer_factor", "How much wider than the limit asks for calls to the CMS are spaced; 1 is none."),
		importAge:  desc("import_age_seconds", "Age of the last full picture of the CMS."),
		importWait: desc("import_interval_seconds", "How long after the last full picture of the CMS the next one is due."),
		users:      desc("users", "People on record, by state.", "state"),
		groups:     desc("groups", "Groups on record."),
		drift:      desc("drift", "Differences that somebody made in the CMS by hand, by kind.", "kind"),
		calls:      desc("cms_calls_this_month", "Calls to the management API since the month began (UTC), over all replicas."),
		quota:      desc("cms_monthly_quota", "How many of them the CMS's plan includes, as configured; 0 is not known."),
	}
}

// Describe implements prometheus.Collector.
func (s *scrape) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		s.depth, s.oldest, s.eta, s.leased, s.parked, s.codes, s.held, s.paused, s.circuit, s.dryRun, s.pacer, s.importAge, s.importWait, s.users, s.groups, s.drift, s.calls, s.quota,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. Projects are read side by side, so that one slow store costs one timeout.
func (s *scrape) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	s.mu.Lock()
	sources := maps.Clone(s.sources)
	s.mu.Unlock()
	var wg sync.WaitGroup
	for project, src := range sources {
		wg.Go(func() {
			g := gauges{project: project, ch: ch}
			for _, err := range []error{s.collectQueue(ctx, g, src), s.collectPacer(ctx, g, src), s.collectEngine(ctx, g, src)} {
				if err != nil {
					s.failed()
				}
			}
		})
	}
	wg.Wait()
}

// gauges sends the values of one project.
type gauges struct {
	project string
	ch      chan<- prometheus.Metric
}

func (g gauges) set(d *prometheus.Desc, v float64, labels ...string) {
	g.ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, append([]string{g.project}, labels...)...)
}

func (s *scrape) collectQueue(ctx context.Context, g gauges, src Source) error {
	if src.Queue == nil {
		return nil
	}
	st, err := src.Queue.Stats(ctx)
	if err != nil {
		return err
	}
	for _, lane := range queue.Lanes() {
		g.set(s.depth, float64(st.Depth[lane]), string(lane))
	}
	g.set(s.oldest, st.OldestAge.Seconds())
	if src.ETA != nil {
		g.set(s.eta, src.ETA(st.Backlog()).Seconds())
	}
	for code, n := range st.Codes {
		g.set(s.codes, float64(n), code)
	}
	g.set(s.leased, float64(st.Leased))
	g.set(s.parked, float64(st.Parked))
	g.set(s.held, float64(st.Held))
	g.set(s.paused, truth(st.Paused))
	g.set(s.circuit, truth(st.Circuit != ""))
	g.set(s.dryRun, truth(st.DryRun > 0))
	return nil
}

func (s *scrape) collectPacer(ctx context.Context, g gauges, src Source) error {
	if src.Pacer == nil {
		return nil
	}
	f, err := src.Pacer(ctx)
	if err == nil {
		g.set(s.pacer, f)
	}
	return err
}

func (s *scrape) collectEngine(ctx context.Context, g gauges, src Source) error {
	if src.Engine == nil {
		return nil
	}
	st, err := src.Engine.Stats(ctx)
	if err != nil {
		return err
	}
	g.set(s.users, float64(st.Users), "listed")
	g.set(s.groups, float64(st.Groups))
	g.set(s.calls, float64(st.Calls))
	g.set(s.quota, float64(src.Quota))
	g.set(s.importWait, st.ImportWait.Seconds())
	for kind, n := range st.Drift {
		g.set(s.drift, float64(n), string(kind))
	}
	if st.ImportAge >= 0 {
		g.set(s.importAge, st.ImportAge.Seconds())
	}
	return nil
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
