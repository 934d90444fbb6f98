//go:build unix

package queuetest

import (
	"os/exec"
	"syscall"
)

// detach gives cmd a process group of its own, so that a signal to the test's group (Ctrl-C, a CI's timeout) leaves the
// guard alive to clean up.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
