package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/scimcms/scimcms/proxy/admin"
)

func (p program) brakeCommand() *cobra.Command {
	var f queueFlags
	b := &cobra.Command{
		Use:   "brake",
		Short: "Show, release and discard what the brake holds",
		Long: "The brake holds people back when more than configured were to lose their access or their role within a window. It works\n" +
			"on the Redis of a configuration, or through the admin listener of a running proxy (--admin-url).",
		Args: onlyCommands,
		RunE: help,
	}
	flags := b.PersistentFlags()
	f.add(flags)
	flags.BoolVar(&f.json, "json", false, "print JSON")
	b.AddCommand(p.brakeStatus(&f),
		p.brakeDecide(&f, decision{"release", "released", "Do what is held, now and before all other work",
			"Does what is held for these people, now and before all other work. It is not counted, and a newer wish of theirs is judged\nanew. --all takes everybody who is held now."}),
		p.brakeDecide(&f, decision{"discard", "discarded", "Give up what is held: the CMS stays as it is",
			"Gives up what is held for these people: their wish becomes what the CMS has, and the CMS stays as it is until the identity\nprovider writes that person again. --all takes everybody who is held now."}))
	return b
}

// brakeState is the brake as the admin API tells of it.
type brakeState struct {
	Held   int64        `json:"held"`
	Counts []brakeCount `json:"counts"`
}

type brakeCount struct {
	Takes   string `json:"takes"`
	People  int    `json:"people"`
	Allowed int    `json:"allowed"`
	Base    int    `json:"base"`
}

func (p program) brakeStatus(f *queueFlags) *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use:   "status",
		Short: "Show what was counted, how many pass, and who is held why",
		Args:  noArgs,
		RunE: p.queueRun(f, func(ctx context.Context, o *operator, out printer) error {
			var state brakeState
			if err := o.call(ctx, http.MethodGet, "/brake", nil, &state); err != nil {
				return err
			}
			entries, more, err := o.list(ctx, listFilter{state: "held", limit: limit})
			if err != nil {
				return err
			}
			return out.brake(o.project, state, entries, more)
		}),
	}
	c.Flags().IntVar(&limit, "limit", 100, "people at most; 0 = all")
	return c
}

// decision is what an operator can do with what is held.
type decision struct{ verb, done, short, long string }

func (p program) brakeDecide(f *queueFlags, d decision) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use:   d.verb + " {KEY… | --all}",
		Short: d.short,
		Long:  d.long,
		Args: usage(func(_ *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return errors.New("name the keys, or --all")
			}
			return nil
		}),
		RunE: func(cmd *cobra.Command, keys []string) error {
			return p.queueRun(f, func(ctx context.Context, o *operator, out printer) error {
				n, err := o.decide(ctx, d, keys)
				if err != nil {
					return err
				}
				if err := out.result(map[string]any{d.done: n}, fmt.Sprintf("%s %d %s", d.done, n, plural(n, "key", "keys"))); err != nil {
					return err
				}
				if n < len(keys) {
					return fmt.Errorf("%d of %d keys were not %s: the brake does not hold them", len(keys)-n, len(keys), d.done)
				}
				return nil
			})(cmd, keys)
		},
	}
	c.Flags().BoolVar(&all, "all", false, "everybody who is held")
	return c
}

// decide releases or discards keys, or all that are held.
func (o *operator) decide(ctx context.Context, d decision, keys []string) (int, error) {
	ask := map[string]any{"keys": keys}
	if len(keys) == 0 {
		ask = map[string]any{"all": true}
	}
	answer := map[string]int{}
	err := o.call(ctx, http.MethodPost, "/brake/"+d.verb, ask, &answer)
	return answer[d.done], err
}

// brake prints what the brake has counted and holds.
func (p printer) brake(project string, state brakeState, entries []admin.Entry, more bool) error {
	if p.json {
		if entries == nil {
			entries = []admin.Entry{}
		}
		return p.encode(map[string]any{"project": project, "held": state.Held, "counts": state.Counts, "entries": entries, "more": more})
	}
	if err := p.entries(entries, more); err != nil {
		return err
	}
	for _, c := range state.Counts {
		if _, err := fmt.Fprintf(p.w, "%s: %d %s lost their %s in the window, %d may; %d had access at its start\n",
			project, c.People, plural(c.People, "person", "people"), c.Takes, c.Allowed, c.Base); err != nil {
			return err
		}
	}
	if len(state.Counts) == 0 {
		_, _ = fmt.Fprintf(p.w, "%s: the brake never holds (brake.percent is 100)\n", project)
	}
	_, err := fmt.Fprintf(p.w, "%s: %d held\n", project, state.Held)
	return err
}
