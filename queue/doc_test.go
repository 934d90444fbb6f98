package queue

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestDoc_EveryPromiseNamesATestThatExists(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("doc.go")
	ok(t, err)
	files, err := filepath.Glob("*_test.go")
	ok(t, err)
	var tests strings.Builder
	for _, name := range files {
		src, err := os.ReadFile(name)
		ok(t, err)
		tests.Write(src)
	}
	named := regexp.MustCompile(`\bTest\w+`).FindAllString(string(doc), -1)
	if len(named) < 25 {
		t.Fatalf("only %d tests are named", len(named))
	}
	for _, name := range named {
		if !strings.Contains(tests.String(), "func "+name+"(t *testing.T)") {
			t.Errorf("doc.go names %s, which does not exist", name)
		}
	}
}
