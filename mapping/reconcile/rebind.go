package reconcile

import (
	"context"
	"errors"
	"fmt"
)

// errForeign means that the record in Redis is of another CMS project than the picture would be.
var errForeign = errors.New("the record belongs to another CMS project")

// rebind compares the record with the CMS project that this process has bound, before a picture changes anything: Redis may
// have lost the record, or been given that of another project, under a running process. A new record is tied to the project.
func (e *Engine) rebind(ctx context.Context) error {
	site := e.binding.bound()
	if site == "" {
		return nil
	}
	bound, err := e.dir.Bind(ctx, site)
	if err != nil {
		return err
	}
	if bound != site {
		e.binding.refuse(foreign(bound, site))
		e.log.ErrorContext(ctx, "project not bound any more", "project", e.o.Project, "record", bound, "token", site)
		return errForeign
	}
	return nil
}

// foreign is what an operator reads about a record of another CMS project.
func foreign(record, token string) string {
	return fmt.Sprintf("the record in Redis belongs to CMS project %s, but the token opens project %s: give this project its own name or redis.prefix", record, token)
}
