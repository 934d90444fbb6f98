package directory

import (
	"context"
	"time"
)

// callsKept is how long the count of a month's calls outlives its last call: the month after can still be compared with it.
const callsKept = 62 * 24 * time.Hour

// AddCalls adds to the calls that the project has made to the CMS in this month, by UTC. A call more or less is no matter: what
// is not known to be counted may be counted again.
func (d *Directory) AddCalls(ctx context.Context, n int64) error {
	key := d.keys.calls(d.month())
	p := d.rdb.TxPipeline()
	p.IncrBy(ctx, key, n)
	p.PExpire(ctx, key, callsKept)
	_, err := p.Exec(ctx)
	return unavailable(err)
}

// Calls gives the calls of this month, by UTC, over all replicas.
func (d *Directory) Calls(ctx context.Context) (int64, error) {
	n, err := d.rdb.Get(ctx, d.keys.calls(d.month())).Int64()
	if isNil(err) {
		return 0, nil
	}
	return n, unavailable(err)
}

func (d *Directory) month() string { return d.opts.Clock().UTC().Format("2006-01") }
