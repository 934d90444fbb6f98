package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/scimcms/scimcms/proxy/admin"
	"github.com/scimcms/scimcms/queue"
)

func (p program) explainCommand() *cobra.Command {
	var f queueFlags
	c := &cobra.Command{
		Use:   "explain USER",
		Short: "Explain how a user stands: wished, agreed, in the CMS, and why",
		Long: "Tells of a user, named by id, userName or address: what is wished, what was agreed on last, what the CMS was last seen to\n" +
			"have, which rule or group decides the role and which rules do not match, what would be called next, and what waits why.\n" +
			"It makes no calls to the CMS. It works on the Redis of a configuration, or through the admin listener (--admin-url).",
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.queueRun(&f, func(ctx context.Context, o *operator, out printer) error {
				var x admin.Explanation
				if err := o.call(ctx, http.MethodPost, "/explain", map[string]any{"user": args[0]}, &x); err != nil {
					return err
				}
				return out.explained(x)
			})(cmd, args)
		},
	}
	f.add(c.Flags())
	c.Flags().BoolVar(&f.json, "json", false, "print JSON")
	return c
}

func (p printer) explained(x admin.Explanation) error {
	if p.json {
		return p.encode(x)
	}
	name := x.UserName
	if name == "" {
		name = "(" + x.State + ")"
	}
	lines := []string{"user/" + x.ID + " " + name, "status:   " + strings.TrimRight(x.Status+" "+x.Code, " ")}
	if len(x.Groups) > 0 {
		lines = append(lines, "groups:   "+strings.Join(x.Groups, ", "))
	}
	lines = append(lines, x.Lines...)
	lines = append(lines, "queue:    "+queueWords(x.Queue))
	for _, line := range lines {
		if _, err := fmt.Fprintln(p.w, oneLine(line)); err != nil {
			return err
		}
	}
	return nil
}

// queueWords say how a key stands in the queue.
func queueWords(e admin.Entry) string {
	if e.State == queue.Idle {
		return "nothing waits"
	}
	text := string(e.State)
	if e.Due != nil {
		text += ", due " + moment(e.Due)
	}
	if e.Attempts > 0 {
		text += fmt.Sprintf(", %d %s", e.Attempts, plural(e.Attempts, "attempt", "attempts"))
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	if e.IntentOpen {
		text += "; " + openCall(true)
	}
	return text
}
