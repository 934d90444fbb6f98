package queuetest

import (
	"strings"
	"testing"
)

func TestStart_AServerThatEndsIsToldAtOnce(t *testing.T) {
	t.Parallel()
	p, err := startProcess([]string{"--no-such-setting", "x"})
	if err == nil {
		p.kill()
		t.Fatal("started with a setting that does not exist")
	}
	if !strings.Contains(err.Error(), "redis-server has ended") {
		t.Error(err)
	}
}
