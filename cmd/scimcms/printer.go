package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/scimcms/scimcms/proxy/admin"
	"github.com/scimcms/scimcms/queue"
)

// printer writes what an operator asked for, for people or as JSON.
type printer struct {
	w    io.Writer
	json bool
}

func (p printer) encode(v any) error {
	e := json.NewEncoder(p.w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// result prints what became of a request.
func (p printer) result(v any, text string) error {
	if p.json {
		return p.encode(v)
	}
	_, err := fmt.Fprintln(p.w, text)
	return err
}

// list prints a table of keys and what stands in the way of all of them.
func (p printer) list(project projectState, entries []admin.Entry, more bool) error {
	if p.json {
		if entries == nil {
			entries = []admin.Entry{}
		}
		return p.encode(map[string]any{"project": project.Name, "queue": project.Queue, "entries": entries, "more": more})
	}
	if err := p.entries(entries, more); err != nil {
		return err
	}
	_, err := fmt.Fprintln(p.w, project.summary())
	return err
}

// entries prints a table of keys.
func (p printer) entries(entries []admin.Entry, more bool) error {
	t := tabwriter.NewWriter(p.w, 0, 0, 2, ' ', 0)
	if len(entries) > 0 {
		_, _ = fmt.Fprintln(t, "KEY\tSTATE\tLANE\tATTEMPTS\tSINCE\tDUE\tCODE\tREASON")
	}
	for _, e := range entries {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n",
			oneLine(e.Key), e.State, orDash(string(e.Lane)), e.Attempts, moment(e.Since), moment(e.Due), orDash(e.Code), orDash(oneLine(e.Reason)))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if more {
		_, _ = fmt.Fprintln(p.w, "… and more: --limit 0 lists all")
	}
	return nil
}

// summary is the queue of a project in a line, and a line for each thing that stops it.
func (p projectState) summary() string {
	q := p.Queue
	if q == nil {
		return p.Name + ": " + p.Error
	}
	var queued int64
	var lanes []string
	for _, lane := range queue.Lanes() {
		n := q.Depth[string(lane)]
		queued += n
		lanes = append(lanes, fmt.Sprintf("%s %d", lane, n))
	}
	text := fmt.Sprintf("%s: %d queued (%s), %d leased, %d parked, %d held", p.Name, queued, strings.Join(lanes, ", "), q.Leased, q.Parked, q.Held)
	if q.OldestAgeSeconds > 0 {
		text += fmt.Sprintf("; the oldest waits for %s", time.Duration(q.OldestAgeSeconds*float64(time.Second)).Round(time.Second))
	}
	if q.ETASeconds >= 1 {
		text += fmt.Sprintf("; worked off in about %s", time.Duration(q.ETASeconds*float64(time.Second)).Round(time.Second))
	}
	var codes strings.Builder
	for _, code := range slices.Sorted(maps.Keys(q.ParkedByCode)) {
		_, _ = fmt.Fprintf(&codes, "\nparked with %s: %d", oneLine(code), q.ParkedByCode[code])
	}
	text += codes.String()
	if q.Paused {
		text += "\npaused: nothing is synced until scimcms queue resume"
	}
	if q.DryRun {
		text += "\ndry run: nothing is sent to the CMS; scimcms plan tells what would be"
	}
	if q.Circuit != "" {
		text += "\nstopped: " + oneLine(q.Circuit)
	}
	return text
}

// entry prints one key.
func (p printer) entry(e admin.Entry) error {
	if p.json {
		return p.encode(e)
	}
	t := tabwriter.NewWriter(p.w, 0, 0, 2, ' ', 0)
	for _, row := range []struct{ name, value string }{
		{"key", oneLine(e.Key)},
		{"state", string(e.State)},
		{"lane", string(e.Lane)},
		{"attempts", fmt.Sprint(e.Attempts)},
		{"since", moment(e.Since)},
		{"due", moment(e.Due)},
		{"leased until", moment(e.LeasedUntil)},
		{"parked", moment(e.Parked)},
		{"held", moment(e.Held)},
		{"code", e.Code},
		{"reason", oneLine(e.Reason)},
		{"open call", openCall(e.IntentOpen)},
	} {
		if row.value != "" && row.value != none {
			_, _ = fmt.Fprintf(t, "%s\t%s\n", row.name, row.value)
		}
	}
	if len(e.History) > 0 {
		_, _ = fmt.Fprintln(t, "\nAT\tRESULT\tATTEMPT\tCALL\tCODE\tREASON")
	}
	for _, a := range e.History {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\n", moment(a.At), a.Result, a.Attempts, orDash(a.Call), orDash(oneLine(a.Code)), orDash(oneLine(a.Reason)))
	}
	return t.Flush()
}

func openCall(open bool) string {
	if !open {
		return ""
	}
	return "the outcome of its last call is not known: the CMS is read before anything is written"
}

// none stands for a value that is not there.
const none = "-"

func orDash(text string) string {
	if text == "" {
		return none
	}
	return text
}

func moment(t *time.Time) string {
	if t == nil {
		return none
	}
	return t.UTC().Format(time.RFC3339)
}

// oneLine keeps what another program said from moving the cursor.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}
