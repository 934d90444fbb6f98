package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// queueFlags are those that every sub-command of queue has.
type queueFlags struct {
	operatorFlags
	json bool
}

func (p program) queueCommand() *cobra.Command {
	var f queueFlags
	q := &cobra.Command{
		Use:   "queue",
		Short: "Show the work queue, replay and drop keys, pause and resume",
		Long: "Shows what is queued, leased, parked and held in a project, and does what an operator may do about it. A key is what the\n" +
			"queue holds: user/ID or group/ID. It works on the Redis of a configuration, or through the admin listener of a\n" +
			"running proxy (--admin-url).",
		Args: onlyCommands,
		RunE: help,
	}
	flags := q.PersistentFlags()
	f.add(flags)
	flags.BoolVar(&f.json, "json", false, "print JSON")
	q.AddCommand(p.queueList(&f), p.queueShow(&f), p.queueReplay(&f), p.queueDrop(&f), p.queuePause(&f, true), p.queuePause(&f, false))
	return q
}

// queueRun makes a command's function of one that is given the project and where to print.
func (p program) queueRun(f *queueFlags, run func(context.Context, *operator, printer) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		o, err := p.operator(cmd.Context(), f.operatorFlags)
		if err != nil {
			return err
		}
		defer o.close()
		return run(cmd.Context(), o, printer{w: p.stdout, json: f.json})
	}
}

func (p program) queueList(f *queueFlags) *cobra.Command {
	var filter listFilter
	ls := &cobra.Command{
		Use:   "ls",
		Short: "List what is leased, queued, parked and held",
		Args:  noArgs,
		RunE: p.queueRun(f, func(ctx context.Context, o *operator, out printer) error {
			project, err := o.find(ctx)
			if err != nil {
				return err
			}
			entries, more, err := o.list(ctx, filter)
			if err != nil {
				return err
			}
			return out.list(project, entries, more)
		}),
	}
	ls.Flags().StringVar(&filter.state, "state", "", "only queued, leased, parked or held keys")
	ls.Flags().StringVar(&filter.lane, "lane", "", "only queued keys of this lane: leavers, interactive, normal or background")
	ls.Flags().StringVar(&filter.code, "code", "", "only keys that are parked with this code")
	ls.Flags().IntVar(&filter.limit, "limit", 100, "keys at most; 0 = all")
	return ls
}

func (p program) queueShow(f *queueFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "show KEY",
		Short: "Show one key: state, attempts, last error, and how its last attempts ended",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.queueRun(f, func(ctx context.Context, o *operator, out printer) error {
				e, err := o.show(ctx, args[0])
				if err != nil {
					return err
				}
				return out.entry(e)
			})(cmd, args)
		},
	}
}

func (p program) queueReplay(f *queueFlags) *cobra.Command {
	var all bool
	var code string
	replay := &cobra.Command{
		Use:   "replay {KEY… | --code CODE | --all}",
		Short: "Make keys due now, their attempts counted anew",
		Long: "Makes keys due now with their attempts counted anew; --all takes every parked key, --code those that are parked with one\n" +
			"code. A replay syncs the newest wish: it can undo nothing that is newer.",
		Args: usage(func(_ *cobra.Command, args []string) error {
			given := 0
			for _, g := range []bool{all, code != "", len(args) > 0} {
				if g {
					given++
				}
			}
			if given != 1 {
				return errors.New("name the keys to replay, or --code, or --all")
			}
			return nil
		}),
		RunE: func(cmd *cobra.Command, keys []string) error {
			return p.queueRun(f, func(ctx context.Context, o *operator, out printer) error {
				n, err := o.replay(ctx, keys, code)
				if err != nil {
					return err
				}
				if err := out.result(map[string]any{"replayed": n}, fmt.Sprintf("replayed %d %s", n, plural(n, "key", "keys"))); err != nil {
					return err
				}
				if n < len(keys) {
					return fmt.Errorf("%d of %d keys were not replayed: they are being worked on, or the queue does not know them", len(keys)-n, len(keys))
				}
				return nil
			})(cmd, keys)
		},
	}
	replay.Flags().StringVar(&code, "code", "", "every key that is parked with this code")
	replay.Flags().BoolVar(&all, "all", false, "every parked key")
	return replay
}

func (p program) queueDrop(f *queueFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "drop KEY",
		Short: "Take a key out of the queue",
		Long: "Takes a key out of the queue. The CMS stays as it is until the identity provider writes that person or group again:\n" +
			"drop what will never be agreed, and nobody who has to leave.",
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.queueRun(f, func(ctx context.Context, o *operator, out printer) error {
				if err := o.drop(ctx, args[0]); err != nil {
					return err
				}
				return out.result(map[string]any{"dropped": true}, "dropped "+args[0])
			})(cmd, args)
		},
	}
}

func (p program) queuePause(f *queueFlags, paused bool) *cobra.Command {
	c := &cobra.Command{Use: "resume", Short: "Go on syncing", Args: noArgs}
	if paused {
		c.Use, c.Short = "pause", "Stop syncing: writes are accepted and kept, leavers included"
	}
	c.RunE = p.queueRun(f, func(ctx context.Context, o *operator, out printer) error {
		if err := o.pause(ctx, paused); err != nil {
			return err
		}
		return out.result(map[string]any{"paused": paused}, c.Name()+"d "+o.project)
	})
	return c
}
