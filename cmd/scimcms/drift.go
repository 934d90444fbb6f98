package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func (p program) driftCommand() *cobra.Command {
	var f queueFlags
	d := &cobra.Command{
		Use:   "drift",
		Short: "Show what was changed by hand in the CMS, let it be repaired",
		Long: "Drift is a difference between what the identity provider wishes and what somebody made of it in the CMS by hand. It works on\n" +
			"the Redis of a configuration, or through the admin listener of a running proxy (--admin-url).",
		Args: onlyCommands,
		RunE: help,
	}
	flags := d.PersistentFlags()
	f.add(flags)
	flags.BoolVar(&f.json, "json", false, "print JSON")
	d.AddCommand(p.driftList(&f), p.driftConfirm(&f), p.driftDismiss(&f))
	return d
}

// driftState is the drift of a project as the admin API tells of it.
type driftState struct {
	Mode         string      `json:"mode"`
	Repairing    bool        `json:"repairing"`
	NeedsConfirm bool        `json:"needs_confirm,omitempty"`
	Reviewed     *time.Time  `json:"reviewed,omitempty"`
	Items        []driftItem `json:"items"`
}

type driftItem struct {
	Kind       string     `json:"kind"`
	Key        string     `json:"key"`
	Name       string     `json:"name,omitempty"`
	CMSID      string     `json:"cms_id,omitempty"`
	Wished     string     `json:"wished,omitempty"`
	Observed   string     `json:"observed,omitempty"`
	Since      *time.Time `json:"since,omitempty"`
	Repaired   bool       `json:"repaired,omitempty"`
	Candidates []string   `json:"candidates,omitempty"`
}

func (p program) driftList(f *queueFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "ls",
		Short: "List what was changed by hand in the CMS",
		Args:  noArgs,
		RunE: p.queueRun(f, func(ctx context.Context, o *operator, out printer) error {
			var state driftState
			if err := o.call(ctx, http.MethodGet, "/drift", nil, &state); err != nil {
				return err
			}
			return out.drift(o.project, state)
		}),
	}
}

func (p program) driftConfirm(f *queueFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "confirm",
		Short: "Let a new record repair drift: the identity provider has pushed everybody and every group",
		Args:  noArgs,
		RunE: p.queueRun(f, func(ctx context.Context, o *operator, out printer) error {
			if err := o.call(ctx, http.MethodPost, "/drift/confirm", nil, nil); err != nil {
				return err
			}
			return out.result(map[string]any{"confirmed": true}, "confirmed "+o.project+": drift is repaired where drift: repair is configured")
		}),
	}
}

func (p program) driftDismiss(f *queueFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "dismiss USER",
		Short: "No longer report the candidates of a leaver whose invitation vanished",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.queueRun(f, func(ctx context.Context, o *operator, out printer) error {
				if err := o.call(ctx, http.MethodPost, "/drift/dismiss", map[string]any{"user": args[0]}, nil); err != nil {
					return err
				}
				return out.result(map[string]any{"dismissed": true}, "dismissed "+args[0])
			})(cmd, args)
		},
	}
}

func (p program) linkCommand() *cobra.Command {
	var f queueFlags
	link := &cobra.Command{
		Use:   "link USER CMS-ID",
		Short: "Bind a user whose invitation vanished to a collaborator",
		Long: "Binds a user whose invitation was accepted with another account to that collaborator: USER is an id, userName or e-mail,\n" +
			"CMS-ID the id of the collaborator in the CMS (scimcms drift ls names candidates). Accounts of other users and protected\n" +
			"ones are refused. A leaver who is linked loses their access.",
		Args: usage(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.queueRun(&f, func(ctx context.Context, o *operator, out printer) error {
				ask := map[string]any{"user": args[0], "cms_id": args[1]}
				if err := o.call(ctx, http.MethodPost, "/link", ask, nil); err != nil {
					return err
				}
				return out.result(map[string]any{"linked": true}, "linked "+args[0]+" to "+args[1])
			})(cmd, args)
		},
	}
	f.add(link.Flags())
	link.Flags().BoolVar(&f.json, "json", false, "print JSON")
	return link
}

// drift prints a table of what was changed by hand.
func (p printer) drift(project string, state driftState) error {
	if p.json {
		return p.encode(state)
	}
	t := tabwriter.NewWriter(p.w, 0, 0, 2, ' ', 0)
	if len(state.Items) > 0 {
		_, _ = fmt.Fprintln(t, "KIND\tKEY\tNAME\tCMS ID\tWISHED\tIN THE CMS\tSINCE\tNOTE")
	}
	for _, i := range state.Items {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", i.Kind, oneLine(i.Key), orDash(oneLine(i.Name)), orDash(i.CMSID), orDash(oneLine(i.Wished)),
			orDash(oneLine(i.Observed)), moment(i.Since), orDash(i.note()))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	text := fmt.Sprintf("%s: %d %s, mode %s", project, len(state.Items), plural(len(state.Items), "difference", "differences"), state.Mode)
	if state.Reviewed == nil {
		text += "; nothing has been imported yet"
	}
	if state.NeedsConfirm {
		text += "\nnothing is repaired until scimcms drift confirm: the record was begun when the CMS had people already"
	}
	_, err := fmt.Fprintln(p.w, text)
	return err
}

func (i driftItem) note() string {
	switch {
	case len(i.Candidates) > 0:
		return "candidates: " + strings.Join(i.Candidates, ", ")
	case i.Repaired:
		return "repair queued"
	}
	return ""
}
