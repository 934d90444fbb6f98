package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// stdio stands for standard output or input in --out and --in.
const stdio = "-"

// archiveFlags are those of backup and restore.
type archiveFlags struct {
	config, project, file string
	restore               directory.RestoreOptions
}

func (p program) backupCommand() *cobra.Command {
	var f archiveFlags
	c := &cobra.Command{
		Use:   "backup --out FILE",
		Short: "Write the whole record of a project to a file",
		Long: "Writes everything that Redis has of a project, as it is at one moment, as lines of JSON. While it runs, writes of that\n" +
			"project are answered 503 and its syncs wait. The file has personal data, and no secrets.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.backup(cmd.Context(), f) },
	}
	f.add(c)
	c.Flags().StringVar(&f.file, "out", "", "file to write, or - for standard output")
	return c
}

func (p program) restoreCommand() *cobra.Command {
	var f archiveFlags
	c := &cobra.Command{
		Use:   "restore --in FILE",
		Short: "Make a project what a backup holds",
		Long: "Makes a project what a backup holds, under its own name or another. The backup is read and checked as a whole before\n" +
			"anything is replaced; until the end nothing half is served. Broken off, it is repaired by doing it again. Afterwards the\n" +
			"CMS is read before anything is changed there.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.restoreRecord(cmd.Context(), f) },
	}
	f.add(c)
	flags := c.Flags()
	flags.StringVar(&f.file, "in", "", "file to read, or - for standard input")
	flags.BoolVar(&f.restore.Replace, "replace", false, "replace a record that is there")
	flags.BoolVar(&f.restore.AnySite, "another-site", false, "take the backup of another CMS project, too")
	flags.BoolVar(&f.restore.Paused, "paused", false, "leave the queue paused, to look at it before it goes on")
	return c
}

func (f *archiveFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.config, "config", defaultConfig, "configuration file")
	c.Flags().StringVar(&f.project, "project", "", "project; needed where there are several")
}

// archive finds the project that is meant and opens its Redis. Its stop must be called.
func (p program) archive(f archiveFlags, flag string) (a *directory.Archive, project *ProjectConfig, stop func(), err error) {
	if f.file == "" {
		return nil, nil, nil, fmt.Errorf("%s FILE is needed, or %s -", flag, flag)
	}
	c, _, err := LoadConfig(f.config, p.environ)
	if err != nil {
		return nil, nil, nil, err
	}
	var names []string
	for i := range c.Projects {
		names = append(names, c.Projects[i].Name)
		if c.Projects[i].Name == f.project || f.project == "" && len(c.Projects) == 1 {
			project = &c.Projects[i]
		}
	}
	if project == nil {
		return nil, nil, nil, fmt.Errorf("choose one with --project: %s", strings.Join(names, ", "))
	}
	rdb, err := queue.Open(c.Redis.URL.Value())
	if err != nil {
		return nil, nil, nil, err
	}
	return directory.NewArchive(rdb, c.Redis.Prefix, project.Name), project, func() { _ = rdb.Close() }, nil
}

func (p program) backup(ctx context.Context, f archiveFlags) error {
	a, project, stop, err := p.archive(f, "--out")
	if err != nil {
		return err
	}
	defer stop()
	var s directory.ArchiveSummary
	write := func(w io.Writer) error {
		out := bufio.NewWriterSize(w, 1<<20)
		var err error
		s, err = a.Backup(ctx, out, time.Now())
		return errors.Join(err, out.Flush())
	}
	if f.file == stdio {
		err = write(p.stdout)
	} else {
		err = replaceFile(f.file, write)
	}
	if err != nil {
		return fmt.Errorf("backup of %s: %w", project.Name, err)
	}
	_, err = fmt.Fprintf(p.stderr, "backed up %s: %s\n", project.Name, inventory(s))
	return err
}

// replaceFile writes a file that only its owner reads, and gives it its name when it is whole and on the disk.
func replaceFile(name string, write func(io.Writer) error) error {
	t, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".part-*") // 0600
	if err != nil {
		return err
	}
	err = errors.Join(write(t), t.Sync(), t.Close())
	if err == nil {
		err = os.Rename(t.Name(), name)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(t.Name()))
	}
	return err
}

func (p program) restoreRecord(ctx context.Context, f archiveFlags) error {
	a, project, stop, err := p.archive(f, "--in")
	if err != nil {
		return err
	}
	defer stop()
	f.restore.Site = p.siteOf(ctx, project)
	in := io.Reader(os.Stdin)
	if f.file != stdio {
		file, err := os.Open(f.file)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	s, err := a.Restore(ctx, in, f.restore)
	if errors.Is(err, directory.ErrNotEmpty) {
		return fmt.Errorf("%s has a record already: --replace gives it up for the backup's", project.Name)
	}
	if err != nil {
		return fmt.Errorf("restore of %s: %w", project.Name, err)
	}
	_, err = fmt.Fprintf(p.stderr, "restored %s, as of %s: %s\n", project.Name, s.When.Format(time.RFC3339), inventory(s))
	return err
}

// siteOf asks the CMS which project the token opens. Where it does not answer, serve finds out before it syncs anything.
func (p program) siteOf(ctx context.Context, project *ProjectConfig) string {
	ctx, cancel := context.WithTimeout(ctx, cmsWithin)
	defer cancel()
	cms, err := cmsclient.New(cmsclient.Options{
		BaseURL: project.CMS.BaseURL, Token: project.CMS.Token.Value(), Environment: project.CMS.Environment, Version: buildVersion(),
		Timeout: project.CMS.Timeout,
	})
	if err == nil {
		defer cms.CloseIdle()
		site, asked := cms.Site(ctx)
		if asked == nil {
			return site.ID
		}
		err = asked
	}
	_, _ = fmt.Fprintf(p.stderr, "warning: the CMS does not say which project its token opens (%s): serve will compare\n", err)
	return ""
}

func inventory(s directory.ArchiveSummary) string {
	c := s.Counts
	return fmt.Sprintf("%d users, %d groups, %d queued, %d parked, %d held, %d audit entries, %d keys",
		c.Users, c.Groups, c.Queued, c.Parked, c.Held, c.Audit, s.Keys)
}
