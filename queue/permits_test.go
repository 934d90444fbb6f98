package queue

import (
	"maps"
	"testing"
)

func TestPermits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		workers, sources int
		want             map[bool]int // by onlyLeavers: how many source 0 can get
	}{
		{1, 1, map[bool]int{false: 1}},
		{1, 3, map[bool]int{false: 1}},
		{2, 1, map[bool]int{false: 1, true: 1}},
		{8, 1, map[bool]int{false: 7, true: 1}},
		{8, 2, map[bool]int{false: 4, true: 1}},
		{3, 2, map[bool]int{false: 1, true: 1}},
	} {
		p, got := newPermits(tt.workers, tt.sources), map[bool]int{}
		var held []permit
		for {
			it, free := p.acquire(0)
			if !free {
				break
			}
			got[it.onlyLeavers]++
			held = append(held, it)
		}
		if !maps.Equal(got, tt.want) {
			t.Errorf("%d workers, %d sources: %v, want %v", tt.workers, tt.sources, got, tt.want)
		}
		_, _, changed := p.free(0)
		for _, it := range held {
			p.release(it)
		}
		<-changed
		if general, leavers, _ := p.free(0); !general || leavers != (tt.workers > 1) {
			t.Errorf("%d workers: after the release %v, %v", tt.workers, general, leavers)
		}
	}
}
