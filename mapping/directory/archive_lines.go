package directory

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
)

// lineReader reads lines of JSON, counts and sums them.
type lineReader struct {
	lines int64
	scan  *bufio.Scanner
	sum   hash.Hash
}

// longestLine bounds what one line may take of memory. A part has at most a thousand elements of a few KB.
const longestLine = 64 << 20

func newLineReader(r io.Reader, most int) *lineReader {
	if most <= 0 {
		most = longestLine
	}
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 64<<10), most)
	return &lineReader{scan: s, sum: sha256.New()}
}

// line gives the next line.
func (l *lineReader) line() ([]byte, error) {
	if !l.scan.Scan() {
		if err := l.scan.Err(); err != nil {
			return nil, fmt.Errorf("read the backup: %w", err)
		}
		return nil, errors.New("the backup is cut off: its last line is missing")
	}
	l.lines++
	return l.scan.Bytes(), nil
}

func (l *lineReader) note(line []byte) {
	l.sum.Write(line) // never fails
	l.sum.Write([]byte("\n"))
}

// read decodes the next line into v.
func (l *lineReader) read(v any) error {
	line, err := l.line()
	if err != nil {
		return err
	}
	l.note(line)
	if err := json.Unmarshal(line, v); err != nil {
		return fmt.Errorf("line %d: this is no backup of scimcms: %w", l.lines, err)
	}
	return nil
}

// next decodes the next line of a key, or the trailer, which it checks.
func (l *lineReader) next(v *archived) (end trailer, err error) {
	line, err := l.line()
	if err != nil {
		return end, err
	}
	if strings.HasPrefix(string(line[:min(len(line), 7)]), `{"end":`) {
		if err := json.Unmarshal(line, &end); err != nil || !end.End {
			return end, fmt.Errorf("line %d: no end of a backup", l.lines)
		}
		if end.Lines != l.lines-1 || end.SHA256 != hex.EncodeToString(l.sum.Sum(nil)) {
			return end, errors.New("the backup was changed: its sum is another")
		}
		if l.scan.Scan() {
			return end, errors.New("the backup goes on behind its end")
		}
		return end, nil
	}
	l.note(line)
	if err := json.Unmarshal(line, v); err != nil {
		return end, fmt.Errorf("line %d: %w", l.lines, err)
	}
	return end, nil
}
