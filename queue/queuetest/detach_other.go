//go:build !unix

package queuetest

import "os/exec"

// detach does nothing where there are no process groups; redis-server does not run there either.
func detach(*exec.Cmd) {}
