package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/proxy/admin"
)

func (p program) planCommand() *cobra.Command {
	var f queueFlags
	var summary bool
	c := &cobra.Command{
		Use:   "plan",
		Short: "Show every call that would be made to the CMS, and make none",
		Long: "Tells for everybody who does not agree with the CMS which calls a sync would make, as far as the record tells, what the brake\n" +
			"would hold, and what is parked why. Rules are those of the configuration: with one that is not in force yet it shows what\n" +
			"it would change, people who lose a role included. It calls nothing and writes nothing. It works on the Redis of a\n" +
			"configuration, or through the admin listener of a running proxy (--admin-url), by the rules which that has.",
		Args: noArgs,
		RunE: p.queueRun(&f, func(ctx context.Context, o *operator, out printer) error {
			return o.plan(ctx, func(line admin.PlanLine, raw []byte) error { return out.planLine(line, raw, summary) })
		}),
	}
	f.add(c.Flags())
	c.Flags().BoolVar(&f.json, "json", false, "print JSON, a line for each key and one for the summary")
	c.Flags().BoolVar(&summary, "summary", false, "print the summary only")
	return c
}

// maxPlanLine bounds a line of a plan.
const maxPlanLine = 1 << 20

// plan gives the plan line by line as it comes. One that breaks off is an error.
func (o *operator) plan(ctx context.Context, fn func(admin.PlanLine, []byte) error) error {
	body, err := o.open(ctx, http.MethodPost, "/plan")
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, maxPlanLine)
	for lines.Scan() {
		var line admin.PlanLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return fmt.Errorf("%s does not answer as the admin listener does", o.base)
		}
		if line.Error != "" {
			return errors.New(line.Error)
		}
		if err := fn(line, lines.Bytes()); err != nil || line.Summary != nil {
			return err
		}
	}
	return errors.Join(fmt.Errorf("the plan of %s broke off", o.base), lines.Err())
}

func (p printer) planLine(line admin.PlanLine, raw []byte, summary bool) error {
	var err error
	switch {
	case line.Item != nil && summary:
	case p.json:
		_, err = fmt.Fprintf(p.w, "%s\n", raw)
	case line.Item != nil:
		err = p.planItem(*line.Item)
	case line.Summary != nil:
		_, err = fmt.Fprint(p.w, planText(*line.Summary))
	}
	return err
}

func (p printer) planItem(i admin.PlanItem) error {
	head := oneLine(i.Key) + " " + oneLine(i.Name)
	if i.Status == directory.Failed || i.Status == directory.Held {
		head += " (" + string(i.Status) + ": not called until an operator acts)"
	}
	lines := []string{head}
	for _, call := range i.Calls {
		lines = append(lines, "  "+oneLine(call))
	}
	for _, t := range i.Takes {
		lines = append(lines, "  takes: "+string(t))
	}
	if i.Code != "" {
		lines = append(lines, "  "+oneLine(i.Code)+": "+oneLine(i.Reason))
	}
	_, err := fmt.Fprintln(p.w, strings.Join(lines, "\n"))
	return err
}

// planText is the summary of a plan, a fact a line.
func planText(s admin.Plan) string {
	var b strings.Builder
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(&b, s.Project+": "+format+"\n", args...) }
	if s.DryRun {
		say("dry run: none of this is sent")
	}
	if !s.RulesInForce {
		say("by rules that are not in force")
	}
	if !s.RolesKnown {
		say("the roles of the CMS have not been read yet: nobody's role can be decided")
	}
	say("%d calls for %d keys, of %d people and %d groups%s", s.Total, s.Keys, s.People, s.Groups, kindsText(s.Calls))
	for _, w := range planBrakes(s) {
		say("%s", w)
	}
	for _, code := range slices.Sorted(maps.Keys(s.Waiting)) {
		say("without the role that is wished, %s: %d", oneLine(code), s.Waiting[code])
	}
	for _, code := range slices.Sorted(maps.Keys(s.Parked)) {
		say("parked with %s: %d", oneLine(code), s.Parked[code])
	}
	if s.Held > 0 {
		say("held by the brake: %d", s.Held)
	}
	if s.Stopped != "" {
		say("the CMS takes no invitations at the moment: %s", oneLine(s.Stopped))
	}
	if s.ETASeconds >= 1 {
		say("at the CMS's pace about %s", time.Duration(s.ETASeconds*float64(time.Second)).Round(time.Second))
	}
	return b.String()
}

// kindsText names the calls by kind, those that there are.
func kindsText(calls map[mapping.CallKind]int) string {
	var parts []string
	for _, kind := range mapping.CallKinds() {
		if n := calls[kind]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", kind, n))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

func planBrakes(s admin.Plan) (lines []string) {
	for _, b := range s.Brake {
		if b.Planned == 0 {
			continue
		}
		lines = append(lines, fmt.Sprintf("%d %s would lose their %s; %d are counted already and %d may: the brake would hold %d",
			b.Planned, plural(b.Planned, "person", "people"), b.Takes, b.Counted, b.Allowed, b.Held))
	}
	return lines
}
